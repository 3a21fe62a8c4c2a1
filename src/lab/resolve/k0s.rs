//! Clusters that labctl makes with k0s.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::content::ContentKeys;
use super::{Resolver, names};
use crate::config::tables::{BinaryTable, ClusterTable, ProviderName};
use crate::config::{Code, Located, Named, Place};
use crate::lab::{Binary, K0s, K0sVersion, Kubeconfig, Meta, Module, Node, Os, Sysctl};

/// Where k0s keeps the kubeconfig of its administrator.
const KUBECONFIG: &str = "/var/lib/k0s/pki/admin.conf";

/// How long a start may take.
const READY_TIMEOUT: Duration = Duration::from_mins(10);

/// What kube-proxy, kube-router and containerd need of a node's kernel.
const MODULES: [&str; 2] = ["br_netfilter", "overlay"];
const SYSCTLS: [(&str, &str); 1] = [("net.ipv4.ip_forward", "1")];

/// Keys of a source of the binary.
struct Keys<'t> {
    url: Option<&'t Located<String>>,
    sha256: Option<&'t Located<String>>,
    path: Option<&'t Located<String>>,
    place: &'t Place,
}

impl Resolver<'_> {
    /// How labctl makes the cluster, where it does; and the kubeconfig that then leads to it.
    pub(super) fn k0s(&mut self, name: &Located<String>, table: &ClusterTable) -> Option<(K0s, Kubeconfig)> {
        if table.distribution.is_none() {
            self.refuse_keys_of_a_distribution(table);
            return None;
        }
        let controller = self.controller(name, table)?;
        self.check_cluster_node(&controller);
        table.workers.iter().for_each(|worker| self.check_cluster_node(worker));
        let kubeconfig = Kubeconfig::Node { node: controller.clone(), path: KUBECONFIG.to_owned() };
        let k0s = K0s {
            version: table.version.as_ref().and_then(|version| self.k0s_version(version)),
            controller,
            workers: table.workers.clone(),
            single: table.single.as_ref().is_some_and(|single| single.value),
            kubelet_root: table.kubelet_root.as_ref().and_then(|root| self.kubelet_root(root)),
            config: self.cluster_config(table),
            binary: table.binary.as_ref().map(|binary| self.binaries(binary)).unwrap_or_default(),
            ready_within: table.ready_timeout.as_ref().map_or(READY_TIMEOUT, |span| span.value.0).as_secs().max(1),
        };
        if let Some(binary) = table.binary.as_ref().filter(|_| table.version.is_none()) {
            let summary = format!("`{}` has a binary and no version", name.value);
            let help = "add `version`, by which labctl knows whether that binary is there already";
            self.fault(Code::MissingKey, summary, &binary.place, "of which version?", help);
        }
        if let Some(single) = table.single.as_ref().filter(|single| single.value && k0s.joining().next().is_some()) {
            let summary = format!("`{}` is a cluster of a single node, and has workers", name.value);
            let help = "remove `single`, or the workers: no node can ever join such a cluster";
            self.fault(Code::Contradiction, summary, &single.place, "nobody can join", help);
        }
        Some((k0s, kubeconfig))
    }

    fn refuse_keys_of_a_distribution(&mut self, table: &ClusterTable) {
        let place = |value: &Option<Located<String>>| value.as_ref().map(|value| value.place.clone());
        let first = |values: &[Located<String>]| values.first().map(|value| value.place.clone());
        let keys = [
            ("version", place(&table.version)),
            ("controllers", first(&table.controllers)),
            ("workers", first(&table.workers)),
            ("single", table.single.as_ref().map(|single| single.place.clone())),
            ("network", table.network.as_ref().map(|network| network.place.clone())),
            ("sans", first(&table.sans)),
            ("kubelet_root", place(&table.kubelet_root)),
            ("config", table.config.as_ref().map(|config| config.place.clone())),
            ("binary", table.binary.as_ref().map(|binary| binary.place.clone())),
            ("ready_timeout", table.ready_timeout.as_ref().map(|span| span.place.clone())),
        ];
        for (key, place) in keys {
            let Some(place) = place else { continue };
            let summary = format!("`{key}` is said of a cluster that labctl does not make");
            let help = format!("add `distribution = \"k0s\"`, or remove `{key}`");
            self.fault(Code::Contradiction, summary, &place, "not used without `distribution`", help);
        }
    }

    fn controller(&mut self, name: &Located<String>, table: &ClusterTable) -> Option<Located<String>> {
        match table.controllers.as_slice() {
            [controller] => Some(controller.clone()),
            [] => {
                let summary = format!("`{}` has no controller", name.value);
                let help = "add `controllers = [\"NODE\"]`: the node of its control plane";
                self.fault(Code::MissingKey, summary, &table.place, "in this table", help);
                None
            }
            [_, second, ..] => {
                let summary = format!("`{}` has {} controllers", name.value, table.controllers.len());
                let help = "name one: labctl makes control planes of one node";
                self.fault(Code::Value, summary, &second.place, "one too many", help);
                None
            }
        }
    }

    fn check_cluster_node(&mut self, name: &Located<String>) {
        let nodes = &self.file.nodes;
        if !nodes.declares(name) {
            let known: Vec<Located<String>> = nodes.names().cloned().collect();
            self.unknown(name, "node", "nodes", &known);
        }
    }

    fn k0s_version(&mut self, version: &Located<String>) -> Option<K0sVersion> {
        let read = version.parse().ok();
        if read.is_none() {
            let summary = format!("`{}` is no version of k0s", version.value);
            let help = "write the versions of Kubernetes and of k0s: `\"1.34.3+k0s.0\"`";
            self.fault(Code::Value, summary, &version.place, "this version", help);
        }
        read
    }

    fn kubelet_root(&mut self, root: &Located<String>) -> Option<String> {
        if root.starts_with('/') && !root.contains(char::is_whitespace) {
            return Some(root.trim_end_matches('/').to_owned());
        }
        let summary = format!("`{}` is no absolute path without spaces", root.value);
        let help = "write the folder as it is on the nodes: `\"/var/lib/kubelet\"`";
        self.fault(Code::Value, summary, &root.place, "this path", help);
        None
    }

    /// The declared keys of the `ClusterConfig`.
    fn cluster_config(&mut self, table: &ClusterTable) -> Json {
        let mut spec = table.config.as_ref().map(|config| config.entries.clone()).unwrap_or_default();
        let network = table.network.as_ref();
        let provider = network.and_then(|network| network.provider.as_ref()).map(|provider| {
            let word = match provider.value {
                ProviderName::Kuberouter => "kuberouter",
                ProviderName::Calico => "calico",
                ProviderName::Custom => "custom",
            };
            (Json::from(word), &provider.place)
        });
        let pods = network.and_then(|network| network.pods.as_ref());
        let services = network.and_then(|network| network.services.as_ref());
        let sans: Vec<&str> = table.sans.iter().map(|san| san.value.as_str()).collect();
        let own = [
            ("network", "provider", provider),
            ("network", "podCIDR", pods.map(|pods| (pods.value.0.to_string().into(), &pods.place))),
            ("network", "serviceCIDR", services.map(|subnet| (subnet.value.0.to_string().into(), &subnet.place))),
            ("api", "sans", table.sans.first().map(|first| (json!(sans), &first.place))),
        ];
        for (above, key, value) in own {
            let Some((value, place)) = value else { continue };
            let within = spec.entry(above).or_insert_with(|| Map::new().into());
            let taken = within.as_object_mut().is_none_or(|map| map.insert(key.to_owned(), value).is_some());
            if taken {
                let summary = format!("`{above}.{key}` of k0s's configuration is said twice");
                let help = format!("remove it from `config`, where it is `{above}.{key}`");
                self.fault(Code::Contradiction, summary, place, "and in `config`", help);
            }
        }
        if spec.is_empty() { json!({}) } else { json!({ "spec": spec }) }
    }

    fn binaries(&mut self, table: &BinaryTable) -> BTreeMap<String, Binary> {
        let keys = |url, sha256, path, place| Keys {
            url: Option::as_ref(url),
            sha256: Option::as_ref(sha256),
            path: Option::as_ref(path),
            place,
        };
        let mut found = BTreeMap::new();
        let all = keys(&table.url, &table.sha256, &table.path, &table.place);
        let each = [("x86_64", &table.amd64), ("aarch64", &table.arm64)];
        let is_any = each.iter().any(|(_, table)| table.is_some());
        if all.url.is_some() || all.sha256.is_some() || all.path.is_some() || !is_any {
            found.extend(self.binary(&all).map(|binary| (String::new(), binary)));
            if let Some(table) = each.iter().find_map(|(_, table)| table.as_ref()) {
                let summary = "the binary is said for all architectures, and for one of them";
                let help = "keep one of the two";
                self.fault(Code::Contradiction, summary, &table.place, "beside the one for all", help);
            }
        }
        for (machine, table) in each {
            let Some(table) = table else { continue };
            let binary = self.binary(&keys(&table.url, &table.sha256, &table.path, &table.place));
            found.extend(binary.map(|binary| (machine.to_owned(), binary)));
        }
        found
    }

    fn binary(&mut self, keys: &Keys<'_>) -> Option<Binary> {
        let help = "say `{ url = \"…\", sha256 = \"…\" }` or `{ path = \"…\" }`";
        match (keys.url, keys.sha256, keys.path) {
            (Some(url), Some(sha256), None) => {
                self.check_url(url);
                let digest = sha256.to_lowercase();
                if digest.len() != 64 || !digest.chars().all(|c| c.is_ascii_hexdigit()) {
                    let summary = format!("`{}` is no SHA-256", sha256.value);
                    self.fault(Code::Value, summary, &sha256.place, "this digest", "write its 64 hex digits");
                }
                Some(Binary::Fetched { url: url.value.clone(), sha256: digest })
            }
            (None, None, Some(path)) => {
                let slots = Named::default();
                let content = self.content(ContentKeys { content: None, source: Some(path), slots: &slots });
                content.map(Binary::Here)
            }
            (Some(url), None, None) => {
                let summary = "the binary has no digest";
                self.fault(Code::MissingKey, summary, &url.place, "anything might come from there", "add `sha256`");
                None
            }
            _ => {
                let summary = "labctl can't tell where the binary comes from";
                self.fault(Code::Contradiction, summary, keys.place, "in this table", help);
                None
            }
        }
    }

    fn check_url(&mut self, url: &Located<String>) {
        let is_url = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
        if !is_url || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let summary = format!("`{}` is no address on the web", url.value);
            self.fault(Code::Value, summary, &url.place, "this address", "write it with `https://`");
        }
    }

    /// What a hostname, a label and a taint may look like.
    pub(super) fn check_cluster_keys(&mut self, table: &crate::config::tables::NodeTable) {
        if let Some(hostname) = &table.hostname {
            self.check_name(hostname, names::NODE);
        }
        for (label, value) in table.labels.iter() {
            self.check_name(label, names::LABEL);
            self.check_name(value, names::LABEL_VALUE);
        }
        for taint in table.taints.iter().flatten() {
            self.check_name(taint, names::TAINT);
        }
    }
}

/// What the nodes of clusters need, where the file says nothing else of it.
pub(super) fn imply(nodes: &mut BTreeMap<String, Node>, k0s: &K0s, place: &Place) {
    for name in k0s.nodes() {
        let Some(node) = nodes.get_mut(&name.value).filter(|node| node.os == Os::Linux) else { continue };
        for module in MODULES {
            let said = node.modules.contains_key(module);
            if !said {
                node.modules.insert(module.to_owned(), Module { meta: Meta::at(place.clone()) });
            }
        }
        for (key, value) in SYSCTLS {
            let entry = node.sysctls.entry(key.to_owned());
            entry.or_insert_with(|| Sysctl { value: value.to_owned(), meta: Meta::at(place.clone()) });
        }
    }
}
