//! The kernel's devices, addresses and routes.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// All that the kernel has.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in super::super) struct Kernel {
    pub(in super::super) links: BTreeMap<String, Link>,
    /// Routes that somebody has set; those of addresses are worked out.
    pub(in super::super) routes: Vec<Route>,
    next: u32,
}

/// A device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Link {
    pub(in super::super) index: u32,
    pub(in super::super) nature: Nature,
    pub(in super::super) is_up: bool,
    pub(in super::super) mtu: u64,
    /// The bridge that it is a port of.
    pub(in super::super) master: Option<String>,
    pub(in super::super) addresses: Vec<Address>,
    /// networkd looks after it.
    pub(in super::super) is_managed: bool,
}

/// What a device is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum Nature {
    Loopback,
    Port { mac: String, has_cable: bool },
    Vlan { id: u64, parent: String },
    Bridge { stp: bool, forward_delay: u64 },
}

/// An address of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Address {
    pub(in super::super) net: Ipv4Net,
    /// By DHCP.
    pub(in super::super) is_leased: bool,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Route {
    /// `default`, a subnet, or an address.
    pub(in super::super) to: String,
    pub(in super::super) via: Option<String>,
    pub(in super::super) device: String,
    /// `static`, `kernel`, `dhcp`, `boot`.
    pub(in super::super) protocol: String,
    pub(in super::super) metric: Option<u64>,
    pub(in super::super) source: Option<String>,
}

impl Kernel {
    /// Loopback and network cards, as after a start.
    pub(in super::super) fn started(ports: impl IntoIterator<Item = (String, String, bool)>) -> Self {
        let mut kernel = Self { next: 1, ..Self::default() };
        kernel.add("lo", Nature::Loopback);
        if let Some(lo) = kernel.links.get_mut("lo") {
            lo.is_up = true;
            let net = "127.0.0.1/8".parse();
            lo.addresses.extend(net.map(|net| Address { net, is_leased: false }));
        }
        for (name, mac, has_cable) in ports {
            kernel.add(&name, Nature::Port { mac, has_cable });
        }
        kernel
    }

    /// Gives a device an address that no file of netplan's tells of.
    pub(in super::super) fn by_hand(&mut self, address: Option<&(String, Ipv4Net)>) {
        let Some((device, net)) = address else { return };
        if let Some(link) = self.links.get_mut(device) {
            link.is_up = true;
            link.addresses.push(Address { net: *net, is_leased: false });
        }
    }

    /// The network cards: name, hardware address, whether a cable is in.
    pub(in super::super) fn ports(&self) -> impl Iterator<Item = (String, String, bool)> {
        self.links.iter().filter_map(|(name, link)| match &link.nature {
            Nature::Port { mac, has_cable } => Some((name.clone(), mac.clone(), *has_cable)),
            _ => None,
        })
    }

    /// Makes a device; one of that name stays.
    pub(in super::super) fn add(&mut self, name: &str, nature: Nature) {
        if !self.links.contains_key(name) {
            let mtu = if nature == Nature::Loopback { 65536 } else { 1500 };
            let link = Link {
                index: self.next,
                nature,
                is_up: false,
                mtu,
                master: None,
                addresses: Vec::new(),
                is_managed: false,
            };
            self.next += 1;
            self.links.insert(name.to_owned(), link);
        }
    }

    /// Removes a device with what stands on it; whether it was there.
    pub(in super::super) fn remove(&mut self, name: &str) -> bool {
        if self.links.remove(name).is_none() {
            return false;
        }
        self.routes.retain(|route| route.device != name);
        for link in self.links.values_mut().filter(|link| link.master.as_deref() == Some(name)) {
            link.master = None;
        }
        let on_it = |link: &Link| matches!(&link.nature, Nature::Vlan { parent, .. } if parent == name);
        let orphans: Vec<String> =
            self.links.iter().filter(|(_, link)| on_it(link)).map(|(name, _)| name.clone()).collect();
        for orphan in orphans {
            self.remove(&orphan);
        }
        true
    }

    /// Whether packets can leave by it: it is on, and so is what it stands on, and there is a cable.
    pub(in super::super) fn has_carrier(&self, name: &str) -> bool {
        let Some(link) = self.links.get(name).filter(|link| link.is_up) else { return false };
        match &link.nature {
            Nature::Loopback => true,
            Nature::Port { has_cable, .. } => *has_cable,
            Nature::Vlan { parent, .. } => self.has_carrier(parent),
            Nature::Bridge { .. } => self.members(name).any(|member| self.has_carrier(member)),
        }
    }

    /// The ports of a bridge.
    pub(in super::super) fn members<'a>(&'a self, bridge: &'a str) -> impl Iterator<Item = &'a str> {
        let of_it = move |(_, link): &(&String, &Link)| link.master.as_deref() == Some(bridge);
        self.links.iter().filter(of_it).map(|(name, _)| name.as_str())
    }

    /// The port by which a device's packets leave, and the tag that they have.
    pub(in super::super) fn way_out(&self, name: &str) -> Option<(&str, Option<u64>)> {
        let (name, link) = self.links.get_key_value(name)?;
        match &link.nature {
            Nature::Loopback => None,
            Nature::Port { .. } => Some((name, None)),
            Nature::Vlan { id, parent } => self.way_out(parent).map(|(port, _)| (port, Some(*id))),
            Nature::Bridge { .. } => self.members(name).find_map(|member| self.way_out(member)),
        }
    }

    /// All routes of the main table: those that were set, and those of addresses, which work while their device is on.
    pub(in super::super) fn all_routes(&self) -> Vec<Route> {
        let is_up = |device: &str| self.links.get(device).is_some_and(|link| link.is_up);
        let mut routes: Vec<Route> = self.routes.iter().filter(|route| is_up(&route.device)).cloned().collect();
        for (name, link) in self.links.iter().filter(|(_, link)| link.is_up && link.nature != Nature::Loopback) {
            routes.extend(link.addresses.iter().map(|address| Route {
                to: address.net.trunc().to_string(),
                via: None,
                device: name.clone(),
                protocol: "kernel".to_owned(),
                metric: None,
                source: Some(address.net.addr().to_string()),
            }));
        }
        routes.sort_by(|a, b| {
            (a.to != "default", &a.to, a.metric, &a.device).cmp(&(b.to != "default", &b.to, b.metric, &b.device))
        });
        routes
    }

    /// Whether the kernel would take a route: its gateway must be on a subnet of the device.
    pub(in super::super) fn reaches(&self, device: &str, via: &str) -> bool {
        let Ok(via) = via.parse::<std::net::Ipv4Addr>() else { return false };
        self.links.get(device).is_some_and(|link| link.addresses.iter().any(|address| address.net.contains(&via)))
    }

    /// Takes away routes that nothing carries any more.
    pub(in super::super) fn prune(&mut self) {
        let routes = std::mem::take(&mut self.routes);
        self.routes = routes
            .into_iter()
            .filter(|route| route.via.as_ref().is_none_or(|via| self.reaches(&route.device, via)))
            .collect();
    }
}
