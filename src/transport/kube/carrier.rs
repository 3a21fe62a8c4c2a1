//! A node's SSH connection that carries streams to an API which the node reaches.
//!
//! It is a session of its own, beside the one that runs the node's commands: neither can stand in the other's way, and
//! a cluster outlives a node's reconnection.

use tokio::sync::Mutex;

use super::connector::ConnectError;
use crate::lab::{Node, Ssh};
use crate::transport::Access;
use crate::transport::link::{Reached, session};
use crate::transport::outcome::ReachError;
use crate::transport::ssh::{Session, SshError, Tunnel};
use crate::transport::ssh_shell::reach;

/// A node's SSH connection that carries streams.
pub(super) struct Carrier {
    node: Node,
    ssh: Ssh,
    access: Access,
    session: Mutex<Option<Session>>,
}

impl Carrier {
    /// Nothing is connected yet.
    pub(super) fn new(node: &Node, ssh: &Ssh, access: &Access) -> Self {
        Self { node: node.clone(), ssh: ssh.clone(), access: access.clone(), session: Mutex::default() }
    }

    /// Connects and logs in, unless it is. A person may be asked for a passphrase here, so no limit of a request may
    /// run meanwhile.
    pub(super) async fn connect(&self) -> Result<(), ReachError> {
        self.session().await.map(drop).map_err(|error| reach(&error))
    }

    async fn session(&self) -> Result<Session, SshError> {
        let mut slot = self.session.lock().await;
        if let Some(session) = slot.as_ref().filter(|session| !session.is_closed()) {
            return Ok(session.clone());
        }
        let session = session(&self.node, &self.ssh, &self.access, Reached::Anywhere).await?;
        *slot = Some(session.clone());
        Ok(session)
    }

    /// A stream to `host:port` as the node sees it.
    pub(super) async fn open(&self, host: &str, port: u16) -> Result<Tunnel, ConnectError> {
        let session = self.session().await.map_err(|error| not_carried(&error))?;
        session.direct_tcpip(host, port).await.map_err(|error| not_carried(&error))
    }
}

fn not_carried(error: &SshError) -> ConnectError {
    let help = match error {
        SshError::ChannelRefused { reason, .. } if reason.to_lowercase().contains("prohibited") => {
            Some("let sshd there forward connections: `AllowTcpForwarding yes`, and no `PermitOpen` that forbids it")
        }
        SshError::ChannelRefused { .. } => {
            Some("look whether the API server runs, and whether the node reaches it at that address")
        }
        _ => None,
    };
    ConnectError::NotCarried { why: error.to_string(), help: help.map(ToOwned::to_owned).or_else(|| error.help()) }
}
