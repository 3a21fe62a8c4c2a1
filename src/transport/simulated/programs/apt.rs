//! `apt-get`, `apt-cache`, `apt-mark` and `dpkg-query`.

use std::collections::BTreeSet;

use super::super::gap::Gap;
use super::super::machine::Machine;
use super::super::packages::Installation;
use super::{Stdin, done, failed, said, unknown};
use crate::observe::Output;

/// Milliseconds that an installation takes, and reading the indexes.
const INSTALL: u64 = 8_000;
const UPDATE: u64 = 4_000;

/// The one index that the simulation has.
pub(in super::super) const INDEX: &str = "/var/lib/apt/lists/mirror_debian_dists_trixie_main_binary-amd64_Packages";

fn has_indexes(machine: &Machine) -> bool {
    machine.files.exists(INDEX)
}

fn name_of(want: &str) -> &str {
    want.split('=').next().unwrap_or(want)
}

pub(super) fn apt_get(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let (mut words, mut is_simulation, mut patience) = (Vec::new(), false, 0);
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        match *word {
            "-o" => {
                let seconds = rest.next().and_then(|option| option.strip_prefix("DPkg::Lock::Timeout="));
                patience = seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(patience);
            }
            "-q" | "-y" | "--no-remove" => {}
            "-s" => is_simulation = true,
            word if word.starts_with('-') => return unknown("apt-get", arguments),
            word => words.push(word),
        }
    }
    match words.as_slice() {
        ["update"] if !is_simulation => {
            // Nobody waits for this one, whatever the option says.
            if machine.condition.is_apt_locked(machine.clock.now()) {
                return failed(100, locked("/var/lib/apt/lists/lock", "Unable to lock directory /var/lib/apt/lists/"));
            }
            machine.pass(UPDATE);
            machine.files.write(INDEX, "", 0o644);
            done()
        }
        ["install", wants @ ..] if !has_indexes(machine) && !wants.is_empty() => {
            let missing: Vec<&str> =
                wants.iter().copied().filter(|want| machine.packages.version(name_of(want)).is_none()).collect();
            match missing.first() {
                Some(want) => failed(100, format!("E: Unable to locate package {}", name_of(want))),
                None => said(simulation(&Installation::default(), wants)),
            }
        }
        ["install", wants @ ..] => {
            let plan = match machine.packages.plan(wants) {
                Ok(plan) => plan,
                Err(error) => return failed(100, error),
            };
            if is_simulation {
                return said(simulation(&plan, wants));
            }
            if !wait_for_dpkg(machine, patience) {
                let path = "/var/lib/dpkg/lock-frontend";
                let end = format!("Unable to acquire the dpkg frontend lock ({path}), is another process using it?");
                return failed(100, locked(path, &end));
            }
            install(machine, &plan, wants)
        }
        ["remove", names @ ..] if !is_simulation => {
            for name in names {
                let Some(units) = machine.packages.remove(name, &mut machine.files) else {
                    return failed(100, format!("E: Unable to locate package {name}"));
                };
                units.iter().for_each(|unit| machine.units.stop(unit));
            }
            machine.units.reload(&machine.files);
            done()
        }
        _ => unknown("apt-get", arguments),
    }
}

/// Waits for another apt, for at most so many seconds; whether it ended.
fn wait_for_dpkg(machine: &mut Machine, seconds: u64) -> bool {
    let until = machine.clock.now() + seconds * 1000;
    while machine.condition.is_apt_locked(machine.clock.now()) {
        if machine.clock.now() >= until {
            return false;
        }
        machine.pass(1000);
    }
    true
}

/// What apt says of a lock that another one has.
fn locked(path: &str, end: &str) -> String {
    format!(
        "E: Could not get lock {path}. It is held by process 2770 (apt-get)\n\
         N: Be aware that removing the lock file is not a solution and may break your system.\nE: {end}"
    )
}

fn install(machine: &mut Machine, plan: &Installation, wants: &[&str]) -> Result<Output, Gap> {
    if machine.condition.is_disk_full {
        return failed(100, "E: You don't have enough free space in /var/cache/apt/archives/.");
    }
    if !plan.downgraded.is_empty() {
        return failed(100, "E: Packages were downgraded and -y was used without --allow-downgrades.");
    }
    machine.pass(INSTALL);
    let started = machine.packages.install(plan, wants, &mut machine.files);
    machine.units.reload(&machine.files);
    for unit in &started {
        let _ = machine.units.start(unit);
    }
    if plan.new.iter().any(|(name, _)| name == "zfsutils-linux") {
        machine.tuning.load("zfs");
    }
    said(simulation(plan, wants))
}

