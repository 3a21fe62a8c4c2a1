//! `sysctl`, `modprobe` and `modinfo`.

use super::super::gap::Gap;
use super::super::machine::Machine;
use super::super::tuning::{Tuning, path};
use super::{Stdin, done, failed, unknown};
use crate::observe::Output;

pub(super) fn sysctl(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let devices: Vec<String> = machine.kernel.links.keys().cloned().collect();
    let no_key = |key: &str| format!("sysctl: cannot stat /proc/sys/{}: No such file or directory\n", path(key));
    let (bare, keys) = match arguments {
        ["-q", "-w", setting] => {
            let Some((key, value)) = setting.split_once('=') else { return unknown("sysctl", arguments) };
            return if machine.tuning.set(key, value, &devices) { done() } else { failed(1, no_key(key)) };
        }
        ["-n", keys @ ..] => (true, keys),
        keys => (false, keys),
    };
    if keys.iter().any(|key| key.starts_with('-')) {
        return unknown("sysctl", arguments);
    }
    let mut output = Output::default();
    for key in keys {
        match machine.tuning.value(key, &devices) {
            Some(value) if bare => output.stdout.extend(format!("{value}\n").into_bytes()),
            Some(value) => output.stdout.extend(format!("{key} = {value}\n").into_bytes()),
            None => {
                output.stderr += &no_key(key);
                output.code = 1;
            }
        }
    }
    Ok(output)
}

pub(super) fn modprobe(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    match arguments {
        ["-r", "zfs"] if machine.storage.names().next().is_some() => {
            failed(1, "modprobe: FATAL: Module zfs is in use.")
        }
        ["-r", name] if machine.tuning.unload(name) => done(),
        ["-r", name] => failed(1, format!("modprobe: FATAL: Module {name} not found.")),
        ["--", name] | [name] if !name.starts_with('-') => {
            if machine.tuning.load(name) {
                done()
            } else {
                failed(1, format!("modprobe: FATAL: Module {name} not found in directory /lib/modules/6.12.0"))
            }
        }
        _ => unknown("modprobe", arguments),
    }
}

pub(super) fn modinfo(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let ["-F", "filename", names @ ..] = arguments else { return unknown("modinfo", arguments) };
    let mut output = Output::default();
    for name in names {
        if Tuning::is_built_in(name) {
            output.stdout.extend_from_slice(b"(builtin)\n");
        } else if machine.tuning.has(name) {
            output.stdout.extend(format!("/lib/modules/6.12.0/kernel/{name}.ko\n").into_bytes());
        } else {
            output.stderr += &format!("modinfo: ERROR: Module {name} not found.\n");
            output.code = 1;
        }
    }
    Ok(output)
}
