//! A dataset or volume as the file wants it: what both have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::marks::{self, Carrier};
use super::property;
use super::read::{Found, Live};
use super::site::{Ground, Host, is_name, lineage};
use super::snapshot;
use super::volume;
use crate::config::Located;
use crate::lab::{Address, Ground as LabGround, Meta, Size};
use crate::observe::{Ask, Observation, Reply};
use crate::plan::{Attributes, Difference, Guard, Obstacle, Step, Value, differences};

use super::super::{Body, Goal, Resource, Task, Work};

/// The attribute that holds a volume's size.
pub(super) const SIZE: &str = "size";

#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) site: Arc<Host>,
    pub(super) carrier: Carrier,
    /// Real name, with its pool.
    pub(super) name: String,
    /// Canonical values.
    pub(super) properties: BTreeMap<String, String>,
    /// A volume's.
    pub(super) size: Option<Size>,
}

impl Wanted {
    pub(super) fn resource(self, address: Address, meta: &Meta) -> Resource {
        let key_file = self.properties.get("keylocation").and_then(|it| it.strip_prefix("file://"));
        let key_file = key_file.filter(|path| self.site.declares_file(path));
        Resource {
            address,
            ground: LabGround::Node(self.site.node.clone()),
            name: self.name.clone(),
            meta: meta.clone(),
            needs: self.site.needs(&self.name, key_file, meta),
            planned_after: Vec::new(),
            body: Box::new(self),
        }
    }

    fn pool(&self) -> &str {
        self.name.split('/').next().unwrap_or(&self.name)
    }

    fn live(&self, reply: &Reply) -> Option<Live> {
        match self.site.dataset(reply, &self.name) {
            Found::There(live) => Some(live),
            Found::Absent | Found::NoProgram | Found::Unknown(_) => None,
        }
    }

    fn observed(&self, live: &Live) -> Attributes {
        let mut attributes = observed(&self.properties, live);
        if self.size.is_some()
            && let Some(bytes) = live.number("volsize")
        {
            attributes.insert(SIZE.to_owned(), Size(bytes).to_string().into());
        }
        attributes
    }

    fn create(&self, task: &Task<'_>) -> Work {
        if let Some(why) = self.creation_fault(task.reply) {
            return Work::refused(why);
        }
        let mut work = Work::default();
        if let Some(parent) = self.missing_parent(task.reply) {
            work.notes.push(format!("makes `{parent}` too, which is not declared and stays unmarked"));
            work.steps.push(Step::run(format!("create {parent}"), ["zfs", "create", "-p", parent]));
        }
        let mut argv = vec!["zfs".to_owned(), "create".to_owned()];
        if let Some(size) = self.size {
            argv.extend(["-V".to_owned(), size.0.to_string()]);
        }
        // `zfs create -V` reserves by itself what `auto` means.
        let given = self
            .properties
            .iter()
            .filter(|(name, value)| (name.as_str(), value.as_str()) != ("refreservation", "auto"));
        let settings = given.map(|(name, value)| format!("{name}={}", property::argument(name, value)));
        for setting in settings.chain(marks::settings(task.mark)) {
            argv.extend(["-o".to_owned(), setting]);
        }
        argv.push(self.name.clone());
        // Without `-p`: it would succeed, and mark nothing, where somebody made the same meanwhile.
        work.steps.push(Step::run(format!("create {}", self.name), argv));
        work
    }

    /// The parent, where it is neither there nor declared.
    fn missing_parent(&self, reply: &Reply) -> Option<&str> {
        let (parent, _) = self.name.rsplit_once('/')?;
        let is_missing = matches!(self.site.dataset(reply, parent), Found::Absent | Found::NoProgram);
        (is_missing && !self.site.is_declared(parent)).then_some(parent)
    }

    /// Why it can't be made.
    fn creation_fault(&self, reply: &Reply) -> Option<String> {
        match self.site.ground(reply, self.pool()) {
            Ground::NoProgram if !self.site.brings_zfs() => return Some(self.site.without_program()),
            Ground::Unusable(why) => return Some(why),
            Ground::Ready(pool) if pool.value("readonly") == Some("on") => return Some(read_only(self.pool())),
            Ground::Ready(_) | Ground::Missing | Ground::NoProgram => {}
        }
        if self.properties.get("keylocation").is_some_and(|location| location == "prompt") {
            return Some(format!(
                "`{}` would ask for its key, and labctl holds no keys; declare `keylocation = \"file:///…\"`",
                self.name
            ));
        }
        self.parents_fault(reply).or_else(|| self.declaration_fault()).or_else(|| {
            let default = self.live_default_block();
            self.size.and_then(|size| volume::block_fault(&self.name, size, default))
        })
    }

