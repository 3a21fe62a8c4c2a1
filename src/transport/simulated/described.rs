//! A machine in words: for a lab whose machine is known, so that the simulated one can begin as it does.
//!
//! A description is whole: what it doesn't list is not on the machine. Where the file alone is known,
//! [`super::World::found`] makes up a machine instead.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::clock::mix;
use super::files::What;
use super::machine::Machine;
use super::network::{Kernel, netplan};
use super::packages::{Offer, Packages};
use super::programs::PACKAGE_INDEX;
use super::storage::Disk;
use super::tuning::Tuning;

/// A machine in words.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Description {
    /// Users and groups.
    accounts: BTreeSet<String>,
    /// Network cards by name, in the order of the kernel's numbers.
    ports: Vec<Port>,
    /// Blank disks: path, and the kernel's name.
    disks: BTreeMap<String, String>,
    /// Bytes that a disk has for a pool.
    disk_size: Option<u64>,
    /// Bytes of a disk's sector.
    sector: Option<u64>,
    /// Kernel parameters with their values after a start.
    sysctls: BTreeMap<String, String>,
    /// Modules that the kernel has.
    modules: BTreeSet<String>,
    /// Modules that are loaded after a start.
    loaded: BTreeSet<String>,
    /// Installed packages with their versions, as far as anybody asks.
    installed: BTreeMap<String, String>,
    /// What can be installed.
    packages: BTreeMap<String, Offer>,
    /// Unit files of the system, by name.
    units: BTreeMap<String, String>,
    /// Units that are masked.
    masked: BTreeSet<String>,
    /// Other files of root's, by path.
    files: BTreeMap<String, File>,
}

/// A network card.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Port {
    name: String,
    mac: String,
    /// The id of the VLAN that is untagged on its wire.
    untagged: u64,
}

/// A file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    content: String,
    /// Octal.
    mode: String,
}

/// Why a text is no description.
#[derive(Debug, thiserror::Error)]
#[error("that describes no machine: {0}")]
pub struct DescriptionError(String);

impl Description {
    /// Reads TOML.
    pub fn parse(text: &str) -> Result<Self, DescriptionError> {
        let description: Self = toml::from_str(text).map_err(|error| DescriptionError(error.to_string()))?;
        let bad = description.files.values().find(|file| u32::from_str_radix(&file.mode, 8).is_err());
        match bad {
            Some(file) => Err(DescriptionError(format!("`{}` is no mode", file.mode))),
            None => Ok(description),
        }
    }

    /// The machine, started once.
    pub(super) fn machine(&self, node: &str, seed: u64) -> Machine {
        let mut machine = Machine::bare(node, node.bytes().fold(mix(seed), |seed, byte| mix(seed ^ u64::from(byte))));
        machine.accounts.extend(self.accounts.iter().cloned());
        machine.files.write(PACKAGE_INDEX, "", 0o644);
        for (path, file) in &self.files {
            // Checked when it was read.
            let mode = u32::from_str_radix(&file.mode, 8).unwrap_or(0o644);
            machine.files.write(path, file.content.as_str(), mode);
        }
        for (name, text) in &self.units {
            machine.files.write(&format!("/usr/lib/systemd/system/{name}"), text.as_str(), 0o644);
        }
        for name in &self.masked {
            let link = What::Link("/dev/null".to_owned());
            machine.files.put(&format!("/etc/systemd/system/{name}"), link, 0o777, "root", "root");
        }
        for (path, node) in &self.disks {
            machine.files.put(path, What::Device, 0o660, "root", "disk");
            machine.storage.disks.insert(
                path.clone(),
                Disk { size: self.disk_size, sector: self.sector, node: Some(node.clone()), ..Disk::default() },
            );
        }
        machine.tuning = Tuning::described(self.sysctls.clone(), &self.modules, &self.loaded);
        machine.packages = Packages::described(self.packages.clone(), self.installed.clone());
        machine.kernel = Kernel::started(self.ports.iter().map(|port| (port.name.clone(), port.mac.clone(), true)));
        let untagged = self.ports.iter().map(|port| (port.name.clone(), port.untagged));
        machine.surroundings.native.extend(untagged);
        if let Ok((configuration, _)) = netplan::read(&machine.files, "/") {
            configuration.bring_up(&mut machine.kernel, &machine.surroundings);
        }
        machine.units.reload(&machine.files);
        machine
    }
}

#[cfg(test)]
mod tests {
    use super::Description;

    #[test]
    fn what_describes_no_machine_is_an_error_and_not_a_bare_one() {
        let said = |text: &str| Description::parse(text).unwrap_err().to_string();
        assert!(said("disk = []").contains("unknown field `disk`"));
        assert!(said("[files.\"/x\"]\ncontent = \"\"\nmode = \"rw\"").contains("`rw` is no mode"));
    }
}
