//! Pools: adopted by name, made on devices that hold nothing, never destroyed, exported, imported or upgraded.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::devices::{self, Fault};
use super::marks::{self, Carrier};
use super::property;
use super::read::{self, Found, Live, datasets_ask, pools_ask};
use super::site::{Ground, Host, is_name};
use super::survey;
use super::trash;
use super::wanted::{
    canonical, guard, limit_fault, observed, property_fault, read_only, set_step, source_note, with_notes,
};
use crate::lab::{Address, Ground as LabGround, Lab, Layout, Node, Pool, Site};
use crate::observe::{Ask, Observation, Reply};
use crate::plan::{Attributes, Difference, Guard, Mark, Obstacle, Step, differences, shell_line};

use super::super::{Body, Goal, Kind, Leaving, Leftover, Resource, Surveyed, Task, Work};

/// A pool that is fuller than this is slow and hard to mend, in percent.
const FULL: u64 = 80;

/// `[pools.NAME]`.
pub(in super::super) struct Pools;

impl Kind for Pools {
    fn name(&self) -> &'static str {
        "zfs-pool"
    }

    fn about(&self) -> &'static str {
        "A ZFS pool: its properties and those of its root dataset; made on blank devices alone, never destroyed."
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        let sites = Host::all(lab);
        lab.pools.values().filter_map(|pool| sites.get(&pool.node.value).map(|site| resource(pool, site))).collect()
    }

    fn leaving(&self) -> Leaving {
        Leaving::Forgotten
    }

    fn carries_marks(&self) -> bool {
        true
    }

    fn asks(&self, _site: Site<'_>) -> Vec<Ask> {
        vec![marks::ask(Carrier::Filesystem)]
    }

    fn marked(&self, _site: Site<'_>, reply: &Reply) -> Result<Vec<(String, Mark)>, String> {
        let marks = marks::read(reply, Carrier::Filesystem)?;
        Ok(marks.into_iter().filter(|(name, _)| !name.contains('/')).collect())
    }

    fn mark_steps(&self, _site: Site<'_>, name: &str, mark: &Mark) -> Vec<Step> {
        vec![marks::write(name, mark)]
    }

    fn renaming(&self, from: &str, to: &str) -> Option<String> {
        Some(format!("{} && {}", shell_line(["zpool", "export", from]), shell_line(["zpool", "import", from, to])))
    }

    fn leftover(&self, _site: Site<'_>, name: &str) -> Box<dyn Leftover> {
        Box::new(Gone(name.to_owned()))
    }

    fn survey_asks(&self, _node: &Node) -> Vec<Ask> {
        std::iter::once(pools_ask()).chain(survey::asks()).collect()
    }

    fn survey(&self, _lab: &Lab, node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
        survey::pools(node, reply)
    }
}

fn resource(pool: &Pool, site: &Arc<Host>) -> Resource {
    let mut meta = pool.meta.clone();
    // Without devices it can only be one that is there: the declaration itself is the leave to adopt it.
    meta.adopt |= pool.devices.is_empty();
    Resource {
        address: Address::new(["pools", &pool.name]),
        ground: LabGround::Node(site.node.clone()),
        name: pool.name.clone(),
        needs: site.needs_of_pool(&meta),
        planned_after: Vec::new(),
        meta,
        body: Box::new(Wanted {
            site: Arc::clone(site),
            name: pool.name.clone(),
            layout: pool.layout,
            properties: canonical(&pool.properties),
        }),
    }
}

#[derive(Debug)]
struct Wanted {
    site: Arc<Host>,
    name: String,
    layout: Layout,
    /// Canonical values, the pool's own and those of its root dataset.
    properties: BTreeMap<String, String>,
}

