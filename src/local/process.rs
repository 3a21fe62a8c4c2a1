//! This process, told from all others, and whether one of this machine is over: for locks whose holder was killed.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::plan::lock::Process;

/// This very process; nothing where the machine does not tell one from another.
pub fn this() -> Option<Process> {
    let number = std::process::id();
    match state(number)? {
        State::Alive { began } => Some(Process { boot: boot()?, number, began }),
        State::Over => None,
    }
}

/// Whether a process ran on this machine, and is over. What can't be told for sure is no.
pub fn is_over(process: &Process) -> bool {
    if boot().as_ref() != Some(&process.boot) {
        return false;
    }
    match state(process.number) {
        Some(State::Over) => true,
        Some(State::Alive { began }) => began != process.began,
        None => false,
    }
}

enum State {
    Alive { began: String },
    Over,
}

/// What tells one start of this machine from all others, and one space of process numbers from the next (a container has
/// its own).
fn boot() -> Option<String> {
    if let Ok(boot) = std::fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        let space = std::fs::read_link("/proc/self/ns/pid").ok()?;
        return Some(format!("{} {}", boot.trim(), space.display()));
    }
    printed("sysctl", &["-n", "kern.bootsessionuuid"]).filter(|boot| !boot.is_empty())
}

/// What is known of a process number; nothing where that can't be told.
fn state(number: u32) -> Option<State> {
    if Path::new("/proc/self/stat").exists() {
        let stat = match std::fs::read_to_string(format!("/proc/{number}/stat")) {
            Ok(stat) => stat,
            // Where others' processes are hidden (`hidepid`), the first one is, too.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Path::new("/proc/1/stat").exists().then_some(State::Over);
            }
            Err(_) => return None,
        };
        return of_stat(&stat);
    }
    let ps =
        Command::new("ps").args(["-o", "lstart=", "-p", &number.to_string()]).stdin(Stdio::null()).output().ok()?;
    let began = String::from_utf8(ps.stdout).ok()?.trim().to_owned();
    match (ps.status.code()?, began.is_empty()) {
        (0, false) => Some(State::Alive { began }),
        (1, true) => Some(State::Over),
        _ => None,
    }
}

/// proc(5): behind the name in brackets stand the state (field 3) and, as field 22, when it began.
fn of_stat(stat: &str) -> Option<State> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return Some(State::Over);
    }
    Some(State::Alive { began: fields.nth(18)?.to_owned() })
}

fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{State, is_over, of_stat, this};
    use crate::plan::lock::Process;

    #[test]
    fn a_process_is_over_when_it_is_gone_or_its_number_was_given_again_and_not_on_another_machine() {
        let this = this().unwrap();
        assert!(!is_over(&this));
        assert!(is_over(&Process { began: "1".to_owned(), ..this.clone() }));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let number = child.id();
        child.wait().unwrap();
        assert!(is_over(&Process { number, ..this.clone() }));
        assert!(!is_over(&Process { number, boot: "another".to_owned(), ..this }));
    }

    #[test]
    fn a_zombie_is_over_and_a_name_with_brackets_in_it_confuses_nobody() {
        let of = |state: &str| format!("7 (a) b) {state} 1 7 7 0 -1 4194560 112 0 0 0 0 0 0 0 20 0 1 0 4711 2 3");
        assert!(matches!(of_stat(&of("Z")), Some(State::Over)));
        assert!(matches!(of_stat(&of("S")), Some(State::Alive { began }) if began == "4711"));
        assert!(of_stat("7 (a").is_none());
    }
}
