//! `systemctl`, `systemd-run` and `journalctl`.

use super::super::files::What;
use super::super::gap::Gap;
use super::super::k0s;
use super::super::machine::Machine;
use super::super::units::{Job, Shown, Units};
use super::{Stdin, done, failed, said, unknown};
use crate::observe::Output;

/// Milliseconds that a detached unit takes to begin.
const BEGIN: u64 = 200;
/// Milliseconds that `systemctl start`, `stop` and the like take.
const CALL: u64 = 300;

pub(super) fn systemctl(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let [verb, rest @ ..] = arguments else { return unknown("systemctl", arguments) };
    let (options, names): (Vec<&str>, Vec<&str>) =
        rest.iter().filter(|word| **word != "--").partition(|word| word.starts_with('-'));
    match (*verb, options.as_slice()) {
        ("is-active", []) => is_active(machine, &names),
        ("is-enabled", []) => is_enabled(machine, &names),
        ("show", _) => show(machine, rest, arguments),
        ("daemon-reload", []) if names.is_empty() => {
            machine.pass(CALL);
            machine.units.reload(&machine.files);
            done()
        }
        ("start", ["--no-block"]) => start_detached(machine, &names),
        ("start" | "restart" | "stop" | "reset-failed", []) => run_state(machine, verb, &names),
        ("mask", [] | ["-q"]) => {
            for name in names {
                let path = format!("/etc/systemd/system/{name}");
                machine.files.put(&path, What::Link("/dev/null".to_owned()), 0o777, "root", "root");
            }
            machine.units.reload(&machine.files);
            done()
        }
        ("enable" | "disable", [] | ["--now"]) => {
            let output = enablement(machine, verb, &names)?;
            if options.is_empty() || output.code != 0 {
                return Ok(output);
            }
            run_state(machine, if *verb == "enable" { "start" } else { "stop" }, &names)
        }
        ("list-unit-files", ["--no-pager", "--no-legend", "--full"]) => {
            let all = machine.units.all(&machine.files);
            said(all.iter().map(|(name, shown)| format!("{name} {} enabled\n", shown.file)).collect::<String>())
        }
        ("list-units", ["--all", "--plain", "--no-pager", "--no-legend", "--full"]) => {
            let line = |(name, shown): &(String, Shown)| {
                format!("{name} {} {} {} {name}\n", shown.load, shown.active, shown.sub)
            };
            said(machine.units.all(&machine.files).iter().map(line).collect::<String>())
        }
        _ => unknown("systemctl", arguments),
    }
}

fn is_active(machine: &mut Machine, names: &[&str]) -> Result<Output, Gap> {
    let states: Vec<&str> = names.iter().map(|name| machine.units.active(name)).collect();
    let known = names.iter().any(|name| machine.units.is_known(&machine.files, name));
    let code = match (states.contains(&"active"), known) {
        (true, _) => 0,
        (false, true) => 3,
        (false, false) => 4,
    };
    let stdout = states.iter().map(|state| format!("{state}\n")).collect::<String>();
    Ok(Output { stdout: stdout.into_bytes(), code, ..Output::default() })
}

fn is_enabled(machine: &mut Machine, names: &[&str]) -> Result<Output, Gap> {
    let states: Vec<&str> =
        names.iter().map(|name| Units::enabled(&machine.files, name).unwrap_or("not-found")).collect();
    let code = match states.as_slice() {
        states if states.contains(&"enabled") || states.contains(&"static") => 0,
        states if states.iter().all(|state| *state == "not-found") => 4,
        _ => 1,
    };
    let stdout = states.iter().map(|state| format!("{state}\n")).collect::<String>();
    Ok(Output { stdout: stdout.into_bytes(), code, ..Output::default() })
}

fn show(machine: &mut Machine, rest: &[&str], arguments: &[&str]) -> Result<Output, Gap> {
    let ["--no-pager", "-p", properties, "--", names @ ..] = rest else { return unknown("systemctl", arguments) };
    let mut blocks = Vec::new();
    for name in names {
        let shown = machine.units.show(&machine.files, name);
        let mut block = String::new();
        for property in properties.split(',') {
            let value = match property {
                "Id" => (*name).to_owned(),
                "LoadState" => shown.load.to_owned(),
                "ActiveState" => shown.active.to_owned(),
                "SubState" => shown.sub.to_owned(),
                "UnitFileState" => shown.file.to_owned(),
                "NeedDaemonReload" => if shown.is_stale { "yes" } else { "no" }.to_owned(),
                "FragmentPath" => shown.path.clone(),
                // systemctl leaves out what a unit of that type has not.
                "Type" if shown.kind.is_empty() => continue,
                "Type" => shown.kind.to_owned(),
                "RemainAfterExit" if shown.kind.is_empty() => continue,
                "RemainAfterExit" => if shown.remains { "yes" } else { "no" }.to_owned(),
                _ => return unknown("systemctl", arguments),
            };
            block += &format!("{property}={value}\n");
        }
        blocks.push(block);
    }
    said(blocks.join("\n"))
}

