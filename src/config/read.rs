//! From the spanned tree to plain values, with every fault on the way.
//!
//! serde's derives lose the places in tagged, untagged and flattened enums and stop at the first fault; so tables are
//! read by a trait of our own, which `table!` (beside this file) implements for them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::codes::Code;
use super::tree::{Data, Value};
use super::{Diagnostic, Located, Place};

/// A type that a value of the file is read into.
pub trait Read: Sized {
    /// The value, or `None` when at least one fault was added.
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self>;

    /// What it is when its key is absent; `None`: the key must be there.
    fn when_absent() -> Option<Self> {
        None
    }
}

/// The fault of a value that has the wrong type; `wanted` is the type with its article.
pub(crate) fn wrong_type(value: &Value, wanted: &str, example: &str) -> Diagnostic {
    let summary = format!("{wanted} is wanted here, not {}", value.data);
    let is_list_of_tables =
        matches!(&value.data, Data::Array(items) if items.iter().any(|item| item.as_table().is_some()));
    let help = if wanted == "a table" && is_list_of_tables {
        "write single brackets: `[name]` begins a table, `[[name]]` adds one to a list".to_owned()
    } else {
        format!("write {example}")
    };
    Diagnostic::error(Code::Type.as_str(), summary, value.place.clone(), format!("this is {}", value.data)).help(help)
}

/// The fault of a value that has the right type and makes no sense.
pub(crate) fn bad_value(place: &Place, summary: impl Into<String>, words: &str, help: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::Value.as_str(), summary, place.clone(), words).help(help)
}

/// The value as a text.
pub(crate) fn text<'v>(value: &'v Value, example: &str, faults: &mut Vec<Diagnostic>) -> Option<&'v str> {
    if let Data::Text(text) = &value.data {
        return Some(text);
    }
    faults.push(wrong_type(value, "a text", example));
    None
}

impl Read for String {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        text(value, "it in double quotes: `\"text\"`", faults).map(ToOwned::to_owned)
    }
}

impl Read for bool {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        if let Data::Boolean(truth) = value.data {
            return Some(truth);
        }
        faults.push(wrong_type(value, "`true` or `false`", "`true` or `false` without quotes"));
        None
    }
}

/// Reads a whole number between the bounds of its type.
macro_rules! read_number {
    ($($number:ty),*) => {$(
        impl Read for $number {
            fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
                let Data::Integer(number) = value.data else {
                    faults.push(wrong_type(value, "a number", "a whole number without quotes"));
                    return None;
                };
                let read = Self::try_from(number).ok();
                if read.is_none() {
                    let summary = format!("{number} is out of range");
                    let help = format!("write a number between 0 and {}", Self::MAX);
                    faults.push(bad_value(&value.place, summary, "out of range", help));
                }
                read
            }
        }
    )*};
}

read_number!(u16, u32);

impl<T: Read> Read for Located<T> {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        T::read(value, faults).map(|read| Self::new(read, value.place.clone()))
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        T::read(value, faults).map(Some)
    }

    fn when_absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let Data::Array(items) = &value.data else {
            faults.push(wrong_type(value, "a list", "it in brackets: `[…]`"));
            return None;
        };
        let read: Vec<Option<T>> = items.iter().map(|item| T::read(item, faults)).collect();
        read.into_iter().collect()
    }

    fn when_absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
