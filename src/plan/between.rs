//! What one state of the files declares otherwise than another, as a plan without steps: the lab is not looked at.

use std::collections::BTreeMap;

use super::behind;
use super::build::block;
use super::moves::{is_data, renamed};
use super::own_way;
use super::ways::ways;
use super::{Action, Cause, Change, Difference, Obstacle, Plan, differences};
use crate::graph::Graph;
use crate::kinds::{Declared, Leaving};
use crate::lab::{Address, Ground, Lab};

/// One state of the files.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// The lab.
    pub lab: &'a Lab,
    /// What it desires.
    pub declared: &'a [Declared],
    /// The order of that.
    pub graph: &'a Graph,
    /// Why it is not known what the services desire: files from elsewhere that are not here.
    pub unfetched: Option<&'a str>,
}

/// What `head` declares otherwise than `base`, which may be nothing at all; and what labctl would do otherwise on its way.
pub fn between(base: Option<Side<'_>>, head: Side<'_>) -> (Plan, Vec<String>) {
    let mut old: BTreeMap<Key, &Declared> =
        base.iter().flat_map(|base| base.declared).map(|declared| (Key::of(declared), declared)).collect();
    let mut changes: BTreeMap<Address, Change> = BTreeMap::new();
    let mut open = Vec::new();
    for new in head.declared {
        let key = Key { ground: head.lab.ground_formerly(&new.resource.ground), ..Key::of(new) };
        match old.remove(&key) {
            Some(old) => drop(changes.insert(new.resource.address.clone(), same(old, new))),
            None => open.push(new),
        }
    }
    for new in open {
        let former = head.lab.formerly(&new.resource.address);
        let ground = head.lab.ground_formerly(&new.resource.ground);
        let is_it = |(key, old): &(&Key, &&Declared)| {
            Some(&old.resource.address) == former.as_ref() && key.kind == new.kind.name() && key.ground == ground
        };
        let key = old.iter().find(is_it).map(|(key, _)| key.clone());
        let change = match key.and_then(|key| old.remove(&key)) {
            Some(old) => moved(old, new),
            None => created(new, base.and_then(|base| base.unfetched)),
        };
        changes.insert(new.resource.address.clone(), change);
    }
    let mut ordered: Vec<Change> =
        head.graph.order().into_iter().filter_map(|address| changes.remove(address)).collect();
    for change in &mut ordered {
        change.needs = head.graph.needs(&change.address);
    }
    let mut gone: Vec<Change> = old.into_values().map(|old| left(head, old)).collect();
    gone.sort_by(|a, b| (&b.kind, &b.address).cmp(&(&a.kind, &a.address)));
    ordered.extend(gone);
    block(&mut ordered);
    behind::note(&mut ordered, head.declared, head.graph);
    own_way::note(&mut ordered, head.lab);
    (Plan::new(head.lab, ordered), other_ways(base.map(|base| base.lab), head.lab))
}

/// What makes a resource the same one, whatever its address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    ground: Ground,
    kind: &'static str,
    name: String,
}

impl Key {
    fn of(declared: &Declared) -> Self {
        let resource = &declared.resource;
        Self { ground: resource.ground.clone(), kind: declared.kind.name(), name: resource.name.clone() }
    }
}

fn change(declared: &Declared) -> Change {
    let resource = &declared.resource;
    let address = resource.address.clone();
    Change::new(address, declared.kind.name(), resource.ground.clone(), resource.name.clone())
}

fn of_head(declared: &Declared) -> Change {
    Change {
        after: Some(declared.resource.body.desired()),
        place: Some(declared.resource.meta.place.clone()),
        cause: Cause::File,
        ..change(declared)
    }
}

