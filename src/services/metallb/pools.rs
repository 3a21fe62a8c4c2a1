//! The pools of a table: ranges, and fixed addresses with a pool of their own.

use serde_json::{Value, json};

use super::MetallbTable;
use crate::config::{AddressRange, Brief, Code, Located, Named, Place, nearest};
use crate::lab::Lab;
use crate::services::names::check_name;
use crate::services::{Draft, Expansion, Scene};

/// A pool as it is said.
#[derive(Debug, Clone)]
pub struct Pool<'a> {
    /// The name of the IPAddressPool.
    pub name: &'a str,
    /// The name of the L2Advertisement.
    pub advertisement: &'a str,
    /// The VLAN in which its addresses are; none where it, or one for the address, is not declared.
    pub vlan: Option<&'a str>,
    /// Its addresses.
    pub ranges: Vec<Located<AddressRange>>,
    /// Whether it is one fixed address.
    pub is_fixed: bool,
    /// Whether Services get its addresses without asking.
    pub auto_assign: bool,
    /// The nodes that announce it; empty: all that hold an address in the VLAN.
    pub nodes: &'a [Located<String>],
    /// The device that it is announced on, where it is said.
    pub interface: Option<&'a Located<String>>,
    /// Where the pool stands.
    pub place: &'a Place,
}

/// The pools of the table, in the order of the file.
pub fn pools<'a>(table: &'a MetallbTable, lab: &'a Lab) -> Vec<Pool<'a>> {
    let mut found = Vec::new();
    for (key, said) in table.pools.iter() {
        let name = said.name.as_ref().unwrap_or(key).as_str();
        found.push(Pool {
            name,
            advertisement: said.advertisement.as_ref().map_or(name, |name| name.as_str()),
            vlan: lab.vlans.get_key_value(&said.vlan.value).map(|(vlan, _)| vlan.as_str()),
            ranges: [&said.range].into_iter().chain(&said.more).cloned().collect(),
            is_fixed: false,
            auto_assign: said.auto_assign.unwrap_or(true),
            nodes: &said.nodes,
            interface: said.interface.as_ref(),
            place: &key.place,
        });
    }
    for (key, said) in table.addresses.iter() {
        let (address, fixed) = match said {
            Brief::Short(address) => (address, None),
            Brief::Table(table) => (&table.address, Some(table)),
        };
        let name = fixed.and_then(|fixed| fixed.name.as_ref()).unwrap_or(key).as_str();
        found.push(Pool {
            name,
            advertisement: fixed.and_then(|fixed| fixed.advertisement.as_ref()).map_or(name, |name| name.as_str()),
            vlan: lab.subnet_of(address.value).map(|(vlan, _)| vlan),
            ranges: vec![Located::new(AddressRange::of(address.value), address.place.clone())],
            is_fixed: true,
            auto_assign: false,
            nodes: fixed.map(|fixed| fixed.nodes.as_slice()).unwrap_or_default(),
            interface: fixed.and_then(|fixed| fixed.interface.as_ref()),
            place: &key.place,
        });
    }
    found
}

/// Faults of names: those that no object can have, and those that name nothing.
pub(super) fn check(table: &MetallbTable, scene: &Scene<'_>, expansion: &mut Expansion) {
    let file = scene.file;
    for (key, said) in table.pools.iter() {
        check_name(said.name.as_ref(), key, expansion);
        check_name(said.advertisement.as_ref(), key, expansion);
        is_declared(&said.vlan, "VLAN", "vlans", &file.vlans, expansion);
        said.nodes.iter().for_each(|node| is_declared(node, "node", "nodes", &file.nodes, expansion));
    }
    for (key, said) in table.addresses.iter() {
        match said {
            Brief::Short(_) => check_name(None, key, expansion),
            Brief::Table(said) => {
                check_name(said.name.as_ref(), key, expansion);
                check_name(said.advertisement.as_ref(), key, expansion);
                said.nodes.iter().for_each(|node| is_declared(node, "node", "nodes", &file.nodes, expansion));
            }
        }
    }
}

fn is_declared<T>(name: &Located<String>, what: &str, shelf: &str, known: &Named<T>, expansion: &mut Expansion) {
    if known.declares(name) {
        return;
    }
    let help = match nearest(name, known.names().map(|name| name.value.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("declare it in `[{shelf}.{}]`", name.value),
    };
    let summary = format!("there is no {what} `{}`", name.value);
    expansion.fault(Code::Reference, summary, &name.place, "declared nowhere", help);
}

impl Pool<'_> {
    /// The `IPAddressPool`.
    pub(super) fn object(&self, namespace: &str) -> Draft {
        let addresses = self.ranges.iter().map(|range| {
            if range.first == range.last { format!("{}/32", range.first) } else { range.value.to_string() }
        });
        let addresses: Vec<Value> = addresses.map(Value::from).collect();
        let mut draft = Draft::new(
            json!({
                "apiVersion": "metallb.io/v1beta1",
                "kind": "IPAddressPool",
                "metadata": { "name": self.name, "namespace": namespace },
                // Some home routers take .0 and .255 for what they are in a /24.
                "spec": { "addresses": addresses, "autoAssign": self.auto_assign, "avoidBuggyIPs": true },
            }),
            self.place.clone(),
        );
        draft.provides.push(format!("address-pool:{}", self.name));
        draft
    }
}