impl Wanted {
    fn split(&self, of_pool: bool) -> BTreeMap<String, String> {
        let wanted = |(name, _): &(&String, &String)| property::is_of_pool(name) == of_pool;
        self.properties.iter().filter(wanted).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The pool and its root dataset.
    fn live(&self, reply: &Reply) -> Option<(Live, Live)> {
        match (read::pool(reply, &self.name), self.site.dataset(reply, &self.name)) {
            (Found::There(pool), Found::There(root)) => Some((pool, root)),
            _ => None,
        }
    }

    fn create(&self, task: &Task<'_>) -> Work {
        if let Some(why) = self.creation_fault(task.reply) {
            return Work::refused(why);
        }
        let devices = self.site.devices_of(&self.name);
        let mut guards = Vec::new();
        for device in devices {
            match devices::blank(task.reply, device) {
                Ok(held) => guards.extend(held),
                Err(Fault::Unfit(why)) => return Work::refused(why),
                Err(Fault::Holds(what)) => {
                    return Work::protected(format!(
                        "{what}, and a pool is made on devices that hold nothing. If nothing of it is needed, clear it \
                         by hand: `{}`",
                        shell_line(["wipefs", "-a", device])
                    ));
                }
            }
        }
        // Two at a time get into each other's way: each waits for udev to show the partitions that it has made.
        let argv = self.create_argv(devices, task.mark);
        let mut step = Step::run(format!("create the pool {}", self.name), argv).exclusive("zpool create").limit(300);
        step.guards = guards;
        let mut work = Work::steps(vec![step]);
        work.notes.push(format!("takes {} whole", devices.join(", ")));
        work
    }

    fn create_argv(&self, devices: &[String], mark: &Mark) -> Vec<String> {
        let mut argv = vec!["zpool".to_owned(), "create".to_owned()];
        for (name, value) in self.split(true) {
            argv.extend(["-o".to_owned(), format!("{name}={}", property::argument(&name, &value))]);
        }
        let settings =
            self.split(false).into_iter().map(|(name, value)| format!("{name}={}", property::argument(&name, &value)));
        for setting in settings.chain(marks::settings(mark)) {
            argv.extend(["-O".to_owned(), setting]);
        }
        argv.push(self.name.clone());
        argv.extend(layout_word(self.layout).map(str::to_owned));
        argv.extend(devices.iter().cloned());
        argv
    }

    /// Why it can't be made, devices apart.
    fn creation_fault(&self, reply: &Reply) -> Option<String> {
        let node = &self.site.node;
        let devices = self.site.devices_of(&self.name);
        if devices.is_empty() {
            return Some(format!(
                "{node} has no pool `{}`, and the file names no `devices` to make it on; `zpool import` on {node} lists \
                 what can be imported",
                self.name
            ));
        }
        match self.site.ground(reply, &self.name) {
            Ground::NoProgram if !self.site.brings_zfs() => return Some(self.site.without_program()),
            Ground::Unusable(why) => return Some(why),
            Ground::Ready(_) | Ground::Missing | Ground::NoProgram => {}
        }
        let least = fewest_devices(self.layout);
        if devices.len() < least {
            return Some(format!(
                "`{}` as {} needs {least} devices or more, and the file names {}",
                self.name,
                layout_word(self.layout).unwrap_or("stripe"),
                devices.len()
            ));
        }
        self.properties.keys().find_map(|name| property::undeclarable(name))
    }

    fn update(&self, task: &Task<'_>, changes: &[Difference]) -> Work {
        let Some((pool, root)) = self.live(task.reply) else {
            return Work::refused(format!("`{}` could not be read", self.name));
        };
        if let Some(obstacle) = self.update_fault(&pool, &root, changes) {
            return Work { obstacle: Some(obstacle), ..Work::default() };
        }
        let mut work = Work::default();
        let mut settings = Vec::new();
        for change in changes {
            let name = change.attribute.as_str();
            let value = self.properties.get(name).map_or("", String::as_str);
            let setting = format!("{name}={}", property::argument(name, value));
            if property::is_of_pool(name) {
                // One at a time: `zpool set a=b c=d POOL` takes the second for a pool.
                let step =
                    Step::run(format!("set {name} of the pool {}", self.name), ["zpool", "set", &setting, &self.name]);
                work.steps.push(step.guarded(self.pool_guard(&pool, name)));
                continue;
            }
            work.notes.extend(source_note(&root, name, &self.name));
            if work.disruption.is_none() {
                work.disruption = property::disruption(name, &self.name);
            }
            settings.push(setting);
        }
        if !settings.is_empty() {
            let compared = self.split(false);
            let guard = guard(&self.name, &root, compared.keys().map(String::as_str));
            work.steps.push(set_step(&self.name, settings).guarded(guard));
        }
        work.steps.push(marks::write(&self.name, task.mark));
        work
    }

    fn update_fault(&self, pool: &Live, root: &Live, changes: &[Difference]) -> Option<Obstacle> {
        if changes.is_empty() {
            return None;
        }
        if let Some(why) = changes.iter().find_map(|change| limit_fault(&self.name, root, change)) {
            return Some(Obstacle::Protected(why));
        }
        if pool.value("readonly") == Some("on") {
            return Some(Obstacle::Refused(read_only(&self.name)));
        }
        if root.is_locked() {
            return Some(Obstacle::Refused(format!("its key is not loaded; `zfs load-key {}` loads it", self.name)));
        }
        let undeclarable = self.properties.keys().find_map(|name| property::undeclarable(name));
        let fault = undeclarable.or_else(|| {
            changes.iter().find_map(|change| {
                if !property::is_of_pool(&change.attribute) {
                    return property_fault(&self.name, root, change);
                }
                let words = || format!("this node's OpenZFS knows no property `{}` of a pool", change.attribute);
                change.before.is_none().then(words)
            })
        });
        fault.map(Obstacle::Refused)
    }

    fn pool_guard(&self, pool: &Live, name: &str) -> Guard {
        Guard::Output {
            argv: ["zpool", "get", "-Hp", "-o", "value", name, &self.name].map(str::to_owned).to_vec(),
            stdout: pool.value(name).unwrap_or_default().to_owned(),
        }
    }
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        self.site.asks()
    }

