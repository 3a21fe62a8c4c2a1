//! Nodes: the way to them, and what they can't have.

use std::collections::BTreeMap;

use super::{Rule, Subject};
use crate::config::tables::{ConnectionName, NodeTable, OsName};
use crate::config::{Diagnostic, Place};
use crate::lab::Connection;

/// The rules on nodes.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "LAB401",
        name: "password-without-sudo",
        about: "A password for sudo is named, and sudo is not used.",
        check: password_without_sudo,
    },
    Rule {
        code: "LAB402",
        name: "previous-is-present",
        about: "`ssh.previous` says where the node was reached before its address was changed: it can't be where it is reached now.",
        check: previous_is_present,
    },
    Rule {
        code: "LAB403",
        name: "local-node-needs-root",
        about: "On a node with `connection = \"local\"` labctl writes files below the current folder, without root. Networks, packages, pools and the like need a node that is reached over SSH.",
        check: local_needs_root,
    },
    Rule {
        code: "LAB404",
        name: "linux-only",
        about: "Networks (netplan), sysctls, kernel modules, packages (apt), systemd units and pools are managed on Linux only.",
        check: linux_only,
    },
    Rule {
        code: "LAB405",
        name: "needs-root",
        about: "The login user is not root, sudo is not used, and the node has resources that only root can change.",
        check: needs_root,
    },
    Rule {
        code: "LAB406",
        name: "one-machine-twice",
        about: "Two nodes are reached at one host and port: they are one machine, and what one of them has would be a leftover to the other.",
        check: one_machine_twice,
    },
];

fn password_without_sudo(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let tables = subject.nodes().filter_map(|(_, node)| node.ssh.as_ref());
    let unused = tables.filter(|ssh| ssh.sudo != Some(true)).filter_map(|ssh| ssh.sudo_password.as_ref());
    unused
        .map(|password| {
            let finding = rule.error("`sudo_password` without `sudo`", &password.place, "never used");
            finding.help("add `sudo = true`, or remove `sudo_password`")
        })
        .collect()
}

fn previous_is_present(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, node) in subject.nodes() {
        let Some(ssh) = &node.ssh else { continue };
        let Some(previous) = &ssh.previous else { continue };
        let address = node.address.as_ref().map(|address| address.value.to_string());
        let host = ssh.host.as_ref().map(|host| host.value.clone()).or(address);
        let with_port = host.as_ref().map(|host| format!("{host}:{}", ssh.port.unwrap_or(22)));
        if [&host, &with_port].into_iter().flatten().any(|now| *now == previous.value) {
            let summary = format!("`{}` was reached at {} and still is", name.value, previous.value);
            let finding = rule.error(summary, &previous.place, "the address of now");
            found.push(finding.help("write the address of before, or remove `previous` once the node has moved"));
        }
    }
    found
}

/// The tables of a node that only root can bring about, with where each stands.
fn root_tables<'a>(subject: &Subject<'a>, name: &str, node: &'a NodeTable) -> Vec<(&'static str, &'a Place)> {
    let mut tables = Vec::new();
    tables.extend(node.network.iter().map(|network| ("network", &network.keys.place)));
    tables.extend(node.sysctls.names().next().map(|name| ("sysctls", &name.place)));
    tables.extend(node.modules.names().next().map(|name| ("modules", &name.place)));
    tables.extend(node.packages.names().next().map(|name| ("packages", &name.place)));
    tables.extend(node.units.names().next().map(|name| ("units", &name.place)));
    let pools = subject.file.pools.iter().filter(|(_, pool)| pool.node.value == name);
    tables.extend(pools.map(|(_, pool)| ("pools", &pool.node.place)));
    tables
}

fn local_needs_root(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, node) in subject.nodes() {
        if !node.connection.as_ref().is_some_and(|connection| connection.value == ConnectionName::Local) {
            continue;
        }
        let mut needs = root_tables(subject, name, node);
        needs.extend(node.files.iter().filter_map(|(_, file)| Some(("owner", &file.owner.as_ref()?.place))));
        for (table, place) in needs {
            let summary = format!("`{table}` needs root, and `{}` has `connection = \"local\"`", name.value);
            let finding = rule.error(summary, place, "not on a local node");
            found.push(finding.help("reach the machine over SSH (`ssh.host = \"localhost\"`), or remove it"));
        }
    }
    found
}

fn linux_only(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, node) in subject.nodes() {
        let Some(os) = node.os.as_ref().filter(|os| os.value == OsName::Macos) else { continue };
        for (table, place) in root_tables(subject, name, node) {
            let summary = format!("`{table}` is managed on Linux only, and `{}` runs macOS", name.value);
            let finding = rule.error(summary, place, "not on macOS").also(os.place.clone(), "said here");
            found.push(finding.help("a node with macOS has `files`"));
        }
    }
    found
}

fn one_machine_twice(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut seen: BTreeMap<(String, u16, String), (&str, &Place)> = BTreeMap::new();
    for (name, table) in subject.nodes() {
        let Some(Connection::Ssh(ssh)) = subject.lab.nodes.get(&name.value).map(|node| &node.connection) else {
            continue;
        };
        let way = (ssh.host.clone(), ssh.port.unwrap_or(22), ssh.proxy_jump.clone().unwrap_or_default());
        let declared = table.ssh.as_ref().and_then(|ssh| ssh.host.as_ref());
        let place = declared.map_or(&name.place, |host| &host.place);
        let Some((first, first_place)) = seen.insert(way, (name, place)) else { continue };
        // Two equal `address`es are found by the rule on addresses.
        if declared.is_some() {
            let summary = format!("`{first}` and `{}` are one machine", name.value);
            let finding = rule.error(summary, place, "reached here as well").also(first_place.clone(), "reached here");
            found.push(finding.help("join the two tables, or give one of them its own `ssh.host` or `ssh.port`"));
        }
    }
    found
}

fn needs_root(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, node) in subject.nodes() {
        let user = node.ssh.as_ref().filter(|ssh| ssh.sudo != Some(true)).and_then(|ssh| ssh.user.as_ref());
        let Some(user) = user.filter(|user| user.value != "root") else { continue };
        if let Some((table, place)) = root_tables(subject, name, node).first() {
            let summary = format!("`{table}` of `{}` needs root", name.value);
            let finding = rule.warning(summary, &user.place, format!("logs in as `{}`, without sudo", user.value));
            found.push(finding.also((*place).clone(), "needs root").help("add `sudo = true` to `ssh`"));
        }
    }
    found
}
