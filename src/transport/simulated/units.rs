//! systemd of a simulated node: unit files, what runs, timers that fire when their time comes.
//!
//! What a unit's program does is not simulated, but for transient units that run labctl's own scripts, and for `true` and
//! `false`: a unit that is started runs, a oneshot service ends at once and well.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::files::{Tree, What};

/// Where unit files lie, the folder that wins first (systemd.unit(5)).
const FOLDERS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];
const ETC: &str = FOLDERS[0];

/// What systemd knows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Units {
    /// Unit files as they were when systemd read them: name, path, text.
    read: BTreeMap<String, (String, String)>,
    /// Units that are up.
    active: BTreeSet<String>,
    failed: BTreeSet<String>,
    /// How often each unit was started since the node was.
    #[serde(default)]
    starts: BTreeMap<String, u64>,
    /// Commands of transient services.
    pub(super) transient: BTreeMap<String, Vec<String>>,
    /// What is to be started, when: milliseconds of the node's clock.
    pub(super) jobs: Vec<Job>,
}

/// Something that starts when its time comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) at: u64,
    /// The service.
    pub(super) service: String,
    /// The timer that starts it; it is gone then.
    pub(super) timer: Option<String>,
}

/// A unit's state, as `systemctl show` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) load: &'static str,
    pub(super) active: &'static str,
    pub(super) sub: &'static str,
    pub(super) file: &'static str,
    pub(super) is_stale: bool,
    pub(super) path: String,
    pub(super) kind: &'static str,
    pub(super) remains: bool,
}

/// The path and the text of a unit's file.
fn file(files: &Tree, name: &str) -> Option<(String, String)> {
    FOLDERS.iter().find_map(|folder| {
        let path = format!("{folder}/{name}");
        let text = files.text(&path)?;
        Some((path, text))
    })
}

/// The template of an instance.
fn template(name: &str) -> Option<String> {
    let (stem, instance) = name.split_once('@')?;
    let (instance, suffix) = instance.rsplit_once('.')?;
    (!instance.is_empty()).then(|| format!("{stem}@.{suffix}"))
}

/// Whether nobody may start it: its file is a link to nothing (systemctl(1), `mask`).
fn is_masked(files: &Tree, name: &str) -> bool {
    let link = |folder: &&str| files.entry(&format!("{folder}/{name}")).map(|entry| entry.what.clone());
    FOLDERS.iter().find_map(link) == Some(What::Link("/dev/null".to_owned()))
}

fn found(files: &Tree, name: &str) -> Option<(String, String)> {
    if is_masked(files, name) {
        return None;
    }
    file(files, name).or_else(|| file(files, &template(name)?))
}

fn setting<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.trim().strip_prefix(key)?.trim_start().strip_prefix('=')).map(str::trim)
}

impl Units {
    /// Reads all unit files anew.
    pub(super) fn reload(&mut self, files: &Tree) {
        let names: BTreeSet<String> = self.read.keys().cloned().chain(names(files)).collect();
        self.read = names.into_iter().filter_map(|name| Some((name.clone(), found(files, &name)?))).collect();
    }

    /// Makes systemd read a unit that it has not read yet.
    fn load(&mut self, files: &Tree, name: &str) {
        if !self.read.contains_key(name)
            && let Some(file) = found(files, name)
        {
            self.read.insert(name.to_owned(), file);
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.read.get(name).map(|(_, text)| text.as_str())
    }

    /// How a unit's program ends right away, where that is known: well or not.
    fn end(&self, name: &str) -> Option<bool> {
        let text = self.text(name).unwrap_or_default();
        let program = setting(text, "ExecStart")?.split_whitespace().next()?.rsplit('/').next()?;
        match program {
            "true" => Some(true),
            "false" => Some(false),
            _ => (setting(text, "Type") == Some("oneshot")).then_some(true),
        }
    }

    /// How often a unit was started since the node was.
    pub(super) fn starts(&self, name: &str) -> u64 {
        self.starts.get(name).copied().unwrap_or_default()
    }

    /// A unit's file as systemd has read it.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.text(name)
    }

    /// Whether systemd has such a unit.
    pub(super) fn is_known(&mut self, files: &Tree, name: &str) -> bool {
        self.load(files, name);
        self.read.contains_key(name) || self.transient.contains_key(name) || self.timer(name).is_some()
    }

