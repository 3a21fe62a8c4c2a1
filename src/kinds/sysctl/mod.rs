//! Kernel parameters: the value now, and the value after a boot.
//!
//! It is there when something on the node other than a package's default sets it; the kernel always has some value.
//! The value now is `sysctl`'s, the value at boot what the `sysctl.d` files come to. labctl's own file is one per
//! parameter, named so that it wins over files that begin with a number.

mod boot;
mod key;

use crate::config::Located;
use crate::lab::{Address, Ground, Lab, Node, Site, Sysctl};
use crate::observe::{Ask, Observation, Reply};
use crate::plan::{Act, Attributes, Guard, Step};

use super::dropins::Dropins;
use super::module::{self, Loaded};
use super::{Body, Kind, Leftover, Resource, Surveyed, Task, Work};
use boot::{Setting, effective, normal};
use key::Key;

const FILES: Dropins = Dropins("sysctl.d");

/// `[nodes.NAME.sysctls]`.
pub(super) struct Sysctls;

impl Kind for Sysctls {
    fn name(&self) -> &'static str {
        "sysctl"
    }

    fn about(&self) -> &'static str {
        "A kernel parameter: its value now and after a boot."
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        lab.nodes
            .values()
            .flat_map(|node| node.sysctls.iter().map(|(name, sysctl)| resource(node, name, sysctl)))
            .collect()
    }

    fn leftover(&self, _site: Site<'_>, name: &str) -> Box<dyn Leftover> {
        Box::new(Gone(Key::parse(name)))
    }

    fn survey_asks(&self, node: &Node) -> Vec<Ask> {
        let live = live_ask(node);
        [FILES.ask()].into_iter().chain((!node.sysctls.is_empty()).then_some(live)).collect()
    }

    fn survey(&self, _lab: &Lab, node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
        let lines = FILES.lines(reply)?;
        let mut found: std::collections::BTreeMap<Key, Surveyed> = boot::keys(&lines)
            .filter(|(line, _)| !line.is_vendor())
            .filter_map(|(_, key)| {
                Some((key.clone(), surveyed(node, &key.to_string(), &key, &effective(&lines, &key)?.value)))
            })
            .collect();
        for name in node.sysctls.keys() {
            let key = Key::parse(name);
            if let Live::Value { value, .. } = live(reply, node, &key)? {
                found.insert(key.clone(), surveyed(node, name, &key, &value));
            }
        }
        Ok(found.into_values().collect())
    }
}

fn surveyed(node: &Node, name: &str, key: &Key, value: &str) -> Surveyed {
    Surveyed {
        address: Address::new(["nodes", &node.name, "sysctls", name]),
        name: key.to_string(),
        entry: toml::Value::String(value.to_owned()),
    }
}

fn resource(node: &Node, name: &str, sysctl: &Sysctl) -> Resource {
    let key = Key::parse(name);
    Resource {
        address: Address::new(["nodes", &node.name, "sysctls", name]),
        ground: Ground::Node(node.name.clone()),
        name: key.to_string(),
        meta: sysctl.meta.clone(),
        needs: needs(node, &key, sysctl),
        planned_after: Vec::new(),
        body: Box::new(Wanted { key, value: normal(&sysctl.value), node: node.clone() }),
    }
}

/// A parameter may be there only when a module is loaded, or a network interface made.
fn needs(node: &Node, key: &Key, sysctl: &Sysctl) -> Vec<Located<Address>> {
    let at = |address| Located::new(address, sysctl.meta.place.clone());
    let root = Address::new(["nodes", node.name.as_str()]);
    let modules = node.modules.keys().filter(|_| may_be_a_modules(key));
    let network = node.network.is_some() && key.interface().is_some();
    let network = network.then(|| at(root.child("network")));
    modules.map(|module| at(root.child("modules").child(module))).chain(network).collect()
}

/// Memory management is no module's.
fn may_be_a_modules(key: &Key) -> bool {
    !key.path().starts_with("vm/")
}

#[derive(Debug)]
struct Wanted {
    key: Key,
    value: String,
    node: Node,
}

/// What the kernel says of a parameter.
enum Live {
    /// It has this value.
    Value {
        /// As labctl writes values.
        value: String,
        /// As `sysctl -n` prints it.
        printed: String,
    },
    /// It has no such parameter.
    NoKey,
}

/// One call for all parameters of the node.
fn live_ask(node: &Node) -> Ask {
    let keys: std::collections::BTreeSet<String> =
        node.sysctls.keys().map(|name| Key::parse(name).to_string()).collect();
    Ask::run(["sysctl".to_owned()].into_iter().chain(keys))
}

fn live(reply: &Reply, node: &Node, key: &Key) -> Result<Live, String> {
    let output = reply.output(&live_ask(node))?;
    if output.is_missing_program() {
        return Err("the node has no `sysctl`".to_owned());
    }
    let text = output.text();
    let line = text.lines().filter_map(|line| line.split_once(" =")).find(|(name, _)| Key::parse(name) == *key);
    if let Some((_, value)) = line {
        return Ok(Live::Value { value: normal(value), printed: value.strip_prefix(' ').unwrap_or(value).to_owned() });
    }
    // The words of procps, seen with versions 4.0.2 and 4.0.4.
    let no_key = format!("/proc/sys/{}: No such file or directory", key.path());
    if output.stderr.lines().any(|line| line.ends_with(&no_key)) {
        return Ok(Live::NoKey);
    }
    let complaint = output.stderr.lines().find(|line| line.contains(&key.to_string()) || line.contains(key.path()));
    Err(complaint.map_or_else(|| format!("`sysctl` said nothing of it: {}", output.complaint()), str::to_owned))
}

