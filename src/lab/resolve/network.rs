//! A node's network: what each port carries, which address the node has in it, and where the default route goes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;

use super::Resolver;
use crate::config::tables::{NetworkTable, NodeTable, PortTable, Said, meta};
use crate::config::{Brief, Code, Located};
use crate::lab::{Attachment, Network, Port, Route};

const CONFIRM_WITHIN: Duration = Duration::from_mins(2);

impl Resolver<'_> {
    pub(super) fn network(&mut self, node: &NodeTable, table: &NetworkTable) -> Network {
        let mut ports: Vec<Port> = table.ports.iter().map(|(name, port)| self.port(name, port)).collect();
        if let Some(address) = &node.address {
            give_address(&mut ports, address.value, |vlan| self.subnet(vlan), |port| is_dhcp(table, port));
        }
        for port in &mut ports {
            if let Some(declared) = table.ports.get(&port.name) {
                self.default_route(port, declared, node.address.as_ref().map(|address| address.value));
            }
        }
        let keys = &table.keys;
        Network {
            ports: ports.into_iter().map(|port| (port.name.clone(), port)).collect::<BTreeMap<_, _>>(),
            replaces: keys.replaces.iter().map(|file| file.value.clone()).collect(),
            confirm_within: keys.confirm_within.as_ref().map_or(CONFIRM_WITHIN, |span| span.value.0),
            meta: meta(&keys.place, &keys.after, keys.adopt, keys.hold.as_ref()),
        }
    }

    fn subnet(&self, vlan: &str) -> Option<Ipv4Net> {
        self.file.vlans.get(vlan).map(|vlan| vlan.subnet.value.0)
    }

    fn port(&mut self, name: &Located<String>, table: &PortTable) -> Port {
        let native = table.native().and_then(|native| self.attachment(native));
        let tagged = table.tagged().filter_map(|tagged| self.attachment(tagged)).collect();
        self.check_port(table);
        Port {
            name: name.value.clone(),
            native,
            tagged,
            routes: table
                .routes
                .iter()
                .map(|route| Route { to: route.to.value.0, via: route.via.value, metric: route.metric })
                .collect(),
            resolvers: table.resolvers.iter().map(|resolver| resolver.value).collect(),
            mtu: table.mtu.as_ref().map(|mtu| mtu.value),
            dhcp: table.dhcp.unwrap_or(false),
            place: name.place.clone(),
        }
    }

    fn check_port(&mut self, table: &PortTable) {
        if let (None, Some(address)) = (&table.native, &table.address) {
            let summary = "`address` is the port's address in its native network, and it has none";
            let help = "add `native = \"VLAN\"`, or give the address to a VLAN in `tagged`";
            self.fault(Code::Contradiction, summary, &address.place, "in no network", help);
        }
        if let (Some(Brief::Table(native)), Some(second)) = (&table.native, &table.address)
            && native.address.is_some()
        {
            let summary = "the native network has two addresses";
            let help = "keep `address` of the port or that of `native`";
            self.fault(Code::Contradiction, summary, &second.place, "beside the address in `native`", help);
        }
        if let (Some(true), Some(address)) = (table.dhcp, table.native().and_then(|native| native.address)) {
            let summary = "the port has an address and asks for one by DHCP";
            let help = "remove `address` or `dhcp`";
            self.fault(Code::Contradiction, summary, &address.place, "beside `dhcp = true`", help);
        }
        // RFC 791: every host takes packets of 68 bytes.
        if let Some(mtu) = table.mtu.as_ref().filter(|mtu| mtu.value < 68) {
            let help = "Ethernet has 1500, jumbo frames have 9000";
            self.fault(
                Code::Value,
                format!("an MTU of {} is too small for IPv4", mtu.value),
                &mtu.place,
                "below 68",
                help,
            );
        }
    }

    fn attachment(&mut self, said: Said<'_>) -> Option<Attachment> {
        let Some(vlan) = self.file.vlans.get(said.vlan) else {
            if !self.file.vlans.declares(said.vlan) {
                let known: Vec<_> = self.file.vlans.names().cloned().collect();
                self.unknown(said.vlan, "VLAN", "vlans", &known);
            }
            return None;
        };
        let prefix = vlan.subnet.value.0.prefix_len();
        Some(Attachment {
            vlan: said.vlan.value.clone(),
            id: vlan.id.value,
            address: said.address.and_then(|address| Ipv4Net::new(address.value, prefix).ok()),
            bridge: said.bridge.map(|bridge| bridge.value.clone()),
            place: said.address.map_or(&said.vlan.place, |address| &address.place).clone(),
        })
    }

    /// The port that carries the node's own address leads out through its VLAN's gateway, unless the file says otherwise.
    fn default_route(&mut self, port: &mut Port, table: &PortTable, own: Option<Ipv4Addr>) {
        let default = Ipv4Net::default();
        let declared = port.routes.iter().any(|route| route.to == default);
        if table.default_route == Some(false) || declared {
            return;
        }
        let carries_own =
            |attachment: &&Attachment| attachment.address.is_some_and(|address| Some(address.addr()) == own);
        let through = port.attachments().find(carries_own);
        let through = if table.default_route == Some(true) { through.or(port.native.as_ref()) } else { through };
        let gateway = through.and_then(|attachment| self.file.vlans.get(&attachment.vlan)?.gateway.as_ref());
        match gateway {
            // A gateway's own port does not route through itself.
            Some(gateway) if Some(gateway.value) != own => {
                port.routes.push(Route { to: default, via: gateway.value, metric: None });
            }
            None if table.default_route == Some(true) => {
                let summary = format!("`{}` can't have a default route: its VLAN has no `gateway`", port.name);
                let help = "add `gateway` to the VLAN, or a route with `to = \"0.0.0.0/0\"` to `routes`";
                self.fault(Code::MissingKey, summary, &table.place, "`default_route = true` here", help);
            }
            _ => {}
        }
    }
}

fn is_dhcp(table: &NetworkTable, port: &str) -> bool {
    table.ports.get(port).and_then(|port| port.dhcp).unwrap_or(false)
}

/// Gives the node's own address to the first attachment without one whose subnet holds it, unless it stands somewhere.
fn give_address(
    ports: &mut [Port],
    own: Ipv4Addr,
    subnet: impl Fn(&str) -> Option<Ipv4Net>,
    is_dhcp: impl Fn(&str) -> bool,
) {
    let stands = |attachment: &Attachment| attachment.address.is_some_and(|address| address.addr() == own);
    if ports.iter().flat_map(Port::attachments).any(stands) {
        return;
    }
    for port in ports {
        let native = if is_dhcp(&port.name) { None } else { port.native.as_mut() };
        for attachment in native.into_iter().chain(&mut port.tagged) {
            if let Some(subnet) = subnet(&attachment.vlan).filter(|subnet| subnet.contains(&own))
                && attachment.address.is_none()
            {
                attachment.address = Ipv4Net::new(own, subnet.prefix_len()).ok();
                return;
            }
        }
    }
}
