//! Findings about the file alone, each with a code and a place: what the file says can be read, and would go wrong.
//!
//! A rule is one function and one row of [`RULES`]; `docs/reference/rules.md` is generated from that table.

use crate::config::{Diagnostic, File};
use crate::lab::Lab;

/// What a rule looks at: the resolved lab, and the tables with every value's place.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The resolved lab.
    pub lab: &'a Lab,
    /// The tables that it was resolved from.
    pub file: &'a File,
}

/// One rule.
pub struct Rule {
    /// `LAB101`, stable across versions.
    pub code: &'static str,
    /// A name in a few words, joined by hyphens.
    pub name: &'static str,
    /// What the rule is about.
    pub family: Family,
    /// One paragraph: what goes wrong, and why it is looked for.
    pub about: &'static str,
    /// The rule itself.
    pub check: fn(&Rule, &Subject<'_>) -> Vec<Diagnostic>,
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Addresses, VLANs, ports.
    Network,
    /// Pools, datasets, volumes.
    Storage,
    /// Files and units.
    Files,
    /// Nodes and the way to them.
    Nodes,
}

/// All rules, by code.
pub const RULES: &[Rule] = &[];

/// The findings of all rules.
pub fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    RULES.iter().flat_map(|rule| (rule.check)(rule, subject)).collect()
}
