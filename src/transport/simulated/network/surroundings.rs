//! What is around a simulated node: the VLANs, their gateways, and the switch that its ports are plugged into.
//!
//! The switch carries every VLAN tagged on every port; which one is untagged there is found in the file when the node
//! is first met. Gateways are where the file says. Nobody else answers: the simulation knows of nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::kernel::Kernel;
use crate::lab::{Binary, K0sVersion, Lab, Node};

/// The VLAN that is untagged where the file doesn't say.
const DEFAULT: u64 = 1;

/// What is around a node.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in super::super) struct Surroundings {
    vlans: Vec<Segment>,
    /// The untagged VLAN of each port.
    pub(in super::super) native: BTreeMap<String, u64>,
    /// What lies on the web, by its address.
    #[serde(default)]
    pub(in super::super) web: BTreeMap<String, Download>,
    /// Gateways that don't answer.
    #[serde(default)]
    pub(in super::super) silent: BTreeSet<Ipv4Addr>,
}

/// A binary of k0s on the web, as the file has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Download {
    pub(in super::super) version: K0sVersion,
    pub(in super::super) sha256: String,
}

/// A layer-2 network.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Segment {
    id: u64,
    subnet: Ipv4Net,
    gateway: Option<Ipv4Addr>,
}

impl Surroundings {
    /// Takes in what the file says now. What a port's cable is plugged into stays.
    pub(in super::super) fn meet(&mut self, lab: &Lab, node: &Node) {
        for k0s in lab.clusters.values().filter_map(|cluster| cluster.k0s.as_ref()) {
            for binary in k0s.binary.values() {
                let (Binary::Fetched { url, sha256 }, Some(version)) = (binary, k0s.version) else { continue };
                // An address that names a version has that one, whatever the file says beside it.
                let plain = url.replace("%2B", "+");
                let named = plain.split(['/', '-']).find_map(|word| word.strip_prefix('v')?.parse().ok());
                let version = named.unwrap_or(version);
                self.web.insert(url.clone(), Download { version, sha256: sha256.clone() });
            }
        }
        let segment =
            |vlan: &crate::lab::Vlan| Segment { id: vlan.id.into(), subnet: vlan.subnet, gateway: vlan.gateway };
        self.vlans = lab.vlans.values().map(segment).collect();
        for port in node.network.iter().flat_map(|network| network.ports.values()) {
            let native = port.native.as_ref().map_or(DEFAULT, |native| native.id.into());
            self.native.entry(port.name.clone()).or_insert(native);
        }
    }

    /// The VLAN that a device's packets are in, outside.
    fn segment_of(&self, kernel: &Kernel, device: &str) -> Option<u64> {
        let (port, tag) = kernel.way_out(device)?;
        Some(tag.unwrap_or_else(|| self.native.get(port).copied().unwrap_or(DEFAULT)))
    }

    /// Whether the gateway of that address answers on that very device.
    pub(in super::super) fn answers(&self, kernel: &Kernel, device: &str, address: Ipv4Addr) -> bool {
        let segment = self.segment_of(kernel, device);
        let has_subnet =
            kernel.links.get(device).is_some_and(|link| link.addresses.iter().any(|held| held.net.contains(&address)));
        !self.silent.contains(&address)
            && kernel.has_carrier(device)
            && has_subnet
            && self.vlans.iter().any(|vlan| Some(vlan.id) == segment && vlan.gateway == Some(address))
    }

    /// Whether a node can be reached at an address: a device that is on and has a carrier holds it, in the VLAN whose
    /// subnet the address is of.
    pub(in super::super) fn reaches(&self, kernel: &Kernel, address: Ipv4Addr) -> bool {
        let vlan = self.vlans.iter().find(|vlan| vlan.subnet.contains(&address));
        kernel.links.iter().any(|(name, link)| {
            link.addresses.iter().any(|held| held.net.addr() == address)
                && kernel.has_carrier(name)
                && vlan.is_none_or(|vlan| self.segment_of(kernel, name) == Some(vlan.id))
        })
    }

    /// The address that DHCP gives on a device, and the gateway: the 200th of the subnet.
    pub(in super::super) fn lease(&self, kernel: &Kernel, device: &str) -> Option<(Ipv4Net, Option<Ipv4Addr>)> {
        let segment = self.segment_of(kernel, device)?;
        let vlan = self.vlans.iter().find(|vlan| vlan.id == segment).filter(|_| kernel.has_carrier(device))?;
        let address = Ipv4Addr::from_bits(vlan.subnet.network().to_bits().checked_add(200)?);
        let net = Ipv4Net::new(address, vlan.subnet.prefix_len()).ok().filter(|net| vlan.subnet.contains(net))?;
        Some((net, vlan.gateway))
    }
}
