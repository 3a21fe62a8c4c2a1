//! Changes that may cut labctl's own way to a ground: said, and made last of all that lies on that way.
//!
//! A way is known as far as the file tells it: the node that is logged in to, the nodes that it is reached through
//! (`ssh.proxy_jump`), the node that leads to a cluster, the cluster that hosts another one. What your own SSH
//! configuration adds to that is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Action, Change};
use crate::lab::{Address, Connection, Ground, Kubeconfig, Lab, Node, Ssh};

/// Units without which nobody logs in, or no packet comes in.
const DOORS: [&str; 7] = [
    "ssh.service",
    "ssh.socket",
    "sshd.service",
    "sshd.socket",
    "systemd-networkd.service",
    "NetworkManager.service",
    "networking.service",
];

/// Units of tunnels, by how their names begin.
const TUNNELS: [&str; 6] = ["wg-quick@", "tailscaled.", "openvpn", "zerotier-one.", "nebula", "netbird"];

/// Units that answer for names, by how theirs begin.
const RESOLVERS: [&str; 7] = ["unbound.", "named.", "bind9.", "dnsmasq.", "pihole-FTL.", "AdGuardHome.", "coredns."];

/// Writes to each change that interrupts something to which grounds labctl's own way may be cut by it.
pub(super) fn note(changes: &mut [Change], lab: &Lab) {
    for change in changes.iter_mut().filter(|change| change.disruption.is_some()) {
        change.cuts = if change.is_due() || change.is_deferred() { cuts(change, lab) } else { Vec::new() };
    }
}

fn cuts(change: &Change, lab: &Lab) -> Vec<Ground> {
    let node = match &change.ground {
        Ground::Node(name) => lab.nodes.get(name),
        Ground::Cluster(_) => None,
    };
    let Some((node, ssh)) = node.and_then(|node| Some((node, ssh(node)?))) else { return Vec::new() };
    let begins = |names: &[&str]| names.iter().any(|name| change.name.starts_with(name));
    let here = || BTreeSet::from([Ground::Node(node.name.clone())]);
    let nodes = match change.kind.as_str() {
        "network" => here(),
        "k0s-controller" => {
            let cluster = change.address.segments().get(1).map(|name| Ground::Cluster(name.clone()));
            return through(lab, cluster.into_iter().collect()).into_iter().collect();
        }
        "unit" if DOORS.contains(&change.name.as_str()) => here(),
        // Who is reached by the address that it has in the lab is not reached through a tunnel of its own.
        "unit" if begins(&TUNNELS) && node.address.is_none_or(|address| ssh.host != address.to_string()) => here(),
        "unit" if begins(&RESOLVERS) => named(lab),
        _ => return Vec::new(),
    };
    through(lab, nodes).into_iter().collect()
}

fn ssh(node: &Node) -> Option<&Ssh> {
    match &node.connection {
        Connection::Ssh(ssh) => Some(ssh),
        Connection::Local => None,
    }
}

/// The nodes that are reached by a name that somebody must look up.
fn named(lab: &Lab) -> BTreeSet<Ground> {
    let is_name = |host: &str| host.parse::<IpAddr>().is_err();
    let jumps_by_name = |ssh: &Ssh| ssh.proxy_jump.iter().flat_map(|hops| hosts(hops)).any(is_name);
    let nodes = lab.nodes.values().filter(|node| ssh(node).is_some_and(|ssh| is_name(&ssh.host) || jumps_by_name(ssh)));
    nodes.map(|node| Ground::Node(node.name.clone())).collect()
}

