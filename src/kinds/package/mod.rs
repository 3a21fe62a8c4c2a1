//! Packages through apt: present, or at an exact version.
//!
//! What is installed is `dpkg-query`'s answer. Only when something is to be installed, `apt-get -s` and `apt-cache`
//! are asked what that would add and remove. Nothing is ever downgraded, and a package that leaves the file stays.

mod apt;
mod survey;
mod version;

use crate::config::{Located, Place};
use crate::lab::{Address, Ground, Lab, Node, Package, Site};
use crate::observe::{Ask, Observation, Reply};
use crate::plan::{Attributes, Guard, Step, shell_line};

use super::zfs::{Snapshots, no_snapshot};
use super::{Body, Kind, Leaving, Leftover, Resource, Surveyed, Task, Work};
use apt::Simulation;

/// `[nodes.NAME.packages]`.
pub(super) struct Packages;

impl Kind for Packages {
    fn name(&self) -> &'static str {
        "package"
    }

    fn about(&self) -> &'static str {
        "A Debian package: present, or at an exact version."
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        lab.nodes
            .values()
            .flat_map(|node| node.packages.iter().map(|(name, package)| resource(lab, node, name, package)))
            .collect()
    }

    fn leaving(&self) -> Leaving {
        Leaving::Forgotten
    }

    fn leftover(&self, _site: Site<'_>, name: &str) -> Box<dyn Leftover> {
        Box::new(Gone(name.to_owned()))
    }

    fn survey_asks(&self, _node: &Node) -> Vec<Ask> {
        survey::asks()
    }

    fn survey(&self, _lab: &Lab, node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
        survey::read(node, reply)
    }
}

fn address(node: &Node, name: &str) -> Address {
    Address::new(["nodes", &node.name, "packages", name])
}

/// Where apt's own configuration lies: the indexes are read again after such a file.
pub(super) const APT: &str = "/etc/apt/";

/// Where what a package runs keeps its data, as far as anything says so: the Filesystem Hierarchy Standard 3.0, 5.8.
fn state_folder(package: &str) -> String {
    format!("/var/lib/{package}")
}

fn resource(lab: &Lab, node: &Node, name: &str, package: &Package) -> Resource {
    let snapshots = Snapshots::around(lab, node, &state_folder(name));
    let sources = node.files.keys().filter(|path| path.starts_with(APT));
    let file = |path: &String| Address::new(["nodes", &node.name, "files", path]);
    Resource {
        address: address(node, name),
        ground: Ground::Node(node.name.clone()),
        name: name.to_owned(),
        meta: package.meta.clone(),
        needs: sources.map(|path| Located::new(file(path), package.meta.place.clone())).collect(),
        planned_after: Vec::new(),
        body: Box::new(Wanted {
            name: name.to_owned(),
            version: package.version.clone(),
            node: node.clone(),
            snapshots,
        }),
    }
}

/// The addresses of the node's declared packages that may bring something, for the edges of what they bring.
pub(super) fn addresses(node: &Node, place: &Place, brings: impl Fn(&str) -> bool) -> Vec<Located<Address>> {
    let names = node.packages.keys().filter(|name| brings(name));
    names.map(|name| Located::new(address(node, name), place.clone())).collect()
}

/// What to ask to know which of the node's declared packages are installed.
pub(super) fn asks(node: &Node) -> Vec<Ask> {
    if node.packages.is_empty() { Vec::new() } else { vec![installed_ask(node)] }
}

/// Whether one of the declared packages that may bring something is not installed yet.
pub(super) fn is_any_missing(reply: &Reply, node: &Node, brings: impl Fn(&str) -> bool) -> bool {
    let installed = installed(reply, node).unwrap_or_default();
    node.packages
        .keys()
        .filter(|name| brings(name))
        .any(|name| !installed.iter().any(|entry| entry.is(name) && entry.is_unpacked()))
}

const FORMAT: &str = "${Package}\\t${Architecture}\\t${Version}\\t${db:Status-Want}\\t${db:Status-Status}\\n";

/// One call for all packages of the node.
fn installed_ask(node: &Node) -> Ask {
    Ask::run(["dpkg-query", "-W", "-f", FORMAT].into_iter().chain(node.packages.keys().map(String::as_str)))
}

