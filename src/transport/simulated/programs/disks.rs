//! `lsblk`, `blkid` and `wipefs`: what lies on disks.

use super::super::clock::mix;
use super::super::files::What;
use super::super::gap::Gap;
use super::super::machine::Machine;
use super::super::storage::Disk;
use super::{Stdin, done, failed, said, unknown};
use crate::observe::Output;

/// A line of `lsblk`: a disk or a partition, with what lies on it.
#[derive(Debug, Default)]
struct Device<'a> {
    name: String,
    kind: &'static str,
    fstype: Option<&'a str>,
    pttype: Option<&'a str>,
    label: Option<&'a str>,
    partlabel: Option<String>,
    mountpoint: Option<&'a str>,
    children: Vec<Device<'a>>,
}

pub(super) fn lsblk(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let ["-J", "-b", "-o", columns, devices @ ..] = arguments else { return unknown("lsblk", arguments) };
    let columns: Vec<&str> = columns.split(',').collect();
    let all = machine.storage.disks.iter().filter(|(_, disk)| !disk.is_file);
    let found: Vec<Device<'_>> = match devices {
        [] => all.map(|(path, disk)| device(path, disk)).collect(),
        [wanted] => all.filter(|(path, _)| path == wanted).map(|(path, disk)| device(path, disk)).collect(),
        _ => return unknown("lsblk", arguments),
    };
    if let ([wanted], true) = (devices, found.is_empty()) {
        return failed(32, format!("lsblk: {wanted}: not a block device"));
    }
    match found.iter().map(|device| device.json(&columns, 2)).collect::<Option<Vec<_>>>() {
        Some(lines) => said(format!("{{\n   \"blockdevices\": [\n{}\n   ]\n}}\n", lines.join(",\n"))),
        None => unknown("lsblk", arguments),
    }
}

/// A disk that a pool took has its two partitions: `zpool create` makes them on whole disks.
fn device<'a>(path: &str, disk: &'a Disk) -> Device<'a> {
    let name = disk.node.clone().unwrap_or_else(|| path.rsplit('/').next().unwrap_or_default().to_owned());
    let whole =
        Device { name: name.clone(), kind: "disk", mountpoint: disk.mountpoint.as_deref(), ..Device::default() };
    if disk.holds.as_deref() != Some("zfs_member") {
        return Device { fstype: disk.holds.as_deref(), label: disk.label.as_deref(), ..whole };
    }
    let part =
        |number: u8| Device { name: format!("{name}{number}"), kind: "part", pttype: Some("gpt"), ..Device::default() };
    let first = Device {
        fstype: disk.holds.as_deref(),
        label: disk.label.as_deref(),
        partlabel: Some(format!("zfs-{:016x}", name.bytes().fold(0, |seed, byte| mix(seed ^ u64::from(byte))))),
        ..part(1)
    };
    Device { pttype: Some("gpt"), children: vec![first, part(9)], ..whole }
}

impl Device<'_> {
    /// As `lsblk -J` indents it; nothing where a column is not simulated.
    fn json(&self, columns: &[&str], depth: usize) -> Option<String> {
        let pad = "   ".repeat(depth);
        let text = |value: Option<&str>| value.map_or("null".to_owned(), |value| format!("{value:?}"));
        let mut lines = Vec::new();
        for column in columns {
            let value = match *column {
                "NAME" => Some(&*self.name),
                "PATH" => {
                    lines.push(format!("{pad}   \"path\": \"/dev/{}\"", self.name));
                    continue;
                }
                "TYPE" => Some(self.kind),
                "FSTYPE" => self.fstype,
                "PTTYPE" => self.pttype,
                "LABEL" => self.label,
                "PARTLABEL" => self.partlabel.as_deref(),
                "MOUNTPOINT" => self.mountpoint,
                _ => return None,
            };
            lines.push(format!("{pad}   \"{}\": {}", column.to_lowercase(), text(value)));
        }
        if !self.children.is_empty() {
            let children: Option<Vec<_>> = self.children.iter().map(|child| child.json(columns, depth + 2)).collect();
            lines.push(format!("{pad}   \"children\": [\n{}\n{pad}   ]", children?.join(",\n")));
        }
        Some(format!("{pad}{{\n{}\n{pad}}}", lines.join(",\n")))
    }
}

pub(super) fn blkid(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let ["-p", "-o", "export", device] = arguments else { return unknown("blkid", arguments) };
    match machine.storage.disks.get(*device) {
        Some(Disk { holds: Some(kind), label, .. }) => {
            let label = label.as_ref().map(|label| format!("LABEL={label}\n")).unwrap_or_default();
            said(format!("DEVNAME={device}\n{label}TYPE={kind}\n"))
        }
        _ => failed(2, ""),
    }
}

pub(super) fn wipefs(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    let ["-a", device] = arguments else { return unknown("wipefs", arguments) };
    let is_there = matches!(machine.files.get(device).map(|entry| &entry.what), Some(What::Device | What::File(_)));
    match machine.storage.disks.get_mut(*device).filter(|_| is_there) {
        Some(disk) => {
            disk.holds = None;
            disk.label = None;
            done()
        }
        None => failed(1, format!("wipefs: error: {device}: probing initialization failed: No such file or directory")),
    }
}
