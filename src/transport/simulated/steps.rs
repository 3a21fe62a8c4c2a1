//! A step on a simulated node: what it relies on is looked at, then it is done.

use super::super::contents::Contents;
use super::super::outcome::StepOutcome;
use super::files::{What, absolute};
use super::gap::Gap;
use super::machine::Machine;
use super::programs::Stdin;
use crate::lab::{Content, Mode};
use crate::observe::Output;
use crate::plan::{Act, Guard, Step};

/// Exit status of a step that the simulation can't run.
const NOT_SIMULATED: u32 = 125;
/// Seconds: `find -mtime +30` finds what is at least thirty-one whole days old.
const KEPT_FOR: i64 = 31 * 24 * 60 * 60;
/// Lines that are shown of what a failed step printed.
const LINES: usize = 20;

/// Does a step; reconnections are not a node's to do. `owner` is whose files are that name no owner.
pub(super) fn run(machine: &mut Machine, step: &Step, owner: &str, contents: &Contents<'_>) -> StepOutcome {
    for guard in &step.guards {
        match found(machine, guard) {
            Ok(None) => {}
            Ok(Some(found)) => return StepOutcome::Stale { guard: guard.words(), found },
            Err(gap) => return failed(NOT_SIMULATED, &gap.to_string()),
        }
    }
    match act(machine, &step.act, owner, contents) {
        Err(gap) => failed(NOT_SIMULATED, &gap.to_string()),
        Ok(Output { code: 0, .. }) => StepOutcome::Done,
        Ok(output) if output.stderr.trim().is_empty() => failed(output.code, &output.text()),
        Ok(output) => failed(output.code, &output.stderr),
    }
}

pub(super) fn failed(code: u32, text: &str) -> StepOutcome {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let words = lines[lines.len().saturating_sub(LINES)..].iter().map(|line| (*line).to_owned()).collect();
    StepOutcome::Failed { code, words }
}

/// What is there instead of what a guard relies on.
fn found(machine: &mut Machine, guard: &Guard) -> Result<Option<String>, Gap> {
    match guard {
        Guard::Output { argv, stdout } => {
            let output = machine.run(argv, &mut Stdin::default())?;
            let found = format!("{}{}", output.text(), output.stderr);
            // As `$(…)` has it: newlines at the end don't count, other white space does.
            let (found, expected) = (found.trim_end_matches('\n'), stdout.trim_end_matches('\n'));
            Ok((found != expected).then(|| found.to_owned()))
        }
        Guard::File { path, state } => {
            let now = machine.files.entry(path).map_or_else(|| "absent".to_owned(), super::files::Entry::state);
            Ok((now != *state).then(|| "it was touched since the plan was made".to_owned()))
        }
        Guard::Api(_) => Ok(Some("a node can't answer for a cluster".to_owned())),
    }
}

fn act(machine: &mut Machine, act: &Act, owner: &str, contents: &Contents<'_>) -> Result<Output, Gap> {
    match act {
        Act::Run { argv, stdin } => {
            let bytes = match stdin {
                Some(content) => match contents.bytes(content) {
                    Ok(bytes) => bytes.to_vec(),
                    Err(error) => return Ok(complaint(&error.to_string())),
                },
                None => Vec::new(),
            };
            machine.run(argv, &mut Stdin::new(bytes))
        }
        Act::Put { path, content, mode, owner: wanted, group } => {
            let names = (wanted.as_deref(), group.as_deref());
            Ok(put(machine, path, content, *mode, names, owner, contents))
        }
        Act::Keep { path, below } => Ok(keep(machine, path, below, owner)),
        Act::Remove { path } if machine.files.is_folder(path) => {
            Ok(complaint(&format!("rm: cannot remove '{path}': Is a directory")))
        }
        Act::Remove { path } => {
            machine.files.remove(path);
            Ok(Output::default())
        }
        Act::Reconnect { .. } => Ok(Output::default()),
        Act::Api(_) => Ok(complaint("a node can't act for a cluster")),
    }
}

fn complaint(words: &str) -> Output {
    Output { stderr: words.to_owned(), code: 1, ..Output::default() }
}

/// As the shell function of that name in `prelude.sh`.
fn keep(machine: &mut Machine, path: &str, below: &str, owner: &str) -> Output {
    let Some(bytes) = machine.files.read(path).map(<[u8]>::to_vec) else { return Output::default() };
    if machine.condition.is_disk_full {
        return complaint(&format!("cp: error copying '{path}': No space left on device"));
    }
    let now = machine.files.now;
    let time = jiff::Timestamp::from_second(now).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ");
    let copy = absolute(&format!("{below}/{}.{time}", path.trim_start_matches('/')));
    machine.files.put(&copy, What::File(bytes), 0o600, owner, owner);
    let is_old = |entry: &super::files::Entry| entry.bytes().is_some() && now - entry.modified >= KEPT_FOR;
    let old: Vec<String> =
        machine.files.below(below).filter(|(_, entry)| is_old(entry)).map(|(path, _)| path.to_owned()).collect();
    for path in old {
        machine.files.remove(&path);
    }
    Output::default()
}

fn put(
    machine: &mut Machine,
    path: &str,
    content: &Content,
    mode: Option<Mode>,
    (owner, group): (Option<&str>, Option<&str>),
    default: &str,
    contents: &Contents<'_>,
) -> Output {
    if machine.condition.is_disk_full {
        return complaint("base64: write error: No space left on device");
    }
    let bytes = match contents.bytes(content) {
        Ok(bytes) => bytes.to_vec(),
        Err(error) => return complaint(&error.to_string()),
    };
    let old = machine.files.entry(path);
    if old.is_some_and(|old| old.bytes().is_none()) {
        return complaint(&format!("{path} is no regular file"));
    }
    for (what, name) in [("user", owner), ("group", group)] {
        if let Some(name) = name.filter(|name| !machine.accounts.contains(*name)) {
            return complaint(&format!("chown: invalid {what}: '{name}'"));
        }
    }
    let mode = mode.map(|mode| mode.0).or(old.map(|old| old.mode)).unwrap_or(0o644);
    let owner = owner.or(old.map(|old| old.owner.as_str())).unwrap_or(default).to_owned();
    let group = group.or(old.map(|old| old.group.as_str())).unwrap_or(default).to_owned();
    machine.files.put(&absolute(path), What::File(bytes), mode, &owner, &group);
    Output::default()
}
