//! A table whose keys belong to somebody else: they are passed on as they are.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value as Json};

use super::read::{Read, wrong_type};
use super::tree::{Data, Value};
use super::{Diagnostic, Place};

/// A table of somebody else's keys.
#[derive(Debug, Clone, PartialEq)]
pub struct FreeTable {
    /// Its entries.
    pub entries: Map<String, Json>,
    /// Where the table stands.
    pub place: Place,
}

impl Read for FreeTable {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        if let Json::Object(entries) = json(value) {
            return Some(Self { entries, place: value.place.clone() });
        }
        faults.push(wrong_type(value, "a table", "it in braces: `{ key = value }`, or as a `[table]`"));
        None
    }
}

/// The value as JSON; a moment is a text, as in YAML that nobody guesses at.
fn json(value: &Value) -> Json {
    match &value.data {
        Data::Text(text) => text.as_str().into(),
        Data::Integer(number) => (*number).into(),
        Data::Float(number) => (*number).into(),
        Data::Boolean(truth) => (*truth).into(),
        Data::Moment(moment) => moment.to_string().into(),
        Data::Array(items) => items.iter().map(json).collect(),
        Data::Table(table) => table.0.iter().map(|(key, value)| (key.value.clone(), json(value))).collect(),
    }
}

impl JsonSchema for FreeTable {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "FreeTable".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}