    fn timer(&self, name: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.timer.as_deref() == Some(name))
    }

    /// `active`, `inactive` or `failed`.
    pub(super) fn active(&self, name: &str) -> &'static str {
        if self.active.contains(name) || self.timer(name).is_some() {
            "active"
        } else if self.failed.contains(name) {
            "failed"
        } else {
            "inactive"
        }
    }

    /// What `systemctl show` tells.
    pub(super) fn show(&mut self, files: &Tree, name: &str) -> Shown {
        self.load(files, name);
        let now = found(files, name);
        let active = self.active(name);
        let sub = match (active, name.rsplit('.').next()) {
            ("active", Some("timer")) => "waiting",
            ("active", Some("service")) if self.end(name).is_some() => "exited",
            ("active", Some("service")) => "running",
            ("active", _) => "active",
            ("failed", _) => "failed",
            _ => "dead",
        };
        let read = self.read.get(name);
        let text = read.map_or("", |(_, text)| text.as_str());
        let is_service = name.ends_with(".service");
        Shown {
            load: if is_masked(files, name) {
                "masked"
            } else if read.is_some() || self.transient.contains_key(name) {
                "loaded"
            } else {
                "not-found"
            },
            active,
            sub,
            file: match read {
                _ if is_masked(files, name) => "masked",
                Some(_) => Self::enablement(files, name),
                None => "",
            },
            is_stale: read.is_some() && now.as_ref() != read,
            path: read.map(|(path, _)| path.clone()).unwrap_or_default(),
            kind: match setting(text, "Type") {
                Some("oneshot") => "oneshot",
                Some("notify") => "notify",
                Some("forking") => "forking",
                _ if is_service => "simple",
                _ => "",
            },
            remains: setting(text, "RemainAfterExit") == Some("yes"),
        }
    }

    fn enablement(files: &Tree, name: &str) -> &'static str {
        let is_link = |(path, entry): &(&str, &super::files::Entry)| {
            matches!(&entry.what, What::Link(to) if to != "/dev/null") && path.rsplit('/').next() == Some(name)
        };
        let text = found(files, name).map(|(_, text)| text).unwrap_or_default();
        if files.below(ETC).any(|found| is_link(&found)) {
            "enabled"
        } else if text.lines().any(|line| line.trim() == "[Install]") {
            "disabled"
        } else {
            "static"
        }
    }

    /// `systemctl is-enabled`; nothing where there is no such unit.
    pub(super) fn enabled(files: &Tree, name: &str) -> Option<&'static str> {
        if is_masked(files, name) {
            return Some("masked");
        }
        found(files, name).map(|_| Self::enablement(files, name))
    }

    /// Whether it is masked.
    pub(super) fn is_masked(files: &Tree, name: &str) -> bool {
        is_masked(files, name)
    }

    /// The links that enabling makes: path and what it leads to. Nothing where there is no such unit.
    pub(super) fn links(files: &Tree, name: &str) -> Option<Vec<(String, String)>> {
        let (path, text) = found(files, name)?;
        let mut links = Vec::new();
        for line in text.lines().skip_while(|line| line.trim() != "[Install]") {
            for (key, folder) in [("WantedBy", "wants"), ("RequiredBy", "requires")] {
                let targets = setting(line, key).unwrap_or_default().split_whitespace();
                links.extend(targets.map(|target| (format!("{ETC}/{target}.{folder}/{name}"), path.clone())));
            }
            let aliases = setting(line, "Alias").unwrap_or_default().split_whitespace();
            links.extend(aliases.map(|alias| (format!("{ETC}/{alias}"), path.clone())));
        }
        Some(links)
    }

    /// Starts a unit that is known; whether that succeeded. That of a service that runs on its own always does.
    pub(super) fn start(&mut self, name: &str) -> bool {
        self.failed.remove(name);
        self.active.remove(name);
        *self.starts.entry(name.to_owned()).or_default() += 1;
        let text = self.text(name).unwrap_or_default();
        let is_oneshot = setting(text, "Type") == Some("oneshot");
        match self.end(name) {
            Some(false) => {
                self.failed.insert(name.to_owned());
                !is_oneshot
            }
            Some(true) if setting(text, "RemainAfterExit") != Some("yes") => true,
            Some(true) | None => {
                self.active.insert(name.to_owned());
                true
            }
        }
    }

    /// Stops a unit; a timer that waits is gone.
    pub(super) fn stop(&mut self, name: &str) {
        self.active.remove(name);
        self.jobs.retain(|job| job.timer.as_deref() != Some(name));
        if let Some(stem) = name.strip_suffix(".timer") {
            self.transient.remove(&format!("{stem}.service"));
        }
    }

    /// Forgets that a unit failed.
    pub(super) fn reset_failed(&mut self, name: &str) {
        self.failed.remove(name);
    }

    /// The next thing that is due until then.
    pub(super) fn due(&mut self, until: u64) -> Option<Job> {
        let next = self.jobs.iter().enumerate().filter(|(_, job)| job.at <= until).min_by_key(|(i, job)| (job.at, *i));
        let next = next.map(|(i, _)| i)?;
        Some(self.jobs.remove(next))
    }

    /// The node has started anew: what is enabled runs.
    pub(super) fn boot(&mut self, files: &Tree) {
        *self = Self::default();
        self.reload(files);
        for name in names(files) {
            if Self::enablement(files, &name) == "enabled" {
                // A unit that fails at the start has failed; nobody waits for it.
                let _ = self.start(&name);
            }
        }
    }

    /// What tells one state of systemd from another.
    pub(super) fn dump(&self, files: &Tree) -> Vec<(String, String)> {
        let mut units = self.clone();
        let shown = units.all(files).into_iter().map(|(name, shown)| {
            let state = format!("{} {} {} stale {}", shown.load, shown.active, shown.file, shown.is_stale);
            (format!("unit {name}"), state)
        });
        let jobs = self.jobs.iter().map(|job| (format!("job {}", job.service), format!("{:?}", job.timer)));
        shown.collect::<Vec<_>>().into_iter().chain(jobs).collect()
    }

    /// All units with a file, with their state.
    pub(super) fn all(&mut self, files: &Tree) -> Vec<(String, Shown)> {
        let all = names(files);
        all.into_iter().map(|name| (name.clone(), self.show(files, &name))).collect()
    }
}

/// The names of all unit files.
fn names(files: &Tree) -> BTreeSet<String> {
    let is_unit = |name: &String| name.contains('.') && !name.ends_with(".wants") && !name.ends_with(".requires");
    let names = FOLDERS.iter().flat_map(|folder| files.names(folder).into_iter().map(move |name| (folder, name)));
    names
        .filter(|(folder, name)| is_unit(name) && !files.is_folder(&format!("{folder}/{name}")))
        .map(|(_, name)| name)
        .collect()
}
