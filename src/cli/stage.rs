//! The stages that every command goes through before it talks to the lab: load, rules, lab, kinds, graph.

use std::sync::Arc;

use super::args::{Cli, Selection};
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::which_lab::{Target, WhichLab};
use crate::config::{Diagnostic, Severity, Sources};
use crate::graph::Graph;
use crate::kinds::{self, Declared};
use crate::lab::{self, Address, Lab};
use crate::local;
use crate::local::download::Cache;
use crate::plan::Options;
use crate::report::diagnostics;
use crate::transport::Access;

/// A file that can be used.
pub(super) struct Stage {
    pub(super) lab: Lab,
    pub(super) declared: Vec<Declared>,
    pub(super) graph: Graph,
    pub(super) sources: Arc<Sources>,
    /// What there is to say about it that stops nothing.
    pub(super) findings: Vec<Diagnostic>,
}

/// The file and everything that is wrong with it.
pub(super) struct Checked {
    pub(super) sources: Sources,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) lab: Option<Lab>,
}

/// Reads the file and what it names beside it.
pub(super) fn sources(cli: &Cli) -> Result<Sources, Failure> {
    let load = if cli.untrusted { local::sources::load_untrusted } else { local::sources::load };
    load(&cli.file).map_err(|error| Failure::new(Exit::Invalid, error.to_string()))
}

/// The files from elsewhere that were fetched before. Those lie outside of the current folder.
pub(super) fn cache(cli: &Cli) -> Cache {
    if cli.untrusted { Cache::none() } else { Cache::of_user() }
}

/// Reads the file and checks it, cycles included. What is pinned elsewhere is looked at where it is in the cache.
pub(super) fn check(cli: &Cli) -> Result<Checked, Failure> {
    let mut sources = sources(cli)?;
    cache(cli).fill(&mut sources);
    Ok(check_sources(sources))
}

/// Checks files that are read already.
pub(super) fn check_sources(sources: Sources) -> Checked {
    let loaded = lab::load(&sources);
    let mut diagnostics = loaded.diagnostics;
    if let Some(lab) = &loaded.lab {
        diagnostics.extend(Graph::new(&kinds::declare(lab)).cycles());
    }
    Checked { sources, diagnostics, lab: loaded.lab }
}

/// Reads the file; warnings are shown, errors end the run.
pub(super) fn stage(cli: &Cli, terminal: Terminal) -> Result<Stage, Failure> {
    of(check(cli)?, terminal)
}

/// The stage of files that were checked.
pub(super) fn of(checked: Checked, terminal: Terminal) -> Result<Stage, Failure> {
    if !checked.diagnostics.is_empty() {
        terminal.say(&diagnostics::render(
            &checked.diagnostics,
            &checked.sources,
            terminal.width,
            terminal.paint_messages.color,
        ));
    }
    let is_bad = checked.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    let Some(lab) = checked.lab.filter(|_| !is_bad) else {
        return Err(Failure::new(Exit::Invalid, String::new()));
    };
    let declared = kinds::declare(&lab);
    let graph = Graph::new(&declared);
    Ok(Stage { lab, declared, graph, sources: Arc::new(checked.sources), findings: checked.diagnostics })
}

impl Stage {
    /// The lab that was asked for.
    pub(super) fn transport(&self, which: &WhichLab, read_only: bool, terminal: Terminal) -> Result<Target, Failure> {
        let access = Access { read_only, prompt: Arc::new(local::AtTerminal::detect()) };
        Target::open(self, which, access, terminal)
    }

    /// What the plan is asked for. Addresses that name nothing in the file are a mistake, not an empty plan.
    pub(super) fn options(&self, selection: &Selection, adopt_only: bool) -> Result<Options, Failure> {
        let adopt = selection.adopt.iter().map(|text| self.adoptable(text)).collect::<Result<_, _>>()?;
        Ok(Options {
            adopt,
            adopt_only,
            targets: selection.target.clone(),
            excludes: selection.exclude.clone(),
            skip_unreachable: selection.skip_unreachable,
            today: Some(jiff::Zoned::now().date()),
        })
    }

    fn adoptable(&self, text: &str) -> Result<Address, Failure> {
        if text == "*" {
            return Ok(Address::new(Vec::<String>::new()));
        }
        let address: Address = text.parse().map_err(|error: lab::AddressError| Failure::error(error.to_string()))?;
        if self.graph.addresses().any(|known| address.covers(known)) {
            return Ok(address);
        }
        Err(Failure::error(format!("`--adopt {address}` names nothing that is declared; `labctl graph` lists what is")))
    }
}
