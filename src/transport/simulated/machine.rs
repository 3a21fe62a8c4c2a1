//! One simulated node: its files, kernel, programs and clock.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::files::{Tree, above, absolute};
use super::gap::Gap;
use super::k0s::{self, K0s};
use super::network::{Kernel, Nature, Surroundings, netplan};
use super::packages::Packages;
use super::proc;
use super::programs::{self, Stdin};
use super::storage::Storage;
use super::tuning::Tuning;
use super::units::Units;
use crate::lab::Os;
use crate::observe::Output;

/// A node as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) name: String,
    pub(super) os: Os,
    pub(super) clock: Clock,
    pub(super) files: Tree,
    pub(super) kernel: Kernel,
    pub(super) surroundings: Surroundings,
    pub(super) units: Units,
    pub(super) tuning: Tuning,
    pub(super) packages: Packages,
    pub(super) storage: Storage,
    pub(super) condition: Condition,
    #[serde(default)]
    pub(super) k0s: K0s,
    /// What it calls itself; its name in the file where that is empty.
    #[serde(default)]
    pub(super) hostname: String,
    /// What a means that is not simulated gives a device at every start: device and address.
    pub(super) address_by_hand: Option<(String, Ipv4Net)>,
    /// What the simulation did not know of what ran unattended.
    pub(super) gaps: Vec<String>,
    /// Users and groups that it knows.
    pub(super) accounts: BTreeSet<String>,
}

/// What is wrong with a node as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Condition {
    /// It is switched off.
    pub(super) is_down: bool,
    /// Nothing more can be written.
    pub(super) is_disk_full: bool,
    /// Another apt has apt's locks until then: milliseconds since the simulation began.
    #[serde(default)]
    pub(super) apt_locked_until: u64,
    /// Programs that do nothing but fail: exit status and words.
    #[serde(default)]
    pub(super) spoiled: BTreeMap<String, (u32, String)>,
}

impl Condition {
    /// Whether another apt has apt's locks.
    pub(super) fn is_apt_locked(&self, now: u64) -> bool {
        now < self.apt_locked_until
    }
}

impl Machine {
    /// A Linux machine on which nothing is set up.
    pub(super) fn bare(name: &str, seed: u64) -> Self {
        let mut files = Tree::default();
        for folder in ["/etc", "/run", "/var/lib", "/usr/lib", "/root"] {
            files.make_folders(folder, 0o755);
        }
        files.make_folders("/tmp", 0o777);
        Self {
            name: name.to_owned(),
            os: Os::Linux,
            clock: Clock::new(seed),
            files,
            kernel: Kernel::started([]),
            surroundings: Surroundings::default(),
            units: Units::default(),
            tuning: Tuning::default(),
            packages: Packages::found(),
            storage: Storage::default(),
            condition: Condition::default(),
            k0s: K0s::default(),
            hostname: String::new(),
            address_by_hand: None,
            gaps: Vec::new(),
            accounts: ["root"].map(str::to_owned).into(),
        }
    }

    /// Runs a program. One that the node does not have is an answer, one that the simulation does not have a gap.
    pub(super) fn run(&mut self, argv: &[String], stdin: &mut Stdin) -> Result<Output, Gap> {
        self.files.now = self.clock.wall();
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let [name, arguments @ ..] = words.as_slice() else { return Err(Gap::new("sh was given no program")) };
        let Some(program) = programs::find(name) else {
            return Err(Gap::new(format!("lab has no program `{name}`")));
        };
        if !program.is_on(self) {
            return Ok(Output { stderr: format!("{name}: not found"), code: 127, ..Output::default() });
        }
        if let Some((code, words)) = self.condition.spoiled.get(program.name) {
            return Ok(Output { stderr: words.clone(), code: *code, ..Output::default() });
        }
        (program.run)(self, arguments, stdin)
    }

    /// What it calls itself.
    pub(super) fn hostname(&self) -> &str {
        if self.hostname.is_empty() { &self.name } else { &self.hostname }
    }

    /// Whether the node has a program.
    pub(super) fn has_program(&self, name: &str) -> bool {
        programs::find(name).is_some_and(|program| program.is_on(self))
    }

    /// Whether something is at a path.
    pub(super) fn exists(&self, path: &str) -> bool {
        let path = absolute(path);
        proc::exists(self, &path).unwrap_or_else(|| self.files.exists(&path))
    }