    fn live_default_block(&self) -> u64 {
        self.properties.get("volblocksize").and_then(|size| property::bytes(size)).unwrap_or(volume::DEFAULT_BLOCK)
    }

    /// What is wrong with the datasets above it.
    fn parents_fault(&self, reply: &Reply) -> Option<String> {
        let own_mount = self.properties.get("mountpoint").is_some_and(|it| it == "none" || it == "legacy")
            || self.properties.get("canmount").is_some_and(|it| it != "on");
        let stays_unmounted = own_mount || self.carrier == Carrier::Volume;
        lineage(&self.name).into_iter().rev().skip(1).find_map(|parent| {
            let Found::There(live) = self.site.dataset(reply, parent) else { return None };
            if live.is_locked() {
                return Some(format!("the key of `{parent}` above it is not loaded; `zfs load-key {parent}` loads it"));
            }
            (live.is_unmounted() && !stays_unmounted).then(|| {
                format!(
                    "`{parent}` above it is not mounted at `{}` though it should be: a mount below it would lie in the \
                     filesystem underneath; `zfs mount {parent}` mounts it",
                    live.value("mountpoint").unwrap_or_default()
                )
            })
        })
    }

    /// What can't be declared.
    fn declaration_fault(&self) -> Option<String> {
        self.properties.keys().find_map(|name| {
            if property::is_of_pool(name) {
                return Some(format!("`{name}` is a property of pools; `{}` can't have it", self.name));
            }
            property::undeclarable(name)
        })
    }

    fn update(&self, task: &Task<'_>, changes: &[Difference]) -> Work {
        let Some(live) = self.live(task.reply) else {
            return Work::refused(format!("`{}` could not be read", self.name));
        };
        if let Some(obstacle) = self.update_fault(task.reply, &live, changes) {
            return Work { obstacle: Some(obstacle), ..Work::default() };
        }
        let mut work = Work::default();
        let mut settings = Vec::new();
        for change in changes {
            let (name, value) = self.setting(change);
            work.notes.extend(source_note(&live, &name, &self.name));
            if work.disruption.is_none() {
                work.disruption = property::disruption(&name, &self.name);
            }
            settings.push(format!("{name}={value}"));
        }
        let grows = changes.iter().any(|change| change.attribute == SIZE);
        let snapshots = self.site.snapshots(&self.name);
        if grows {
            work.notes.extend(volume::growth_notes(&live));
            work.steps.push(snapshots.take(&task.mark.address).guarded(self.guard(&live)));
        }
        if !settings.is_empty() {
            work.steps.push(set_step(&self.name, settings).guarded(self.guard(&live)));
        }
        // A step of its own: `zfs set` goes on with the other properties when one of them fails.
        work.steps.push(marks::write(&self.name, task.mark));
        if grows {
            let (steps, notes) = snapshots.prune(task.reply);
            work.steps.extend(steps);
            work.notes.extend(notes);
        }
        work
    }

    /// What is as declared because it is inherited, and will not be once what is above it is as declared.
    fn lost_with_parents(&self, observed: &Attributes, live: &Live) -> Vec<Difference> {
        let lost = |(name, desired): &(&String, &String)| {
            let source = live.setting(name).map_or("", |setting| setting.source.as_str());
            let later = self.site.inherited(&self.name, name, source);
            later.is_some_and(|later| !property::is_same(name, desired, &later, live.is_since_2_3()))
        };
        let is_equal = |(name, desired): &(&String, &String)| observed.get(*name) == Some(&desired.as_str().into());
        self.properties
            .iter()
            .filter(|it| is_equal(it) && lost(it))
            .map(|(name, desired)| Difference {
                attribute: name.clone(),
                before: observed.get(name).cloned(),
                after: Some(desired.as_str().into()),
                note: None,
            })
            .collect()
    }

    fn setting(&self, change: &Difference) -> (String, String) {
        if change.attribute == SIZE {
            return ("volsize".to_owned(), self.size.unwrap_or(Size(0)).0.to_string());
        }
        let value = self.properties.get(&change.attribute).map_or("", String::as_str);
        (change.attribute.clone(), property::argument(&change.attribute, value))
    }

