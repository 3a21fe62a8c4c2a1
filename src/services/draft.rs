//! What a service makes, before it is known what the other services of its cluster make.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::{Code, Diagnostic, Located, Place};
use crate::lab::{Address, SecretName, SecretSource, Slot};

/// An object that a service makes.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The object, slots empty.
    pub json: Value,
    /// Its slots, by JSON pointer.
    pub slots: BTreeMap<String, Slot>,
    /// The namespace that it gets, if its kind has namespaces and it says none.
    pub namespace: Option<String>,
    /// Where it comes from: a document of a file beside homelab.toml, or a table.
    pub place: Place,
    /// What must be there first, in words (`kind:IPAddressPool.metallb.io`); what nothing provides is a fault.
    pub needs: Vec<Located<String>>,
    /// Resources of the lab that must be as desired first.
    pub after: Vec<Located<Address>>,
    /// What it provides, beside what its own kind says, in words.
    pub provides: Vec<String>,
}

/// What one service comes to.
#[derive(Debug, Default)]
pub struct Expansion {
    /// Its objects.
    pub drafts: Vec<Draft>,
    /// What all of them but namespaces need, in words.
    pub needs: Vec<Located<String>>,
    /// What is there when all of them are, in words.
    pub provides: Vec<String>,
    /// Secrets that no `[secrets.NAME]` table names: values in files that SOPS has encrypted.
    pub secrets: BTreeMap<SecretName, SecretSource>,
    /// What is wrong.
    pub faults: Vec<Diagnostic>,
}

impl Draft {
    /// An object without slots that needs nothing.
    pub fn new(json: Value, place: Place) -> Self {
        Self {
            json,
            slots: BTreeMap::new(),
            namespace: None,
            place,
            needs: Vec::new(),
            after: Vec::new(),
            provides: Vec::new(),
        }
    }

    /// The same with a need.
    #[must_use]
    pub fn needing(mut self, word: impl Into<String>, place: &Place) -> Self {
        self.needs.push(Located::new(word.into(), place.clone()));
        self
    }

    /// The same with a resource that must be there first.
    #[must_use]
    pub fn after(mut self, address: Address, place: &Place) -> Self {
        self.after.push(Located::new(address, place.clone()));
        self
    }

    /// Its kind, as the object says it.
    pub fn kind(&self) -> &str {
        self.json["kind"].as_str().unwrap_or_default()
    }

    /// Its name, as the object says it.
    pub fn name(&self) -> &str {
        self.json.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }
}

impl Expansion {
    /// Adds a fault of shape.
    pub fn fault(
        &mut self,
        code: Code,
        summary: impl Into<String>,
        place: &Place,
        words: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.faults.push(Diagnostic::error(code.as_str(), summary, place.clone(), words).help(help));
    }
}
