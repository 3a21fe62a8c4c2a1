//! What apt would do: its simulation read, and its commands written.
//!
//! In come the answers of `apt-get -s install` and `apt-cache policy` for all packages of a node that are to change;
//! out comes what would be added, removed or downgraded, and what no index knows.

use crate::lab::Node;
use crate::observe::{Ask, Output, Reply};
use crate::plan::Step;

/// Seconds that apt waits for another apt, and that an installation may take.
const LOCK: u32 = 300;
const LIMIT: u64 = 3600;

/// apt would write its caches anew, even when it only simulates; a plan changes no file.
const NO_CACHES: [&str; 4] = ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="];

fn simulate_ask(wants: &[String]) -> Ask {
    Ask::run(
        ["apt-get", "-q", "-s"].into_iter().chain(NO_CACHES).chain(["install"]).chain(wants.iter().map(String::as_str)),
    )
}

fn policy_ask(wants: &[String]) -> Ask {
    let names = wants.iter().map(|want| name(want));
    Ask::run(["apt-cache"].into_iter().chain(NO_CACHES).chain(["policy"]).chain(names))
}

fn indexes_ask() -> Ask {
    Ask::run(["find", "/var/lib/apt/lists", "-maxdepth", "1", "-name", "*_Packages*"])
}

fn name(want: &str) -> &str {
    want.split_once('=').map_or(want, |(name, _)| name)
}

/// What to ask about packages (`name` or `name=version`) that are to be installed.
pub(super) fn asks(wants: &[String]) -> Vec<Ask> {
    vec![simulate_ask(wants), policy_ask(wants), indexes_ask()]
}

/// Waits for the lock of the indexes, which no option of apt covers: `DPkg::Lock::Timeout` is for the locks of dpkg alone.
const UPDATE: &str = include_str!("update.sh");

/// Reads the indexes, once for all packages.
pub(super) fn update() -> Step {
    let script = ["sh", "-c", UPDATE, "sh"].map(str::to_owned).into_iter().chain([LOCK.to_string()]);
    Step::run("read the package indexes", script.chain(argv(["update"].map(str::to_owned))))
        .exclusive("apt")
        .shared("apt-get update")
        .limit(LIMIT)
}

/// Installs one package. What the plan did not show as removed is not removed: apt gives up instead.
pub(super) fn install(request: &str, may_remove: bool) -> Step {
    let keep = ["Dpkg::Options::=--force-confdef", "Dpkg::Options::=--force-confold", "Dpkg::Use-Pty=0"];
    let keep = keep.iter().flat_map(|option| ["-o".to_owned(), (*option).to_owned()]);
    let no_remove = (!may_remove).then(|| "--no-remove".to_owned());
    let words =
        ["install", "-y"].map(str::to_owned).into_iter().chain(keep).chain(no_remove).chain([request.to_owned()]);
    Step::run(format!("install {request}"), argv(words)).exclusive("apt").limit(LIMIT)
}

fn argv(words: impl IntoIterator<Item = String>) -> Vec<String> {
    // `l`: needrestart (Ubuntu) lists what runs on old libraries and restarts nothing.
    let env = ["env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_MODE=l", "apt-get", "-q", "-o"].map(str::to_owned);
    env.into_iter().chain([format!("DPkg::Lock::Timeout={LOCK}")]).chain(words).collect()
}

/// What apt says that it would do about all packages of a node that are to change.
#[derive(Debug)]
pub(super) struct Simulation<'a> {
    wants: &'a [String],
    adds: Vec<String>,
    removes: Vec<String>,
    /// The words of its failure: then nothing else is known.
    failure: Option<String>,
    policy: String,
    may_update: bool,
}

