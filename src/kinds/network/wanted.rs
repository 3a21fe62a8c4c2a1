//! The declared network of one node, as a resource's body.

use super::desired;
use super::device::{Devices, attributes};
use super::seen::{self, Seen};
use super::{observed, work};
use crate::kinds::{Body, Task, Work};
use crate::lab::{Connection, Lab, Network, Node};
use crate::observe::{Ask, Observation, Reply};
use crate::plan::{Attributes, Difference};

/// What is declared, and what of the lab bears on how it is applied.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) node: String,
    pub(super) network: Network,
    pub(super) devices: Devices,
    /// What must answer before a change is kept: device and address.
    pub(super) gateways: Vec<(String, String)>,
    /// The name or address by which labctl reaches the node.
    pub(super) host: Option<String>,
    /// `ssh.previous`.
    pub(super) previous: Option<String>,
}

impl Wanted {
    pub(super) fn new(node: &Node, network: &Network, lab: &Lab) -> Self {
        let ssh = match &node.connection {
            Connection::Ssh(ssh) => Some(ssh),
            Connection::Local => None,
        };
        Self {
            node: node.name.clone(),
            network: network.clone(),
            devices: desired::devices(network),
            gateways: desired::gateways(network, &lab.vlans),
            host: ssh.map(|ssh| ssh.host.clone()),
            previous: ssh.and_then(|ssh| ssh.previous.clone()),
        }
    }

    /// What the declared devices hold, in the words of `ip`: for a guard.
    pub(super) fn ask_held(&self) -> Ask {
        let script = r#"for device; do ip -br -4 addr show dev "$device" 2>&1 | sed 's/  */ /g; s/ $//'; done"#;
        Ask::run(["sh", "-c", script, "sh"].into_iter().chain(self.devices.keys().map(String::as_str)))
    }
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        let mut asks = seen::asks();
        asks.push(self.ask_held());
        asks
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match Seen::read(reply, &self.network.replaces) {
            Err(why) => Observation::Unknown(why),
            Ok(seen) => observed::observe(&seen, &self.network, &self.devices),
        }
    }

    fn desired(&self) -> Attributes {
        attributes(&self.devices)
    }

    fn compare(&self, observed: &Attributes, _reply: &Reply) -> Vec<Difference> {
        observed::compare(&self.network, &self.desired(), observed)
    }

    fn foresee(&self, _differences: &[Difference]) -> Work {
        Work { disruption: Some(work::disruption(&self.node)), ..Work::default() }
    }

    /// The file is written whole, and devices that it no longer names go.
    fn takes_away(&self) -> bool {
        true
    }

    fn work(&self, task: &Task<'_>) -> Work {
        match Seen::read(task.reply, &self.network.replaces) {
            Err(why) => Work::refused(why),
            Ok(seen) => work::change(self, &seen, task.reply),
        }
    }
}
