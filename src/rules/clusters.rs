//! Clusters: the way to them.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;

use super::{Rule, Subject};
use crate::config::{Diagnostic, Located, Place};
use crate::lab::{Cluster, Connection, K0s, Kubeconfig, Lab, Os};

/// The rules on clusters.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "LAB501",
        name: "kubeconfig-loop",
        about: "The kubeconfig of a cluster lies in a Secret of another cluster, whose own lies, maybe through others, in the first: none of them can be reached.",
        check: kubeconfig_loop,
    },
    Rule {
        code: "LAB502",
        name: "via-local-node",
        about: "A cluster is reached through a node that is not reached over SSH: there is no connection that could carry it.",
        check: via_local_node,
    },
    Rule {
        code: "LAB503",
        name: "two-clusters-on-a-host",
        about: "A node is in two clusters of k0s. Its folders in /run, its units, containerd, the kubelet's port and the pods' bridge are those of the whole host: two don't run beside each other.",
        check: one_k0s_per_host,
    },
    Rule {
        code: "LAB504",
        name: "cluster-needs-linux",
        about: "A node of a cluster of k0s that is no Linux, or that labctl runs on: k0s runs on Linux, and needs root.",
        check: k0s_needs_linux,
    },
    Rule {
        code: "LAB505",
        name: "cluster-network-overlap",
        about: "The addresses of a cluster's pods or Services overlap with each other, or with a VLAN: packets for one would go to the other. None of it can be changed once the cluster lives.",
        check: cluster_network_overlap,
    },
    Rule {
        code: "LAB506",
        name: "label-without-cluster",
        about: "A node has labels or taints and is in no cluster that labctl makes: nothing takes them.",
        check: label_without_cluster,
    },
];

/// The cluster whose Secret holds the kubeconfig.
fn host<'l>(lab: &'l Lab, cluster: &Cluster) -> Option<&'l Cluster> {
    match &cluster.kubeconfig {
        Kubeconfig::Secret { cluster, .. } => lab.clusters.get(&cluster.value),
        _ => None,
    }
}

fn kubeconfig_loop(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for cluster in subject.lab.clusters.values() {
        let mut way = vec![cluster.name.as_str()];
        let mut at = cluster;
        while let Some(next) = host(subject.lab, at) {
            if next.name == cluster.name {
                // One finding for a loop: that of its first cluster by name.
                if way.iter().min() == Some(&cluster.name.as_str())
                    && let Kubeconfig::Secret { cluster: said, .. } = &cluster.kubeconfig
                {
                    let path = [way.as_slice(), &[cluster.name.as_str()]].concat().join("` -> `");
                    let summary = format!("clusters get their kubeconfig from each other: `{path}`");
                    let finding = rule.error(summary, &said.place, "in the end from itself");
                    found.push(finding.help("give one of them a kubeconfig from a file, a command or a node"));
                }
                break;
            }
            // A loop further on is found from one of its own clusters.
            if way.contains(&next.name.as_str()) {
                break;
            }
            way.push(&next.name);
            at = next;
        }
    }
    found
}

fn via_local_node(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for cluster in subject.lab.clusters.values() {
        let of_kubeconfig = match &cluster.kubeconfig {
            Kubeconfig::Node { node, .. } => Some(node),
            _ => None,
        };
        let Some(node) = cluster.via.as_ref().or(of_kubeconfig) else { continue };
        let is_local = |node: &crate::lab::Node| matches!(node.connection, Connection::Local);
        if subject.lab.nodes.get(&node.value).is_some_and(is_local) {
            let summary = format!(
                "`{}` is reached through `{}`, which is the machine that labctl runs on",
                cluster.name, node.value
            );
            let finding = rule.error(summary, &node.place, "not reached over SSH");
            let help = "name the kubeconfig by `{ file = \"…\" }`, and leave `via` out";
            found.push(finding.help(help));
        }
    }
    found
}

