//! `kind = "metallb"`: addresses for Services of the type LoadBalancer, announced in layer 2.
//!
//! Pools come from declared VLANs; they are announced on the devices of nodes that hold an address there, because an
//! address in a VLAN of which the announcing node is no member gets no replies out to other networks.

mod announce;
mod pools;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::json;

use super::upstream::{Pinned, UpstreamTable};
use super::{Draft, Expansion, Pin, Scene, Service, ServiceKind};
use crate::config::read::Read;
use crate::config::table::{service_table, table};
use crate::config::{AddressRange, Brief, Located, Named};

pub use announce::{Announcer, announcers};
pub use pools::{Pool, pools};

/// The row of this kind.
pub(super) const KIND: ServiceKind = ServiceKind {
    name: "metallb",
    about: "MetalLB in layer 2: addresses for Services of the type LoadBalancer, from declared VLANs.",
    provides: &[LOAD_BALANCER, "address-pool:"],
    read: |value, faults| MetallbTable::read(value, faults).map(|table| Arc::new(table) as Arc<dyn Service>),
    schema: |generator| generator.subschema_for::<MetallbTable>(),
};

/// Version 0.16.1: controller and speaker, without FRR.
const MANIFEST: Pinned = Pinned {
    url: "https://raw.githubusercontent.com/metallb/metallb/v0.16.1/config/manifests/metallb-native.yaml",
    sha256: "bf25feebb7582ca7df845efd52ffbc2960d6cbf4cfc972f47fded9f788b67f0b",
    stand_in: include_str!("stand_in.yaml"),
};

/// The namespace of that manifest.
const NAMESPACE: &str = "metallb-system";

/// What Services of the type LoadBalancer need.
const LOAD_BALANCER: &str = "load-balancer";

/// What answers for MetalLB's own kinds: pools are refused until it does.
const WEBHOOK: &str = "webhook:metallb.io";

service_table! {
    /// MetalLB in layer 2: addresses for Services of the type LoadBalancer.
    pub struct MetallbTable of "metallb" {
        /// Addresses that any Service may get, by the name of the pool.
        #[schemars(default)]
        pub pools: Named<PoolTable>,
        /// Addresses that a Service gets only by asking for them, by the name of the pool that each has: `dns = "192.168.4.53"`.
        #[schemars(default)]
        pub addresses: Named<Brief<Ipv4Addr, FixedTable>>,
        /// Another manifest than the one of MetalLB 0.16.1 that labctl pins.
        pub manifest: Option<UpstreamTable>,
        /// The namespace that MetalLB runs in, as its manifest has it; `metallb-system` where absent.
        pub namespace: Option<Located<String>>,
    }
}

table! {
    /// Addresses that any Service of the type LoadBalancer may get.
    pub struct PoolTable {
        /// The VLAN in which they are.
        pub vlan: Located<String>,
        /// The addresses: `"192.168.8.51-79"`.
        pub range: Located<AddressRange>,
        /// Further ranges of the same VLAN.
        #[schemars(default)]
        pub more: Vec<Located<AddressRange>>,
        /// Whether a Service gets one without asking for this pool; `true` where absent.
        pub auto_assign: Option<bool>,
        /// The nodes that announce them; all that hold an address in the VLAN where absent.
        #[schemars(default)]
        pub nodes: Vec<Located<String>>,
        /// The device that they are announced on; the one that holds the node's address in the VLAN where absent.
        pub interface: Option<Located<String>>,
        /// The name of the IPAddressPool; that of the table where absent.
        pub name: Option<Located<String>>,
        /// The name of the L2Advertisement; that of the IPAddressPool where absent.
        pub advertisement: Option<Located<String>>,
    }
}

table! {
    /// An address that a Service gets only by asking for it.
    pub struct FixedTable {
        /// The address; its VLAN is the one whose subnet it lies in.
        pub address: Located<Ipv4Addr>,
        /// The nodes that announce it; all that hold an address in the VLAN where absent.
        #[schemars(default)]
        pub nodes: Vec<Located<String>>,
        /// The device that it is announced on; the one that holds the node's address in the VLAN where absent.
        pub interface: Option<Located<String>>,
        /// The name of the IPAddressPool; that of the table where absent.
        pub name: Option<Located<String>>,
        /// The name of the L2Advertisement; that of the IPAddressPool where absent.
        pub advertisement: Option<Located<String>>,
    }
}

impl MetallbTable {
    fn namespace(&self) -> &str {
        self.namespace.as_ref().map_or(NAMESPACE, |namespace| namespace.value.as_str())
    }
}

impl Service for MetallbTable {
    fn files(&self) -> Vec<&Located<String>> {
        Pinned::files(self.manifest.as_ref())
    }

    fn pins(&self) -> Vec<Pin> {
        MANIFEST.pins(self.manifest.as_ref(), &self.place)
    }

    fn expand(&self, scene: &Scene<'_>, expansion: &mut Expansion) {
        MANIFEST.read(self.manifest.as_ref(), &self.place, scene, expansion);
        let mut has_namespace = false;
        for draft in &mut expansion.drafts {
            match draft.kind() {
                // Its speakers send packets of their own making: the strict profiles refuse that.
                "Namespace" if draft.name() == self.namespace() => {
                    has_namespace = true;
                    for mode in ["audit", "enforce", "warn"] {
                        draft.json["metadata"]["labels"][format!("pod-security.kubernetes.io/{mode}")] =
                            json!("privileged");
                    }
                }
                "Deployment" | "ValidatingWebhookConfiguration" => draft.provides.push(WEBHOOK.to_owned()),
                "DaemonSet" => draft.provides.push(LOAD_BALANCER.to_owned()),
                _ => {}
            }
        }
        if !has_namespace && !expansion.drafts.is_empty() {
            let labels = json!({
                "pod-security.kubernetes.io/audit": "privileged",
                "pod-security.kubernetes.io/enforce": "privileged",
                "pod-security.kubernetes.io/warn": "privileged",
            });
            let metadata = json!({ "name": self.namespace(), "labels": labels });
            let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata });
            expansion.drafts.push(Draft::new(namespace, self.place.clone()));
        }
        // It is provided by the manifest too that is not there yet.
        expansion.provides.push(LOAD_BALANCER.to_owned());
        pools::check(self, scene, expansion);
        let is_answered = expansion.drafts.iter().any(|draft| draft.provides.iter().any(|word| word == WEBHOOK));
        for pool in pools(self, scene.lab) {
            let objects = announce::objects(&pool, self.namespace(), scene);
            for draft in [pool.object(self.namespace())].into_iter().chain(objects) {
                expansion.drafts.push(if is_answered { draft.needing(WEBHOOK, &self.place) } else { draft });
            }
        }
    }
}
