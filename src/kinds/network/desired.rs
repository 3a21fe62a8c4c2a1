//! What homelab.toml says of a node's devices: ports, VLAN devices and bridges out of ports and what they carry.

use ipnet::Ipv4Net;

use super::device::{Devices, Hop, Shape};
use crate::lab::{Attachment, Network, Port, Route};

/// The kernel's limit of a device's name: `IFNAMSIZ` less its end.
const NAME_LENGTH: usize = 15;

/// The devices that the table declares.
pub(super) fn devices(network: &Network) -> Devices {
    let mut devices = Devices::new();
    for port in network.ports.values() {
        let device = devices.entry(port.name.clone()).or_default();
        device.mtu = port.mtu.map(u64::from);
        for attachment in port.attachments() {
            attach(&mut devices, port, attachment);
        }
        let native = port.native.as_ref().map_or_else(|| port.name.clone(), |native| native.device(port));
        if let Some(device) = devices.get_mut(&native) {
            device.dhcp = port.dhcp;
            device.nameservers = port.resolvers.iter().map(ToString::to_string).collect();
        }
        for route in &port.routes {
            let through = port.attachments().find(|attachment| reaches(attachment, route));
            let device = through.map_or(native.clone(), |attachment| attachment.device(port));
            devices.entry(device).or_default().routes.push(hop(route));
        }
    }
    for device in devices.values_mut() {
        device.addresses.sort();
        device.addresses.dedup();
        device.routes.sort();
        device.routes.dedup();
    }
    devices
}

fn attach(devices: &mut Devices, port: &Port, attachment: &Attachment) {
    let link = attachment.link(port);
    let member = devices.entry(link.clone()).or_default();
    if link != port.name {
        member.shape = Shape::Vlan { id: attachment.id.into(), link: port.name.clone() };
    }
    member.bridge.clone_from(&attachment.bridge);
    let holder = devices.entry(attachment.device(port)).or_default();
    if attachment.bridge.is_some() {
        holder.shape = Shape::Bridge { stp: false, forward_delay: 0 };
    }
    holder.addresses.extend(attachment.address.map(|address| address.to_string()));
}

fn reaches(attachment: &Attachment, route: &Route) -> bool {
    attachment.address.is_some_and(|address| address.contains(&route.via))
}

fn hop(route: &Route) -> Hop {
    let to = if route.to == Ipv4Net::default() { "default".to_owned() } else { route.to.trunc().to_string() };
    Hop { to, via: route.via.to_string(), metric: route.metric.map(u64::from) }
}

/// The first name that the kernel would not take for a device.
pub(super) fn impossible_name(devices: &Devices) -> Option<&str> {
    let is_possible = |name: &str| {
        (1..=NAME_LENGTH).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'))
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    devices.keys().map(String::as_str).find(|name| !is_possible(name))
}

/// What must answer before a change is kept: every gateway of a network in which the node has an address, and every
/// next hop, by the device that leads there.
pub(super) fn gateways(
    network: &Network,
    vlans: &std::collections::BTreeMap<String, crate::lab::Vlan>,
) -> Vec<(String, String)> {
    let devices = devices(network);
    let own = |gateway: &str| {
        devices.values().flat_map(|device| &device.addresses).any(|a| a.split('/').next() == Some(gateway))
    };
    let mut gateways: Vec<(String, String)> = Vec::new();
    for port in network.ports.values() {
        for attachment in port.attachments().filter(|attachment| attachment.address.is_some()) {
            let gateway = vlans.get(&attachment.vlan).and_then(|vlan| vlan.gateway);
            gateways.extend(gateway.map(|gateway| (attachment.device(port), gateway.to_string())));
        }
    }
    for (name, device) in &devices {
        gateways.extend(device.routes.iter().map(|hop| (name.clone(), hop.via.clone())));
    }
    gateways.retain(|(_, gateway)| !own(gateway));
    gateways.sort();
    gateways.dedup();
    gateways
}
