//! Kernel modules: loaded now, and at boot.
//!
//! Now by `/proc/modules` and `modinfo` (a module that is built into the kernel is always loaded), at boot by the
//! `modules-load.d` files. It is there when something has it loaded at boot; that it happens to be loaded says nothing.

use std::collections::BTreeSet;

use crate::lab::{Address, Ground, Lab, Module, Node, Site};
use crate::observe::{Ask, Observation, Reply};
use crate::plan::{Act, Attributes, Step};

use super::dropins::{Dropins, Line};
use super::{Body, Kind, Leftover, Resource, Surveyed, Task, Work, package};

const FILES: Dropins = Dropins("modules-load.d");

/// `[nodes.NAME.modules]`.
pub(super) struct Modules;

impl Kind for Modules {
    fn name(&self) -> &'static str {
        "module"
    }

    fn about(&self) -> &'static str {
        "A kernel module: loaded now and at boot."
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        lab.nodes
            .values()
            .flat_map(|node| node.modules.iter().map(|(name, module)| resource(node, name, module)))
            .collect()
    }

    fn leftover(&self, _site: Site<'_>, name: &str) -> Box<dyn Leftover> {
        Box::new(Gone(name.to_owned()))
    }

    fn survey_asks(&self, _node: &Node) -> Vec<Ask> {
        vec![FILES.ask()]
    }

    fn survey(&self, _lab: &Lab, node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
        let lines = FILES.lines(reply)?;
        let names: BTreeSet<String> =
            lines.iter().filter(|line| !line.is_vendor()).map(|line| normal(&line.text)).collect();
        Ok(names.into_iter().map(|name| surveyed(node, name)).collect())
    }
}

fn surveyed(node: &Node, name: String) -> Surveyed {
    let declared = node.modules.keys().find(|declared| normal(declared) == name);
    Surveyed {
        address: Address::new(["nodes", &node.name, "modules", declared.unwrap_or(&name)]),
        name,
        entry: toml::Value::String("loaded".to_owned()),
    }
}

fn resource(node: &Node, name: &str, module: &Module) -> Resource {
    Resource {
        address: Address::new(["nodes", &node.name, "modules", name]),
        ground: Ground::Node(node.name.clone()),
        name: normal(name),
        meta: module.meta.clone(),
        needs: package::addresses(node, &module.meta.place, |package| brings(package, name)),
        planned_after: Vec::new(),
        body: Box::new(Wanted { name: normal(name), node: node.clone() }),
    }
}

/// The kernel takes `-` and `_` for the same in a module's name, and shows `_`.
fn normal(name: &str) -> String {
    name.replace('-', "_")
}

/// Whether a package, by its name, may bring a module: `zfs-dkms` any, as all packages that build or hold modules.
fn brings(package: &str, module: &str) -> bool {
    let holds_modules = ["dkms", "linux-image", "linux-modules", "modules"].iter().any(|word| package.contains(word));
    holds_modules || normal(package).contains(&normal(module))
}

/// Whether a module is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loaded {
    /// It is, and can be unloaded.
    Yes,
    /// It is part of the kernel.
    BuiltIn,
    /// It is not; the kernel has it or it doesn't: see [`Wanted::is_known`].
    No,
}

fn loaded_ask() -> Ask {
    Ask::run(["cat", "/proc/modules"])
}

/// One call for all modules of the node.
fn files_ask(node: &Node) -> Ask {
    Ask::run(["modinfo".to_owned(), "-F".to_owned(), "filename".to_owned()].into_iter().chain(names(node)))
}

fn names(node: &Node) -> BTreeSet<String> {
    node.modules.keys().map(|name| normal(name)).collect()
}

/// What to ask to know which of the node's declared modules are loaded.
pub(super) fn asks(node: &Node) -> Vec<Ask> {
    if node.modules.is_empty() { Vec::new() } else { vec![loaded_ask(), files_ask(node)] }
}

/// Whether a declared module of the node is loaded.
pub(super) fn loaded(reply: &Reply, node: &Node, name: &str) -> Result<Loaded, String> {
    let name = normal(name);
    let output = reply.output(&loaded_ask())?;
    let has_none = output.stderr.ends_with("No such file or directory");
    if output.code != 0 && !has_none {
        return Err(output.complaint());
    }
    if output.text().lines().any(|line| line.split(' ').next() == Some(&name)) {
        return Ok(Loaded::Yes);
    }
    Ok(if file(reply, node, &name)?.as_deref() == Some("(builtin)") { Loaded::BuiltIn } else { Loaded::No })
}

