//! Who announces a pool: the nodes that hold an address in its VLAN, on the device that holds it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{LOAD_BALANCER, Pool};
use crate::config::Place;
use crate::lab::{Address, Lab};
use crate::services::names::label;
use crate::services::{Draft, Scene};

/// A node that can announce addresses of a VLAN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcer<'a> {
    /// The node.
    pub node: &'a str,
    /// The device that holds its address in the VLAN: the port, its VLAN device, or the bridge.
    pub device: String,
    /// Where the port says so.
    pub place: &'a Place,
}

/// The nodes that hold an address in the VLAN, by name.
pub fn announcers<'a>(lab: &'a Lab, vlan: &str) -> Vec<Announcer<'a>> {
    let mut found = Vec::new();
    for node in lab.nodes.values() {
        for port in node.network.iter().flat_map(|network| network.ports.values()) {
            let held = port.attachments().filter(|at| at.vlan == vlan && at.address.is_some());
            found.extend(held.map(|at| Announcer { node: &node.name, device: at.device(port), place: &at.place }));
        }
    }
    found
}

/// The `L2Advertisement`s of a pool: one for each device, because one says its devices for all of its nodes.
pub(super) fn objects(pool: &Pool<'_>, namespace: &str, scene: &Scene<'_>) -> Vec<Draft> {
    let Some(vlan) = pool.vlan else { return Vec::new() };
    let mut devices: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for announcer in announcers(scene.lab, vlan) {
        let is_said = pool.nodes.is_empty() || pool.nodes.iter().any(|node| node.value == announcer.node);
        let device = pool.interface.map_or(announcer.device, |device| device.value.clone());
        if is_said {
            devices.entry(device).or_default().push(announcer.node);
        }
    }
    let is_one = devices.len() == 1;
    let mut drafts = Vec::new();
    for (device, nodes) in devices {
        let name =
            if is_one { pool.advertisement.to_owned() } else { label(&format!("{}-{device}", pool.advertisement)) };
        let selectors: Vec<Value> =
            nodes.iter().map(|node| json!({ "matchLabels": { "kubernetes.io/hostname": node } })).collect();
        let mut draft = Draft::new(
            json!({
                "apiVersion": "metallb.io/v1beta1",
                "kind": "L2Advertisement",
                "metadata": { "name": name, "namespace": namespace },
                "spec": { "ipAddressPools": [pool.name], "interfaces": [device], "nodeSelectors": selectors },
            }),
            pool.place.clone(),
        );
        draft = draft.needing(format!("address-pool:{}", pool.name), pool.place);
        for node in nodes {
            draft = draft.after(Address::new(["nodes", node, "network"]), pool.place);
        }
        draft.provides.push(LOAD_BALANCER.to_owned());
        drafts.push(draft);
    }
    drafts
}