/// A line of dpkg's database.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Installed {
    name: String,
    architecture: String,
    version: String,
    /// `install`, `hold`, `deinstall`.
    want: String,
    /// `installed`, `not-installed`, `config-files`, `half-configured`, …: dpkg(1).
    status: String,
}

impl Installed {
    /// Whether it is the package of that name, `name` or `name:architecture`.
    fn is(&self, name: &str) -> bool {
        match name.split_once(':') {
            Some((name, architecture)) => self.name == name && self.architecture == architecture,
            None => self.name == name,
        }
    }

    fn is_unpacked(&self) -> bool {
        !matches!(self.status.as_str(), "not-installed" | "config-files")
    }
}

fn installed(reply: &Reply, node: &Node) -> Result<Vec<Installed>, String> {
    let output = reply.output(&installed_ask(node))?;
    if output.is_missing_program() {
        return Err(
            "the node has no `dpkg-query`: packages are installed through apt (Debian, Ubuntu) alone".to_owned()
        );
    }
    if !is_answer(output) {
        return Err(output.complaint());
    }
    Ok(parse(output))
}

/// Whether `dpkg-query` told what it knows. 1: some of the names are unknown to it, and nothing else is wrong; 2: it
/// failed (dpkg-query(1)).
fn is_answer(output: &crate::observe::Output) -> bool {
    let is_unknown_name = |line: &str| line.contains("no packages found matching");
    output.code == 0 || (output.code == 1 && output.stderr.lines().all(is_unknown_name))
}

fn parse(output: &crate::observe::Output) -> Vec<Installed> {
    let text = output.text();
    let lines = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    lines
        .filter_map(|fields| {
            let [name, architecture, version, want, status] = fields.try_into().ok()?;
            Some(Installed { name, architecture, version, want, status })
        })
        .collect()
}

#[derive(Debug)]
struct Wanted {
    name: String,
    version: Option<String>,
    node: Node,
    /// Those of the dataset in which its data lies, where it is declared.
    snapshots: Option<Snapshots>,
}

impl Wanted {
    fn entry(&self, reply: &Reply) -> Result<Option<Installed>, String> {
        // Of several architectures the one that is installed; dpkg lists a foreign one only where it is known, too.
        Ok(installed(reply, &self.node)?.into_iter().find(|entry| entry.is(&self.name) && entry.is_unpacked()))
    }

    fn todo(&self, task: &Task<'_>) -> Result<Work, String> {
        let reply = task.reply;
        let entry = self.entry(reply)?;
        if let Some(entry) = &entry {
            if entry.status != "installed" {
                return Ok(self.refused(&format!("it is {}; put that right: dpkg --configure -a", entry.status)));
            }
            if entry.want == "hold" {
                let hand = shell_line(["apt-mark", "unhold", &self.name]);
                return Ok(self.refused(&format!("it is held at {}; to let it go: {hand}", entry.version)));
            }
        }
        let is_older = |entry: &Installed, version: &String| version::compare(version, &entry.version).is_lt();
        if let (Some(entry), Some(version)) = (&entry, &self.version)
            && is_older(entry, version)
        {
            let hand = shell_line(["apt-get", "install", "--allow-downgrades", &self.request()]);
            return Ok(
                self.refused(&format!("{} is newer, and labctl downgrades nothing; by hand: {hand}", entry.version))
            );
        }
        let wants = wants(reply, &self.node);
        let simulation = Simulation::read(reply, &self.node, &wants)?;
        let mut work = Work::default();
        if let Some(why) = simulation.not_found(&self.name, self.version.as_deref()) {
            if !simulation.may_update() {
                let help = "look whether the name is right; if the indexes are old: apt-get update";
                return Ok(self.refused(&format!("{why}; {help}")));
            }
            work.notes.push(format!("{why}: apply reads the indexes first"));
            work.steps.push(apt::update());
        }
        if simulation.is_first(&self.name) {
            work.notes.extend(simulation.notes());
            work.disruption = simulation.disruption();
        }
        let install = self.install(entry.as_ref(), simulation.removes_something());
        // A package that was not there has no data yet.
        match (&entry, &self.snapshots) {
            (Some(_), Some(snapshots)) => {
                let (pruned, notes) = snapshots.prune(reply);
                work.steps.extend([snapshots.take(&task.mark.address), install]);
                work.steps.extend(pruned);
                work.notes.extend(notes);
            }
            (Some(_), None) => {
                work.steps.push(install);
                work.notes.push(no_snapshot(&state_folder(&self.name)));
            }
            (None, _) => work.steps.push(install),
        }
        Ok(work)
    }