impl<'a> Simulation<'a> {
    pub(super) fn read(reply: &Reply, node: &Node, wants: &'a [String]) -> Result<Self, String> {
        let output = reply.output(&simulate_ask(wants))?;
        if output.is_missing_program() {
            return Err(format!("{} has no `apt-get`", node.name));
        }
        let text = output.text();
        let is_wanted = |package: &&str| wants.iter().any(|want| bare(name(want)) == bare(package));
        let begun = |word: &str| -> Vec<&str> {
            text.lines().filter_map(|line| line.strip_prefix(word)?.trim().split(' ').next()).collect()
        };
        let indexes = reply.output(&indexes_ask())?;
        let declares_sources = node.files.keys().any(|path| path.starts_with(super::APT));
        Ok(Self {
            wants,
            adds: begun("Inst ").into_iter().filter(|package| !is_wanted(package)).map(str::to_owned).collect(),
            removes: begun("Remv ").into_iter().map(str::to_owned).collect(),
            failure: (output.code != 0).then(|| failure(output)),
            policy: reply.output(&policy_ask(wants))?.text().into_owned(),
            may_update: declares_sources || indexes.stdout.is_empty(),
        })
    }

    /// Why the package can't be found, where no index has it.
    pub(super) fn not_found(&self, package: &str, version: Option<&str>) -> Option<String> {
        let versions = versions(&self.policy, package);
        match version {
            _ if versions.is_empty() => Some("no package index of the node has it".to_owned()),
            Some(version) if !versions.iter().any(|known| known == version) => Some(format!(
                "no package index of the node has the version {version}; they have {}",
                versions.join(", ")
            )),
            _ => None,
        }
    }

    /// Whether newer indexes may know more: there are none yet, or the file declares sources of its own.
    pub(super) fn may_update(&self) -> bool {
        self.may_update
    }

    pub(super) fn removes_something(&self) -> bool {
        !self.removes.is_empty()
    }

    /// Whether this package is the one whose change tells what comes along for all.
    pub(super) fn is_first(&self, package: &str) -> bool {
        let can_be_had = |want: &&String| {
            let (name, version) = want.split_once('=').map_or((want.as_str(), None), |(n, v)| (n, Some(v)));
            self.may_update || self.not_found(name, version).is_none()
        };
        self.wants.iter().find(can_be_had).is_some_and(|want| name(want) == package)
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let others = if self.wants.len() > 1 { ", for all packages together" } else { "" };
        let told = |verb: &str, names: &[String]| {
            (!names.is_empty()).then(|| format!("apt {verb}{others}: {}", names.join(", ")))
        };
        let failure = self.failure.as_ref().map(|why| format!("what apt would add can't be told: {why}"));
        [told("also installs", &self.adds), told("removes", &self.removes), failure].into_iter().flatten().collect()
    }

    pub(super) fn disruption(&self) -> Option<String> {
        (!self.removes.is_empty()).then(|| format!("removes {}", self.removes.join(", ")))
    }
}

/// A package's name without its architecture.
fn bare(package: &str) -> &str {
    package.split_once(':').map_or(package, |(name, _)| name)
}

fn failure(output: &Output) -> String {
    let error = output.stderr.lines().find_map(|line| line.strip_prefix("E: "));
    error.map_or_else(|| output.complaint(), str::to_owned)
}

/// The versions of `apt-cache policy` that an index has. What is only installed has none but `/var/lib/dpkg/status`.
fn versions(policy: &str, package: &str) -> Vec<String> {
    let heading = format!("{package}:");
    let block = policy.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| line.starts_with(' '));
    let table: Vec<&str> = block.skip_while(|line| !line.contains("Version table:")).skip(1).collect();
    let is_version = |line: &str| line.starts_with("     ") && !line.starts_with("      ") || line.starts_with(" *** ");
    let mut found: Vec<(String, bool)> = Vec::new();
    for line in table {
        if is_version(line) {
            let version = line.trim_start_matches([' ', '*']).split(' ').next().unwrap_or_default();
            found.push((version.to_owned(), false));
        } else if let Some(last) = found.last_mut() {
            last.1 |= !line.contains("/var/lib/dpkg/status");
        }
    }
    found.into_iter().filter(|(_, is_in_index)| *is_in_index).map(|(version, _)| version).collect()
}
