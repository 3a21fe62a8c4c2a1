//! `kind = "external"`: a machine outside of the cluster under a name in it, with its ports translated.
//!
//! A Service without a selector, and an EndpointSlice with the machine's address: an `ExternalName` could not translate
//! ports, and would need a record in the DNS.

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::names::{is_label, said_or};
use super::{Draft, Expansion, Scene, Service, ServiceKind};
use crate::config::read::Read;
use crate::config::table::{service_table, table};
use crate::config::tables::words;
use crate::config::{Brief, Code, Located, Named, nearest};

/// The row of this kind.
pub(super) const KIND: ServiceKind = ServiceKind {
    name: "external",
    about: "A machine outside of the cluster under a name in it, its ports translated.",
    provides: &[],
    read: |value, faults| ExternalTable::read(value, faults).map(|table| Arc::new(table) as Arc<dyn Service>),
    schema: |generator| generator.subschema_for::<ExternalTable>(),
};

service_table! {
    /// A machine outside of the cluster under a name in it: a Service without a selector, and its EndpointSlice.
    pub struct ExternalTable of "external" {
        /// The namespace.
        pub namespace: Located<String>,
        /// The machine: a node of this file with an `address`.
        pub node: Option<Located<String>>,
        /// The machine's address, where it is no node of this file.
        pub address: Option<Located<Ipv4Addr>>,
        /// The ports, by name: `api = 1337`, or `api = { port = 8080, target = 1337 }`.
        pub ports: Named<Brief<u16, PortTable>>,
        /// The name of the Service; that of the table where absent.
        pub name: Option<Located<String>>,
        /// The name of the EndpointSlice; that of the Service and `-1` where absent.
        pub endpoint_slice: Option<Located<String>>,
    }
}

table! {
    /// A port of a machine outside of the cluster.
    pub struct PortTable {
        /// The port under the cluster name.
        pub port: Located<u16>,
        /// The port of the machine; the same where absent.
        pub target: Option<Located<u16>>,
        /// `TCP` where absent.
        pub protocol: Option<Protocol>,
    }
}

words! {
    /// What goes over a port.
    pub enum Protocol {
        /// TCP.
        Tcp = "TCP",
        /// UDP.
        Udp = "UDP",
    }
}

/// A port as it is said.
struct Port<'a> {
    name: &'a Located<String>,
    number: u16,
    target: u16,
    protocol: &'static str,
}

impl Service for ExternalTable {
    fn expand(&self, scene: &Scene<'_>, expansion: &mut Expansion) {
        let made_up = Located::new(scene.name.to_owned(), self.place.clone());
        let name = said_or(self.name.as_ref(), &made_up, expansion);
        let slice = match &self.endpoint_slice {
            Some(slice) => said_or(Some(slice), &made_up, expansion),
            None => format!("{name}-1"),
        };
        let ports = self.ports(expansion);
        let Some(address) = self.address(scene, expansion) else { return };
        let namespace = &self.namespace.value;
        let service: Vec<Value> = ports
            .iter()
            .map(|port| json!({ "name": port.name.value, "port": port.number, "targetPort": port.target, "protocol": port.protocol }))
            .collect();
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "name": name, "namespace": namespace },
            "spec": { "ports": service },
        });
        let endpoints: Vec<Value> = ports
            .iter()
            .map(|port| json!({ "name": port.name.value, "port": port.target, "protocol": port.protocol }))
            .collect();
        let endpoints = json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            // Whose slice it is keeps the cluster's own controller away from it.
            "metadata": { "name": slice, "namespace": namespace, "labels": {
                "kubernetes.io/service-name": name,
                "endpointslice.kubernetes.io/managed-by": "labctl.dev",
            } },
            "addressType": "IPv4",
            "ports": endpoints,
            "endpoints": [{ "addresses": [address.to_string()], "conditions": { "ready": true } }],
        });
        for object in [service, endpoints] {
            expansion.drafts.push(Draft::new(object, self.place.clone()));
        }
        expansion.needs.push(Located::new(format!("namespace:{namespace}"), self.namespace.place.clone()));
    }
}