    fn update_fault(&self, reply: &Reply, live: &Live, changes: &[Difference]) -> Option<Obstacle> {
        if changes.is_empty() {
            return None;
        }
        let protected = changes.iter().find_map(|change| match (change.attribute.as_str(), self.size) {
            (SIZE, Some(size)) => volume::shrink_fault(&self.name, live, size),
            _ => limit_fault(&self.name, live, change),
        });
        if let Some(why) = protected {
            return Some(Obstacle::Protected(why));
        }
        if let Ground::Ready(pool) = self.site.ground(reply, self.pool())
            && pool.value("readonly") == Some("on")
        {
            return Some(Obstacle::Refused(read_only(self.pool())));
        }
        if live.is_locked() {
            return Some(Obstacle::Refused(format!("its key is not loaded; `zfs load-key {}` loads it", self.name)));
        }
        let block = live.number("volblocksize").unwrap_or(volume::DEFAULT_BLOCK);
        self.declaration_fault()
            .or_else(|| changes.iter().find_map(|change| property_fault(&self.name, live, change)))
            .or_else(|| self.size.and_then(|size| volume::block_fault(&self.name, size, block)))
            .or_else(|| self.grows(live).then(|| snapshot::room_fault(&self.name, live)).flatten())
            .map(Obstacle::Refused)
    }

    fn grows(&self, live: &Live) -> bool {
        self.size.zip(live.number("volsize")).is_some_and(|(size, now)| size.0 > now)
    }

    /// All that was compared is still as it was.
    fn guard(&self, live: &Live) -> Guard {
        let size = self.size.map(|_| "volsize");
        guard(&self.name, live, self.properties.keys().map(String::as_str).chain(size))
    }
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        self.site.asks()
    }

    fn further_asks(&self, reply: &Reply) -> Vec<Ask> {
        let grows = self.live(reply).is_some_and(|live| self.grows(&live));
        if grows { self.site.snapshots(&self.name).asks() } else { Vec::new() }
    }

    fn observe(&self, reply: &Reply) -> Observation {
        if !is_name(&self.name) {
            return Observation::Unknown(format!(
                "`{}` is no name that ZFS allows: letters, digits, spaces and `-_.:`, parts separated by `/`",
                self.name
            ));
        }
        if let Ground::Unusable(why) = self.site.ground(reply, self.pool()) {
            return Observation::Unknown(why);
        }
        match self.site.dataset(reply, &self.name) {
            Found::Unknown(why) => Observation::Unknown(why),
            Found::Absent | Found::NoProgram => Observation::Absent,
            Found::There(live) => match live.value("type") {
                Some(kind) if kind != self.carrier.word() => {
                    Observation::Unknown(format!("`{}` is a {kind}, no {}", self.name, self.carrier.word()))
                }
                _ => Observation::Present(self.observed(&live)),
            },
        }
    }

    fn desired(&self) -> Attributes {
        let mut attributes: Attributes =
            self.properties.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        if let Some(size) = self.size {
            attributes.insert(SIZE.to_owned(), size.to_string().into());
        }
        attributes
    }

    fn compare(&self, observed: &Attributes, reply: &Reply) -> Vec<Difference> {
        let mut changes = differences(&self.desired(), observed);
        if let Some(live) = self.live(reply) {
            changes.extend(self.lost_with_parents(observed, &live));
        }
        with_notes(changes)
    }

    fn remarks(&self, reply: &Reply) -> Vec<String> {
        let Some(live) = self.live(reply) else { return Vec::new() };
        let mut remarks = Vec::new();
        if live.is_locked() {
            remarks.push(format!("its key is not loaded; `zfs load-key {}` loads it", self.name));
        } else if live.is_unmounted() {
            remarks.push(format!(
                "it is not mounted at `{}` though it should be; what is written there lies underneath",
                live.value("mountpoint").unwrap_or_default()
            ));
        }
        remarks
    }

    fn foresee(&self, differences: &[Difference]) -> Work {
        let of = |change: &Difference| property::disruption(&change.attribute, &self.name);
        let size = differences.iter().find(|change| change.attribute == SIZE);
        let shrinks = size.zip(self.size).and_then(|(change, size)| {
            let before = text(change.before.as_ref()).parse().ok()?;
            volume::shrinks(&self.name, before, size)
        });
        Work {
            obstacle: shrinks.map(|words| Obstacle::Protected(words + "; `zfs` would cut off what lies behind")),
            disruption: differences.iter().find_map(of),
            ..Work::default()
        }
    }

    fn work(&self, task: &Task<'_>) -> Work {
        match task.goal {
            Goal::Create => self.create(task),
            Goal::Update { differences, .. } => self.update(task, differences),
        }
    }
}

/// The declared properties as they are; one that means what is declared in other words is shown as declared.
pub(super) fn observed(declared: &BTreeMap<String, String>, live: &Live) -> Attributes {
    let since_2_3 = live.is_since_2_3();
    let value = |(name, desired): (&String, &String)| {
        let found = property::canonical(name, live.value(name)?);
        let found = if property::is_same(name, desired, &found, since_2_3) { desired.clone() } else { found };
        Some((name.clone(), Value::from(found)))
    };
    declared.iter().filter_map(value).collect()
}

