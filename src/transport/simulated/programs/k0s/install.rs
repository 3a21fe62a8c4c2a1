//! `k0s install`: the unit, with its flags.

use super::super::super::gap::Gap;
use super::super::super::k0s::{PROGRAM, UNITS};
use super::super::super::machine::Machine;
use super::super::{Stdin, done, failed, unknown};
use super::fault;
use crate::observe::Output;

/// Flags that both roles take, and those of a controller alone (`k0s install controller --help`, v1.36).
const FLAGS: [&str; 9] = [
    "data-dir",
    "debug",
    "kubelet-extra-args",
    "kubelet-root-dir",
    "labels",
    "profile",
    "taints",
    "token-file",
    "verbose",
];
const OF_CONTROLLERS: [&str; 6] =
    ["config", "disable-components", "enable-dynamic-config", "enable-worker", "no-taints", "single"];

pub(super) fn install(machine: &mut Machine, arguments: &[&str]) -> Result<Output, Gap> {
    let [role, rest @ ..] = arguments else { return unknown("k0s", arguments) };
    let Some((_, unit)) = UNITS.iter().find(|(known, _)| known == role) else { return unknown("k0s", arguments) };
    let (force, flags): (Vec<&str>, Vec<&str>) = rest.iter().partition(|word| **word == "--force");
    for flag in &flags {
        let name = flag.strip_prefix("--").map(|flag| flag.split('=').next().unwrap_or(flag));
        let is_known = |name: &str| FLAGS.contains(&name) || (*role == "controller" && OF_CONTROLLERS.contains(&name));
        if !name.is_some_and(is_known) {
            return failed(1, format!("Error: unknown flag: {}", flag.split('=').next().unwrap_or(flag)));
        }
    }
    let config = flags.iter().find_map(|flag| flag.strip_prefix("--config="));
    if let Some(path) = config {
        let Some(text) = machine.files.text(path) else {
            return failed(1, format!("Error: failed to load config: open {path}: no such file or directory"));
        };
        if let Some(fault) = fault(&text) {
            return failed(1, format!("Error: {fault}"));
        }
    }
    let path = format!("/etc/systemd/system/{unit}");
    if machine.files.exists(&path) && force.is_empty() {
        return failed(1, format!("Error: failed to install {role} service: Init already exists: {path}"));
    }
    if machine.condition.is_disk_full {
        return failed(1, format!("Error: failed to install {role} service: write {path}: no space left on device"));
    }
    let command: Vec<String> =
        [PROGRAM, role].into_iter().map(str::to_owned).chain(flags.iter().map(|flag| quoted(flag))).collect();
    machine.files.write(&path, text(&command.join(" ")), 0o644);
    machine.run(&["systemctl", "enable", unit].map(str::to_owned), &mut Stdin::default())?;
    done()
}

/// A word as the unit has it: a space would end it.
fn quoted(word: &str) -> String {
    if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
}

fn text(command: &str) -> String {
    format!(
        "[Unit]\nDescription=k0s - Zero Friction Kubernetes\nDocumentation=https://docs.k0sproject.io\n\
         ConditionFileIsExecutable={PROGRAM}\nAfter=network-online.target\nWants=network-online.target\n\n[Service]\n\
         StartLimitInterval=5\nStartLimitBurst=10\nExecStart={command}\nRestartSec=10\nDelegate=yes\nKillMode=process\n\
         LimitCORE=infinity\nTasksMax=infinity\nTimeoutStartSec=0\nLimitNOFILE=999999\nRestart=always\n\n[Install]\n\
         WantedBy=multi-user.target\n"
    )
}
