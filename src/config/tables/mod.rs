//! The tables of `homelab.toml`, one file per table: what keys they have, and nothing of what the keys mean.

mod access;
mod cluster;
mod content;
mod k0s;
mod network;
mod node;
mod pool;
mod secret;
mod service;
mod vlan;

pub use access::{SecretReference, SshTable};
pub use cluster::{ClusterTable, KubeconfigTable};
pub use content::{ContentTable, FileTable, UnitTable};
pub use k0s::{BinarySourceTable, BinaryTable, ClusterNetworkTable, DistributionName, ProviderName};
pub use network::{AttachmentTable, NativeTable, NetworkTable, PortTable, RouteTable, Said, TaggedTable};
pub use node::{
    ConnectionName, ModuleState, ModuleTable, NodeTable, OsName, PackageTable, PackageVersion, SysctlTable,
};
pub use pool::{DatasetTable, LayoutName, PoolTable, VolumeTable};
pub use secret::{SecretTable, SopsTable};
pub use service::{CommonKeys, ServiceTable};
pub use vlan::VlanTable;

use super::named::Named;
use super::read::Read;
use super::scalars::Day;
use super::table::table;
use super::{Located, Place};
use crate::lab::{Address, Hold, Meta};

table! {
    /// A lab: everything that labctl is to know about it stands in this file and those that it includes.
    pub struct File {
        /// What the lab is called: in the root file, once.
        pub lab: LabTable,
        /// Further files with tables of this lab: patterns relative to the root file, such as `nodes/*.toml`.
        #[schemars(default)]
        pub include: Vec<Located<String>>,
        /// What all tables of a sort have where they do not say otherwise.
        pub defaults: Option<DefaultsTable>,
        /// Layer-2 networks, by name.
        #[schemars(default)]
        pub vlans: Named<VlanTable>,
        /// Machines, by name.
        #[schemars(default)]
        pub nodes: Named<NodeTable>,
        /// ZFS pools, by their own name.
        #[schemars(default)]
        pub pools: Named<PoolTable>,
        /// Kubernetes APIs, by name.
        #[schemars(default)]
        pub clusters: Named<ClusterTable>,
        /// What is desired in the clusters, by name.
        #[schemars(default)]
        pub services: Named<ServiceTable>,
        /// Where secrets come from, by name; never their values.
        #[schemars(default)]
        pub secrets: Named<SecretTable>,
    }
}

table! {
    /// What the lab is called.
    pub struct LabTable {
        /// The lab's name. It is written on everything that labctl makes: choose it once.
        pub name: Located<String>,
        /// The domain of the lab's names.
        pub domain: Option<Located<String>>,
    }
}

table! {
    /// What all tables of a sort have where they do not say otherwise.
    pub struct DefaultsTable {
        /// Keys for every node that does not have them and can have them (no `sysctls` on macOS); tables are joined key by key.
        pub nodes: Option<AnyTable>,
    }
}

/// A table whose keys are checked where they are used.
#[derive(Debug, Clone, PartialEq)]
pub struct AnyTable;

impl Read for AnyTable {
    fn read(value: &super::tree::Value, faults: &mut Vec<super::Diagnostic>) -> Option<Self> {
        super::table::TableReader::new(value, faults).map(|_| Self)
    }
}

impl schemars::JsonSchema for AnyTable {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NodeDefaults".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        NodeTable::json_schema(generator)
    }
}

table! {
    /// Changes are shown, and not applied.
    pub struct HoldTable {
        /// Why.
        pub because: Located<String>,
        /// The last day on which it holds; for ever where absent.
        pub until: Option<Day>,
    }
}

/// What a table says of the resource that it declares.
pub fn meta(place: &Place, after: &[Located<Address>], adopt: Option<bool>, hold: Option<&HoldTable>) -> Meta {
    Meta {
        place: place.clone(),
        after: after.to_vec(),
        adopt: adopt.unwrap_or(false),
        hold: hold.map(|hold| Hold { because: hold.because.value.clone(), until: hold.until.map(|day| day.0) }),
        moved: None,
    }
}

/// Declares the words that a key may have.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$word_meta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, schemars::JsonSchema)]
        pub enum $name { $($(#[$word_meta])* #[schemars(rename = $word)] $variant,)* }

        impl $crate::config::read::Read for $name {
            fn read(
                value: &$crate::config::tree::Value,
                faults: &mut Vec<$crate::config::Diagnostic>,
            ) -> Option<Self> {
                const WORDS: &[&str] = &[$($word),*];
                let text = $crate::config::read::text(value, &$crate::config::tables::one_of(WORDS), faults)?;
                match text {
                    $($word => Some(Self::$variant),)*
                    _ => {
                        faults.push($crate::config::tables::unknown_word(&value.place, text, WORDS));
                        None
                    }
                }
            }
        }
    };
}

pub(crate) use words;

/// `"a"`, `"b"` or `"c"`.
pub(crate) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

pub(crate) fn unknown_word(place: &Place, word: &str, words: &[&str]) -> super::Diagnostic {
    let help = match super::table::nearest(word, words.iter().copied()) {
        Some(near) => format!("did you mean `\"{near}\"`?"),
        None => format!("write {}", one_of(words)),
    };
    super::read::bad_value(place, format!("`{word}` is not known here"), "this word", help)
}
