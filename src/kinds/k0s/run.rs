//! The steps that bring a k0s up, or to its new flags, configuration or version.

use crate::plan::Step;

use super::flags::Flags;
use super::program::{PROGRAM, Role};

/// How much longer a step may take than what it waits for.
const MARGIN: u64 = 30;

/// `systemctl start` and the like wait for the process to end, which takes k0s a while.
const SYSTEMD: u64 = 300;

/// Writes the unit. `again` where there is one.
pub(super) fn install(role: Role, flags: &Flags, again: bool) -> Step {
    let mut argv = vec![PROGRAM.to_owned(), "install".to_owned(), role.word().to_owned()];
    argv.extend(again.then(|| "--force".to_owned()));
    argv.extend(flags.words());
    let words = if again { "write its unit anew" } else { "write its unit" };
    Step::run(words, argv)
}

/// Starts what is installed. It returns at once.
pub(super) fn start() -> Step {
    Step::run("start k0s", [PROGRAM, "start"]).limit(SYSTEMD)
}

/// Lets the process take in what it only reads at its start.
pub(super) fn restart(role: Role) -> Step {
    Step::run("restart k0s", ["systemctl", "restart", "--", role.unit()]).limit(SYSTEMD)
}

/// Lets it start at boot.
pub(super) fn enable(role: Role) -> Step {
    Step::run("let k0s start at boot", ["systemctl", "enable", "--", role.unit()])
}

/// Waits for something by a script of ours.
pub(super) fn wait(about: impl Into<String>, script: &str, words: &[&str], within: u64) -> Step {
    let seconds = within.to_string();
    let argv = ["sh", "-c", script, "sh"].into_iter().chain(words.iter().copied()).chain([seconds.as_str()]);
    Step::run(about, argv).limit(within + MARGIN)
}

/// Waits until the API answers on its own node.
pub(super) fn ready(within: u64) -> Step {
    let words = [PROGRAM, Role::Controller.unit()];
    wait("wait until the API answers", include_str!("ready.sh"), &words, within)
}
