//! The kinds of resource, one file each: what is desired, what it needs, what to read, what differs, what to do.

mod dropins;
mod file;
mod k0s;
mod kind;
mod module;
mod network;
mod object;
mod package;
mod sysctl;
mod unit;
mod zfs;

/// What was destroyed by its address and is kept in the trash of its pool.
pub use zfs::trash;

pub use kind::{Body, Carries, Goal, Kind, Leaving, Leftover, Resource, Surveyed, Task, Work, file_guard};

use crate::config::Located;
use crate::lab::{Ground, Lab};

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
    &k0s::Binaries,
    &k0s::Configs,
    &k0s::Controllers,
    &k0s::Workers,
    &k0s::Members,
    &k0s::Clusters,
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
    let declare = |kind: &&'static dyn Kind| {
        let kind = *kind;
        kind.declare(lab).into_iter().map(move |resource| Declared { kind, resource: on_its_ground(lab, resource) })
    };
    KINDS.iter().flat_map(declare).collect()
}

/// What stands in a cluster that labctl makes needs what makes it, and can't be planned before.
fn on_its_ground(lab: &Lab, mut resource: Resource) -> Resource {
    if let Ground::Cluster(name) = &resource.ground
        && let Some(maker) = lab.clusters.get(name).and_then(k0s::maker)
    {
        resource.needs.push(Located::new(maker.clone(), resource.meta.place.clone()));
        resource.planned_after.push(maker);
    }
    resource
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
