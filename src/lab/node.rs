//! A machine, and what of it is declared.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Content, Meta, Network, SecretName};
use crate::config::{Located, Place};

/// `[nodes.NAME]`.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its name in the file.
    pub name: String,
    /// Where the table stands.
    pub place: Place,
    /// What runs on it.
    pub os: Os,
    /// Its address in the lab.
    pub address: Option<Ipv4Addr>,
    /// What it calls itself, and is called in its cluster.
    pub hostname: String,
    /// Labels that it has in its cluster.
    pub labels: BTreeMap<String, String>,
    /// Taints that it has in its cluster, `key=value:Effect`; `None` is not declared.
    pub taints: Option<Vec<String>>,
    /// Whether it may be away.
    pub optional: bool,
    /// How it is reached.
    pub connection: Connection,
    /// `[nodes.NAME.network]`.
    pub network: Option<Network>,
    /// `[nodes.NAME.sysctls]` by key.
    pub sysctls: BTreeMap<String, Sysctl>,
    /// `[nodes.NAME.modules]` by name.
    pub modules: BTreeMap<String, Module>,
    /// `[nodes.NAME.packages]` by name.
    pub packages: BTreeMap<String, Package>,
    /// `[nodes.NAME.files]` by path on the node (below the current folder where the connection is local).
    pub files: BTreeMap<String, File>,
    /// `[nodes.NAME.units]` by unit name.
    pub units: BTreeMap<String, Unit>,
}

/// The family of a node's operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Debian, Ubuntu and their like.
    Linux,
    /// macOS.
    Macos,
}

/// How a node is reached.
#[derive(Debug, Clone)]
pub enum Connection {
    /// Over SSH.
    Ssh(Box<Ssh>),
    /// It is the machine that labctl runs on; labctl writes only below the current folder.
    Local,
}

/// `[nodes.NAME.ssh]`. What is absent here is taken from the user's own SSH configuration.
#[derive(Debug, Clone)]
pub struct Ssh {
    /// The name or address that `ssh` would be given; the node's `address` by default.
    pub host: String,
    /// Port.
    pub port: Option<u16>,
    /// Login name.
    pub user: Option<String>,
    /// Private key file; `~` is the user's home.
    pub identity: Option<String>,
    /// The file that host keys are checked against.
    pub known_hosts: Option<String>,
    /// `[user@]host[:port]`, several separated by commas, as `ProxyJump` has it.
    pub proxy_jump: Option<String>,
    /// Whether commands run as root through sudo.
    pub sudo: bool,
    /// The password for sudo, where it wants one.
    pub sudo_password: Option<Located<SecretName>>,
    /// Where the node was reached before its address was changed in the file: `host[:port]`.
    pub previous: Option<String>,
    /// The pinned host key's fingerprint, `SHA256:…`; `known_hosts` is not asked then.
    pub host_key: Option<String>,
    /// Limit for the TCP connection and the handshake.
    pub connect_timeout: Duration,
    /// Limit for one command or one probe.
    pub command_timeout: Duration,
    /// How often a silent connection is asked whether it lives; three without an answer end it.
    pub keepalive: Duration,
}

impl Ssh {
    /// What is declared of a host of which nothing but the name is said.
    pub fn to(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            port: None,
            user: None,
            identity: None,
            known_hosts: None,
            proxy_jump: None,
            sudo: false,
            sudo_password: None,
            previous: None,
            host_key: None,
            connect_timeout: Duration::from_secs(5),
            command_timeout: Duration::from_mins(10),
            keepalive: Duration::from_secs(15),
        }
    }
}

/// File mode bits, `0o644`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mode(pub u32);

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl Mode {
    /// Whether everybody may read it. What not everybody may read is never shown.
    pub fn is_world_readable(self) -> bool {
        self.0 & 0o004 != 0
    }
}

/// A kernel parameter.
#[derive(Debug, Clone)]
pub struct Sysctl {
    /// Its value as `sysctl` prints it, several numbers separated by single spaces.
    pub value: String,
    /// What the entry says of the resource.
    pub meta: Meta,
}

/// A kernel module: loaded now and at boot.
#[derive(Debug, Clone)]
pub struct Module {
    /// What the entry says of the resource.
    pub meta: Meta,
}

/// A package.
#[derive(Debug, Clone)]
pub struct Package {
    /// The exact version, or `None` for any.
    pub version: Option<String>,
    /// What the entry says of the resource.
    pub meta: Meta,
}

/// A file.
#[derive(Debug, Clone)]
pub struct File {
    /// What stands in it.
    pub content: Content,
    /// Permissions.
    pub mode: Mode,
    /// Owner's name; `None` leaves it as it is (and is root's for a new file on a node with sudo).
    pub owner: Option<String>,
    /// Group's name.
    pub group: Option<String>,
    /// What the entry says of the resource.
    pub meta: Meta,
}

/// A systemd unit.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its file in `/etc/systemd/system`; `None` for a unit that a package brings.
    pub content: Option<Content>,
    /// Whether it starts at boot; `None` is not declared.
    pub enabled: Option<bool>,
    /// Whether it runs; `None` is not declared.
    pub running: Option<bool>,
    /// What the entry says of the resource.
    pub meta: Meta,
}
