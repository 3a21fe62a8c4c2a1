//! `k0s`, as far as labctl calls it; what it says was read off v1.36.

mod install;
mod kubectl;
mod token;

use serde_json::{Value as Json, json};

use super::super::gap::Gap;
use super::super::k0s::{self, PROGRAM, UNITS};
use super::super::machine::Machine;
use super::{Stdin, done, failed, said, unknown};
use crate::observe::Output;

/// Milliseconds that `k0s` takes to start: it unpacks nothing for its small commands.
const CALL: u64 = 400;

/// Where labctl puts a new binary before it is renamed.
const BESIDE: &str = "/usr/local/bin/.labctl-k0s";

/// The k0s that is installed.
pub(super) fn k0s(machine: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    run(machine, PROGRAM, arguments, stdin)
}

/// The k0s that is about to be.
pub(super) fn beside(machine: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    run(machine, BESIDE, arguments, stdin)
}

/// Whether there is a program.
pub(super) fn is_there(machine: &Machine, name: &str) -> bool {
    let path = if name == "k0s" { PROGRAM } else { BESIDE };
    machine.files.entry(path).is_some_and(|entry| entry.mode & 0o111 != 0)
}

fn run(machine: &mut Machine, path: &str, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    machine.pass(CALL);
    k0s::settle(machine);
    let Some(version) = machine.files.read(path).and_then(k0s::version_in) else {
        return failed(126, format!("{path}: Exec format error"));
    };
    match arguments {
        ["version"] => said(format!("{version}\n")),
        ["install", rest @ ..] => install::install(machine, rest),
        ["start"] => service(machine, "start"),
        ["stop"] => service(machine, "stop"),
        ["reset"] => reset(machine),
        ["status", "-o", "json"] => status(machine),
        ["config", "validate", "--config", source] => validate(machine, source, stdin),
        ["token", rest @ ..] => token::token(machine, rest),
        ["kubectl", rest @ ..] => kubectl::kubectl(machine, rest),
        ["kubeconfig", "admin"] => match machine.files.text(k0s::ADMIN) {
            Some(text) => said(text),
            None => failed(1, "Error: failed to read admin config, is the control plane initialized on this node?"),
        },
        _ => unknown("k0s", arguments),
    }
}

/// `start` and `stop` act on whichever unit is installed, the controller's first.
fn service(machine: &mut Machine, verb: &str) -> Result<Output, Gap> {
    let unit = UNITS.iter().map(|(_, unit)| *unit).find(|unit| machine.units.is_known(&machine.files, unit));
    let Some(unit) = unit else { return failed(1, "Error: k0s has not been installed as a service") };
    machine.run(&["systemctl", verb, unit].map(str::to_owned), &mut Stdin::default())?;
    k0s::settle(machine);
    done()
}

/// Everything of k0s goes, but for the binary and its configuration.
fn reset(machine: &mut Machine) -> Result<Output, Gap> {
    if machine.k0s.process.is_some() {
        return failed(1, "Error: k0s seems to be running, please stop k0s before reset");
    }
    for (_, unit) in UNITS {
        let _ = machine.run(&["systemctl", "disable", unit].map(str::to_owned), &mut Stdin::default())?;
        machine.files.remove(&format!("/etc/systemd/system/{unit}"));
    }
    machine.units.reload(&machine.files);
    machine.files.remove("/var/lib/k0s");
    machine.k0s.nodes.clear();
    machine.k0s.tokens.clear();
    done()
}

fn status(machine: &Machine) -> Result<Output, Gap> {
    let process = machine.k0s.process.as_ref().filter(|_| k0s::has_status(machine));
    let Some(process) = process else {
        return failed(
            1,
            "status: can't get \"status\" via \"/run/k0s/status.sock\": dial unix /run/k0s/status.sock: connect: no such \
             file or directory",
        );
    };
    let unit = UNITS.iter().find(|(role, _)| *role == process.role).map(|(_, unit)| *unit).unwrap_or_default();
    let status = json!({
        "Version": process.version, "Pid": 812, "PPid": 1, "Role": process.role, "SysInit": "linux-systemd",
        "StubFile": format!("/etc/systemd/system/{unit}"), "Output": "", "Workloads": process.works(),
        "SingleNode": process.flag("single") == Some("true"), "Args": process.args,
        "WorkerToAPIConnectionStatus": { "Message": "", "Success": true }, "ClusterConfig": process.config,
        "K0sVars": { "DataDir": "/var/lib/k0s" },
    });
    said(status.to_string())
}

fn validate(machine: &Machine, source: &str, stdin: &mut Stdin) -> Result<Output, Gap> {
    let text = match source {
        "-" => String::from_utf8_lossy(&stdin.rest()).into_owned(),
        path => match machine.files.text(path) {
            Some(text) => text,
            None => return failed(1, format!("Error: open {path}: no such file or directory")),
        },
    };
    match fault(&text) {
        Some(fault) => failed(1, format!("Error: {fault}")),
        None => done(),
    }
}

/// What k0s finds wrong with a configuration. It takes keys that it does not know without a word.
fn fault(text: &str) -> Option<String> {
    let config: Json = match serde_saphyr::from_str(text) {
        Ok(config) => config,
        Err(_) => return Some("failed to parse config: it is no YAML".to_owned()),
    };
    let provider = config.pointer("/spec/network/provider")?;
    let is_known = ["kuberouter", "calico", "custom"].iter().any(|known| provider == known);
    (!is_known).then(|| {
        format!("spec: network: provider: Unsupported value: {provider}: supported values: \"kuberouter\", \"calico\", \"custom\"")
    })
}
