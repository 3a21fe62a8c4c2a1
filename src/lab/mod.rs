//! The resolved lab: what one `homelab.toml` describes, with names resolved to references and defaults filled in.
//!
//! In comes the parsed file, out goes a value that the kinds read their desired resources from.

mod address;
mod cluster;
mod content;
mod ground;
mod k0s;
mod moved;
mod network;
mod node;
mod object;
mod pool;
mod resolve;
mod secret;
mod size;

use std::collections::BTreeMap;

use ipnet::Ipv4Net;

pub use address::{Address, AddressError};
pub use cluster::{Cluster, Kubeconfig};
pub use content::{Content, Part};
pub use ground::{Ground, Site};
pub use k0s::{Binary, K0s, K0sVersion};
pub use moved::Moved;
pub use network::{Attachment, Network, Port, Route, Vlan};
pub use node::{Connection, File, Mode, Module, Node, Os, Package, Ssh, Sysctl, Unit};
pub use object::{ApiKind, Manifest, Object, ObjectKey, Slot};
pub use pool::{Dataset, Layout, Pool, Volume};
pub use resolve::{Loaded, load};
pub use secret::{SecretName, SecretSource};
pub use size::{Size, SizeError};

use crate::config::{Located, Place};

/// Everything that one `homelab.toml` describes.
#[derive(Debug, Clone)]
pub struct Lab {
    /// `[lab] name`: part of every mark, so that two labs never take each other's things.
    pub name: String,
    /// `[lab] domain`.
    pub domain: Option<String>,
    /// `[vlans.*]` by name.
    pub vlans: BTreeMap<String, Vlan>,
    /// `[nodes.*]` by name.
    pub nodes: BTreeMap<String, Node>,
    /// `[pools.*]` by name.
    pub pools: BTreeMap<String, Pool>,
    /// `[clusters.*]` by name.
    pub clusters: BTreeMap<String, Cluster>,
    /// What the services expand to, in order of address.
    pub objects: Vec<Object>,
    /// `[secrets.*]` by name.
    pub secrets: BTreeMap<SecretName, SecretSource>,
    /// Tables that had other addresses before.
    pub moves: Vec<Moved>,
}

/// What every table may say about the resource that it declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// The table's (or value's) place.
    pub place: Place,
    /// `after`: edges that can't be inferred.
    pub after: Vec<Located<Address>>,
    /// `adopt = true`: what exists unmarked and differs may be taken over.
    pub adopt: bool,
    /// `hold`: changes are shown and not applied.
    pub hold: Option<Hold>,
    /// `moved`: the address that the table had before.
    pub moved: Option<Located<Address>>,
}

impl Meta {
    /// Nothing said but where the table stands.
    pub fn at(place: Place) -> Self {
        Self { place, after: Vec::new(), adopt: false, hold: None, moved: None }
    }
}

/// `hold = { because = "…", until = 2027-01-31 }`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hold {
    /// Why.
    pub because: String,
    /// The last day on which it holds, `YYYY-MM-DD`; for ever where absent.
    pub until: Option<jiff::civil::Date>,
}

impl Lab {
    /// The node's VLAN whose subnet holds `address`, with the prefix length of that subnet.
    pub fn subnet_of(&self, address: std::net::Ipv4Addr) -> Option<(&str, Ipv4Net)> {
        self.vlans
            .iter()
            .find(|(_, vlan)| vlan.subnet.contains(&address))
            .map(|(name, vlan)| (name.as_str(), vlan.subnet))
    }
}
