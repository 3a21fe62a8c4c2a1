//! Clusters: the way to them.

use super::{Rule, Subject};
use crate::config::Diagnostic;
use crate::lab::{Cluster, Connection, Kubeconfig, Lab};

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
