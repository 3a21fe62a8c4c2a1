//! The kinds of resource, one file each: what is desired, what it needs, what to read, what differs, what to do.

mod dropins;
mod file;
mod kind;
mod module;
mod network;
mod object;
mod package;
mod sysctl;
mod unit;
mod zfs;

pub use kind::{Body, Goal, Kind, Leaving, Leftover, Resource, Surveyed, Task, Work, file_guard};

use crate::lab::Lab;

/// Every kind. Order here is the order among resources that don't depend on each other.
pub const KINDS: &[&dyn Kind] = &[
    &package::Packages,
    &module::Modules,
    &network::Networks,
    &sysctl::Sysctls,
    &file::Files,
    &zfs::Pools,
    &zfs::Datasets,
    &zfs::Volumes,
    &unit::Units,
    &object::Objects,
];

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.name() == name)
}

/// A desired resource with its kind.
pub struct Declared {
    /// Its kind.
    pub kind: &'static dyn Kind,
    /// What is desired.
    pub resource: Resource,
}

/// All that the lab desires.
pub fn declare(lab: &Lab) -> Vec<Declared> {
    KINDS
        .iter()
        .flat_map(|kind| kind.declare(lab).into_iter().map(|resource| Declared { kind: *kind, resource }))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::KINDS;

    #[test]
    fn every_kind_has_a_name_of_its_own_and_a_sentence_about_it() {
        let names: BTreeSet<_> = KINDS.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), KINDS.len());
        assert!(KINDS.iter().all(|kind| kind.about().ends_with('.')));
    }
}
