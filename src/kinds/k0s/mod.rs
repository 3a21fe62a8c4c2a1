//! k0s: its binary, its configuration, its controller and workers, the nodes of its clusters, and the clusters that
//! come of it.
//!
//! What k0s is like was read off v1.36: `k0s start` returns at once, and its unit is active long before the API answers;
//! `k0s install --force` writes the unit anew while the process runs on with its old flags, which `k0s status` alone
//! tells. So flags and configuration are compared with the process, and only `/readyz` proves that it is up.

mod binary;
mod cluster;
mod config;
mod controller;
mod document;
mod flags;
mod member;
mod program;
mod run;
mod worker;

use crate::config::Located;
use crate::lab::{Address, Cluster, Ground, K0s, Lab, Node};
use crate::observe::{Ask, Reply};

pub(super) use binary::Binaries;
pub(super) use cluster::Clusters;
pub(super) use config::Configs;
pub(super) use controller::Controllers;
pub(super) use member::Members;
pub(super) use worker::Workers;

/// A node that runs k0s, and its cluster.
#[derive(Debug, Clone)]
struct Seat {
    cluster: Cluster,
    k0s: K0s,
    node: Node,
}

/// All nodes that run k0s, the controllers of a cluster before its workers.
fn seats(lab: &Lab) -> Vec<Seat> {
    let mut seats = Vec::new();
    for cluster in lab.clusters.values() {
        let Some(k0s) = &cluster.k0s else { continue };
        for node in k0s.nodes().filter_map(|name| lab.nodes.get(&name.value)) {
            seats.push(Seat { cluster: cluster.clone(), k0s: k0s.clone(), node: node.clone() });
        }
    }
    seats
}

impl Seat {
    fn is_controller(&self) -> bool {
        self.k0s.controller.value == self.node.name
    }

    /// Its ground.
    fn ground(&self) -> Ground {
        Ground::Node(self.node.name.clone())
    }

    /// The ground of its cluster's control plane.
    fn controller_ground(&self) -> Ground {
        Ground::Node(self.k0s.controller.value.clone())
    }

    /// `clusters.homelab/binary/n5`.
    fn address(&self, what: &str) -> Address {
        address(&self.cluster, what, &self.node.name)
    }

    fn at(&self, address: Address) -> Located<Address> {
        Located::new(address, self.cluster.place.clone())
    }

    /// What of the node's own tables must be there before k0s: its network, and what its kernel needs.
    fn host_needs(&self) -> Vec<Located<Address>> {
        let root = Address::new(["nodes", &self.node.name]);
        let network = self.node.network.iter().map(|_| root.child("network"));
        let modules = self.node.modules.keys().map(|name| root.child("modules").child(name));
        let sysctls = self.node.sysctls.keys().map(|name| root.child("sysctls").child(name));
        network.chain(modules).chain(sysctls).map(|address| self.at(address)).collect()
    }

    /// What the node is called in its cluster: k0s makes the hostname lower case.
    fn name_in_cluster(&self) -> String {
        self.node.hostname.to_lowercase()
    }

    /// Why the node would not have its name in the cluster. It asks [`hostname_ask`].
    fn name_fault(&self, reply: &Reply) -> Result<Option<String>, String> {
        let (node, name) = (&self.node.name, self.name_in_cluster());
        let hostname = reply.output(&hostname_ask())?.text().trim().to_lowercase();
        Ok((!hostname.is_empty() && hostname != name).then(|| {
            format!(
                "{node} calls itself `{hostname}`, and so will its cluster; say `hostname = \"{hostname}\"` in \
                 `[nodes.{node}]`, or give the host its name"
            )
        }))
    }
}

/// What the host calls itself.
fn hostname_ask() -> Ask {
    Ask::run(["uname", "-n"])
}

fn address(cluster: &Cluster, what: &str, node: &str) -> Address {
    Address::new(["clusters", &cluster.name]).below(format!("{what}/{node}"))
}

/// What makes a cluster that labctl makes: nothing in it can be planned before that stands.
pub(super) fn maker(cluster: &Cluster) -> Option<Address> {
    cluster.k0s.as_ref().map(|k0s| address(cluster, "controller", &k0s.controller.value))
}