impl ExternalTable {
    fn ports(&self, expansion: &mut Expansion) -> Vec<Port<'_>> {
        let mut ports: Vec<Port<'_>> = Vec::new();
        for (name, said) in self.ports.iter() {
            let (port, target, protocol) = match said {
                Brief::Short(port) => (port, port, None),
                Brief::Table(table) => (&table.port, table.target.as_ref().unwrap_or(&table.port), table.protocol),
            };
            let protocol = match protocol {
                Some(Protocol::Udp) => "UDP",
                Some(Protocol::Tcp) | None => "TCP",
            };
            for number in [port, target].into_iter().filter(|number| number.value == 0) {
                expansion.fault(
                    Code::Value,
                    "0 is no port",
                    &number.place,
                    "this port",
                    "write a number from 1 to 65535",
                );
            }
            // The API's rule for the names of ports (RFC 6335).
            if name.len() > 15 || !is_label(name) || !name.contains(|c: char| c.is_ascii_lowercase()) {
                let summary = format!("`{}` can't be the name of a port", name.value);
                let help = "use up to 15 lower-case letters, digits and `-`, at least one letter";
                expansion.fault(Code::Name, summary, &name.place, "this name", help);
            }
            if let Some(first) = ports.iter().find(|other| other.number == port.value && other.protocol == protocol) {
                let summary =
                    format!("the port {} is said twice: by `{}` and by `{}`", port.value, first.name.value, name.value);
                expansion.fault(Code::Contradiction, summary, &port.place, "again here", "keep one of them");
            }
            ports.push(Port { name, number: port.value, target: target.value, protocol });
        }
        if ports.is_empty() && self.ports.names().next().is_none() {
            let help = "add `ports = { api = 1337 }`";
            expansion.fault(Code::MissingKey, "a machine without ports", &self.place, "no port in this table", help);
        }
        ports
    }

    fn address(&self, scene: &Scene<'_>, expansion: &mut Expansion) -> Option<Ipv4Addr> {
        match (&self.node, &self.address) {
            (None, Some(address)) => {
                let is_own = address.is_loopback()
                    || address.is_link_local()
                    || address.is_unspecified()
                    || address.is_multicast();
                if is_own {
                    let summary = format!("{} is no address of a machine", address.value);
                    let help = "write the address by which the cluster's nodes reach it; the API refuses loopback, link-local and multicast";
                    expansion.fault(Code::Value, summary, &address.place, "this address", help);
                }
                Some(address.value)
            }
            (Some(node), None) => {
                let nodes = &scene.file.nodes;
                if !nodes.declares(node) {
                    let help = match nearest(node, nodes.names().map(|name| name.value.as_str())) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => {
                            format!("declare it in `[nodes.{}]`, or write `address` in the place of `node`", node.value)
                        }
                    };
                    let summary = format!("there is no node `{}`", node.value);
                    expansion.fault(Code::Reference, summary, &node.place, "declared nowhere", help);
                    return None;
                }
                let address = nodes.get(node)?.address.as_ref().map(|address| address.value);
                if address.is_none() {
                    let summary = format!("the node `{}` has no `address`", node.value);
                    let help = "add it to the node; a cluster does not know the names by which you reach it over SSH";
                    expansion.fault(Code::MissingKey, summary, &node.place, "no address", help);
                }
                address
            }
            (node, _) => {
                let summary =
                    if node.is_some() { "`node` and `address` exclude each other" } else { "the machine is not said" };
                let help = "say `node = \"NAME\"`, or `address = \"…\"` for a machine that is no node of this file";
                expansion.fault(Code::Contradiction, summary, &self.place, "in this table", help);
                None
            }
        }
    }
}