/// Differences with what there is to know about each.
pub(super) fn with_notes(mut changes: Vec<Difference>) -> Vec<Difference> {
    for change in &mut changes {
        change.note = property::note(&change.attribute).map(str::to_owned);
    }
    changes
}

/// Where a value comes from that gives way to one of its own.
pub(super) fn source_note(live: &Live, property: &str, dataset: &str) -> Option<String> {
    let source = live.setting(property)?.source.as_str();
    if source == "received" {
        return Some(format!("`{property}` of `{dataset}` came with a received stream; it gets a local value"));
    }
    let parent = source.strip_prefix("inherited from ")?;
    Some(format!("`{property}` of `{dataset}` was inherited from `{parent}`; it gets a local value"))
}

/// Why a property of what exists can't get the declared value.
pub(super) fn property_fault(dataset: &str, live: &Live, change: &Difference) -> Option<String> {
    let name = change.attribute.as_str();
    if name == SIZE {
        return None;
    }
    let after = text(change.after.as_ref());
    match &change.before {
        Some(before) => property::unchangeable(name, dataset, &text(Some(before)), &after),
        None if property::is_user(name) => None,
        None => Some(format!(
            "this node's OpenZFS knows no property `{name}` of a {}",
            live.value("type").unwrap_or("dataset")
        )),
    }
}

/// A quota below what is used would be refused by ZFS half way.
pub(super) fn limit_fault(dataset: &str, live: &Live, change: &Difference) -> Option<String> {
    let (measure, words) = match change.attribute.as_str() {
        "quota" => ("used", "with what lies below it"),
        "refquota" => ("referenced", "by itself"),
        _ => return None,
    };
    let after = text(change.after.as_ref());
    let used = live.number(measure)?;
    let limit = property::bytes(&after)?;
    (limit < used).then(|| {
        format!(
            "`{}` of `{dataset}` would be {after}, and {} are used ({words}): free some of it first, or declare more",
            change.attribute,
            about(used)
        )
    })
}

/// A size for people: three digits.
pub(super) fn about(bytes: u64) -> String {
    const UNITS: [(&str, u32); 5] = [("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    for (unit, power) in UNITS {
        if bytes >> power > 0 {
            let tenths = (u128::from(bytes) * 10) >> power;
            return format!("{}.{}{unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} bytes")
}

pub(super) fn read_only(pool: &str) -> String {
    format!("the pool `{pool}` is imported read-only; export it and import it again to write")
}

pub(super) fn set_step(dataset: &str, settings: Vec<String>) -> Step {
    let about = format!(
        "set {} of {dataset}",
        settings.iter().map(|it| it.split('=').next().unwrap_or(it)).collect::<Vec<_>>().join(", ")
    );
    let argv = ["zfs", "set"].into_iter().map(str::to_owned).chain(settings).chain([dataset.to_owned()]);
    Step::run(about, argv)
}

/// The guard that these properties are as they were read. What is inherited, or would be if anything above had a value,
/// may change with its parent in the same apply: it gets a value of its own in any case.
pub(super) fn guard<'a>(dataset: &str, live: &Live, properties: impl Iterator<Item = &'a str>) -> Guard {
    let settings = properties.filter_map(|name| live.setting(name).map(|setting| (name, setting)));
    let from_above = |name: &str, source: &str| {
        source.starts_with("inherited from")
            || source == "default" && dataset.contains('/') && !property::is_ones_own(name)
    };
    let own = settings.filter(|(name, setting)| !from_above(name, &setting.source));
    // That it is what it was holds in any case, and gives the command a property to ask for.
    let all =
        own.map(|(name, setting)| (name, setting.value.as_str())).chain(live.value("type").map(|it| ("type", it)));
    let (names, values): (Vec<&str>, Vec<&str>) = all.unzip();
    let argv = ["zfs", "get", "-Hp", "-o", "value", &names.join(","), dataset].map(str::to_owned).to_vec();
    Guard::Output { argv, stdout: values.join("\n") }
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::Plain(serde_json::Value::String(text))) => text.clone(),
        _ => "not set".to_owned(),
    }
}

/// Canonical values of a table's properties.
pub(super) fn canonical(properties: &BTreeMap<String, Located<String>>) -> BTreeMap<String, String> {
    properties.iter().map(|(name, value)| (name.clone(), property::canonical(name, value))).collect()
}
