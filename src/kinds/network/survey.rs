//! The tables that would declare what netplan's files say of a node.
//!
//! VLANs that the lab knows keep their names; others are proposed. The files themselves go to `replaces`, so that the
//! node is adopted as it is: no file moves until something differs.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use toml::{Table, Value as Toml};

use super::NAME;
use super::device::{Device, Devices, Shape};
use super::netplan::{self, ETC, OWN};
use super::seen::Seen;
use crate::kinds::Surveyed;
use crate::lab::{Address, Lab, Node};
use crate::observe::Reply;

/// What the node's files would look like in `homelab.toml`.
pub(super) fn survey(lab: &Lab, node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
    let seen = Seen::read(reply, &[])?;
    let files = netplan::at_boot(&seen.files, &BTreeSet::new(), &BTreeSet::new());
    let devices = netplan::devices(files.iter().copied(), &seen.live);
    let mut vlans = Vlans { lab, proposed: BTreeMap::new() };
    let mut table = Table::new();
    let others: Vec<Toml> = files
        .iter()
        .filter(|file| file.folder == ETC && file.name != OWN && file.says_something())
        .map(|file| Toml::from(file.name.as_str()))
        .collect();
    for (name, device) in devices.iter().filter(|(_, device)| device.shape == Shape::Port) {
        if let Some(port) = port(&devices, name, device, node, &mut vlans) {
            table.insert(name.clone(), port.into());
        }
    }
    if table.is_empty() {
        return Ok(Vec::new());
    }
    if !others.is_empty() {
        table.insert("replaces".to_owned(), others.into());
    }
    let mut surveyed: Vec<Surveyed> =
        vlans.proposed.into_iter().map(|(name, (id, subnet))| vlan(&name, id, subnet)).collect();
    let address = Address::new(["nodes", &node.name, "network"]);
    surveyed.push(Surveyed { address, name: NAME.to_owned(), entry: table.into() });
    Ok(surveyed)
}

/// A proposed VLAN. Where the node has no address in it, nobody here knows its subnet: the file is not whole without it,
/// and says so.
fn vlan(name: &str, id: u16, subnet: Option<Ipv4Net>) -> Surveyed {
    let mut table = Table::new();
    table.insert("id".to_owned(), i64::from(id).into());
    table.extend(subnet.map(|subnet| ("subnet".to_owned(), subnet.to_string().into())));
    Surveyed { address: Address::new(["vlans", name]), name: name.to_owned(), entry: table.into() }
}

/// Names of VLANs: the lab's, and those that are proposed because the lab has none.
struct Vlans<'a> {
    lab: &'a Lab,
    proposed: BTreeMap<String, (u16, Option<Ipv4Net>)>,
}

impl Vlans<'_> {
    /// The name of the network with this id (not known of an untagged one) and this subnet (not known where the node
    /// has no address in it).
    fn name(&mut self, id: Option<u16>, subnet: Option<Ipv4Net>) -> String {
        let declared = self.lab.vlans.iter().map(|(name, vlan)| (name, vlan.id, Some(vlan.subnet)));
        let proposed = self.proposed.iter().map(|(name, (id, subnet))| (name, *id, *subnet));
        let is_it = |(_, its, net): &(&String, u16, Option<Ipv4Net>)| {
            id.is_none_or(|id| id == *its) && subnet.is_none_or(|subnet| *net == Some(subnet))
        };
        if let Some((name, ..)) = declared.chain(proposed).find(is_it).filter(|_| id.is_some() || subnet.is_some()) {
            return name.clone();
        }
        let id = id.unwrap_or_else(|| self.free_id());
        let name = format!("vlan{id}");
        self.proposed.insert(name.clone(), (id, subnet));
        name
    }

    /// An untagged network's id is the switch's secret; 1 is what switches come with.
    fn free_id(&self) -> u16 {
        let is_taken = |id: &u16| {
            self.lab.vlans.values().any(|vlan| vlan.id == *id) || self.proposed.values().any(|(taken, _)| taken == id)
        };
        (1..=4094).find(|id| !is_taken(id)).unwrap_or(1)
    }
}

fn port(devices: &Devices, name: &str, device: &Device, node: &Node, vlans: &mut Vlans<'_>) -> Option<Table> {
    let mut table = Table::new();
    let holder = |device: &Device| device.bridge.as_ref().and_then(|bridge| devices.get(bridge));
    let native = holder(device).unwrap_or(device);
    let mut holders = vec![native];
    let own = address(native);
    if let Some(bridge) = &device.bridge {
        let mut entry = attachment(own, Some(bridge));
        entry.insert("vlan".to_owned(), vlans.name(None, own.map(|own| own.trunc())).into());
        table.insert("native".to_owned(), entry.into());
    } else if let Some(own) = own {
        table.insert("native".to_owned(), vlans.name(None, Some(own.trunc())).into());
        table.insert("address".to_owned(), own.addr().to_string().into());
    }
    let mut tagged = Table::new();
    for tag in devices.values() {
        let Shape::Vlan { id, link } = &tag.shape else { continue };
        let Some(id) = u16::try_from(*id).ok().filter(|_| link == name) else { continue };
        let on = holder(tag).unwrap_or(tag);
        holders.push(on);
        let own = address(on);
        let entry = match (&tag.bridge, own) {
            (None, Some(own)) => Toml::from(own.addr().to_string()),
            (bridge, own) => attachment(own, bridge.as_ref()).into(),
        };
        tagged.insert(vlans.name(Some(id), own.map(|own| own.trunc())), entry);
    }
    if !tagged.is_empty() {
        table.insert("tagged".to_owned(), tagged.into());
    }
    if native.dhcp {
        table.insert("dhcp".to_owned(), true.into());
    }
    if !native.nameservers.is_empty() {
        table.insert("resolvers".to_owned(), native.nameservers.clone().into());
    }
    if let Some(mtu) = device.mtu.and_then(|mtu| i64::try_from(mtu).ok()) {
        table.insert("mtu".to_owned(), mtu.into());
    }
    routes(&mut table, &holders, node);
    (!table.is_empty()).then_some(table)
}

/// Routes, and the word that there is no default one where labctl would make one.
fn routes(table: &mut Table, holders: &[&Device], node: &Node) {
    let hops = || holders.iter().flat_map(|device| &device.routes);
    let routes: Vec<Toml> = hops()
        .map(|hop| {
            let mut route = Table::new();
            let to = if hop.to == "default" { "0.0.0.0/0" } else { &hop.to };
            route.insert("to".to_owned(), to.into());
            route.insert("via".to_owned(), hop.via.as_str().into());
            if let Some(metric) = hop.metric.and_then(|metric| i64::try_from(metric).ok()) {
                route.insert("metric".to_owned(), metric.into());
            }
            route.into()
        })
        .collect();
    if !routes.is_empty() {
        table.insert("routes".to_owned(), routes.into());
    }
    let carries_own = holders.iter().filter_map(|device| address(device)).any(|a| Some(a.addr()) == node.address);
    if carries_own && !hops().any(|hop| hop.to == "default") {
        table.insert("default_route".to_owned(), false.into());
    }
}

fn attachment(address: Option<Ipv4Net>, bridge: Option<&String>) -> Table {
    let mut table = Table::new();
    table.extend(address.map(|address| ("address".to_owned(), address.addr().to_string().into())));
    table.extend(bridge.map(|bridge| ("bridge".to_owned(), bridge.as_str().into())));
    table
}

/// A device's first IPv4 address: homelab.toml has room for one.
fn address(device: &Device) -> Option<Ipv4Net> {
    device.addresses.iter().find_map(|address| address.parse().ok())
}
