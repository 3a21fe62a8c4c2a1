//! The steps that bring a unit up, down, or to its new files.

use crate::kinds::Work;
use crate::plan::Step;

use super::state::State;
use super::wanted::Wanted;

/// Makes systemd read unit files again, once for all units of the node.
pub(in crate::kinds) fn daemon_reload() -> Step {
    Step::run("make systemd read its units again", ["systemctl", "daemon-reload"]).shared("systemctl daemon-reload")
}

/// Seconds that a unit may take to start or stop: systemd's own limit is 90 for most, and more where the unit says so.
pub(super) const LIMIT: u64 = 600;

pub(super) fn systemctl(verb: &str, name: &str) -> Step {
    Step::run(format!("{verb} {name}"), ["systemctl", verb, "--", name]).limit(LIMIT)
}

/// Adds the steps for what runs: nothing where neither the declaration nor a new file asks for a change.
pub(super) fn run_state(wanted: &Wanted, state: &State, has_new_text: bool, differs: bool, work: &mut Work) {
    let (name, node) = (&wanted.name, &wanted.node.name);
    match wanted.unit.running {
        Some(false) if differs && state.active != "inactive" => {
            work.steps.push(systemctl("stop", name));
            work.disruption = state.is_active().then(|| format!("stops {name} on {node}"));
        }
        // What is on its way down or up again by itself is taken along.
        _ if state.is_active() && has_new_text && wanted.unit.running != Some(false) => {
            if is_restartable(name) {
                work.steps.push(systemctl("restart", name));
                work.disruption = Some(format!("restarts {name} on {node}"));
            } else {
                work.notes.push("it stays as it is until it is started the next time".to_owned());
            }
        }
        Some(true) if differs => {
            if state.active == "failed" {
                // Else a unit that failed too often may not be started again for a while.
                work.steps.push(systemctl("reset-failed", name));
            }
            work.steps.push(systemctl("start", name));
        }
        _ => {}
    }
}

/// What a change of the file would interrupt where the unit is as the file before had it.
pub(super) fn foreseen(wanted: &Wanted, has_new_text: bool, differs: bool) -> Option<String> {
    let (name, node) = (&wanted.name, &wanted.node.name);
    match wanted.unit.running {
        Some(false) if differs => Some(format!("stops {name} on {node}")),
        Some(true) if has_new_text && !differs && is_restartable(name) => Some(format!("restarts {name} on {node}")),
        _ => None,
    }
}

/// To restart a mount, a target or a slice would take down what lies above it.
fn is_restartable(name: &str) -> bool {
    matches!(name.rsplit_once('.'), Some((_, "service" | "timer" | "path" | "socket")))
}
