//! `/proc` and `/sys`: files that the kernel makes up when they are read.

use super::machine::Machine;
use super::network::Link;
use crate::lab::Os;

/// The folder of network devices.
const NET: &str = "/sys/class/net";

/// Whether such a file is there; nothing where the path is no such file's.
pub(super) fn exists(machine: &Machine, path: &str) -> Option<bool> {
    if path.starts_with(NET) {
        return Some(match device(machine, path) {
            _ if path == NET => true,
            Some((_, "")) => true,
            Some((link, "brport" | "master")) => link.master.is_some(),
            Some((_, "mtu")) => true,
            _ => false,
        });
    }
    read(machine, path).map(|text| text.is_some())
}

/// The names in such a folder.
pub(super) fn names(machine: &Machine, folder: &str) -> Option<Vec<String>> {
    if folder == NET {
        return Some(machine.kernel.links.keys().cloned().collect());
    }
    (folder.starts_with("/proc") || folder.starts_with("/sys")).then(Vec::new)
}

/// A device's folder, and what is asked for in it.
fn device<'a>(machine: &'a Machine, path: &'a str) -> Option<(&'a Link, &'a str)> {
    let rest = path.strip_prefix(NET)?.strip_prefix('/')?;
    let (name, inside) = rest.split_once('/').unwrap_or((rest, ""));
    Some((machine.kernel.links.get(name)?, inside))
}

/// The text of such a file; nothing inside where there is none, nothing at all where the path is no such file's.
#[expect(clippy::option_option, reason = "no such path, and no file at such a path, are two answers")]
pub(super) fn read(machine: &Machine, path: &str) -> Option<Option<String>> {
    if !path.starts_with("/proc/") && !path.starts_with("/sys/") {
        return None;
    }
    if path.starts_with(NET) {
        let (link, inside) = device(machine, path)?;
        return Some((inside == "mtu").then(|| format!("{}\n", link.mtu)));
    }
    Some(match path {
        "/proc/uptime" => Some(format!("{}.00 {}.00\n", machine.clock.uptime(), machine.clock.uptime())),
        "/proc/sys/kernel/random/boot_id" => Some(machine.clock.boot_id() + "\n"),
        "/sys/module/zfs/version" if machine.packages.version("zfsutils-linux").is_some() => Some("2.3.2\n".to_owned()),
        "/proc/modules" if machine.os == Os::Linux => {
            Some(machine.tuning.loaded().map(|name| format!("{name} 16384 0 - Live 0x0000000000000000\n")).collect())
        }
        _ => None,
    })
}

/// Where a link in such a folder leads.
pub(super) fn link(machine: &Machine, path: &str) -> Option<String> {
    match device(machine, path) {
        Some((link, "master")) => link.master.as_ref().map(|bridge| format!("../{bridge}")),
        _ => None,
    }
}
