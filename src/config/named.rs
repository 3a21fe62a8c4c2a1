//! Tables whose keys are the user's own names, and values that have a short way and a long one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::codes::Code;
use super::read::{Read, wrong_type};
use super::tree::{Data, Value};
use super::{Diagnostic, Located};

/// A table whose keys are names that the user chose, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<T> {
    entries: Vec<(Located<String>, Option<T>)>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<T> Named<T> {
    /// The entries without faults.
    pub fn iter(&self) -> impl Iterator<Item = (&Located<String>, &T)> {
        self.entries.iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value)))
    }

    /// All names, also those whose tables have faults: a reference to such a table is none to nothing.
    pub fn names(&self) -> impl Iterator<Item = &Located<String>> {
        self.entries.iter().map(|(name, _)| name)
    }

    /// Whether `name` is declared.
    pub fn declares(&self, name: &str) -> bool {
        self.names().any(|declared| declared.value == name)
    }

    /// The entry called `name`, if it has no fault.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.iter().find(|(declared, _)| declared.value == name).map(|(_, value)| value)
    }
}

impl<T: Read> Named<T> {
    /// Reads these entries; an empty name is a fault.
    pub fn of<'v>(entries: impl Iterator<Item = &'v (Located<String>, Value)>, faults: &mut Vec<Diagnostic>) -> Self {
        let mut read = |(name, value): &(Located<String>, Value)| {
            if name.is_empty() || name.chars().any(char::is_control) {
                let summary = if name.is_empty() { "a name is empty" } else { "a name holds a control character" };
                let fault = Diagnostic::error(Code::Name.as_str(), summary, name.place.clone(), "this name");
                faults.push(fault.help("give it a name of visible characters"));
            }
            (name.clone(), T::read(value, faults))
        };
        Self { entries: entries.map(&mut read).collect() }
    }
}

impl<T: Read> Read for Named<T> {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let Some(table) = value.as_table() else {
            faults.push(wrong_type(value, "a table", "it in braces: `{ name = … }`, or as a `[table]`"));
            return None;
        };
        Some(Self::of(table.0.iter(), faults))
    }

    fn when_absent() -> Option<Self> {
        Some(Self::default())
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        BTreeMap::<String, T>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, T>::json_schema(generator)
    }
}

/// A value that has a short way to be written and a long one: `htop = "present"` and `htop = { version = "1.2" }`.
#[derive(Debug, Clone, PartialEq)]
pub enum Brief<S, T> {
    /// The short way: no table.
    Short(Located<S>),
    /// The long way: a table.
    Table(T),
}

impl<S: Read, T: Read> Read for Brief<S, T> {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        match value.data {
            Data::Table(_) => T::read(value, faults).map(Self::Table),
            _ => Located::read(value, faults).map(Self::Short),
        }
    }
}

impl<S: JsonSchema, T: JsonSchema> JsonSchema for Brief<S, T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}Or{}", S::schema_name(), T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<S>();
        let table = generator.subschema_for::<T>();
        schemars::json_schema!({ "anyOf": [short, table] })
    }
}