    fn observe(&self, reply: &Reply) -> Observation {
        if !is_name(&self.name) || self.name.contains('/') {
            return Observation::Unknown(format!("`{}` is no name that ZFS allows for a pool", self.name));
        }
        let pool = match self.site.ground(reply, &self.name) {
            Ground::Unusable(why) => return Observation::Unknown(why),
            Ground::Missing | Ground::NoProgram => return Observation::Absent,
            Ground::Ready(pool) => pool,
        };
        match self.site.dataset(reply, &self.name) {
            Found::There(root) => {
                let mut attributes = observed(&self.split(true), &pool);
                attributes.extend(observed(&self.split(false), &root));
                Observation::Present(attributes)
            }
            Found::Unknown(why) => Observation::Unknown(why),
            Found::Absent | Found::NoProgram => {
                Observation::Unknown(format!("`zpool` knows the pool `{}` and `zfs` does not", self.name))
            }
        }
    }

    fn desired(&self) -> Attributes {
        self.properties.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()
    }

    fn compare(&self, observed: &Attributes, _reply: &Reply) -> Vec<Difference> {
        with_notes(differences(&self.desired(), observed))
    }

    fn remarks(&self, reply: &Reply) -> Vec<String> {
        let Found::There(pool) = read::pool(reply, &self.name) else { return Vec::new() };
        let mut remarks = Vec::new();
        match pool.value("health") {
            None | Some("ONLINE") => {}
            Some(health) => {
                remarks.push(format!("the pool is {health}; `zpool status -v {}` says why", self.name));
            }
        }
        if let Some(percent) = pool.number("capacity").filter(|percent| *percent > FULL) {
            remarks.push(format!("the pool is {percent} % full; above {FULL} % ZFS gets slow"));
        }
        if pool.value("readonly") == Some("on") {
            remarks.push(read_only(&self.name));
        }
        remarks
    }

    fn work(&self, task: &Task<'_>) -> Work {
        match task.goal {
            Goal::Create => self.create(task),
            Goal::Update { differences, .. } => self.update(task, differences),
        }
    }
}

/// zpool's word before the devices.
fn layout_word(layout: Layout) -> Option<&'static str> {
    match layout {
        Layout::Stripe => None,
        Layout::Mirror => Some("mirror"),
        Layout::Raidz1 => Some("raidz1"),
        Layout::Raidz2 => Some("raidz2"),
        Layout::Raidz3 => Some("raidz3"),
    }
}

fn fewest_devices(layout: Layout) -> usize {
    match layout {
        Layout::Stripe => 1,
        Layout::Mirror | Layout::Raidz1 => 2,
        Layout::Raidz2 => 3,
        Layout::Raidz3 => 4,
    }
}

/// A pool, dataset or volume that left the file. It stays.
#[derive(Debug)]
pub(super) struct Gone(pub(super) String);

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        vec![datasets_ask([self.0.as_str()])]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match read::dataset(reply, &datasets_ask([self.0.as_str()]), &self.0) {
            Found::There(live) => Observation::Present(
                live.local()
                    .filter(|(name, _)| !name.starts_with(property::OURS))
                    .map(|(name, value)| (name.to_owned(), property::canonical(name, value).into()))
                    .collect(),
            ),
            Found::Absent => Observation::Absent,
            Found::NoProgram => Observation::Unknown("there is no `zfs` command".to_owned()),
            Found::Unknown(why) => Observation::Unknown(why),
        }
    }

    fn remove(&self, _reply: &Reply) -> Work {
        Work::protected(format!("`{}` is data; labctl removes none because it left the file", self.0))
    }

    fn destruction_asks(&self, _reply: &Reply) -> Vec<Ask> {
        if self.0.contains('/') { trash::asks(&self.0) } else { Vec::new() }
    }

    fn destroy(&self, reply: &Reply, stamp: &str) -> Work {
        if !self.0.contains('/') {
            return Work::protected(format!("`{}` is a pool; labctl destroys none: {}", self.0, self.by_hand()));
        }
        trash::move_aside(&self.0, reply, stamp)
    }

    fn by_hand(&self) -> String {
        shell_line([if self.0.contains('/') { "zfs" } else { "zpool" }, "destroy", &self.0])
    }
}