fn start_detached(machine: &mut Machine, names: &[&str]) -> Result<Output, Gap> {
    for name in names {
        if !machine.units.is_known(&machine.files, name) {
            return failed(5, format!("Failed to start {name}: Unit {name} not found."));
        }
        let at = machine.clock.now() + BEGIN;
        machine.units.jobs.push(Job { at, service: (*name).to_owned(), timer: None });
    }
    done()
}

fn run_state(machine: &mut Machine, verb: &str, names: &[&str]) -> Result<Output, Gap> {
    machine.pass(CALL);
    for name in names {
        if Units::is_masked(&machine.files, name) && ["start", "restart"].contains(&verb) {
            return failed(1, format!("Failed to {verb} {name}: Unit {name} is masked."));
        }
        if !machine.units.is_known(&machine.files, name) {
            let words = match verb {
                "start" | "restart" => format!("Failed to {verb} {name}: Unit {name} not found."),
                _ => format!("Failed to {verb} {name}: Unit {name} not loaded."),
            };
            return failed(5, words);
        }
        match verb {
            "stop" => machine.units.stop(name),
            "reset-failed" => machine.units.reset_failed(name),
            _ if machine.units.start(name) => {}
            _ => {
                return failed(
                    1,
                    format!(
                        "Job for {name} failed because the control process exited with error code.\nSee \"systemctl \
                         status {name}\" and \"journalctl -xeu {name}\" for details."
                    ),
                );
            }
        }
    }
    done()
}

fn enablement(machine: &mut Machine, verb: &str, names: &[&str]) -> Result<Output, Gap> {
    machine.pass(CALL);
    let mut output = Output::default();
    for name in names {
        let Some(links) = Units::links(&machine.files, name) else {
            return failed(1, format!("Failed to {verb} unit: Unit {name} does not exist"));
        };
        if links.is_empty() {
            output.stderr += "The unit files have no installation config (WantedBy=, RequiredBy=, UpheldBy=,\nAlias= \
                              settings in the [Install] section, and DefaultInstance= for template units).\n";
        }
        if verb == "enable" {
            for (path, to) in links {
                if machine.files.entry(&path).is_none() {
                    output.stderr += &format!("Created symlink '{path}' → '{to}'.\n");
                    machine.files.put(&path, What::Link(to), 0o777, "root", "root");
                }
            }
        } else {
            let is_link = |entry: &super::super::files::Entry| matches!(entry.what, What::Link(_));
            let gone: Vec<String> = machine
                .files
                .below("/etc/systemd/system")
                .filter(|(path, entry)| is_link(entry) && path.rsplit('/').next() == Some(name))
                .map(|(path, _)| path.to_owned())
                .collect();
            for path in gone {
                output.stderr += &format!("Removed '{path}'.\n");
                machine.files.remove(&path);
            }
        }
    }
    // Both verbs reload.
    machine.units.reload(&machine.files);
    Ok(output)
}

pub(super) fn systemd_run(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let start = arguments.iter().position(|word| !word.starts_with("--")).unwrap_or(arguments.len());
    let (options, argv) = arguments.split_at(start);
    let (mut name, mut delay, mut is_detached) = (None, None, false);
    for option in options {
        match option.split_once('=').unwrap_or((option, "")) {
            ("--quiet" | "--collect" | "--timer-property", _) => {}
            ("--no-block", _) => is_detached = true,
            ("--unit", unit) => name = Some(unit.trim_end_matches(".service")),
            ("--on-active", time) => delay = time.trim_end_matches('s').parse::<u64>().ok().map(|time| time * 1000),
            _ => return unknown("systemd-run", arguments),
        }
    }
    let (Some(name), false) = (name, argv.is_empty()) else { return unknown("systemd-run", arguments) };
    let (service, timer) = (format!("{name}.service"), format!("{name}.timer"));
    let is_taken = machine.units.transient.contains_key(&service);
    if is_taken {
        let (what, unit) = if delay.is_some() { ("timer", &timer) } else { ("service", &service) };
        return failed(
            1,
            format!("Failed to start transient {what} unit: Unit {unit} was already loaded or has a fragment file."),
        );
    }
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
    let at = machine.clock.now();
    let job = match (delay, is_detached) {
        (Some(delay), _) => Job { at: at + delay, service: service.clone(), timer: Some(timer) },
        (None, true) => Job { at: at + BEGIN, service: service.clone(), timer: None },
        (None, false) => return unknown("systemd-run", arguments),
    };
    machine.units.transient.insert(service, argv);
    machine.units.jobs.push(job);
    done()
}

/// What units have said is not kept, but for k0s's.
pub(super) fn journalctl(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    match arguments {
        ["-q", "-o", "cat", "-n", _, "-u", unit] => {
            k0s::settle(machine);
            said(k0s::journal(machine, unit))
        }
        _ => unknown("journalctl", arguments),
    }
}
