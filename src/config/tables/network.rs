//! `[nodes.NAME.network]`: ports and what they carry.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::HoldTable;
use crate::config::named::{Brief, Named};
use crate::config::read::Read;
use crate::config::scalars::{Span, Subnet};
use crate::config::table::{TableReader, nearest, table};
use crate::config::tree::Value;
use crate::config::{Code, Diagnostic, Located};
use crate::lab::Address;

/// The native network: the VLAN's name, or a table.
pub type NativeTable = Brief<String, NativeAttachment>;

/// A tagged network: the node's address in it, or a table.
pub type TaggedTable = Brief<Ipv4Addr, AttachmentTable>;

table! {
    /// What labctl is to know of the node's network as a whole.
    pub struct NetworkKeys {
        /// Other files in /etc/netplan that labctl's file takes the place of: `["01-netcfg.yaml"]`.
        #[schemars(default)]
        pub replaces: Vec<Located<String>>,
        /// How long an applied change waits for its confirmation before the host puts the old state back; `2m` where absent.
        pub confirm_within: Option<Located<Span>>,
        /// Addresses of resources that must be there first, where labctl can't infer it.
        #[schemars(default)]
        pub after: Vec<Located<Address>>,
        /// What exists already, was not made by labctl and differs may be taken over.
        pub adopt: Option<bool>,
        /// Changes are shown, and not applied.
        pub hold: Option<HoldTable>,
    }
}

/// The node's network: a few keys, and a table for each port by its interface name.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkTable {
    /// The keys of the network as a whole.
    pub keys: NetworkKeys,
    /// Every other key is a port.
    pub ports: Named<PortTable>,
}

impl Read for NetworkTable {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        TableReader::new(value, faults)?;
        let table = value.as_table()?;
        let is_key = |entry: &&(Located<String>, Value)| NetworkKeys::KEYS.contains(&entry.0.as_str());
        let own = table.0.iter().filter(is_key).cloned().collect();
        let own = Value { data: crate::config::tree::Data::Table(crate::config::tree::Table(own)), ..value.clone() };
        let keys = NetworkKeys::read(&own, faults);
        let (ports, slips): (Vec<_>, Vec<_>) =
            table.0.iter().filter(|entry| !is_key(entry)).partition(|(_, value)| value.as_table().is_some());
        for (name, value) in &slips {
            faults.push(no_port(name, value));
        }
        let ports = Named::of(ports.into_iter(), faults);
        Some(Self { keys: keys?, ports })
    }
}

/// The fault of a key that is none of the network's own and holds no table.
fn no_port(name: &Located<String>, value: &Value) -> Diagnostic {
    let summary = format!("`{}` is no key of a network, and no port", name.value);
    let words = format!("holds {}", value.data);
    let help = match nearest(name, NetworkKeys::KEYS.iter().copied()) {
        Some(key) => format!("did you mean `{key}`?"),
        None => format!("a port is a table: `[….network.{}]`", name.value),
    };
    Diagnostic::error(Code::UnknownKey.as_str(), summary, name.place.clone(), words).help(help)
}

impl JsonSchema for NetworkTable {
    fn schema_name() -> Cow<'static, str> {
        "NetworkTable".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = NetworkKeys::json_schema(generator);
        let port = generator.subschema_for::<PortTable>();
        schema.insert("additionalProperties".into(), port.to_value());
        schema.insert(
            "description".into(),
            "The node's network: a few keys, and a table for each port by its interface name.".into(),
        );
        schema
    }
}

table! {
    /// A network interface of the node.
    pub struct PortTable {
        /// The untagged network: the name of a VLAN, or `{ vlan = "NAME", address = "…", bridge = "…" }`.
        pub native: Option<NativeTable>,
        /// The tagged networks: by VLAN, the node's address in it, or `{ address = "…", bridge = "…" }`.
        #[schemars(default)]
        pub tagged: Named<TaggedTable>,
        /// The node's address in the native network; its own `address` where that lies in it.
        pub address: Option<Located<Ipv4Addr>>,
        /// Routes through this port.
        #[schemars(default)]
        pub routes: Vec<RouteTable>,
        /// Resolvers asked through this port, in order.
        #[schemars(default)]
        pub resolvers: Vec<Located<IpAddr>>,
        /// Largest packet in bytes.
        pub mtu: Option<Located<u16>>,
        /// Whether the native network's address comes by DHCP.
        pub dhcp: Option<bool>,
        /// Whether the port has a default route through its VLAN's gateway; `true` where absent for the port that carries the node's `address`.
        pub default_route: Option<bool>,
    }
}

/// A VLAN on a port as the file says it, native or tagged, in the short way or the long one.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The VLAN.
    pub vlan: &'a Located<String>,
    /// The node's address in it.
    pub address: Option<&'a Located<Ipv4Addr>>,
    /// The bridge.
    pub bridge: Option<&'a Located<String>>,
}

impl PortTable {
    /// The native network.
    pub fn native(&self) -> Option<Said<'_>> {
        Some(match self.native.as_ref()? {
            Brief::Short(vlan) => Said { vlan, address: self.address.as_ref(), bridge: None },
            Brief::Table(native) => Said {
                vlan: &native.vlan,
                address: native.address.as_ref().or(self.address.as_ref()),
                bridge: native.bridge.as_ref(),
            },
        })
    }

    /// The tagged networks, in the order of the file.
    pub fn tagged(&self) -> impl Iterator<Item = Said<'_>> {
        self.tagged.iter().map(|(vlan, tagged)| match tagged {
            Brief::Short(address) => Said { vlan, address: Some(address), bridge: None },
            Brief::Table(table) => Said { vlan, address: table.address.as_ref(), bridge: table.bridge.as_ref() },
        })
    }
}

table! {
    /// The untagged network of a port.
    pub struct NativeAttachment {
        /// The name of a VLAN.
        pub vlan: Located<String>,
        /// The node's address in it.
        pub address: Option<Located<Ipv4Addr>>,
        /// The bridge that holds the address and has the port as its member.
        pub bridge: Option<Located<String>>,
    }
}

table! {
    /// A tagged network of a port.
    pub struct AttachmentTable {
        /// The node's address in it.
        pub address: Option<Located<Ipv4Addr>>,
        /// The bridge that holds the address and has the VLAN device as its member.
        pub bridge: Option<Located<String>>,
    }
}

table! {
    /// A route.
    pub struct RouteTable {
        /// Where to; `0.0.0.0/0` is the default route.
        pub to: Located<Subnet>,
        /// The next hop.
        pub via: Located<Ipv4Addr>,
        /// The lower, the better.
        pub metric: Option<u32>,
    }
}
