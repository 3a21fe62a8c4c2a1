//! `[nodes.NAME.ssh]`: how a node is reached.

use crate::config::Located;
use crate::config::scalars::Span;
use crate::config::table::table;

table! {
    /// How the node is reached. What is absent is taken from your own SSH configuration, as `ssh` would.
    pub struct SshTable {
        /// The name or address that you would give to `ssh`; the node's `address` where absent.
        pub host: Option<Located<String>>,
        /// Port.
        pub port: Option<u16>,
        /// Login name.
        pub user: Option<Located<String>>,
        /// Private key file; `~` is your home.
        pub identity: Option<Located<String>>,
        /// The file that host keys are checked against.
        pub known_hosts: Option<Located<String>>,
        /// Hosts in between: `[user@]host[:port]`, several separated by commas, as for `ssh -J`.
        pub proxy_jump: Option<Located<String>>,
        /// Run commands as root through sudo.
        pub sudo: Option<bool>,
        /// The password for sudo, where it wants one.
        pub sudo_password: Option<SecretReference>,
        /// Where the node was reached before its address was changed in this file: `host[:port]`.
        pub previous: Option<Located<String>>,
        /// The host key's fingerprint, `SHA256:…`; `known_hosts` is not asked then.
        pub host_key: Option<Located<String>>,
        /// Limit for the connection and the handshake; `5s` where absent.
        pub connect_timeout: Option<Located<Span>>,
        /// Limit for one command; `10m` where absent.
        pub command_timeout: Option<Located<Span>>,
        /// How often a silent connection is asked whether it lives; `15s` where absent.
        pub keepalive: Option<Located<Span>>,
    }
}

table! {
    /// The value of a secret.
    pub struct SecretReference {
        /// The name of a `[secrets.NAME]` table.
        pub secret: Located<String>,
    }
}
