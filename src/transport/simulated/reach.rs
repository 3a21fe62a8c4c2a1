//! Whether a simulated node can be reached from where labctl runs.

use super::super::outcome::ReachError;
use super::machine::Machine;
use crate::lab::{Connection, Node};

/// Whether a connection can be made, or still stands. `anywhere`: also where the node was before (`ssh.previous`).
pub(super) fn check(node: &Node, machine: &Machine, _anywhere: bool) -> Result<(), ReachError> {
    let Connection::Ssh(ssh) = &node.connection else { return Ok(()) };
    if machine.condition.is_down {
        let port = ssh.port.unwrap_or(22);
        let seconds = ssh.connect_timeout.as_secs();
        return Err(ReachError::Unreachable(format!("{}:{port} does not answer within {seconds} s", ssh.host)));
    }
    Ok(())
}
