//! labctl's netplan file: devices in, YAML out, in stable order.
//!
//! The renderer stands at each device and not at the top, where it would be taken for those of other files as well.

use std::collections::BTreeMap;

use serde::Serialize;

use super::device::{Device, Devices, Shape};

const HEAD: &str =
    "# Written by labctl from homelab.toml. What is changed here is undone by the next `labctl apply`.\n";

#[derive(Serialize)]
struct File<'a> {
    network: Root<'a>,
}

#[derive(Serialize)]
struct Root<'a> {
    version: u8,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    ethernets: BTreeMap<&'a str, Definition<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    vlans: BTreeMap<&'a str, Definition<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bridges: BTreeMap<&'a str, Definition<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Definition<'a> {
    renderer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interfaces: Option<Vec<&'a str>>,
    dhcp4: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_local: Option<[&'static str; 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    optional: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    addresses: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Route<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nameservers: Option<Nameservers<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Parameters>,
}

#[derive(Serialize)]
struct Route<'a> {
    to: &'a str,
    via: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<u64>,
}

#[derive(Serialize)]
struct Nameservers<'a> {
    addresses: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Parameters {
    stp: bool,
    forward_delay: u64,
}

/// The file's text, or why it can't be written.
pub(super) fn text(devices: &Devices) -> Result<String, String> {
    let of = |wanted: fn(&Shape) -> bool| {
        devices
            .iter()
            .filter(|(_, device)| wanted(&device.shape))
            .map(|(name, device)| (name.as_str(), definition(devices, name, device)))
            .collect::<BTreeMap<_, _>>()
    };
    let network = Root {
        version: 2,
        ethernets: of(|shape| *shape == Shape::Port),
        vlans: of(|shape| matches!(shape, Shape::Vlan { .. })),
        bridges: of(|shape| matches!(shape, Shape::Bridge { .. })),
    };
    let yaml = serde_saphyr::to_string(&File { network }).map_err(|error| error.to_string())?;
    Ok(format!("{HEAD}{yaml}"))
}

fn definition<'a>(devices: &'a Devices, name: &str, device: &'a Device) -> Definition<'a> {
    let silent = device.addresses.is_empty() && !device.dhcp;
    let members = || {
        let of_it = |(_, member): &(&String, &Device)| member.bridge.as_deref() == Some(name);
        devices.iter().filter(of_it).map(|(member, _)| member.as_str()).collect()
    };
    let (id, link) = match &device.shape {
        Shape::Vlan { id, link } => (Some(*id), Some(link.as_str())),
        Shape::Port | Shape::Bridge { .. } => (None, None),
    };
    let (interfaces, parameters) = match &device.shape {
        Shape::Bridge { stp, forward_delay } => {
            (Some(members()), Some(Parameters { stp: *stp, forward_delay: *forward_delay }))
        }
        Shape::Port | Shape::Vlan { .. } => (None, None),
    };
    Definition {
        renderer: "networkd",
        id,
        link,
        interfaces,
        dhcp4: device.dhcp,
        // A port that only carries tagged networks needs no address of its own, not even one that it gives itself.
        link_local: silent.then_some([]),
        // Nobody waits at boot for what has no address.
        optional: silent.then_some(true),
        mtu: device.mtu,
        addresses: &device.addresses,
        routes: device.routes.iter().map(|hop| Route { to: &hop.to, via: &hop.via, metric: hop.metric }).collect(),
        nameservers: (!device.nameservers.is_empty()).then_some(Nameservers { addresses: &device.nameservers }),
        parameters,
    }
}
