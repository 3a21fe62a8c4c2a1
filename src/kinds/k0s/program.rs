//! What k0s tells about itself on a node, and what systemd tells about its units.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::kinds::unit::{State, state_ask, states};
use crate::lab::K0sVersion;
use crate::observe::{Ask, FileAnswer, Reply};

/// Where k0s's binary lies: the one place that its own installer knows.
pub(super) const PROGRAM: &str = "/usr/local/bin/k0s";
/// Where it keeps its data.
pub(super) const DATA: &str = "/var/lib/k0s";
/// Its configuration, which it also reads when it is told of none.
pub(super) const CONFIG: &str = "/etc/k0s/k0s.yaml";

/// Which of the two services runs on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A control plane, with or without a kubelet.
    Controller,
    /// A worker.
    Worker,
}

impl Role {
    /// As `k0s install` and `k0s status` call it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::Worker => "worker",
        }
    }

    /// Its systemd unit.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Controller => "k0scontroller.service",
            Self::Worker => "k0sworker.service",
        }
    }

    /// The other one: a node has one of them.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Controller => Self::Worker,
            Self::Worker => Self::Controller,
        }
    }

    /// The path of its unit's file.
    pub(super) fn unit_path(self) -> String {
        format!("/etc/systemd/system/{}", self.unit())
    }
}

/// Whether there is a k0s, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Installed {
    /// There is none.
    No,
    /// This one.
    Version(K0sVersion),
    /// One that does not run, or does not say what it is: why.
    Broken(String),
}

/// The question which k0s there is.
pub(super) fn version_ask() -> Ask {
    Ask::run([PROGRAM, "version"])
}

/// Which k0s there is.
pub(super) fn installed(reply: &Reply) -> Result<Installed, String> {
    let output = reply.output(&version_ask())?;
    if output.is_missing_program() {
        return Ok(Installed::No);
    }
    let text = output.text();
    Ok(match text.trim().parse() {
        Ok(version) if output.code == 0 => Installed::Version(version),
        _ if output.code == 0 => Installed::Broken(format!("it says that its version is `{}`", text.trim())),
        _ => Installed::Broken(output.complaint()),
    })
}

/// What `k0s status -o json` tells of the process that runs. Its keys are names of Go fields.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Status {
    /// The process's version, whatever the binary is by now.
    pub(super) version: String,
    /// `controller` or `worker`.
    pub(super) role: String,
    /// Program, role, flags.
    #[serde(default)]
    pub(super) args: Vec<String>,
    /// What a controller was started with.
    #[serde(default)]
    pub(super) cluster_config: Json,
}

/// The question what runs.
pub(super) fn status_ask() -> Ask {
    Ask::run([PROGRAM, "status", "-o", "json"])
}

/// What runs; nothing where no k0s answers, whether it is down or not up yet.
pub(super) fn status(reply: &Reply) -> Result<Option<Status>, String> {
    let output = reply.output(&status_ask())?;
    if output.code == 0 {
        let status = serde_json::from_slice(&output.stdout);
        return status.map(Some).map_err(|error| format!("`k0s status` says what labctl can't read ({error})"));
    }
    // Without root the socket is there and closed; then nothing is known.
    if output.stderr.to_lowercase().contains("permission denied") {
        return Err(output.complaint());
    }
    Ok(None)
}

/// The question what systemd knows of both units.
pub(super) fn units_ask() -> Ask {
    state_ask([Role::Controller.unit(), Role::Worker.unit()])
}

/// What systemd knows of a unit.
pub(super) fn unit(reply: &Reply, role: Role) -> Result<State, String> {
    let names = [Role::Controller.unit(), Role::Worker.unit()];
    let mut states = states(reply.output(&units_ask())?, &names)?;
    states.remove(role.unit()).ok_or_else(|| "systemd said nothing of k0s's units".to_owned())
}

/// Whether a unit is there.
pub(super) fn is_there(unit: &State) -> bool {
    !matches!(unit.load.as_str(), "not-found" | "")
}

/// The question whether the API answers, on the controller.
pub(super) fn ready_ask() -> Ask {
    Ask::run([PROGRAM, "kubectl", "get", "--raw", "/readyz", "--request-timeout=5s"])
}

/// Whether the API answers; what is said instead.
pub(super) fn ready(reply: &Reply) -> Result<Result<(), String>, String> {
    let output = reply.output(&ready_ask())?;
    let is_ready = output.code == 0 && output.text().trim() == "ok";
    Ok(if is_ready { Ok(()) } else { Err(output.complaint()) })
}

/// The question what a unit's journal says last.
pub(super) fn journal_ask(role: Role) -> Ask {
    Ask::run(["journalctl", "-q", "-o", "cat", "-n", "200", "-u", role.unit()])
}

/// The last errors in a unit's journal, and the components that don't stay up.
pub(super) fn journal_errors(reply: &Reply, role: Role) -> Vec<String> {
    let Ok(output) = reply.output(&journal_ask(role)) else { return Vec::new() };
    let text = output.text();
    let is_error =
        |line: &&str| line.contains("level=error") || line.contains("level=fatal") || line.contains("respawning");
    let mut lines: Vec<String> = text.lines().filter(is_error).map(str::to_owned).collect();
    lines.dedup();
    lines.split_off(lines.len().saturating_sub(3))
}

/// Whether a cluster has lived on the node: its CA is there.
pub(super) fn authority_ask() -> Ask {
    Ask::File { path: format!("{DATA}/pki/ca.crt"), limit: 0 }
}

/// Whether a cluster has lived on the node.
pub(super) fn has_lived(reply: &Reply) -> Result<bool, String> {
    Ok(!matches!(reply.file(&authority_ask())?, FileAnswer::Absent))
}

/// Why a node can't go from one version to another.
pub(super) fn upgrade_fault(from: K0sVersion, to: K0sVersion) -> Option<String> {
    if to < from {
        return Some(format!(
            "k0s {from} is there, and it never goes back to {to}: etcd's data may be of a form that the older one can't \
             read; say `version = \"{from}\"` or newer"
        ));
    }
    let is_far = to.major != from.major || to.minor > from.minor + 1;
    is_far.then(|| {
        format!(
            "from {from} to {to} are {} minor versions, and Kubernetes goes up by one at a time; say a version of {}.{} \
             first",
            to.minor.saturating_sub(from.minor),
            from.major,
            from.minor + 1
        )
    })
}

#[cfg(test)]
mod tests {
    use super::upgrade_fault;

    #[test]
    fn versions_go_up_one_minor_at_a_time_and_never_down() {
        let fault = |from: &str, to: &str| upgrade_fault(from.parse().unwrap(), to.parse().unwrap());
        assert_eq!(fault("1.33.4+k0s.0", "1.33.4+k0s.1"), None);
        assert_eq!(fault("1.33.4+k0s.0", "1.34.0+k0s.0"), None);
        assert!(fault("1.33.4+k0s.0", "1.35.0+k0s.0").unwrap().contains("say a version of 1.34 first"));
        assert!(fault("1.33.4+k0s.0", "1.33.3+k0s.0").unwrap().contains("never goes back"));
    }
}
