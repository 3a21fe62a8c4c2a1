//! `[services.NAME]`: what is desired in a cluster. `kind` says which row of [`SERVICES`] reads the rest of the table.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::config::read::{Read, bad_value, text};
use crate::config::table::{TableReader, nearest};
use crate::config::tree::Value;
use crate::config::{Code, Diagnostic, Located, Place};
use crate::lab::Meta;
use crate::services::{SERVICES, Service, ServiceKind};

/// A service, as the table of its kind.
#[derive(Debug, Clone)]
pub struct ServiceTable {
    /// Its kind.
    pub kind: &'static ServiceKind,
    /// What the table says.
    pub service: Arc<dyn Service>,
}

/// The keys that every service has.
#[derive(Debug, Clone, Copy)]
pub struct CommonKeys<'a> {
    /// The cluster that it is in.
    pub cluster: &'a Located<String>,
    /// Fields that are taken from other field managers.
    pub take: &'a [Located<String>],
    /// Where the table stands.
    pub place: &'a Place,
}

/// A table is known by its place: no two of one file stand at one.
impl PartialEq for ServiceTable {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.kind, other.kind) && self.place() == other.place()
    }
}

impl ServiceTable {
    /// The keys that every service has.
    pub fn common(&self) -> CommonKeys<'_> {
        self.service.common()
    }

    /// Where the table stands.
    pub fn place(&self) -> &Place {
        self.service.common().place
    }

    /// What the table says of all that it expands to.
    pub fn meta(&self) -> Meta {
        self.service.meta()
    }

    /// The table as that of its kind.
    pub fn as_kind<T: Service>(&self) -> Option<&T> {
        let service: &dyn std::any::Any = self.service.as_ref();
        service.downcast_ref()
    }
}

impl Read for ServiceTable {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        TableReader::new(value, faults)?;
        let Some(said) = value.as_table()?.get("kind") else {
            let fault = Diagnostic::error(
                Code::MissingKey.as_str(),
                "`kind` is missing",
                value.place.clone(),
                "a service without a kind",
            );
            faults.push(fault.help(format!("add `kind = …` to it: {}", names())));
            return None;
        };
        let word = text(said, &names(), faults)?;
        let Some(kind) = SERVICES.iter().find(|kind| kind.name == word) else {
            let help = match nearest(word, SERVICES.iter().map(|kind| kind.name)) {
                Some(near) => format!("did you mean `\"{near}\"`?"),
                None => format!("write {}", names()),
            };
            faults.push(bad_value(&said.place, format!("there is no kind of service `{word}`"), "this kind", help));
            return None;
        };
        Some(Self { kind, service: (kind.read)(value, faults)? })
    }
}

/// The kinds, as a sentence lists them.
fn names() -> String {
    super::one_of(&SERVICES.iter().map(|kind| kind.name).collect::<Vec<_>>())
}

impl JsonSchema for ServiceTable {
    fn schema_name() -> Cow<'static, str> {
        "ServiceTable".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kinds: Vec<serde_json::Value> = SERVICES.iter().map(|kind| (kind.schema)(generator).to_value()).collect();
        json_schema!({ "description": "What is desired in a cluster, by its kind.", "anyOf": kinds })
    }
}
