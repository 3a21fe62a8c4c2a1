//! VLANs, and what of them a node's ports carry.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;

use super::Meta;
use crate::config::Place;

/// `[vlans.NAME]`: one layer-2 network.
#[derive(Debug, Clone)]
pub struct Vlan {
    /// 802.1Q id, 1 to 4094.
    pub id: u16,
    /// Its addresses.
    pub subnet: Ipv4Net,
    /// The gateway's address; a device that labctl does not manage holds it.
    pub gateway: Option<Ipv4Addr>,
    /// Addresses that something else holds, by what it is.
    pub reserved: BTreeMap<String, Ipv4Addr>,
    /// Where the table stands.
    pub place: Place,
}

/// `[nodes.NAME.network]`: all that labctl owns of a node's network; one resource, because netplan applies it whole.
#[derive(Debug, Clone)]
pub struct Network {
    /// The ports, by interface name.
    pub ports: BTreeMap<String, Port>,
    /// Other files in `/etc/netplan` that this one takes the place of.
    pub replaces: Vec<String>,
    /// How long an applied change waits for its confirmation before the host puts the old state back.
    pub confirm_within: Duration,
    /// What the table says of the resource.
    pub meta: Meta,
}

/// `[nodes.NAME.network.PORT]`: a declared interface.
#[derive(Debug, Clone)]
pub struct Port {
    /// The interface's name on the node.
    pub name: String,
    /// The untagged network, if the port carries one that labctl is to configure.
    pub native: Option<Attachment>,
    /// The tagged networks, in the order of the file.
    pub tagged: Vec<Attachment>,
    /// Routes through this port, the default route among them.
    pub routes: Vec<Route>,
    /// Resolvers asked through this port, in order.
    pub resolvers: Vec<std::net::IpAddr>,
    /// Bytes; the kernel's default where absent.
    pub mtu: Option<u16>,
    /// Whether the untagged network's address comes by DHCP.
    pub dhcp: bool,
    /// Where the table stands.
    pub place: Place,
}

/// A VLAN on a port, straight or through a bridge.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// The VLAN's name.
    pub vlan: String,
    /// Its 802.1Q id.
    pub id: u16,
    /// The node's address in it, with the subnet's prefix length.
    pub address: Option<Ipv4Net>,
    /// The bridge between them: it holds the address, the port or its VLAN device is its member.
    pub bridge: Option<String>,
    /// Where it is said.
    pub place: Place,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// Where to; `0.0.0.0/0` is the default route.
    pub to: Ipv4Net,
    /// The next hop.
    pub via: Ipv4Addr,
    /// The lower, the better; the kernel's default where absent.
    pub metric: Option<u32>,
}

impl Attachment {
    /// The device that holds the address: `eno1`, `eno1.64` or `bridge64`.
    pub fn device(&self, port: &Port) -> String {
        self.bridge.clone().unwrap_or_else(|| self.link(port))
    }

    /// The device on the port itself: `eno1` for the native network, `eno1.64` for a tagged one.
    pub fn link(&self, port: &Port) -> String {
        if port.native.as_ref().is_some_and(|native| native.vlan == self.vlan) {
            port.name.clone()
        } else {
            format!("{}.{}", port.name, self.id)
        }
    }
}

impl Port {
    /// All that the port carries: the native network first.
    pub fn attachments(&self) -> impl Iterator<Item = &Attachment> {
        self.native.iter().chain(&self.tagged)
    }
}
