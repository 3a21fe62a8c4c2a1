//! What the ZFS resources of one node share: the asks, equal for all of them so that a probe sends each once, and what
//! the answers say of the pool that a dataset or volume lies in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::devices;
use super::property;
use super::read::{self, Found, Live};
use super::snapshot::Snapshots;
use super::wanted::canonical;
use crate::config::Located;
use crate::lab::{Address, Lab, Meta, Node};
use crate::observe::{Ask, Reply};
use crate::plan::lock;

/// Debian's and Ubuntu's packages that bring `zfs` and its kernel module.
const PACKAGES: [&str; 4] = ["zfsutils-linux", "zfs-dkms", "zfs-linux", "zfs"];
const MODULE: &str = "zfs";

/// One node with its declared pools.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) node: String,
    /// Where the node's lock lies, by which a snapshot gets its name.
    lock: String,
    /// What the lab declares of ZFS itself there.
    tools: Vec<Address>,
    /// The declared files.
    files: BTreeSet<String>,
    /// Real names with their addresses.
    declared: BTreeMap<String, Address>,
    datasets: Ask,
    /// The devices that a pool may be created on.
    devices: BTreeMap<String, Vec<String>>,
    /// What is declared of pools and datasets, by real name; canonical values.
    properties: BTreeMap<String, BTreeMap<String, String>>,
}

/// The pool that something lies in.
#[derive(Debug)]
pub(super) enum Ground {
    Ready(Live),
    Missing,
    NoProgram,
    Unusable(String),
}

impl Host {
    /// Every node with pools, by name.
    pub(super) fn all(lab: &Lab) -> BTreeMap<String, Arc<Self>> {
        let nodes: BTreeSet<&str> = lab.pools.values().map(|pool| pool.node.as_str()).collect();
        nodes.into_iter().map(|node| (node.to_owned(), Arc::new(Self::of(lab, node)))).collect()
    }

    fn of(lab: &Lab, node: &str) -> Self {
        let mut declared = BTreeMap::new();
        let mut devices = BTreeMap::new();
        let mut properties = BTreeMap::new();
        for pool in lab.pools.values().filter(|pool| pool.node.value == node) {
            let address = Address::new(["pools", &pool.name]);
            declared.insert(pool.name.clone(), address.clone());
            for (part, paths) in
                [("datasets", pool.datasets.keys().collect::<Vec<_>>()), ("volumes", pool.volumes.keys().collect())]
            {
                for path in paths {
                    declared.insert(format!("{}/{path}", pool.name), address.child(part).child(path));
                }
            }
            properties.insert(pool.name.clone(), canonical(&pool.properties));
            let datasets = pool.datasets.iter();
            properties.extend(
                datasets.map(|(path, dataset)| (format!("{}/{path}", pool.name), canonical(&dataset.properties))),
            );
            devices.insert(pool.name.clone(), pool.devices.iter().map(|device| device.value.clone()).collect());
        }
        let asked: BTreeSet<&str> =
            declared.keys().filter(|name| is_name(name)).flat_map(|name| lineage(name)).collect();
        Self {
            node: node.to_owned(),
            lock: lab.nodes.get(node).map(lock::path).unwrap_or_default(),
            tools: lab.nodes.get(node).map(tools).unwrap_or_default(),
            files: lab.nodes.get(node).map(|node| node.files.keys().cloned().collect()).unwrap_or_default(),
            datasets: read::datasets_ask(asked),
            declared,
            devices,
            properties,
        }
    }

    /// What a dataset will inherit once everything above it is as declared: of a property that it has from `source` now
    /// (in the words of `zfs get`). Nothing where nothing that is declared bears on it.
    pub(super) fn inherited(&self, name: &str, property: &str, source: &str) -> Option<String> {
        let from = source.strip_prefix("inherited from ");
        if from.is_none() && (source != "default" || property::is_ones_own(property)) {
            return None;
        }
        let mut above = lineage(name).into_iter().rev().skip(1);
        let (at, value) = above.find_map(|at| {
            let value = self.properties.get(at).and_then(|properties| properties.get(property));
            // Where it comes from now and is not declared there: it goes on coming from there.
            if value.is_none() && Some(at) == from { Some((at, None)) } else { value.map(|value| (at, Some(value))) }
        })?;
        let value = value?;
        let is_path = property == "mountpoint" && value.starts_with('/');
        Some(if is_path { format!("{}{}", value.trim_end_matches('/'), &name[at.len()..]) } else { value.clone() })
    }

    pub(super) fn asks(&self) -> Vec<Ask> {
        let mut asks = vec![read::pools_ask(), self.datasets.clone(), devices::tree_ask()];
        asks.extend(self.devices.values().flatten().flat_map(|device| devices::asks(device)));
        asks
    }