/// The clusters that labctl makes, and how.
fn made<'a>(subject: &Subject<'a>) -> impl Iterator<Item = (&'a Cluster, &'a K0s)> {
    let lab: &'a Lab = subject.lab;
    lab.clusters.values().filter_map(|cluster| Some((cluster, cluster.k0s.as_ref()?)))
}

fn one_k0s_per_host(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut homes: BTreeMap<&str, (&Cluster, &Place)> = BTreeMap::new();
    let mut found = Vec::new();
    for (cluster, k0s) in made(subject) {
        for node in k0s.nodes() {
            match homes.get(node.value.as_str()) {
                Some((other, place)) if other.name != cluster.name => {
                    let summary =
                        format!("`{}` is in the clusters `{}` and `{}`", node.value, other.name, cluster.name);
                    let finding = rule.error(summary, &node.place, "one k0s runs on a host");
                    let finding = finding.also((*place).clone(), format!("in `{}` already", other.name));
                    found.push(finding.help("take it out of one of them, or give the other a VM of its own"));
                }
                _ => drop(homes.insert(&node.value, (cluster, &node.place))),
            }
        }
    }
    found
}

fn k0s_needs_linux(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (cluster, k0s) in made(subject) {
        for name in k0s.nodes() {
            let Some(node) = subject.lab.nodes.get(&name.value) else { continue };
            let words = match (&node.connection, node.os) {
                (_, Os::Macos) => "runs macOS",
                (Connection::Local, _) => "is the machine that labctl runs on",
                _ => continue,
            };
            let summary = format!("`{}` can't be in the cluster `{}`: it {words}", name.value, cluster.name);
            let finding = rule.error(summary, &name.place, "k0s doesn't run here");
            found.push(finding.help("name a Linux node that is reached over SSH; on a Mac, a VM"));
        }
    }
    found
}

fn cluster_network_overlap(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, table) in subject.file.clusters.iter() {
        let Some(network) = &table.network else { continue };
        let said = [("pods", &network.pods), ("services", &network.services)];
        let said: Vec<(&str, Ipv4Net, &Place)> =
            said.iter().filter_map(|(what, net)| Some((*what, net.as_ref()?.value.0, &net.as_ref()?.place))).collect();
        let overlap = |a: &Ipv4Net, b: &Ipv4Net| a.contains(b) || b.contains(a);
        if let [(_, pods, _), (_, services, place)] = said.as_slice()
            && overlap(pods, services)
        {
            let summary = format!("the pods and the Services of `{}` have the same addresses", name.value);
            found.push(rule.error(summary, place, "overlaps with `pods`").help("give them ranges of their own"));
        }
        for (what, net, place) in said {
            for (vlan, declared) in subject.lab.vlans.iter().filter(|(_, vlan)| overlap(&vlan.subnet, &net)) {
                let summary = format!("the {what} of `{}` have addresses of the VLAN `{vlan}`", name.value);
                let finding = rule.error(summary, place, format!("overlaps with {}", declared.subnet));
                found.push(finding.help("take a range that is nowhere in the lab, such as one of 10.0.0.0/8"));
            }
        }
    }
    found
}

fn label_without_cluster(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let is_in = |name: &str| made(subject).any(|(_, k0s)| k0s.nodes().any(|node| node.value == name));
    let mut found = Vec::new();
    for (name, table) in subject.nodes() {
        let label = table.labels.names().next().map(|label| ("labels", label));
        let taint = table.taints.iter().flatten().next().map(|taint: &Located<String>| ("taints", taint));
        for (what, said) in label.into_iter().chain(taint).filter(|_| !is_in(&name.value)) {
            let summary = format!("`{}` has {what}, and is in no cluster that labctl makes", name.value);
            let finding = rule.warning(summary, &said.place, "nothing takes them");
            found.push(finding.help("name the node in `workers` of its cluster, or take them out"));
        }
    }
    found
}
