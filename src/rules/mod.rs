//! Findings about the file alone, each with a code and a place: what the file says can be read, and would go wrong.
//!
//! A rule is one function and one row of its family's table; `docs/reference/rules.md` is generated from those tables.

mod addresses;
mod clusters;
mod files;
mod load_balancers;
mod nodes;
mod ports;
mod services;
mod storage;
#[cfg(test)]
mod tests;
mod vlans;

use crate::config::tables::{NodeTable, PortTable};
use crate::config::{Diagnostic, File, Located, Place};
use crate::lab::Lab;
use crate::services::Expanded;

/// What a rule looks at: the resolved lab, and the tables with every value's place.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The resolved lab.
    pub lab: &'a Lab,
    /// The tables that it was resolved from.
    pub file: &'a File,
    /// What its services came to.
    pub services: &'a Expanded,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// `LAB101`, stable across versions.
    pub code: &'static str,
    /// A name in a few words, joined by hyphens.
    pub name: &'static str,
    /// One paragraph: what goes wrong, and why it is looked for.
    pub about: &'static str,
    /// The rule itself.
    pub check: fn(&Rule, &Subject<'_>) -> Vec<Diagnostic>,
}

/// A family of rules: its title and its table.
pub type Family = (&'static str, &'static [Rule]);

/// All rules.
pub const RULES: &[Family] = &[
    ("Addresses", addresses::RULES),
    ("VLANs", vlans::RULES),
    ("Ports", ports::RULES),
    ("Storage", storage::RULES),
    ("Files and units", files::RULES),
    ("Nodes", nodes::RULES),
    ("Clusters", clusters::RULES),
    ("Services", services::RULES),
    ("Load balancers", load_balancers::RULES),
];

/// The findings of all rules.
pub fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    RULES.iter().flat_map(|(_, rules)| *rules).flat_map(|rule| (rule.check)(rule, subject)).collect()
}

impl Rule {
    fn error(&self, summary: impl Into<String>, place: &Place, words: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.code, summary, place.clone(), words)
    }

    fn warning(&self, summary: impl Into<String>, place: &Place, words: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(self.code, summary, place.clone(), words)
    }
}

impl<'a> Subject<'a> {
    /// All declared ports with their nodes.
    fn ports(&self) -> impl Iterator<Item = (&'a Located<String>, &'a Located<String>, &'a PortTable)> + use<'a> {
        let file = self.file;
        file.nodes.iter().flat_map(|(node, table)| {
            let network = table.network.iter();
            network.flat_map(|network| network.ports.iter()).map(move |(port, table)| (node, port, table))
        })
    }

    /// The nodes with the place of each.
    fn nodes(&self) -> impl Iterator<Item = (&'a Located<String>, &'a NodeTable)> + use<'a> {
        let file = self.file;
        file.nodes.iter()
    }
}