/// What both declare.
fn same(old: &Declared, new: &Declared) -> Change {
    let (body, before) = (&new.resource.body, old.resource.body.desired());
    let mut change = of_head(new);
    let desired = body.desired();
    let mut found = differences(&desired, &before);
    let vanished = before.iter().filter(|(name, _)| !desired.contains_key(*name));
    if body.takes_away() {
        let gone = vanished.map(|(name, value)| Difference {
            attribute: name.clone(),
            before: Some(value.clone()),
            after: None,
            note: None,
        });
        found.extend(gone);
    } else {
        change.released = vanished.map(|(name, _)| name.clone()).collect();
    }
    if body.inputs() != old.resource.body.inputs() {
        found.extend(body.outdated(&before, &found));
    }
    change.previous_address = Some(old.resource.address.clone()).filter(|old| *old != change.address);
    change.action = match (found.is_empty(), change.released.is_empty(), &change.previous_address) {
        (false, ..) => Action::Update,
        (true, false, _) => Action::Forget,
        (true, true, Some(_)) => Action::Mark,
        (true, true, None) => Action::None,
    };
    if change.action == Action::Update {
        let work = body.foresee(&found);
        (change.obstacle, change.disruption) = (work.obstacle, work.disruption);
        change.notes = work.notes;
        if work.replaces {
            change.action = Action::Replace;
        }
    }
    if change.action == Action::None {
        change.cause = Cause::None;
    }
    change.before = Some(before);
    change.differences = found;
    change
}

/// What has another address, and with it another real name.
fn moved(old: &Declared, new: &Declared) -> Change {
    let mut change = same(old, new);
    change.action = if is_data(&change.kind) { Action::Mark } else { Action::Replace };
    change.cause = Cause::File;
    change.notes.push(renamed(&self::change(old), &change));
    change
}

fn created(new: &Declared, unfetched: Option<&str>) -> Change {
    let mut change = Change { action: Action::Create, ..of_head(new) };
    let added = |(name, value): (&String, &super::Value)| Difference {
        attribute: name.clone(),
        before: None,
        after: Some(value.clone()),
        note: None,
    };
    change.differences = change.after.iter().flatten().map(added).collect();
    change.obstacle = may_be_hidden(new, unfetched);
    change
}

/// What only the base declares. It stays where labctl no longer goes, and where it is data.
fn left(head: Side<'_>, old: &Declared) -> Change {
    let mut change = Change { cause: Cause::File, before: Some(old.resource.body.desired()), ..change(old) };
    let is_reached = head.lab.sites().any(|site| head.lab.ground_formerly(&site.ground()) == change.ground);
    change.action = match old.kind.leaving() {
        Leaving::Destroyed | Leaving::Ended if is_reached => Action::Delete,
        Leaving::Destroyed | Leaving::Ended | Leaving::Forgotten => Action::Forget,
    };
    if !is_reached {
        change.notes.push(format!("{} left the file: labctl no longer goes there, and it stays", change.ground));
    }
    change.obstacle = may_be_hidden(old, head.unfetched);
    change
}

/// Whether an object that seems to be in one state alone may be in a file that the other state names and that was never
/// fetched.
fn may_be_hidden(declared: &Declared, unfetched: Option<&str>) -> Option<Obstacle> {
    let why = unfetched.filter(|_| matches!(declared.resource.ground, Ground::Cluster(_)))?;
    Some(Obstacle::Unknown(why.to_owned()))
}

fn other_ways(base: Option<&Lab>, head: &Lab) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(base) = base.filter(|base| base.name != head.name) {
        sentences.push(format!(
            "`lab.name` changes from `{}` to `{}`: what labctl made under the old name is not known to it any more",
            base.name, head.name
        ));
    }
    let (before, mut after) = (base.map(ways).unwrap_or_default(), ways(head));
    for (address, before) in before {
        let new = after.keys().find(|new| head.formerly(new).as_ref() == Some(&address)).cloned();
        match after.remove(&new.unwrap_or_else(|| address.clone())) {
            Some(after) if after != before => sentences.push(format!("{address}: {before} -> {after}")),
            Some(_) => {}
            None => sentences.push(format!("{address} is gone: {before}")),
        }
    }
    sentences.extend(after.into_iter().map(|(address, after)| format!("{address} is new: {after}")));
    sentences
}
