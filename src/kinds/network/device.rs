//! A network device, as one of three says that it is: homelab.toml, netplan's files, the kernel.
//!
//! All three end in the same flat attributes, `eth1.8.addresses`, so that they can be held against each other.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;

use crate::plan::{Attributes, Value};

/// Devices by name.
pub(super) type Devices = BTreeMap<String, Device>;

/// A device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) shape: Shape,
    /// `192.168.4.5/24`, in order.
    pub(super) addresses: Vec<String>,
    /// In order.
    pub(super) routes: Vec<Hop>,
    /// In the order in which they are asked.
    pub(super) nameservers: Vec<String>,
    /// Whether its address comes by DHCP.
    pub(super) dhcp: bool,
    pub(super) mtu: Option<u64>,
    /// The bridge that it is a port of.
    pub(super) bridge: Option<String>,
    /// What is said of it that homelab.toml has no words for.
    pub(super) others: BTreeMap<String, Json>,
}

/// What makes a device what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// A network card, or what looks like one.
    #[default]
    Port,
    /// Tagged packets of another device.
    Vlan {
        /// 802.1Q id.
        id: u64,
        /// The other device.
        link: String,
    },
    /// A switch in the kernel.
    Bridge {
        /// Whether it speaks the spanning tree protocol.
        stp: bool,
        /// Seconds.
        forward_delay: u64,
    },
}

/// A route by way of a gateway, written as `ip route` writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hop {
    /// `default`, or a subnet.
    pub(super) to: String,
    /// The gateway.
    pub(super) via: String,
    pub(super) metric: Option<u64>,
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} via {}", self.to, self.via)?;
        self.metric.map_or(Ok(()), |metric| write!(f, " metric {metric}"))
    }
}

impl Shape {
    /// Whether labctl could have made it: then it can be deleted when it goes.
    pub(super) fn is_virtual(&self) -> bool {
        !matches!(self, Self::Port)
    }
}

/// netplan's files are not for everybody to read, and a key that nobody here knows may hold a password.
fn may_be_shown(key: &str) -> bool {
    const KNOWN: [&str; 12] = [
        "accept-ra",
        "dhcp-identifier",
        "dhcp6",
        "gateway6",
        "macaddress",
        "match",
        "nameservers.search",
        "renderer",
        "section",
        "set-name",
        "wakeonlan",
        "wait-online",
    ];
    let families = ["dhcp4-overrides", "dhcp6-overrides", "member of ", "parameters.", "routes."];
    KNOWN.contains(&key) || families.iter().any(|family| key.starts_with(family))
}

impl Device {
    /// Whether anything is said of it but that it exists.
    pub(super) fn is_configured(&self) -> bool {
        *self != Self { shape: Shape::Port, ..Self::default() }
    }

    /// The first thing that is said of it, as netplan calls it: for messages.
    pub(super) fn first_key(&self) -> &str {
        let modelled = [
            (!self.addresses.is_empty(), "addresses"),
            (!self.routes.is_empty(), "routes"),
            (!self.nameservers.is_empty(), "nameservers"),
            (self.dhcp, "dhcp4"),
            (self.mtu.is_some(), "mtu"),
            (self.shape.is_virtual(), "id"),
        ];
        let modelled = modelled.iter().find(|(is_said, _)| *is_said).map(|(_, key)| *key);
        modelled.or_else(|| self.others.keys().next().map(String::as_str)).unwrap_or("interfaces")
    }

    fn attributes(&self, name: &str, attributes: &mut Attributes) {
        let mut put = |key: &str, value: Value| attributes.insert(format!("{name}.{key}"), value);
        put("addresses", self.addresses.clone().into());
        match &self.shape {
            Shape::Port => {}
            Shape::Vlan { id, link } if name == format!("{link}.{id}") => {
                put("vlan", (*id).into());
            }
            Shape::Vlan { id, link } => {
                put("vlan", format!("{id} on {link}").into());
            }
            Shape::Bridge { stp, forward_delay } => {
                put("stp", (*stp).into());
                put("forward-delay", (*forward_delay).into());
            }
        }
        if !self.routes.is_empty() {
            put("routes", self.routes.iter().map(Hop::to_string).collect::<Vec<_>>().into());
        }
        if !self.nameservers.is_empty() {
            put("nameservers", self.nameservers.clone().into());
        }
        if self.dhcp {
            put("dhcp", true.into());
        }
        if let Some(mtu) = self.mtu {
            put("mtu", mtu.into());
        }
        if let Some(bridge) = &self.bridge {
            put("bridge", bridge.as_str().into());
        }
        for (key, value) in &self.others {
            put(key, if may_be_shown(key) { Value::plain(value.clone()) } else { Value::Differs });
        }
    }
}

/// The attributes of devices, flat.
pub(super) fn attributes(devices: &Devices) -> Attributes {
    let mut attributes = Attributes::new();
    for (name, device) in devices {
        device.attributes(name, &mut attributes);
    }
    attributes
}
