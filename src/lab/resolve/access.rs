//! How a node is reached.

use std::net::Ipv4Addr;

use super::{Resolver, names};
use crate::config::tables::{ConnectionName, NodeTable, SshTable};
use crate::config::{Code, Located, Span};
use crate::lab::{Connection, Ssh};

impl Resolver<'_> {
    pub(super) fn connection(&mut self, name: &Located<String>, node: &NodeTable) -> Option<Connection> {
        let is_local = node.connection.as_ref().is_some_and(|connection| connection.value == ConnectionName::Local);
        match (is_local, &node.ssh) {
            (true, None) => Some(Connection::Local),
            (true, Some(ssh)) => {
                let summary = format!("`{}` is the machine that labctl runs on, and has an `ssh` table", name.value);
                let help = "remove `ssh`, or `connection = \"local\"`";
                self.fault(Code::Contradiction, summary, &ssh.place, "not used for `connection = \"local\"`", help);
                Some(Connection::Local)
            }
            (false, ssh) => self.ssh(name, node, ssh.as_ref()),
        }
    }

    fn ssh(&mut self, name: &Located<String>, node: &NodeTable, table: Option<&SshTable>) -> Option<Connection> {
        let address = node.address.as_ref().map(|address| address.value);
        let declared = table.and_then(|table| table.host.as_ref());
        let Some(host) = declared.map(|host| host.value.clone()).or(address.as_ref().map(Ipv4Addr::to_string)) else {
            let summary = format!("labctl can't tell how to reach `{}`", name.value);
            let help =
                "add `address = \"…\"`, or `ssh.host` where it is reached by another name, or `connection = \"local\"`";
            self.fault(Code::MissingKey, summary, &node.place, "neither `address` nor `ssh.host`", help);
            return None;
        };
        if let Some(host) = declared {
            self.check_name(host, names::HOST);
        }
        if let Some(table) = table {
            self.check_login(table);
        }
        let text = |key: fn(&SshTable) -> &Option<Located<String>>| {
            table.and_then(|table| key(table).as_ref()).map(|text| text.value.clone())
        };
        let time = |key: fn(&SshTable) -> &Option<Located<Span>>, default| {
            table.and_then(|table| key(table).as_ref()).map_or(default, |span| span.value.0)
        };
        let sudo_password = table.and_then(|table| table.sudo_password.as_ref());
        let (host_key, previous) = (text(|ssh| &ssh.host_key), text(|ssh| &ssh.previous));
        let default = Ssh::to(&host);
        Some(Connection::Ssh(Box::new(Ssh {
            host,
            port: table.and_then(|table| table.port),
            user: text(|ssh| &ssh.user),
            identity: text(|ssh| &ssh.identity),
            known_hosts: text(|ssh| &ssh.known_hosts),
            proxy_jump: text(|ssh| &ssh.proxy_jump),
            sudo: table.and_then(|table| table.sudo).unwrap_or(false),
            sudo_password: sudo_password.and_then(|reference| self.secret_name(&reference.secret)),
            previous,
            host_key,
            connect_timeout: time(|ssh| &ssh.connect_timeout, default.connect_timeout),
            command_timeout: time(|ssh| &ssh.command_timeout, default.command_timeout),
            keepalive: time(|ssh| &ssh.keepalive, default.keepalive),
        })))
    }

    fn check_login(&mut self, table: &SshTable) {
        if let Some(user) = &table.user {
            self.check_name(user, names::ACCOUNT);
        }
        if let Some(previous) = &table.previous {
            self.check_name(previous, names::HOST);
        }
        if let Some(jump) = &table.proxy_jump
            && !jump.split(',').all(|hop| names::HOST.2(hop.rsplit('@').next().unwrap_or_default()))
        {
            let help = "write `[user@]host[:port]`, several separated by commas";
            let summary = format!("`{}` is no way through other hosts", jump.value);
            self.fault(Code::Value, summary, &jump.place, "this jump", help);
        }
        if let Some(key) = &table.host_key
            && !is_fingerprint(key)
        {
            let summary = format!("`{}` is no fingerprint of a host key", key.value);
            let help = "write `SHA256:` and 43 characters, as `ssh-keygen -lf KEY.pub` prints it";
            self.fault(Code::Value, summary, &key.place, "this fingerprint", help);
        }
        for time in [&table.connect_timeout, &table.command_timeout, &table.keepalive].into_iter().flatten() {
            if time.value.0.is_zero() {
                self.fault(
                    Code::Value,
                    "a time limit of zero never lets anything pass",
                    &time.place,
                    "zero",
                    "write a time such as `\"5s\"`",
                );
            }
        }
    }
}

fn is_fingerprint(text: &str) -> bool {
    let base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    text.strip_prefix("SHA256:").is_some_and(|hash| hash.len() == 43 && hash.chars().all(base64))
}
