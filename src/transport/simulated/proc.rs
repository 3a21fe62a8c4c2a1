//! `/proc` and `/sys`: files that the kernel makes up when they are read.

use super::machine::Machine;

/// Whether such a file is there; nothing where the path is no such file's.
pub(super) fn exists(machine: &Machine, path: &str) -> Option<bool> {
    read(machine, path).map(|text| text.is_some())
}

/// The names in such a folder.
pub(super) fn names(_machine: &Machine, folder: &str) -> Option<Vec<String>> {
    (folder.starts_with("/proc") || folder.starts_with("/sys")).then(Vec::new)
}

/// The text of such a file; nothing inside where there is none, nothing at all where the path is no such file's.
pub(super) fn read(machine: &Machine, path: &str) -> Option<Option<String>> {
    if !path.starts_with("/proc/") && !path.starts_with("/sys/") {
        return None;
    }
    Some(match path {
        "/proc/uptime" => Some(format!("{}.00 {}.00\n", machine.clock.uptime(), machine.clock.uptime())),
        "/proc/sys/kernel/random/boot_id" => Some(machine.clock.boot_id() + "\n"),
        _ => None,
    })
}

/// Where a link in such a folder leads.
pub(super) fn link(_machine: &Machine, _path: &str) -> Option<String> {
    None
}