    fn refused(&self, why: &str) -> Work {
        Work::refused(format!("package `{}` on {}: {why}", self.name, self.node.name))
    }

    /// As apt-get takes it.
    fn request(&self) -> String {
        match &self.version {
            Some(version) => format!("{}={version}", self.name),
            None => self.name.clone(),
        }
    }

    fn install(&self, entry: Option<&Installed>, may_remove: bool) -> Step {
        let step = apt::install(&self.request(), may_remove);
        match entry {
            None => step,
            Some(entry) => step.guarded(Guard::Output {
                argv: ["dpkg-query", "-W", "-f", "${Version}", &self.name].map(str::to_owned).to_vec(),
                stdout: entry.version.clone(),
            }),
        }
    }
}

/// What apt is to be asked for: `name` or `name=version` of every declared package that is not as declared.
fn wants(reply: &Reply, node: &Node) -> Vec<String> {
    let Ok(installed) = installed(reply, node) else { return Vec::new() };
    let entry = |name: &str| installed.iter().find(|entry| entry.is(name) && entry.is_unpacked());
    node.packages
        .iter()
        .filter_map(|(name, package)| match (&package.version, entry(name)) {
            (None, Some(_)) => None,
            (None, None) => Some(name.clone()),
            // An older one is never asked for, so it needs no answer.
            (Some(version), Some(entry)) if version::compare(version, &entry.version).is_le() => None,
            (Some(version), _) => Some(format!("{name}={version}")),
        })
        .collect()
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        vec![installed_ask(&self.node)]
    }

    fn further_asks(&self, reply: &Reply) -> Vec<Ask> {
        let wants = wants(reply, &self.node);
        if wants.is_empty() {
            return Vec::new();
        }
        let is_upgrade = self.entry(reply).is_ok_and(|entry| entry.is_some()) && wants.contains(&self.request());
        let snapshots = self.snapshots.iter().filter(|_| is_upgrade).flat_map(Snapshots::asks);
        apt::asks(&wants).into_iter().chain(snapshots).collect()
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match self.entry(reply) {
            Err(why) => Observation::Unknown(why),
            Ok(None) => Observation::Absent,
            Ok(Some(entry)) => Observation::Present(
                [("state".to_owned(), entry.status.into()), ("version".to_owned(), entry.version.into())].into(),
            ),
        }
    }

    fn desired(&self) -> Attributes {
        let state = Some(("state".to_owned(), "installed".into()));
        let version = self.version.as_ref().map(|version| ("version".to_owned(), version.as_str().into()));
        state.into_iter().chain(version).collect()
    }

    fn work(&self, task: &Task<'_>) -> Work {
        self.todo(task).unwrap_or_else(Work::refused)
    }
}

/// A package that left `homelab.toml`.
#[derive(Debug)]
struct Gone(String);

impl Gone {
    fn ask(&self) -> Ask {
        Ask::run(["dpkg-query", "-W", "-f", FORMAT, &self.0])
    }
}

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        vec![self.ask()]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match reply.output(&self.ask()) {
            Err(why) => Observation::Unknown(why),
            Ok(output) if !is_answer(output) => Observation::Unknown(output.complaint()),
            Ok(output) => match parse(output).into_iter().find(Installed::is_unpacked) {
                None => Observation::Absent,
                Some(entry) => Observation::Present([("version".to_owned(), entry.version.into())].into()),
            },
        }
    }

    fn remove(&self, _reply: &Reply) -> Work {
        Work::refused("packages are left where they are")
    }

    fn by_hand(&self) -> String {
        shell_line(["apt-get", "remove", &self.0])
    }
}
