//! Clusters, and where their kubeconfigs come from.

use std::collections::BTreeMap;

use super::{Resolver, names};
use crate::config::tables::{ClusterTable, KubeconfigTable};
use crate::config::{Code, Located};
use crate::lab::{Cluster, Kubeconfig};

/// The key of the Secret in which a hosted control plane keeps its kubeconfig (Cluster API's contract).
const KEY: &str = "value";

impl Resolver<'_> {
    pub(super) fn clusters(&mut self) -> BTreeMap<String, Cluster> {
        let tables = self.file.clusters.iter();
        tables.filter_map(|(name, table)| Some((name.value.clone(), self.cluster(name, table)?))).collect()
    }

    fn cluster(&mut self, name: &Located<String>, table: &ClusterTable) -> Option<Cluster> {
        if let Some(via) = &table.via {
            self.check_node(via);
        }
        for word in &table.provides {
            self.check_name(word, names::CAPABILITY);
        }
        let (k0s, own) = self.k0s(name, table).unzip();
        let kubeconfig = match (&table.kubeconfig, own) {
            (Some(kubeconfig), _) => self.kubeconfig(name, kubeconfig)?,
            (None, Some(own)) => own,
            (None, None) => {
                if table.distribution.is_none() {
                    let summary = "`kubeconfig` is missing";
                    let help =
                        "add `kubeconfig = …` to it, or `distribution = \"k0s\"` where labctl is to make the cluster";
                    self.fault(Code::MissingKey, summary, &table.place, "in this table", help);
                }
                return None;
            }
        };
        Some(Cluster {
            name: name.value.clone(),
            place: table.place.clone(),
            k0s,
            kubeconfig,
            via: table.via.clone(),
            provides: table.provides.clone(),
            meta: table.meta(),
        })
    }

    fn kubeconfig(&mut self, cluster: &Located<String>, table: &KubeconfigTable) -> Option<Kubeconfig> {
        let place_of = |key: &Option<Located<String>>| key.as_ref().map(|key| key.place.clone());
        let command = table.command.as_ref().map(|_| table.place.clone());
        let forms = [
            ("file", place_of(&table.file)),
            ("command", command),
            ("node", place_of(&table.node)),
            ("cluster", place_of(&table.cluster)),
        ];
        let said: Vec<&str> = forms.iter().filter(|(_, place)| place.is_some()).map(|(key, _)| *key).collect();
        let [form] = said.as_slice() else {
            let summary = match said.as_slice() {
                [] => format!("labctl can't tell where the kubeconfig of `{}` comes from", cluster.value),
                several => {
                    format!("the kubeconfig of `{}` comes from {} places", cluster.value, several.len())
                }
            };
            let words = match said.as_slice() {
                [] => "in this table".to_owned(),
                several => several.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "),
            };
            let help = "say one of `{ file }`, `{ command }`, `{ node, path }` and `{ cluster, secret, namespace }`";
            self.fault(Code::Contradiction, summary, &table.place, &words, help);
            return None;
        };
        self.refuse_keys_of_other_forms(table, form);
        match *form {
            "file" => Some(Kubeconfig::File {
                path: self.filled(table.file.as_ref()?)?,
                context: table.context.as_ref().map(|context| context.value.clone()),
            }),
            "command" => {
                let command = table.command.as_ref()?;
                if command.first().is_none_or(|program| program.trim().is_empty()) {
                    let help = "write the program and its arguments: `[\"k0s\", \"kubeconfig\", \"admin\"]`";
                    self.fault(Code::Value, "the command is empty", &table.place, "in this table", help);
                    return None;
                }
                Some(Kubeconfig::Command(command.iter().map(|part| part.value.clone()).collect()))
            }
            "node" => {
                let node = table.node.as_ref()?;
                self.check_node(node);
                let path = self.required(table.path.as_ref(), "path", "node", table)?;
                if !path.starts_with('/') {
                    let summary = format!("`{}` is no absolute path", path.value);
                    let help = "write the path as it is on the node, such as `/var/lib/k0s/pki/admin.conf`";
                    self.fault(Code::Value, summary, &path.place, "this path", help);
                }
                Some(Kubeconfig::Node { node: node.clone(), path: path.value.clone() })
            }
            _ => self.hosted(table),
        }
    }

    fn hosted(&mut self, table: &KubeconfigTable) -> Option<Kubeconfig> {
        let cluster = table.cluster.as_ref()?;
        let clusters = &self.file.clusters;
        if !clusters.declares(cluster) {
            let known: Vec<Located<String>> = clusters.names().cloned().collect();
            self.unknown(cluster, "cluster", "clusters", &known);
        }
        let secret = self.required(table.secret.as_ref(), "secret", "cluster", table).cloned();
        let namespace = self.required(table.namespace.as_ref(), "namespace", "cluster", table).cloned();
        Some(Kubeconfig::Secret {
            cluster: cluster.clone(),
            namespace: namespace?.value,
            secret: secret?.value,
            key: table.key.as_ref().map_or_else(|| KEY.to_owned(), |key| key.value.clone()),
        })
    }

    fn refuse_keys_of_other_forms(&mut self, table: &KubeconfigTable, form: &str) {
        let keys = [
            ("context", &table.context, "file"),
            ("path", &table.path, "node"),
            ("secret", &table.secret, "cluster"),
            ("namespace", &table.namespace, "cluster"),
            ("key", &table.key, "cluster"),
        ];
        for (key, value, owner) in keys {
            if let Some(value) = value.as_ref().filter(|_| owner != form) {
                let summary = format!("`{key}` belongs to `{owner}`, and the kubeconfig comes from `{form}`");
                let help = format!("remove `{key}`, or write `{owner}` in the place of `{form}`");
                self.fault(Code::Contradiction, summary, &value.place, "not used", help);
            }
        }
    }

    fn required<'t>(
        &mut self,
        value: Option<&'t Located<String>>,
        key: &str,
        beside: &str,
        table: &KubeconfigTable,
    ) -> Option<&'t Located<String>> {
        match value {
            Some(value) if !value.trim().is_empty() => Some(value),
            _ => {
                let summary = format!("`{key}` is missing beside `{beside}`");
                let help = format!("add `{key} = \"…\"` to it");
                self.fault(Code::MissingKey, summary, &table.place, "in this table", help);
                None
            }
        }
    }

    fn filled(&mut self, value: &Located<String>) -> Option<String> {
        if value.trim().is_empty() {
            let help = "name the file that has the kubeconfig";
            self.fault(Code::Value, "the path is empty", &value.place, "this path", help);
            return None;
        }
        Some(value.value.clone())
    }

    fn check_node(&mut self, node: &Located<String>) {
        if !self.file.nodes.declares(node) {
            let known: Vec<Located<String>> = self.file.nodes.names().cloned().collect();
            self.unknown(node, "node", "nodes", &known);
        }
    }
}