/// A module's file, or `(builtin)`; `None` where the kernel has no such module.
fn file(reply: &Reply, node: &Node, name: &str) -> Result<Option<String>, String> {
    let output = reply.output(&files_ask(node))?;
    if output.is_missing_program() {
        return Ok(None);
    }
    // `modinfo: ERROR: Module nosuch not found.`; for the others one line each, in order.
    let is_missing = |name: &str| output.stderr.lines().any(|line| line.contains(&format!("Module {name} not found")));
    let names = names(node);
    let found: Vec<&String> = names.iter().filter(|name| !is_missing(name)).collect();
    let text = output.text();
    let files: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    if files.len() != found.len() {
        return Err(format!(
            "`modinfo` speaks of {} modules instead of {}: {}",
            files.len(),
            found.len(),
            output.stderr
        ));
    }
    Ok(found.iter().position(|found| *found == name).map(|i| files[i].to_owned()))
}

#[derive(Debug)]
struct Wanted {
    name: String,
    node: Node,
}

impl Wanted {
    fn boot_line(&self, reply: &Reply) -> Result<Option<Line>, String> {
        Ok(FILES.lines(reply)?.into_iter().rfind(|line| normal(&line.text) == self.name))
    }

    fn is_known(&self, reply: &Reply) -> bool {
        let has_modinfo = reply.output(&files_ask(&self.node)).is_ok_and(|output| !output.is_missing_program());
        !has_modinfo || !matches!(file(reply, &self.node, &self.name), Ok(None))
    }

    fn todo(&self, reply: &Reply) -> Result<Work, String> {
        let mut work = Work::default();
        match loaded(reply, &self.node, &self.name)? {
            Loaded::Yes => work.notes.push("it is loaded already".to_owned()),
            Loaded::BuiltIn => return Ok(work),
            Loaded::No => {
                let may_come = package::is_any_missing(reply, &self.node, |package| brings(package, &self.name));
                if !self.is_known(reply) && !may_come {
                    return Ok(self.no_module());
                }
                work.steps.push(Step::run(format!("load {}", self.name), ["modprobe", "--", &self.name]));
            }
        }
        if self.boot_line(reply)?.is_none() {
            work.steps.push(FILES.put(&self.name, &self.name, reply));
        }
        Ok(work)
    }

    fn no_module(&self) -> Work {
        Work::refused(format!(
            "the kernel of {} has no module `{}`; if a package brings it, declare that under `nodes.{}.packages`",
            self.node.name, self.name, self.node.name
        ))
    }
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        let packages = package::asks(&self.node);
        asks(&self.node).into_iter().chain([FILES.ask(), FILES.own_ask(&self.name)]).chain(packages).collect()
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match (self.boot_line(reply), loaded(reply, &self.node, &self.name)) {
            (Err(why), _) | (_, Err(why)) => Observation::Unknown(why),
            (_, Ok(Loaded::BuiltIn)) => Observation::Present(self.desired()),
            (Ok(None), Ok(_)) => Observation::Absent,
            (Ok(Some(_)), Ok(loaded)) => Observation::Present(
                [("loaded".to_owned(), (loaded == Loaded::Yes).into()), ("at_boot".to_owned(), true.into())].into(),
            ),
        }
    }

    fn desired(&self) -> Attributes {
        ["loaded", "at_boot"].map(|name| (name.to_owned(), true.into())).into()
    }

    fn work(&self, task: &Task<'_>) -> Work {
        self.todo(task.reply).unwrap_or_else(Work::refused)
    }
}

/// A module that left `homelab.toml`.
#[derive(Debug)]
struct Gone(String);

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        vec![FILES.ask()]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match FILES.lines(reply) {
            Err(why) => Observation::Unknown(why),
            Ok(lines) if lines.iter().any(|line| !line.is_vendor() && normal(&line.text) == self.0) => {
                Observation::Present([("at_boot".to_owned(), true.into())].into())
            }
            Ok(_) => Observation::Absent,
        }
    }

    fn remove(&self, _reply: &Reply) -> Work {
        let path = FILES.own(&self.0);
        let mut work = Work::steps(vec![Step::new(format!("remove {path}"), Act::Remove { path })]);
        work.notes.push("it stays loaded until the next boot".to_owned());
        work
    }

    fn by_hand(&self) -> String {
        let name = self.0.replace('_', "[-_]");
        format!("sed -i '/^[[:space:]]*{name}[[:space:]]*$/d' /etc/modules-load.d/*.conf")
    }
}
