//! One simulated node: its files, kernel, programs and clock.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::files::{Tree, above, absolute};
use super::gap::Gap;
use super::proc;
use super::programs::{self, Stdin};
use crate::lab::Os;
use crate::observe::Output;

/// A node as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) name: String,
    pub(super) os: Os,
    pub(super) clock: Clock,
    pub(super) files: Tree,
    pub(super) condition: Condition,
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
}

impl Machine {
    /// A Linux machine on which nothing is set up.
    pub(super) fn bare(name: &str, seed: u64) -> Self {
        let mut files = Tree::default();
        for folder in ["/etc", "/run", "/tmp", "/var/lib", "/usr/lib", "/root"] {
            files.make_folders(folder, 0o755);
        }
        Self {
            name: name.to_owned(),
            os: Os::Linux,
            clock: Clock::new(seed),
            files,
            condition: Condition::default(),
            accounts: ["root"].map(str::to_owned).into(),
        }
    }

    /// Runs a program. One that the node does not have is an answer, one that the simulation does not have a gap.
    pub(super) fn run(&mut self, argv: &[String], stdin: &mut Stdin) -> Result<Output, Gap> {
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let [name, arguments @ ..] = words.as_slice() else { return Err(Gap::new("sh was given no program")) };
        let Some(program) = programs::find(name) else {
            return Err(Gap::new(format!("lab has no program `{name}`")));
        };
        if !program.is_on(self) {
            return Ok(Output { stderr: format!("{name}: not found"), code: 127, ..Output::default() });
        }
        (program.run)(self, arguments, stdin)
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
        self.clock.advance(milliseconds);
    }

    /// Starts anew: what lay in memory is gone.
    pub(super) fn reboot(&mut self) {
        self.files.remove("/run");
        self.files.make_folders("/run", 0o755);
        self.files.remove("/tmp");
        self.files.make_folders("/tmp", 0o777);
        self.clock.boot();
    }

    /// What its state comes to, without times and numbers that no two runs share.
    pub(super) fn dump(&self) -> BTreeMap<String, String> {
        let mut dump = BTreeMap::new();
        for (path, entry) in self.files.all() {
            let what = match entry.bytes() {
                Some(bytes) => format!(": {}", String::from_utf8_lossy(bytes)),
                None => " (no file)".to_owned(),
            };
            dump.insert(format!("file {path}"), format!("{:04o} {}:{}{what}", entry.mode, entry.owner, entry.group));
        }
        dump
    }
}
