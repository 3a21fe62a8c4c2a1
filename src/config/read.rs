//! From the spanned tree to plain structs: every fault of a table is collected, not only its first.
//!
//! serde's derives lose the places in tagged, untagged and flattened enums and stop at the first fault; a table is
//! therefore declared once through [`table!`], which makes the struct, its JSON schema and its reader.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::codes::Code;
use super::tree::{Data, Table, Value};
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

/// The reader of one table: hands out its keys and knows which are left over.
pub(crate) struct TableReader<'v, 'f> {
    table: &'v Table,
    place: &'v Place,
    faults: &'f mut Vec<Diagnostic>,
}

impl<'v, 'f> TableReader<'v, 'f> {
    /// A reader of `value`, if that is a table.
    pub(crate) fn new(value: &'v Value, faults: &'f mut Vec<Diagnostic>) -> Option<Self> {
        if let Data::Table(table) = &value.data {
            return Some(Self { table, place: &value.place, faults });
        }
        faults.push(wrong_type(value, "a table", "it in braces: `{ key = value }`, or as a `[table]`"));
        None
    }

    /// The value of `key`.
    pub(crate) fn field<T: Read>(&mut self, key: &str) -> Option<T> {
        if let Some(value) = self.table.get(key) {
            return T::read(value, self.faults);
        }
        let absent = T::when_absent();
        if absent.is_none() {
            let (words, help) = if self.is_root() {
                ("in this file", format!("add a table `[{key}]`"))
            } else {
                ("in this table", format!("add `{key} = …` to it"))
            };
            let summary = format!("`{key}` is missing");
            let fault = Diagnostic::error(Code::MissingKey.as_str(), summary, self.place.clone(), words);
            self.faults.push(fault.help(help));
        }
        absent
    }

    /// Adds faults for all keys but those of `known`; whether there are none.
    pub(crate) fn refuse_others(&mut self, known: &[&str]) -> bool {
        let before = self.faults.len();
        let table = if self.is_root() { "table of a lab" } else { "key of this table" };
        for (key, _) in self.table.0.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            let summary = format!("`{}` is no {table}", key.value);
            let fault = Diagnostic::error(Code::UnknownKey.as_str(), summary, key.place.clone(), "unknown key");
            self.faults.push(fault.help(nearest_key(key, known)));
        }
        self.faults.len() == before
    }

    /// The table of the whole file stands nowhere in it.
    fn is_root(&self) -> bool {
        self.place.end == 0
    }
}

fn nearest_key(key: &str, known: &[&str]) -> String {
    if let Some(name) = nearest(key, known.iter().copied()) {
        return format!("did you mean `{name}`?");
    }
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("it has {}", names.join(", "))
}

/// The known word that `word` was probably meant to be.
pub fn nearest<'n>(word: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|name| (strsim::damerau_levenshtein(&word.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1.max(word.chars().count().min(name.chars().count()) / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Declares a table of the file: the struct, its JSON schema and its reader. Every field is a key.
macro_rules! table {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
            /// Where the table stands.
            #[schemars(skip)]
            pub place: $crate::config::Place,
        }

        impl $name {
            /// The keys that it may have.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($field)),*];
        }

        impl $crate::config::read::Read for $name {
            fn read(
                value: &$crate::config::tree::Value,
                faults: &mut Vec<$crate::config::Diagnostic>,
            ) -> Option<Self> {
                let mut reader = $crate::config::read::TableReader::new(value, faults)?;
                $(let $field = reader.field::<$type>(stringify!($field));)*
                // A key that was meant to be another would be told to be missing as well: the table is left out.
                let is_known = reader.refuse_others(Self::KEYS);
                is_known.then_some(())?;
                Some(Self { $($field: $field?,)* place: value.place.clone() })
            }
        }
    };
}

/// [`table!`] for the table of a resource: with the keys `after`, `adopt` and `hold`.
macro_rules! resource_table {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
    }) => {
        $crate::config::read::table! {
            $(#[$meta])*
            pub struct $name {
                $($(#[$field_meta])* pub $field: $type,)*
                /// Addresses of resources that must be there first, where labctl can't infer it.
                #[schemars(default)]
                pub after: Vec<$crate::config::Located<$crate::lab::Address>>,
                /// What exists already, was not made by labctl and differs may be taken over.
                pub adopt: Option<bool>,
                /// Changes are shown, and not applied.
                pub hold: Option<$crate::config::tables::HoldTable>,
            }
        }

        impl $name {
            /// What the table says of the resource.
            pub fn meta(&self) -> $crate::lab::Meta {
                $crate::config::tables::meta(&self.place, &self.after, self.adopt, self.hold.as_ref())
            }
        }
    };
}

pub(crate) use {resource_table, table};