/// These grounds, and all that are reached through them.
fn through(lab: &Lab, mut grounds: BTreeSet<Ground>) -> BTreeSet<Ground> {
    loop {
        let is_reached = |name: &str| grounds.contains(&Ground::Node(name.to_owned()));
        let jumps = |node: &&Node| {
            let hops = ssh(node).and_then(|ssh| ssh.proxy_jump.as_deref()).unwrap_or_default();
            hosts(hops).any(|host| lab.nodes.values().any(|via| is_reached(&via.name) && is_called(via, host)))
        };
        let nodes = lab.nodes.values().filter(jumps).map(|node| Ground::Node(node.name.clone()));
        let leads = |cluster: &&crate::lab::Cluster| {
            let hosted = match &cluster.kubeconfig {
                Kubeconfig::Secret { cluster, .. } => grounds.contains(&Ground::Cluster(cluster.value.clone())),
                _ => false,
            };
            hosted || cluster.gate().is_some_and(is_reached)
        };
        let clusters = lab.clusters.values().filter(leads).map(|cluster| Ground::Cluster(cluster.name.clone()));
        let more: BTreeSet<Ground> = nodes.chain(clusters).filter(|ground| !grounds.contains(ground)).collect();
        if more.is_empty() {
            return grounds;
        }
        grounds.extend(more);
    }
}

/// The hosts of `[user@]host[:port]`, several with commas, as `ProxyJump` of `ssh_config(5)` has them.
fn hosts(hops: &str) -> impl Iterator<Item = &str> {
    hops.split(',').map(|hop| {
        let hop = hop.trim().trim_start_matches("ssh://");
        let host = hop.rsplit_once('@').map_or(hop, |(_, host)| host);
        match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            Some((host, _)) => host,
            None => host.split_once(':').map_or(host, |(host, _)| host),
        }
    })
}

fn is_called(node: &Node, host: &str) -> bool {
    let is_address = node.address.is_some_and(|address| address.to_string() == host);
    is_address
        || [&node.name, &node.hostname].contains(&&host.to_owned())
        || ssh(node).is_some_and(|it| it.host == host)
}

/// Has each change that may cut a way wait for all others that lie on it and don't need it. What it waits for may fail:
/// that is no reason not to make it.
pub(super) fn order(changes: &mut [Change]) {
    let due: Vec<usize> = (0..changes.len()).filter(|at| changes[*at].is_due()).collect();
    let mut waiting = Waiting::of(changes, &due);
    let mut cutting: Vec<usize> = due.iter().copied().filter(|at| !changes[*at].cuts.is_empty()).collect();
    // A jump host after those that are reached through it.
    cutting.sort_by_key(|at| std::cmp::Reverse(changes[*at].cuts.len()));
    for cut in cutting {
        let behind = waiting.all_behind(cut);
        let is_on_the_way = |at: &&usize| changes[cut].cuts.contains(&changes[**at].ground) && !behind.contains(*at);
        let before: Vec<usize> = due.iter().filter(is_on_the_way).copied().collect();
        changes[cut].waits_for = before.iter().map(|at| changes[*at].address.clone()).collect();
        waiting.add(&before, cut);
    }
}

/// Who waits for whom: nobody, ever, for one who waits for him.
struct Waiting(BTreeMap<usize, BTreeSet<usize>>);

impl Waiting {
    fn of(changes: &[Change], due: &[usize]) -> Self {
        let at: BTreeMap<&Address, usize> = due.iter().map(|at| (&changes[*at].address, *at)).collect();
        let mut waiting = Self(BTreeMap::new());
        for user in due {
            let needs: Vec<usize> = changes[*user].needs.iter().filter_map(|need| at.get(need).copied()).collect();
            waiting.add(&needs, *user);
            // What goes, goes when all else on its ground is over.
            if changes[*user].action == Action::Delete {
                let stays = |at: &&usize| {
                    changes[**at].action != Action::Delete && changes[**at].ground == changes[*user].ground
                };
                waiting.add(&due.iter().filter(stays).copied().collect::<Vec<_>>(), *user);
            }
        }
        waiting
    }

    fn add(&mut self, before: &[usize], user: usize) {
        for need in before.iter().filter(|need| **need != user) {
            self.0.entry(*need).or_default().insert(user);
        }
    }

    /// It, and all who wait for it.
    fn all_behind(&self, first: usize) -> BTreeSet<usize> {
        let (mut found, mut open) = (BTreeSet::new(), vec![first]);
        while let Some(at) = open.pop() {
            if found.insert(at) {
                open.extend(self.0.get(&at).into_iter().flatten());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
