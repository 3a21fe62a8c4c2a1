//! `sh`, `env`, `test` and the like: programs about programs, and conditions.

use super::super::gap::Gap;
use super::super::machine::Machine;
use super::super::shell;
use super::{Stdin, done, failed, said, unknown};
use crate::lab::Os;
use crate::observe::Output;

pub(super) fn sh(machine: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    match arguments {
        ["-c", script] => shell::run(machine, script, "sh", &[], stdin),
        ["-c", script, zero, rest @ ..] => shell::run(machine, script, zero, &owned(rest), stdin),
        [path, rest @ ..] if !path.starts_with('-') => match machine.read(path) {
            Some(script) => shell::run(machine, &String::from_utf8_lossy(&script), path, &owned(rest), stdin),
            None => failed(2, format!("sh: 0: cannot open {path}: No such file")),
        },
        _ => unknown("sh", arguments),
    }
}

pub(super) fn env(machine: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    let start = arguments.iter().position(|word| !word.contains('=')).unwrap_or(arguments.len());
    if start == arguments.len() || arguments[start].starts_with('-') {
        return unknown("env", arguments);
    }
    let argv: Vec<String> = arguments[start..].iter().map(|word| (*word).to_owned()).collect();
    machine.run(&argv, stdin)
}

/// `date +%s`: the wall clock, which may jump.
pub(super) fn date(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    match arguments {
        ["+%s"] => said(format!("{}\n", machine.clock.wall())),
        _ => unknown("date", arguments),
    }
}

/// `uname -sr`: the kernel and its release.
pub(super) fn uname(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    match (arguments, machine.os) {
        (["-sr"], Os::Linux) => said("Linux 6.12.0\n"),
        (["-sr"], Os::Macos) => said("Darwin 24.0.0\n"),
        _ => unknown("uname", arguments),
    }
}

pub(super) fn sleep(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    match arguments {
        [seconds] if seconds.parse::<u64>().is_ok() => {
            machine.pass(seconds.parse::<u64>().unwrap_or_default() * 1000);
            done()
        }
        _ => unknown("sleep", arguments),
    }
}

pub(super) fn yes(_: &mut Machine, _: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    done()
}

pub(super) fn no(_: &mut Machine, _: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    failed(1, "")
}

pub(super) fn bracket(machine: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    match arguments {
        [condition @ .., "]"] => test(machine, condition, stdin),
        _ => failed(2, "sh: [: missing ]"),
    }
}

#[expect(clippy::only_used_in_recursion, reason = "all programs have one signature")]
pub(super) fn test(machine: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    let is_so = match arguments {
        ["!", rest @ ..] => {
            let output = test(machine, rest, stdin)?;
            return if output.code == 0 { failed(1, "") } else { done() };
        }
        [] => false,
        [text] => !text.is_empty(),
        ["-n", text] => !text.is_empty(),
        ["-z", text] => text.is_empty(),
        ["-e" | "-r" | "-w", path] => machine.exists(path),
        ["-f", path] => machine.read(path).is_some(),
        ["-s", path] => machine.read(path).is_some_and(|bytes| !bytes.is_empty()),
        ["-d", path] => machine.files.is_folder(path),
        [a, "=", b] => a == b,
        [a, "!=", b] => a != b,
        [a, operator, b] => match (a.parse::<i64>(), b.parse::<i64>(), *operator) {
            (Ok(a), Ok(b), "-eq") => a == b,
            (Ok(a), Ok(b), "-ne") => a != b,
            (Ok(a), Ok(b), "-lt") => a < b,
            (Ok(a), Ok(b), "-le") => a <= b,
            (Ok(a), Ok(b), "-gt") => a > b,
            (Ok(a), Ok(b), "-ge") => a >= b,
            _ => return unknown("test", arguments),
        },
        _ => return unknown("test", arguments),
    };
    if is_so { done() } else { failed(1, "") }
}
