//! A node's network: ports, VLANs, bridges, routes and resolvers as one netplan file, applied so that it locks nobody out.
//!
//! Observed by what the kernel has and what netplan's files say ([`seen`], [`observed`]); changed by an armed sequence
//! of steps that the host undoes by itself when nobody confirms it ([`steps`], `network.sh`).

mod desired;
mod device;
mod live;
mod netplan;
mod observed;
mod seen;
mod steps;
mod survey;
#[cfg(test)]
mod tests;
mod wanted;
mod work;
mod yaml;

use crate::config::Located;
use crate::lab::{Address, Ground, Lab, Network, Node, Site};
use crate::observe::{Ask, Observation, Reply};

use super::{Carries, Kind, Leftover, Resource, Surveyed, Work};
use seen::Seen;
use wanted::Wanted;

/// `[nodes.NAME.network]`.
pub(super) struct Networks;

/// Its real name on every node: a node has one.
const NAME: &str = "netplan";

/// Debian's packages without which the change can't be made, in case they are declared.
const PACKAGES: [&str; 2] = ["netplan.io", "iputils-ping"];

impl Kind for Networks {
    fn name(&self) -> &'static str {
        "network"
    }

    fn about(&self) -> &'static str {
        "A node's network through netplan: the addresses, VLANs, bridges, routes and resolvers of its declared ports."
    }

    fn carries(&self) -> Carries {
        Carries::Node
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        lab.nodes.values().filter_map(|node| Some(resource(lab, node, node.network.as_ref()?))).collect()
    }

    fn leftover(&self, site: Site<'_>, _name: &str) -> Box<dyn Leftover> {
        Box::new(Gone { node: site.name().to_owned() })
    }

    fn survey_asks(&self, _node: &Node) -> Vec<Ask> {
        seen::asks()
    }

    fn survey(&self, lab: &Lab, node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
        survey::survey(lab, node, reply)
    }
}

fn resource(lab: &Lab, node: &Node, network: &Network) -> Resource {
    let mut meta = network.meta.clone();
    // Who says which files to replace has looked at them: that is the leave to take their place.
    meta.adopt |= !network.replaces.is_empty();
    Resource {
        address: Address::new(["nodes", &node.name, "network"]),
        ground: Ground::Node(node.name.clone()),
        name: NAME.to_owned(),
        needs: needs(node, network),
        planned_after: Vec::new(),
        meta,
        body: Box::new(Wanted::new(node, network, lab)),
    }
}

fn needs(node: &Node, network: &Network) -> Vec<Located<Address>> {
    PACKAGES
        .into_iter()
        .filter(|package| node.packages.contains_key(*package))
        .map(|package| {
            let address = Address::new(["nodes", &node.name, "packages", package]);
            Located::new(address, network.meta.place.clone())
        })
        .collect()
}

/// A network that left `homelab.toml`: labctl's file and what it made.
#[derive(Debug)]
struct Gone {
    node: String,
}

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        seen::asks()
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match Seen::read(reply, &[]) {
            Err(why) => Observation::Unknown(why),
            Ok(seen) => match seen.under_way() {
                Some(why) => Observation::Unknown(why),
                None if seen.own.is_empty() => Observation::Absent,
                None => Observation::Present(device::attributes(&seen.own)),
            },
        }
    }

    fn remove(&self, reply: &Reply) -> Work {
        Seen::read(reply, &[]).map_or_else(Work::refused, |seen| work::removal(&seen, &self.node, reply))
    }

    fn by_hand(&self) -> String {
        format!(
            "{} && netplan apply",
            crate::plan::shell_line(["rm", "--", &format!("{}/{}", netplan::ETC, netplan::OWN)])
        )
    }
}
