//! Services: what `[services.NAME]` tables expand to, one file per kind.
//!
//! In come the tables, the lab so far and the files beside homelab.toml; out go objects, or what is wrong with a place.
//! A kind is one file here and one line in [`SERVICES`]: its table, what it needs and provides, and what it makes.

mod capability;
mod draft;
mod expand;
pub mod external;
pub mod manifests;
pub mod metallb;
mod names;
mod scene;
pub mod static_volume;
#[cfg(test)]
mod tests;
pub mod upstream;
pub(crate) mod yaml;

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use schemars::{Schema, SchemaGenerator};

pub(crate) use capability::kinds_that_provide;
pub use draft::{Draft, Expansion};
pub use expand::{Expanded, Twice, Unmet, expand};
pub use scene::Scene;

pub(crate) use manifests::is_manifest_below;

use crate::config::tables::CommonKeys;
use crate::config::tree::Value;
use crate::config::{Diagnostic, Located};
use crate::lab::Meta;

/// A kind of service: one file, one line in [`SERVICES`].
#[derive(Debug)]
pub struct ServiceKind {
    /// The word in `kind = "…"`.
    pub name: &'static str,
    /// One sentence for the reference.
    pub about: &'static str,
    /// What it provides, in the words of needs; where a name follows the colon, without it: `load-balancer`, `namespace:`.
    pub provides: &'static [&'static str],
    /// Reads a table of this kind.
    pub read: ReadService,
    /// The schema of that table.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

/// Reads the table of a service.
pub type ReadService = fn(&Value, &mut Vec<Diagnostic>) -> Option<Arc<dyn Service>>;

/// Every kind of service.
pub const SERVICES: &[ServiceKind] = &[manifests::KIND, metallb::KIND, external::KIND, static_volume::KIND];

/// The keys that every service has; `service_table!` implements it.
pub trait Keys {
    /// The keys.
    fn common(&self) -> CommonKeys<'_>;

    /// What the table says of all that it expands to.
    fn meta(&self) -> Meta;
}

/// The table of one service.
pub trait Service: Keys + Any + Debug + Send + Sync {
    /// The manifests that it reads: paths, folders and patterns relative to homelab.toml.
    fn files(&self) -> Vec<&Located<String>> {
        Vec::new()
    }

    /// The files from elsewhere that it reads.
    fn pins(&self) -> Vec<Pin> {
        Vec::new()
    }

    /// Adds what it makes, needs and provides, and what is wrong with it.
    fn expand(&self, scene: &Scene<'_>, expansion: &mut Expansion);
}

/// A file from elsewhere, known by its digest: it can't change without the file saying so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Where it is fetched from; the place is that of the table or the value that names it.
    pub url: Located<String>,
    /// SHA-256 of its bytes, in lower-case hex.
    pub sha256: String,
    /// What takes its place in a simulated lab, where it was never fetched.
    pub stand_in: Option<&'static str>,
}
