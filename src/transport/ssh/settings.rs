//! How one node is reached: the outcome of the lab file and the user's own SSH configuration.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Effective settings of one connection, after `ssh -G` or from the lab file alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The node's name in the lab file; a jump host has the name of the node that is reached through it.
    pub node: String,
    /// The name or address that is connected to (after `HostName` of the SSH configuration).
    pub host: String,
    /// Port.
    pub port: u16,
    /// Login name.
    pub user: String,
    /// Private keys, in the order in which they are tried.
    pub identities: Vec<Identity>,
    /// Certificates (`CertificateFile`) beside those that lie next to a key as `KEY-cert.pub`.
    pub certificates: Vec<PathBuf>,
    /// Where the agent listens, if one is to be asked.
    pub agent: Option<PathBuf>,
    /// `IdentitiesOnly`: of the agent's keys only those that are named in `identities`.
    pub identities_only: bool,
    /// The files that the host key is looked up in; new keys are written to the first.
    pub known_hosts: Vec<PathBuf>,
    /// `HashKnownHosts`: whether new entries hide the host's name.
    pub hash_known_hosts: bool,
    /// `HostKeyAlias`: the name under which the host key is looked up.
    pub host_key_alias: Option<String>,
    /// Other names under which the host key may be recorded: where the node was reached before its address changed.
    pub also_known_as: Vec<String>,
    /// The pinned host key's fingerprint, `SHA256:…`; `known_hosts` is not asked then.
    pub host_key: Option<String>,
    /// The hosts that the connection is made through, first the one that is connected to directly. They have no jump
    /// hosts of their own any more.
    pub proxy_jump: Vec<Settings>,
    /// Limit for reaching, checking and logging in, per host; time that a person needs for a passphrase is not counted.
    pub connect_timeout: Duration,
    /// Limit for one command.
    pub command_timeout: Duration,
    /// How long a connection may be silent before it is asked whether it lives; three without an answer end it.
    pub keepalive: Duration,
}

/// A private key file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its path, expanded.
    pub path: PathBuf,
    /// Whether somebody named it; the names that ssh tries by default are skipped silently where they do not exist.
    pub origin: Origin,
}

/// Who named a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The lab file: it has to be there, and is tried first.
    Lab,
    /// The user's SSH configuration, or ssh's own list of default names.
    Client,
}

impl Settings {
    /// Where the connection goes.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint { host: self.host.clone(), port: self.port }
    }

    /// The name under which the host key is recorded: the alias, or the host with its port where that is not 22.
    pub fn known_as(&self) -> String {
        self.host_key_alias.clone().unwrap_or_else(|| recorded_name(&self.host, self.port))
    }
}

/// How `known_hosts` names a host at a port.
pub(super) fn recorded_name(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// A host and a port, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
