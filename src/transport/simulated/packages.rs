//! Packages of a simulated node: what is installed, and an index to install from.
//!
//! The index has the few that the simulation knows and those that the file declares, of which it knows no more than
//! that they are there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::files::{Tree, What};
use crate::lab::Node;

/// A package that the simulation knows: name, version, what it needs, its units with whether they run once installed.
struct Known {
    name: &'static str,
    version: &'static str,
    needs: &'static [&'static str],
    units: &'static [(&'static str, &'static str, bool)],
}

const SANOID_SERVICE: &str =
    "[Unit]\nDescription=Snapshot ZFS Pool\n\n[Service]\nType=oneshot\nExecStart=/usr/sbin/sanoid --cron\n";
const SANOID_TIMER: &str = "[Unit]\nDescription=Run Sanoid Every 15 Minutes\n\n[Timer]\nOnCalendar=*:0/15\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n";
const GUEST_AGENT: &str = "[Unit]\nDescription=QEMU Guest Agent\n\n[Service]\nExecStart=/usr/sbin/qemu-ga\n\n[Install]\nWantedBy=multi-user.target\n";
const ZED: &str =
    "[Unit]\nDescription=ZFS Event Daemon\n\n[Service]\nExecStart=/usr/sbin/zed -F\n\n[Install]\nWantedBy=zfs.target\n";

const KNOWN: &[Known] = &[
    Known { name: "iputils-ping", version: "3:20240905-3", needs: &[], units: &[] },
    Known { name: "mbuffer", version: "20250407-1", needs: &[], units: &[] },
    Known { name: "netplan.io", version: "1.1.2-7", needs: &[], units: &[] },
    Known { name: "pv", version: "1.9.31-1", needs: &[], units: &[] },
    Known {
        name: "qemu-guest-agent",
        version: "1:10.0.2+ds-2",
        needs: &["liburing2"],
        units: &[("qemu-guest-agent.service", GUEST_AGENT, true)],
    },
    Known { name: "liburing2", version: "2.9-1", needs: &[], units: &[] },
    Known {
        name: "sanoid",
        version: "2.2.0-2",
        needs: &["mbuffer", "pv"],
        units: &[("sanoid.service", SANOID_SERVICE, false), ("sanoid.timer", SANOID_TIMER, true)],
    },
    Known { name: "zfsutils-linux", version: "2.3.2-2", needs: &[], units: &[("zfs-zed.service", ZED, true)] },
];

/// The version of what only the file knows.
const ASSUMED: &str = "1.0-1";

/// What is installed, and what can be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Packages {
    installed: BTreeMap<String, String>,
    /// Chosen by somebody, not pulled in.
    manual: BTreeSet<String>,
    /// The index: name and versions, the newest first.
    index: BTreeMap<String, Vec<String>>,
}

/// What an installation would do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Installation {
    /// Name and version, in order.
    pub(super) new: Vec<(String, String)>,
    /// Older than what is there.
    pub(super) downgraded: Vec<String>,
}

fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

impl Packages {
    /// What every Debian has, and an index.
    pub(super) fn found() -> Self {
        let mut packages = Self::default();
        for known in KNOWN {
            packages.index.insert(known.name.to_owned(), vec![known.version.to_owned()]);
        }
        packages
    }

    /// Takes in what the file declares: it is in the index, in the declared version.
    pub(super) fn meet(&mut self, node: &Node) {
        for (name, package) in &node.packages {
            let versions = self.index.entry(name.clone()).or_default();
            let wanted = package.version.clone().or_else(|| versions.is_empty().then(|| ASSUMED.to_owned()));
            versions.extend(wanted.filter(|wanted| !versions.contains(wanted)));
        }
    }

    /// The version of what is installed.
    pub(super) fn version(&self, name: &str) -> Option<&str> {
        self.installed.get(name).map(String::as_str)
    }

    pub(super) fn installed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.installed.iter().map(|(name, version)| (name.as_str(), version.as_str()))
    }

    pub(super) fn manual(&self) -> impl Iterator<Item = &str> {
        self.manual.iter().map(String::as_str)
    }

    /// The versions that the index has.
    pub(super) fn versions(&self, name: &str) -> &[String] {
        self.index.get(name).map_or(&[], Vec::as_slice)
    }

    /// What installing these (`name` or `name=version`) comes to, or apt's error.
    pub(super) fn plan(&self, wants: &[&str]) -> Result<Installation, String> {
        let mut plan = Installation::default();
        for want in wants {
            let (name, version) = want.split_once('=').map_or((*want, None), |(name, version)| (name, Some(version)));
            let versions = self.versions(name);
            let Some(newest) = versions.first() else { return Err(format!("E: Unable to locate package {name}")) };
            let version = match version {
                Some(version) if !versions.iter().any(|known| known == version) => {
                    return Err(format!("E: Version '{version}' for '{name}' was not found"));
                }
                Some(version) => version,
                None => newest,
            };
            match self.version(name) {
                Some(_) if !want.contains('=') => continue,
                Some(there) if there == version => continue,
                Some(there) if there > version => plan.downgraded.push(name.to_owned()),
                _ => {}
            }
            let needs = known(name).map_or(&[][..], |known| known.needs);
            for need in needs.iter().filter(|need| self.version(need).is_none()) {
                let need = ((*need).to_owned(), self.versions(need).first().cloned().unwrap_or_default());
                if !plan.new.contains(&need) {
                    plan.new.push(need);
                }
            }
            plan.new.push((name.to_owned(), version.to_owned()));
        }
        Ok(plan)
    }

    /// Puts packages there with their files; gives back the units that run from now on.
    pub(super) fn install(&mut self, plan: &Installation, wants: &[&str], files: &mut Tree) -> Vec<String> {
        let mut started = Vec::new();
        for (name, version) in &plan.new {
            self.installed.insert(name.clone(), version.clone());
            for (unit, text, runs) in known(name).map_or(&[][..], |known| known.units) {
                let path = format!("/usr/lib/systemd/system/{unit}");
                files.write(&path, *text, 0o644);
                if *runs {
                    let target = if unit.ends_with(".timer") { "timers" } else { "multi-user" };
                    let link = format!("/etc/systemd/system/{target}.target.wants/{unit}");
                    files.put(&link, What::Link(path), 0o777, "root", "root");
                    started.push((*unit).to_owned());
                }
            }
        }
        self.manual.extend(wants.iter().map(|want| want.split('=').next().unwrap_or(want).to_owned()));
        started
    }

    /// Takes a package away with its files; gives back its units, or nothing where it is not there.
    pub(super) fn remove(&mut self, name: &str, files: &mut Tree) -> Option<Vec<String>> {
        self.installed.remove(name)?;
        self.manual.remove(name);
        let units = known(name).map_or(&[][..], |known| known.units);
        for (unit, _, _) in units {
            files.remove(&format!("/usr/lib/systemd/system/{unit}"));
        }
        Some(units.iter().map(|(unit, _, _)| (*unit).to_owned()).collect())
    }

    /// What tells one state from another.
    pub(super) fn dump(&self) -> Vec<(String, String)> {
        self.installed.iter().map(|(name, version)| (format!("package {name}"), version.clone())).collect()
    }
}
