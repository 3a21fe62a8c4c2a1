//! The machines of a lab as their owner has them before labctl comes.

use super::clock::mix;
use super::machine::Machine;
use crate::lab::{Connection, Lab, Node};

/// The machine of one node.
pub(super) fn machine(_lab: &Lab, node: &Node, seed: u64) -> Machine {
    let seed = node.name.bytes().fold(mix(seed), |seed, byte| mix(seed ^ u64::from(byte)));
    let mut machine = Machine::bare(&node.name, seed);
    machine.os = node.os;
    // Whom the files name is there: the simulation can't know of whom the owner forgot.
    let named = node.files.values().flat_map(|file| [file.owner.clone(), file.group.clone()]);
    machine.accounts.extend(named.flatten());
    match &node.connection {
        Connection::Local => drop(machine.accounts.insert("operator".to_owned())),
        Connection::Ssh(ssh) => machine.accounts.extend(ssh.user.clone()),
    }
    machine
}