    /// The names in a folder.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let folder = absolute(folder);
        proc::names(self, &folder).unwrap_or_else(|| self.files.names(&folder))
    }

    /// The bytes of a file.
    pub(super) fn read(&self, path: &str) -> Option<Vec<u8>> {
        let path = absolute(path);
        match proc::read(self, &path) {
            Some(text) => text.map(String::into_bytes),
            None => self.files.read(&path).map(<[u8]>::to_vec),
        }
    }

    /// Makes a file ready to be written by the shell, or says why it can't be.
    pub(super) fn open_for_writing(&mut self, path: &str, truncate: bool) -> Result<(), String> {
        let path = absolute(path);
        if !self.files.is_folder(above(&path)) {
            return Err(format!("cannot create {path}: Directory nonexistent"));
        }
        if self.files.is_folder(&path) {
            return Err(format!("cannot create {path}: Is a directory"));
        }
        if truncate || !self.files.exists(&path) {
            self.files.overwrite(&path, Vec::new());
        }
        Ok(())
    }

    /// Adds to a file.
    pub(super) fn append(&mut self, path: &str, bytes: &[u8]) {
        if !bytes.is_empty() {
            let mut all = self.files.read(path).map(<[u8]>::to_vec).unwrap_or_default();
            all.extend_from_slice(bytes);
            self.files.overwrite(path, all);
        }
    }

    /// Lets time pass. Whatever is due in it happens at its time.
    pub(super) fn pass(&mut self, milliseconds: u64) {
        let until = self.clock.now() + milliseconds;
        while let Some(job) = self.units.due(until) {
            self.clock.advance(job.at.saturating_sub(self.clock.now()));
            self.serve(&job.service);
        }
        self.clock.advance(until.saturating_sub(self.clock.now()));
        k0s::settle(self);
    }

    /// Runs a service to its end.
    fn serve(&mut self, service: &str) {
        match self.units.transient.get(service).cloned() {
            Some(argv) => {
                if let Err(gap) = self.run(&argv, &mut Stdin::default()) {
                    self.gaps.push(format!("{service}: {gap}"));
                }
                // `--collect`: a transient unit is gone when it is over, unless its timer still waits.
                if !self.units.jobs.iter().any(|job| job.service == service) {
                    self.units.transient.remove(service);
                }
            }
            None => drop(self.units.start(service)),
        }
    }

    /// Starts anew: what lay in memory is gone.
    pub(super) fn reboot(&mut self) {
        self.files.remove("/run");
        self.files.make_folders("/run", 0o755);
        self.files.remove("/tmp");
        self.files.make_folders("/tmp", 0o777);
        self.clock.boot();
        self.kernel = Kernel::started(self.kernel.ports().collect::<Vec<_>>());
        self.kernel.by_hand(self.address_by_hand.as_ref());
        if let Ok((configuration, _)) = netplan::read(&self.files, "/") {
            configuration.bring_up(&mut self.kernel, &self.surroundings);
        }
        let devices: Vec<String> = self.kernel.links.keys().cloned().collect();
        self.tuning.boot(&self.files, &devices);
        self.units.boot(&self.files);
        self.k0s.process = None;
        k0s::settle(self);
    }

    /// What its state comes to, without times and numbers that no two runs share.
    pub(super) fn dump(&self) -> BTreeMap<String, String> {
        let mut dump = BTreeMap::new();
        for (path, entry) in self.files.all() {
            // What an armed change had there is gone at the next start, and matters to nobody.
            if path.starts_with("/run/labctl") || path == "/run/netplan" {
                continue;
            }
            let what = match entry.bytes() {
                Some(bytes) => format!(": {}", String::from_utf8_lossy(bytes)),
                None => " (no file)".to_owned(),
            };
            dump.insert(format!("file {path}"), format!("{:04o} {}:{}{what}", entry.mode, entry.owner, entry.group));
        }
        for (name, link) in &self.kernel.links {
            let nature = match &link.nature {
                Nature::Port { has_cable, .. } => format!("port, cable {has_cable}"),
                other => format!("{other:?}"),
            };
            let nets: Vec<String> = link.addresses.iter().map(|address| address.net.to_string()).collect();
            let state =
                format!("{nature}, up {}, mtu {}, in {:?}: {}", link.is_up, link.mtu, link.master, nets.join(" "));
            dump.insert(format!("device {name}"), state);
        }
        for (at, route) in self.kernel.all_routes().iter().enumerate() {
            dump.insert(format!("route {at}"), format!("{route:?}"));
        }
        dump.extend(self.units.dump(&self.files));
        dump.extend(self.tuning.dump());
        dump.extend(self.packages.dump());
        dump.extend(self.storage.dump());
        dump.extend(k0s::dump(self));
        dump
    }
}