    /// The snapshots that labctl takes of a dataset or volume.
    pub(super) fn snapshots(&self, dataset: &str) -> Snapshots {
        Snapshots::of(&self.lock, dataset)
    }

    /// Whether the file itself sees to it that the node has ZFS.
    pub(super) fn brings_zfs(&self) -> bool {
        !self.tools.is_empty()
    }

    pub(super) fn is_declared(&self, name: &str) -> bool {
        self.declared.contains_key(name)
    }

    pub(super) fn declares_file(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    pub(super) fn dataset(&self, reply: &Reply, name: &str) -> Found {
        read::dataset(reply, &self.datasets, name)
    }

    pub(super) fn devices_of(&self, pool: &str) -> &[String] {
        self.devices.get(pool).map_or(&[], Vec::as_slice)
    }

    /// What a pool needs: ZFS itself, where it is declared.
    pub(super) fn needs_of_pool(&self, meta: &Meta) -> Vec<Located<Address>> {
        self.tools.iter().map(|tool| Located::new(tool.clone(), meta.place.clone())).collect()
    }

    /// What a dataset or volume needs: its pool, the nearest parent that is declared, and its key's file.
    pub(super) fn needs(&self, name: &str, key_file: Option<&str>, meta: &Meta) -> Vec<Located<Address>> {
        let above = lineage(name);
        let parents = above.iter().rev().skip(1).filter_map(|parent| self.declared.get(*parent));
        let mut needs: Vec<Address> =
            above.first().and_then(|pool| self.declared.get(*pool)).cloned().into_iter().collect();
        needs.extend(parents.take(1).filter(|parent| parent.segments().len() > 2).cloned());
        needs.extend(key_file.map(|path| Address::new(["nodes", &self.node, "files", path])));
        needs.into_iter().map(|address| Located::new(address, meta.place.clone())).collect()
    }

    /// The state of a pool, for what lies in it.
    pub(super) fn ground(&self, reply: &Reply, pool: &str) -> Ground {
        match read::pool(reply, pool) {
            Found::Unknown(why) => Ground::Unusable(why),
            Found::NoProgram => Ground::NoProgram,
            Found::Absent => match devices::member_of(reply, self.devices_of(pool), pool) {
                Some(device) => Ground::Unusable(format!(
                    "the pool `{pool}` is exported: `{device}` has its label; import it by `zpool import {pool}`, or, if \
                     that pool is gone for good, clear the device by `zpool labelclear`"
                )),
                None => Ground::Missing,
            },
            Found::There(live) => match live.value("health") {
                Some(health @ ("SUSPENDED" | "FAULTED" | "UNAVAIL" | "REMOVED" | "OFFLINE")) => Ground::Unusable(
                    format!("the pool `{pool}` is {health}; `zpool status -v {pool}` on {} says why", self.node),
                ),
                _ => Ground::Ready(live),
            },
        }
    }

    /// The words for a node without ZFS.
    pub(super) fn without_program(&self) -> String {
        format!(
            "{} has no `zfs` command: install `zfsutils-linux`, or declare `nodes.{}.packages.zfsutils-linux`",
            self.node, self.node
        )
    }
}

fn tools(node: &Node) -> Vec<Address> {
    let of = |table: &str, name: &str| Address::new(["nodes", &node.name, table, name]);
    let packages = PACKAGES.iter().filter(|name| node.packages.contains_key(**name)).map(|name| of("packages", name));
    let module = node.modules.contains_key(MODULE).then(|| of("modules", MODULE));
    packages.chain(module).collect()
}

/// A name and all above it, the pool first: `a`, `a/b`, `a/b/c`.
pub(super) fn lineage(name: &str) -> Vec<&str> {
    name.match_indices('/').map(|(end, _)| &name[..end]).chain([name]).collect()
}

/// Whether ZFS allows the name (zfs(8), "ZFS Component Naming Requirements"); no other is ever put in a command.
pub(super) fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.: ".contains(c)) && part != ".."
    };
    name.len() < 256 && name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::{is_name, lineage};

    #[test]
    fn a_name_has_all_its_ancestors_from_the_pool_down() {
        assert_eq!(lineage("a/b/c"), ["a", "a/b", "a/b/c"]);
        assert_eq!(lineage("a"), ["a"]);
    }

    #[test]
    fn what_could_be_an_option_or_a_snapshot_is_no_name() {
        for name in ["vms", "vms/Home Assistant", "a/-rf", "a/b_c.d:e"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-r", "vms/", "vms//x", "vms/x@y", "vms/$(x)", "vms/x\n", "vms/..", "1a", "vms/ü"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