impl Wanted {
    /// Whether a package's default makes it as declared already.
    fn is_met_by(&self, setting: &Setting<'_>, live: &Live) -> bool {
        let is_live = matches!(live, Live::Value { value, .. } if *value == self.value);
        setting.line.is_vendor() && setting.value == self.value && is_live
    }

    /// Whether something that the same plan makes may bring the parameter.
    fn may_come(&self, reply: &Reply) -> bool {
        let is_to_come = |name: &String| matches!(module::loaded(reply, &self.node, name), Ok(Loaded::No));
        let from_module = may_be_a_modules(&self.key) && self.node.modules.keys().any(is_to_come);
        let devices = self.node.network.iter().flat_map(|network| network.ports.values());
        let devices = devices.flat_map(|port| port.attachments().flat_map(|a| [a.link(port), a.device(port)]));
        from_module || devices.into_iter().any(|device| self.key.interface() == Some(device.as_str()))
    }

    fn no_key(&self) -> Work {
        Work::refused(format!(
            "the kernel of {} has no parameter `{}`; if a module brings it, declare that under `nodes.{}.modules`",
            self.node.name, self.key, self.node.name
        ))
    }

    fn set(&self, live: &Live) -> Step {
        let step =
            Step::run(format!("set {}", self.key), ["sysctl", "-q", "-w", &format!("{}={}", self.key, self.value)]);
        match live {
            Live::Value { printed, .. } => step.guarded(Guard::Output {
                argv: ["sysctl", "-n", &self.key.to_string()].map(str::to_owned).to_vec(),
                stdout: printed.clone(),
            }),
            Live::NoKey => step,
        }
    }

    fn todo(&self, reply: &Reply) -> Result<Work, String> {
        let (lines, live) = (FILES.lines(reply)?, live(reply, &self.node, &self.key)?);
        let mut work = Work::default();
        match &live {
            Live::NoKey if !self.may_come(reply) => return Ok(self.no_key()),
            Live::NoKey => {
                work.notes
                    .push("the kernel has no such parameter yet; it comes with what is declared beside it".to_owned());
                work.steps.push(self.set(&live));
            }
            Live::Value { value, .. } if *value != self.value => work.steps.push(self.set(&live)),
            Live::Value { .. } => {}
        }
        let own = FILES.own(&self.key.to_string());
        // A pattern gives way to any line that names the key.
        let is_named = !boot::settings(&lines, &self.key).is_empty();
        match effective(&lines, &self.key) {
            Some(setting) if setting.value == self.value => return Ok(work),
            Some(setting) if is_named && own < format!("/etc/sysctl.d/{}", setting.line.file_name()) => {
                return Ok(Work::refused(format!(
                    "`{}` sets it to {} at boot, after labctl's own file; take that line out or let it agree",
                    setting.line.place(),
                    setting.value
                )));
            }
            Some(setting) if setting.line.path != own => {
                work.notes.push(format!(
                    "at boot it takes the place of `{}` ({})",
                    setting.line.text,
                    setting.line.place()
                ));
            }
            _ => {}
        }
        work.steps.push(FILES.put(&self.key.to_string(), &format!("{} = {}", self.key, self.value), reply));
        Ok(work)
    }
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        let modules = module::asks(&self.node);
        [live_ask(&self.node), FILES.ask(), FILES.own_ask(&self.key.to_string())].into_iter().chain(modules).collect()
    }

    fn observe(&self, reply: &Reply) -> Observation {
        let (lines, live) = match (FILES.lines(reply), live(reply, &self.node, &self.key)) {
            (Ok(lines), Ok(live)) => (lines, live),
            (Err(why), _) | (_, Err(why)) => return Observation::Unknown(why),
        };
        let Some(setting) = effective(&lines, &self.key) else { return Observation::Absent };
        if setting.line.is_vendor() && !self.is_met_by(&setting, &live) {
            return Observation::Absent;
        }
        let mut attributes = Attributes::new();
        if let Live::Value { value, .. } = live {
            attributes.insert("value".to_owned(), value.into());
        }
        attributes.insert("at_boot".to_owned(), setting.value.into());
        Observation::Present(attributes)
    }

    fn desired(&self) -> Attributes {
        ["value", "at_boot"].map(|name| (name.to_owned(), self.value.as_str().into())).into()
    }

    fn work(&self, task: &Task<'_>) -> Work {
        self.todo(task.reply).unwrap_or_else(Work::refused)
    }
}

/// A parameter that left `homelab.toml`.
#[derive(Debug)]
struct Gone(Key);

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        vec![FILES.ask()]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match FILES.lines(reply) {
            Err(why) => Observation::Unknown(why),
            Ok(lines) => match effective(&lines, &self.0).filter(|setting| !setting.line.is_vendor()) {
                None => Observation::Absent,
                Some(setting) => Observation::Present([("at_boot".to_owned(), setting.value.into())].into()),
            },
        }
    }

    fn remove(&self, reply: &Reply) -> Work {
        let path = FILES.own(&self.0.to_string());
        let lines = FILES.lines(reply).unwrap_or_default();
        let mut rest = boot::settings(&lines, &self.0);
        rest.retain(|setting| setting.line.path != path);
        let then = match rest.last() {
            Some(setting) => format!("then `{}` sets it to {}", setting.line.place(), setting.value),
            None => "then the kernel's default holds".to_owned(),
        };
        let mut work = Work::steps(vec![Step::new(format!("remove {path}"), Act::Remove { path })]);
        work.notes.push(format!("its value stays until the next boot; {then}"));
        work
    }

    fn by_hand(&self) -> String {
        let key = self.0.to_string().replace('.', "[./]").replace('/', "\\/");
        format!("sed -i '/^[[:space:]]*-\\{{0,1\\}}{key}[[:space:]]*=/d' /etc/sysctl.d/*.conf")
    }
}
