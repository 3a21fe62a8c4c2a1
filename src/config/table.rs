//! Tables with known keys: each is declared once, through [`table!`], which makes its struct, schema and reader.

use super::codes::Code;
use super::read::{Read, wrong_type};
use super::tree::{Data, Table, Value};
use super::{Diagnostic, Place};

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
                let mut reader = $crate::config::table::TableReader::new(value, faults)?;
                $(let $field = reader.field::<$type>(stringify!($field));)*
                // A key that was meant to be another would be told to be missing as well: the table is left out.
                let is_known = reader.refuse_others(Self::KEYS);
                is_known.then_some(())?;
                Some(Self { $($field: $field?,)* place: value.place.clone() })
            }
        }
    };
}

/// [`table!`] for the table of a resource: with the keys `after`, `adopt`, `hold` and `moved`.
macro_rules! resource_table {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
    }) => {
        $crate::config::table::table! {
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
                /// The address that the table had before: a rename is then shown as one.
                pub moved: Option<$crate::config::Located<$crate::lab::Address>>,
            }
        }

        impl $name {
            /// What the table says of the resource.
            pub fn meta(&self) -> $crate::lab::Meta {
                let meta = $crate::config::tables::meta(&self.place, &self.after, self.adopt, self.hold.as_ref());
                $crate::lab::Meta { moved: self.moved.clone(), ..meta }
            }
        }
    };
}

/// [`resource_table!`] for the table of a service of the kind `$kind`: with `kind`, `cluster`, `take`, and the reading of
/// them that [`crate::services::Service`] asks for.
macro_rules! service_table {
    ($(#[$meta:meta])* pub struct $name:ident of $kind:literal {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
    }) => {
        $crate::config::table::resource_table! {
            $(#[$meta])*
            pub struct $name {
                /// What sort of service it is.
                #[schemars(extend("const" = $kind))]
                pub kind: $crate::config::Located<String>,
                /// The cluster that it is in.
                pub cluster: $crate::config::Located<String>,
                $($(#[$field_meta])* pub $field: $type,)*
                /// Fields of its objects that are taken from another manager: `["spec.replicas"]`.
                #[schemars(default)]
                pub take: Vec<$crate::config::Located<String>>,
            }
        }

        impl $crate::services::Keys for $name {
            fn common(&self) -> $crate::config::tables::CommonKeys<'_> {
                $crate::config::tables::CommonKeys { cluster: &self.cluster, take: &self.take, place: &self.place }
            }

            fn meta(&self) -> $crate::lab::Meta {
                $name::meta(self)
            }
        }
    };
}

pub(crate) use {resource_table, service_table, table};
