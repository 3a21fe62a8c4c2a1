//! What the kernel has: the answers of `ip -j -d addr show` and `ip -j -4 route show`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::device::{Device, Devices, Hop, Shape};

/// Hundredths of a second, in which the kernel tells a bridge's delays.
const TICKS: u64 = 100;

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Link {
    ifname: String,
    #[serde(default, rename = "link")]
    parent: Option<String>,
    #[serde(default)]
    master: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
    mtu: u64,
    /// The hardware address.
    #[serde(default)]
    pub(super) address: Option<String>,
    #[serde(default)]
    altnames: Vec<String>,
    #[serde(default)]
    linkinfo: Info,
    #[serde(default)]
    addr_info: Vec<Held>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Info {
    #[serde(default)]
    info_kind: Option<String>,
    #[serde(default)]
    info_data: Data,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Data {
    #[serde(default)]
    id: Option<serde_json::Value>,
    #[serde(default)]
    stp_state: u64,
    #[serde(default)]
    forward_delay: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct Held {
    family: String,
    #[serde(default)]
    local: String,
    #[serde(default)]
    prefixlen: u8,
    #[serde(default)]
    dynamic: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct Route {
    dst: String,
    #[serde(default)]
    gateway: Option<String>,
    #[serde(default)]
    dev: Option<String>,
    #[serde(default)]
    protocol: Option<String>,
    #[serde(default)]
    metric: Option<u64>,
}

/// The kernel's devices and routes.
#[derive(Debug, Clone, Default)]
pub(super) struct Live {
    links: BTreeMap<String, Link>,
    routes: Vec<Route>,
}

impl Live {
    /// Out of the two programs' JSON.
    pub(super) fn parse(links: &[u8], routes: &[u8]) -> Result<Self, String> {
        let links: Vec<Link> = parse(links, "ip -j -d addr show")?;
        let routes = parse(routes, "ip -j -4 route show")?;
        Ok(Self { links: links.into_iter().map(|link| (link.ifname.clone(), link)).collect(), routes })
    }

    /// A device by its name.
    pub(super) fn link(&self, name: &str) -> Option<&Link> {
        self.links.get(name)
    }

    /// Every device, in order of name.
    pub(super) fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.values()
    }

    /// A device as the kernel has it. `declared` says what of it is looked at: an address by DHCP is none of a device
    /// that asks for one, a route that no static configuration can have made is somebody else's.
    pub(super) fn device(&self, name: &str, declared: Option<&Device>) -> Option<Device> {
        let link = self.links.get(name)?;
        let dhcp = declared.is_some_and(|device| device.dhcp);
        Some(Device {
            shape: link.shape(),
            addresses: link.addresses(dhcp),
            routes: self.routes_of(name, declared),
            nameservers: Vec::new(),
            dhcp: dhcp && link.addr_info.iter().any(|held| held.dynamic),
            mtu: declared.and_then(|device| device.mtu).map(|_| link.mtu),
            bridge: link.master.clone(),
            others: BTreeMap::new(),
        })
    }

    fn routes_of(&self, name: &str, declared: Option<&Device>) -> Vec<Hop> {
        let is_declared = |to: &str| declared.is_some_and(|device| device.routes.iter().any(|hop| hop.to == to));
        let counts = |route: &Route| match route.protocol.as_deref() {
            Some("static") => true,
            Some("kernel" | "dhcp" | "ra") => false,
            _ => route.dst == "default" || is_declared(&route.dst),
        };
        let of_it = self.routes.iter().filter(|route| route.dev.as_deref() == Some(name) && counts(route));
        let hop = |route: &Route| Some(Hop { to: full(&route.dst), via: route.gateway.clone()?, metric: route.metric });
        let mut hops: Vec<Hop> = of_it.filter_map(hop).collect();
        hops.sort();
        hops
    }

    /// These devices as far as they exist.
    pub(super) fn devices<'a>(&self, wanted: impl IntoIterator<Item = (&'a String, Option<&'a Device>)>) -> Devices {
        wanted.into_iter().filter_map(|(name, declared)| Some((name.clone(), self.device(name, declared)?))).collect()
    }
}

impl Link {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.ifname
    }

    /// Whether it is a network card: nothing of the kernel's own making.
    pub(super) fn is_port(&self) -> bool {
        self.linkinfo.info_kind.is_none() && !self.flags.iter().any(|flag| flag == "LOOPBACK")
    }

    /// Whether `name` is another name of it.
    pub(super) fn is_also(&self, name: &str) -> bool {
        self.altnames.iter().any(|other| other == name)
    }

    /// Whether somebody has switched it on.
    pub(super) fn is_up(&self) -> bool {
        self.flags.iter().any(|flag| flag == "UP")
    }

    /// Whether it is on and nothing answers at the other end of its cable.
    pub(super) fn lacks_carrier(&self) -> bool {
        self.flags.iter().any(|flag| flag == "NO-CARRIER")
    }

    /// What the kernel calls the kind of a device that it made itself.
    pub(super) fn kind(&self) -> Option<&str> {
        self.linkinfo.info_kind.as_deref()
    }

    fn shape(&self) -> Shape {
        let data = &self.linkinfo.info_data;
        match self.kind() {
            Some("vlan") => Shape::Vlan {
                id: data.id.as_ref().and_then(serde_json::Value::as_u64).unwrap_or_default(),
                link: self.parent.clone().unwrap_or_default(),
            },
            Some("bridge") => Shape::Bridge { stp: data.stp_state != 0, forward_delay: data.forward_delay / TICKS },
            _ => Shape::Port,
        }
    }

    fn addresses(&self, dhcp: bool) -> Vec<String> {
        let counts = |held: &&Held| held.family == "inet" && !(dhcp && held.dynamic);
        let text = |held: &Held| format!("{}/{}", held.local, held.prefixlen);
        let mut addresses: Vec<String> = self.addr_info.iter().filter(counts).map(text).collect();
        addresses.sort();
        addresses
    }
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8], program: &str) -> Result<T, String> {
    serde_json::from_slice(json).map_err(|error| format!("`{program}` answered what can't be read ({error})"))
}

/// A destination with its prefix length, which `ip` leaves out for a single host.
fn full(dst: &str) -> String {
    if dst == "default" || dst.contains('/') { dst.to_owned() } else { format!("{dst}/32") }
}