fn simulation(plan: &Installation, wants: &[&str]) -> String {
    let mut text = "Reading package lists...\nBuilding dependency tree...\nReading state information...\n".to_owned();
    let names = |names: &mut dyn Iterator<Item = &String>| names.cloned().collect::<Vec<_>>().join(" ");
    let is_wanted = |name: &str| wants.iter().any(|want| want.split('=').next() == Some(name));
    let others = names(&mut plan.new.iter().map(|(name, _)| name).filter(|name| !is_wanted(name)));
    if !others.is_empty() {
        text += &format!("The following additional packages will be installed:\n  {others}\n");
    }
    let is_new = |name: &String| !plan.upgraded.contains_key(name) && !plan.downgraded.contains(name);
    let new = names(&mut plan.new.iter().map(|(name, _)| name).filter(|name| is_new(name)));
    if !new.is_empty() {
        text += &format!("The following NEW packages will be installed:\n  {new}\n");
    }
    if !plan.upgraded.is_empty() {
        text += &format!("The following packages will be upgraded:\n  {}\n", names(&mut plan.upgraded.keys()));
    }
    if !plan.downgraded.is_empty() {
        text += &format!("The following packages will be DOWNGRADED:\n  {}\n", plan.downgraded.join(" "));
    }
    let (up, down) = (plan.upgraded.len(), plan.downgraded.len());
    let newly = plan.new.len() - up - down;
    text += &format!("{up} upgraded, {newly} newly installed, {down} downgraded, 0 to remove and 0 not upgraded.\n");
    for word in ["Inst", "Conf"] {
        for (name, version) in &plan.new {
            let old = plan.upgraded.get(name).filter(|_| word == "Inst").map(|old| format!("[{old}] "));
            text += &format!("{word} {name} {}({version} Debian:13/stable [amd64])\n", old.unwrap_or_default());
        }
    }
    text
}

pub(super) fn apt_cache(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let Some(at) = arguments.iter().position(|word| *word == "policy") else { return unknown("apt-cache", arguments) };
    let mut text = String::new();
    for name in &arguments[at + 1..] {
        let installed = machine.packages.version(name).map(str::to_owned);
        let mut versions = machine.packages.versions(name).to_vec();
        if !has_indexes(machine) {
            // Without an index, apt knows what is installed and nothing else.
            versions.retain(|version| Some(version) == installed.as_ref());
        }
        let Some(newest) = versions.first() else { continue };
        text += &format!("{name}:\n  Installed: {}\n  Candidate: {newest}\n", installed.as_deref().unwrap_or("(none)"));
        text += "  Version table:\n";
        for version in &versions {
            let mark = if installed.as_ref() == Some(version) { " ***" } else { "    " };
            text +=
                &format!("{mark} {version} 500\n        500 http://mirror.invalid/debian trixie/main amd64 Packages\n");
        }
    }
    said(text)
}

pub(super) fn apt_mark(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    match arguments {
        ["showmanual"] => said(machine.packages.manual().map(|name| format!("{name}\n")).collect::<String>()),
        _ => unknown("apt-mark", arguments),
    }
}

pub(super) fn dpkg_query(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let ["-W", "-f", format, names @ ..] = arguments else { return unknown("dpkg-query", arguments) };
    let shown = |name: &str, version: &str| {
        let fields = [
            ("${Package}", name),
            ("${Architecture}", "amd64"),
            ("${Version}", version),
            ("${db:Status-Want}", "install"),
            ("${db:Status-Status}", "installed"),
            ("${Priority}", "optional"),
            ("\\t", "\t"),
            ("\\n", "\n"),
        ];
        fields.iter().fold((*format).to_owned(), |text, (field, value)| text.replace(field, value))
    };
    let mut output = Output::default();
    if names.is_empty() {
        let all: String = machine.packages.installed().map(|(name, version)| shown(name, version)).collect();
        return said(all);
    }
    // It prints them in the order of their names, however they were asked for.
    let names: BTreeSet<&str> = names.iter().copied().collect();
    for name in names {
        if let Some(version) = machine.packages.version(name) {
            output.stdout.extend(shown(name, version).into_bytes());
        } else {
            output.stderr += &format!("dpkg-query: no packages found matching {name}\n");
            output.code = 1;
        }
    }
    if String::from_utf8_lossy(&output.stdout).contains("${") {
        return unknown("dpkg-query", arguments);
    }
    Ok(output)
}
