//! Whether a simulated node can be reached from where labctl runs.

use std::net::Ipv4Addr;

use super::super::outcome::ReachError;
use super::machine::Machine;
use crate::lab::{Connection, Node};

/// Whether a connection can be made, or still stands. `anywhere`: also where the node was before (`ssh.previous`).
pub(super) fn check(node: &Node, machine: &Machine, anywhere: bool) -> Result<(), ReachError> {
    let Connection::Ssh(ssh) = &node.connection else { return Ok(()) };
    if machine.condition.is_down {
        let port = ssh.port.unwrap_or(22);
        let seconds = ssh.connect_timeout.as_secs();
        return Err(ReachError::Unreachable(format!("{}:{port} does not answer within {seconds} s", ssh.host)));
    }
    let Some(host) = address(node, &ssh.host) else { return Ok(()) };
    let previous = ssh.previous.as_deref().filter(|_| anywhere).and_then(|previous| previous.split(':').next());
    let previous = previous.and_then(|previous| previous.parse().ok());
    let is_reached = |address: Ipv4Addr| machine.surroundings.reaches(&machine.kernel, address);
    if is_reached(host) || previous.is_some_and(is_reached) {
        return Ok(());
    }
    let (port, seconds) = (ssh.port.unwrap_or(22), ssh.connect_timeout.as_secs());
    Err(ReachError::Unreachable(format!("{host}:{port} does not answer within {seconds} s")))
}

/// The address by which the node is reached: that of the login, or where that is a name or a forwarded port, the node's
/// own. A node without any is reached whatever becomes of its network.
fn address(node: &Node, host: &str) -> Option<Ipv4Addr> {
    host.parse().ok().filter(|address: &Ipv4Addr| !address.is_loopback()).or(node.address)
}
