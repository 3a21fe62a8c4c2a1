//! The parsed file in, the resolved lab out: names become references, defaults are filled in, contents are gathered.
//!
//! What can't be resolved is left out and said, so that the rest still shows its own faults.

mod access;
mod cluster;
mod content;
mod edges;
mod k0s;
mod moves;
mod names;
mod network;
mod node;
mod pool;
mod secret;
mod service;

use super::{Lab, SecretName, Vlan};
use crate::config::tables::VlanTable;
use crate::config::{self, Code, Diagnostic, File, Located, Place, Severity, Sources};
use crate::{rules, services};

/// What the sources say, and what is to be said about them.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The lab, if there is no error.
    pub lab: Option<Lab>,
    /// Errors and warnings of syntax, shape and rules, in the order of the files' text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads, resolves and judges a lab.
pub fn load(sources: &Sources) -> Loaded {
    let read = config::parse(sources);
    let mut diagnostics = read.faults;
    let mut lab = None;
    if let Some(file) = &read.file {
        let mut resolution = Resolver { file, sources, faults: Vec::new() };
        let mut whole = resolution.lab();
        let mut services = services::expand(&whole, file, sources);
        whole.objects = std::mem::take(&mut services.objects);
        whole.secrets.append(&mut services.secrets);
        resolution.check_edges(&whole);
        whole.moves = resolution.moves(&whole);
        diagnostics.append(&mut resolution.faults);
        diagnostics.append(&mut services.faults);
        diagnostics.extend(rules::check(&rules::Subject { lab: &whole, file, services: &services }));
        lab = Some(whole);
    }
    sort(&mut diagnostics, sources);
    let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    Loaded { lab: lab.filter(|_| !failed), diagnostics }
}

/// The root file first, then by path; each by position. A fault in the defaults is met once per node and told once.
fn sort(diagnostics: &mut Vec<Diagnostic>, sources: &Sources) {
    diagnostics.sort_by_cached_key(|diagnostic| {
        let place = diagnostic.labels.first().map(|label| &label.place);
        let key = place.map(|place| (place.file != *sources.root(), place.clone()));
        (key, diagnostic.code, diagnostic.summary.clone())
    });
    diagnostics.dedup();
}

/// The resolution under way.
struct Resolver<'a> {
    file: &'a File,
    sources: &'a Sources,
    faults: Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn lab(&mut self) -> Lab {
        let name = &self.file.lab.name;
        self.check_name(name, names::LAB);
        let clusters = self.clusters();
        let mut nodes = self.nodes();
        for cluster in clusters.values() {
            cluster.k0s.iter().for_each(|k0s| k0s::imply(&mut nodes, k0s, &cluster.place));
        }
        let lab = Lab {
            name: name.value.clone(),
            domain: self.file.lab.domain.as_ref().map(|domain| domain.value.clone()),
            vlans: self.file.vlans.iter().map(|(name, table)| (name.value.clone(), self.vlan(table))).collect(),
            nodes,
            pools: self.pools(),
            clusters,
            objects: Vec::new(),
            secrets: self.secrets(),
            moves: Vec::new(),
        };
        self.check_services();
        lab
    }

    fn vlan(&mut self, table: &VlanTable) -> Vlan {
        if !(1..=4094).contains(&table.id.value) {
            let summary = format!("{} is no VLAN id", table.id.value);
            let help = "802.1Q ids run from 1 to 4094; the untagged network of a switch usually has id 1";
            self.fault(Code::Value, summary, &table.id.place, "this id", help);
        }
        Vlan {
            id: table.id.value,
            subnet: table.subnet.value.0,
            gateway: table.gateway.as_ref().map(|gateway| gateway.value),
            reserved: table.reserved.iter().map(|(name, address)| (name.value.clone(), address.value)).collect(),
            place: table.place.clone(),
        }
    }

    /// The secret that `name` names, which must be declared.
    fn secret_name(&mut self, name: &Located<String>) -> Option<Located<SecretName>> {
        let declared = self.file.secrets.declares(name);
        if !declared {
            self.unknown(name, "secret", "secrets", &self.file.secrets.names().cloned().collect::<Vec<_>>());
        }
        declared.then(|| Located::new(SecretName(name.value.clone()), name.place.clone()))
    }

    /// The fault of a name that is declared nowhere.
    fn unknown(&mut self, name: &Located<String>, what: &str, table: &str, known: &[Located<String>]) {
        let help = match config::nearest(name, known.iter().map(|known| known.value.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare it in `[{table}.{}]`", name.value),
        };
        let summary = format!("there is no {what} `{}`", name.value);
        self.fault(Code::Reference, summary, &name.place, "declared nowhere", help);
    }

    fn fault(&mut self, code: Code, summary: impl Into<String>, place: &Place, words: &str, help: impl Into<String>) {
        self.faults.push(Diagnostic::error(code.as_str(), summary, place.clone(), words).help(help));
    }
}

#[cfg(test)]
mod tests;
