//! Packages of a simulated node: what is installed, and an index to install from.
//!
//! The index has the few that the simulation knows and those that the file declares, of which it knows no more than
//! that they are there; on a machine that was described, what the description lists and nothing else.

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

/// A package that can be installed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Offer {
    /// The newest first.
    pub(super) versions: Vec<String>,
    /// Other packages that come along.
    #[serde(default)]
    pub(super) needs: Vec<String>,
    #[serde(default)]
    pub(super) units: Vec<Unit>,
}

/// A unit that a package brings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unit {
    name: String,
    text: String,
    /// Whether it is enabled and started by the installation.
    #[serde(default)]
    runs: bool,
}

impl Offer {
    fn of(known: &Known) -> Self {
        let unit =
            |(name, text, runs): &(&str, &str, bool)| Unit { name: (*name).into(), text: (*text).into(), runs: *runs };
        Self {
            versions: vec![known.version.to_owned()],
            needs: known.needs.iter().map(|need| (*need).to_owned()).collect(),
            units: known.units.iter().map(unit).collect(),
        }
    }
}

/// The version of what only the file knows.
const ASSUMED: &str = "1.0-1";

/// What is installed, and what can be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Packages {
    installed: BTreeMap<String, String>,
    /// Chosen by somebody, not pulled in.
    manual: BTreeSet<String>,
    /// The index.
    index: BTreeMap<String, Offer>,
    /// Whether there is nothing but what the index lists.
    is_whole: bool,
}

/// What an installation would do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Installation {
    /// Name and version, in order.
    pub(super) new: Vec<(String, String)>,
    /// Older than what is there.
    pub(super) downgraded: Vec<String>,
    /// Newer than what is there: name and the version that goes.
    pub(super) upgraded: BTreeMap<String, String>,
}

impl Packages {
    /// What every Debian has, and an index.
    pub(super) fn found() -> Self {
        let index = KNOWN.iter().map(|known| (known.name.to_owned(), Offer::of(known))).collect();
        Self { index, ..Self::default() }
    }

    /// These and no others, some of them installed.
    pub(super) fn described(index: BTreeMap<String, Offer>, installed: BTreeMap<String, String>) -> Self {
        Self { installed, manual: BTreeSet::new(), index, is_whole: true }
    }

    /// Takes in what the file declares: it is in the index, in the declared version.
    pub(super) fn meet(&mut self, node: &Node) {
        for (name, package) in node.packages.iter().filter(|_| !self.is_whole) {
            let versions = &mut self.index.entry(name.clone()).or_default().versions;
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
        self.index.get(name).map_or(&[], |offer| offer.versions.as_slice())
    }

    fn units(&self, name: &str) -> &[Unit] {
        self.index.get(name).map_or(&[], |offer| offer.units.as_slice())
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
                Some(there) => drop(plan.upgraded.insert(name.to_owned(), there.to_owned())),
                None => {}
            }
            let needs = self.index.get(name).into_iter().flat_map(|offer| &offer.needs);
            for need in needs.filter(|need| self.version(need).is_none()) {
                let need = (need.clone(), self.versions(need).first().cloned().unwrap_or_default());
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
            for Unit { name: unit, text, runs } in self.units(name) {
                let path = format!("/usr/lib/systemd/system/{unit}");
                files.write(&path, text.as_str(), 0o644);
                if *runs {
                    let target = if unit.ends_with(".timer") { "timers" } else { "multi-user" };
                    let link = format!("/etc/systemd/system/{target}.target.wants/{unit}");
                    files.put(&link, What::Link(path), 0o777, "root", "root");
                    started.push(unit.clone());
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
        let units: Vec<String> = self.units(name).iter().map(|unit| unit.name.clone()).collect();
        for unit in &units {
            files.remove(&format!("/usr/lib/systemd/system/{unit}"));
        }
        Some(units)
    }

    /// What tells one state from another.
    pub(super) fn dump(&self) -> Vec<(String, String)> {
        self.installed.iter().map(|(name, version)| (format!("package {name}"), version.clone())).collect()
    }
}
