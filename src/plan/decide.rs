//! One resource: what the file says, what the lab answers and what the mark remembers, made into a change.

use super::ground_record::GroundRecord;
use super::keep::keeping;
use super::{Action, Attributes, Cause, Change, Difference, Mark, Obstacle, Origin, Step, digest, record};
use crate::kinds::{Declared, Goal, Task, Work};
use crate::lab::{Address, Lab, Site};
use crate::observe::{Observation, Reply};

/// What a decision rests on, besides the resource itself.
pub(super) struct Scene<'a> {
    pub(super) lab: &'a Lab,
    pub(super) site: Site<'a>,
    pub(super) reply: &'a Reply,
    pub(super) options: &'a super::Options,
    /// Of a cluster: what labctl keeps about it there.
    pub(super) record: Option<&'a GroundRecord>,
}

impl Scene<'_> {
    /// The steps of a change on this ground: in a cluster they rely on its being that cluster, and where something of
    /// a new kind is made, that is noted first.
    pub(super) fn on_ground(&self, name: &str, steps: Vec<Step>) -> Vec<Step> {
        let (Some(record), Site::Cluster(cluster)) = (self.record, self.site) else { return steps };
        if steps.is_empty() {
            return steps;
        }
        let kind = name.split('/').next().unwrap_or_default();
        let note = (!record.knows(kind)).then(|| record.step(self.lab, cluster));
        let mut steps: Vec<Step> = note.into_iter().chain(steps).collect();
        for step in &mut steps {
            step.guards.insert(0, record.guard());
        }
        steps
    }
}

/// The change of one declared resource. Its needs, wave and blocks come later.
pub(super) fn decide(scene: &Scene<'_>, declared: &Declared, mark: Result<Option<&Mark>, String>) -> Change {
    let mut change = blank(declared);
    let observation = declared.resource.body.observe(scene.reply);
    let mark = match (&observation, mark) {
        (Observation::Unknown(why), _) => return unknown(change, why),
        (_, Err(why)) => return unknown(change, &format!("whether it is labctl's can't be read: {why}")),
        (_, Ok(mark)) => mark,
    };
    if let Some(mark) = mark.filter(|mark| mark.lab != scene.lab.name) {
        if let Observation::Present(observed) = observation {
            change.before = Some(observed);
        }
        let why = format!("it belongs to the lab `{}`; take it out of that lab's file and apply there first", mark.lab);
        change.obstacle = Some(Obstacle::Refused(why));
        return change;
    }
    let mark = mark.filter(|mark| mark.origin != Origin::Released);
    match observation {
        Observation::Present(observed) => present(scene, declared, mark, change, observed),
        Observation::Absent | Observation::Unknown(_) => absent(scene, declared, mark, change),
    }
}

fn blank(declared: &Declared) -> Change {
    let resource = &declared.resource;
    let (address, ground) = (resource.address.clone(), resource.ground.clone());
    Change {
        after: Some(resource.body.desired()),
        place: Some(resource.meta.place.clone()),
        ..Change::new(address, declared.kind.name(), ground, resource.name.as_str())
    }
}

/// The change of a resource that could not be read.
fn unknown(mut change: Change, why: &str) -> Change {
    change.obstacle = Some(Obstacle::Unknown(why.to_owned()));
    change
}

/// The change of a resource whose ground does not exist yet.
pub(super) fn not_yet(declared: &Declared, why: &str) -> Change {
    let mut change = blank(declared);
    change.action = Action::Deferred;
    change.notes.push(why.to_owned());
    change
}

/// The change of a resource whose ground is not the one that it was.
pub(super) fn refused(declared: &Declared, why: &str) -> Change {
    let mut change = blank(declared);
    change.obstacle = Some(Obstacle::Refused(why.to_owned()));
    change
}

/// The change of a resource whose ground could not be reached.
pub(super) fn unreachable(declared: &Declared, why: &str) -> Change {
    let mut change = blank(declared);
    change.obstacle = Some(Obstacle::Unreachable(why.to_owned()));
    change
}

fn absent(scene: &Scene<'_>, declared: &Declared, mark: Option<&Mark>, mut change: Change) -> Change {
    let desired = declared.resource.body.desired();
    change.action = Action::Create;
    change.cause = match mark {
        None => Cause::File,
        Some(mark) if mark.pending => Cause::Unfinished,
        Some(mark) if mark.digest == digest(&desired) => Cause::Lab,
        Some(_) => Cause::Both,
    };
    change.differences = desired
        .iter()
        .map(|(name, value)| Difference {
            attribute: name.clone(),
            before: None,
            after: Some(value.clone()),
            note: None,
        })
        .collect();
    let new =
        Mark::new(&scene.lab.name, &change.address, Origin::Made, &desired).taking(declared.resource.body.inputs());
    let work = declared.resource.body.work(&Task { goal: Goal::Create, mark: &new, reply: scene.reply });
    finish(scene, declared, change, work, mark, new)
}

fn present(
    scene: &Scene<'_>,
    declared: &Declared,
    mark: Option<&Mark>,
    mut change: Change,
    observed: Attributes,
) -> Change {
    let desired = declared.resource.body.desired();
    let mut differences = declared.resource.body.compare(&observed, scene.reply);
    let inputs = declared.resource.body.inputs();
    if mark.is_some_and(|mark| mark.may_lack(inputs.as_deref())) {
        let outdated = declared.resource.body.outdated(&observed, &differences);
        differences.extend(outdated);
    }
    let origin = mark.map_or(Origin::Adopted, |mark| mark.origin);
    let new = Mark::new(&scene.lab.name, &change.address, origin, &desired).taking(inputs.clone());
    let equal = differences.is_empty();
    match mark {
        None => {
            change.action = Action::Adopt;
            change.cause = Cause::File;
            let leave = declared.resource.meta.adopt || scene.options.may_adopt(&change.address);
            if !equal && !leave {
                change.obstacle = Some(Obstacle::Refused(adopt_leave(&change.address)));
            }
        }
        Some(mark) => {
            change.cause = cause(mark, &desired, &observed, equal);
            let stays = |name: &&String| {
                !desired.contains_key(*name) && !differences.iter().any(|difference| difference.attribute == **name)
            };
            change.released = mark.owns.iter().filter(stays).cloned().collect();
            change.previous_address = Some(mark.address.clone()).filter(|old| *old != change.address);
            change.action = match (equal, change.released.is_empty()) {
                (false, _) => Action::Update,
                (true, false) => Action::Forget,
                (true, true) if mark.is_as(&new) => Action::None,
                (true, true) => Action::Mark,
            };
        }
    }
    let work = if equal {
        Work::default()
    } else {
        let goal = Goal::Update { observed: &observed, differences: &differences };
        declared.resource.body.work(&Task { goal, mark: &new, reply: scene.reply })
    };
    change.notes = declared.resource.body.remarks(scene.reply);
    change.before = Some(observed);
    change.differences = differences;
    finish(scene, declared, change, work, mark, new)
}

fn adopt_leave(address: &Address) -> String {
    format!(
        "it exists, is not labctl's, and differs; to take it over say `adopt = true` in its table or `--adopt {}`",
        super::quote(&address.to_string())
    )
}

/// Whether the file, the lab or both moved since the last apply.
fn cause(mark: &Mark, desired: &Attributes, observed: &Attributes, equal: bool) -> Cause {
    let owned: Attributes =
        observed.iter().filter(|(name, _)| mark.owns.contains(*name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    let file_moved = mark.digest != digest(desired);
    // Without a list of what was applied, an edit of the file explains a difference.
    let is_explained = equal || (file_moved && mark.owns.is_empty()) || mark.digest == digest(&owned);
    match (mark.pending, file_moved, is_explained) {
        (true, _, _) => Cause::Unfinished,
        (false, false, true) => Cause::None,
        (false, false, false) => Cause::Lab,
        (false, true, true) => Cause::File,
        (false, true, false) => Cause::Both,
    }
}

/// Puts the kind's work into the change, between the mark before the act and the mark after it.
fn finish(
    scene: &Scene<'_>,
    declared: &Declared,
    mut change: Change,
    work: Work,
    old: Option<&Mark>,
    new: Mark,
) -> Change {
    if work.replaces && change.action == Action::Update {
        change.action = Action::Replace;
    }
    change.notes.extend(work.notes);
    change.disruption = work.disruption;
    if let Some(why) = work.deferred {
        change.action = Action::Deferred;
        change.notes.push(why);
    }
    // What the kind says of it is the nearer reason: with that mended, the leave may not be needed.
    change.obstacle = work.obstacle.or(change.obstacle);
    if matches!(change.action, Action::None | Action::Deferred) {
        return change;
    }
    if let Some(hold) = declared.resource.meta.hold.as_ref().filter(|hold| scene.options.holds(hold)) {
        change.obstacle = change.obstacle.or_else(|| Some(Obstacle::Held(hold.clone())));
    }
    if change.obstacle.is_none() {
        let nothing = Attributes::new();
        let before = change.before.as_ref().unwrap_or(&nothing);
        let steps = keeping(scene.lab, scene.site, work.steps, old.is_some(), before);
        let tidying = work.tidies.then(|| work.put_back.clone());
        (change.steps, change.put_back) = marked(scene, declared, steps, work.put_back, old, new);
        // What only tidies up leaves the note of what was begun.
        change.put_back = tidying.unwrap_or_else(|| std::mem::take(&mut change.put_back));
    }
    change
}

fn marked(
    scene: &Scene<'_>,
    declared: &Declared,
    act: Vec<Step>,
    mut put_back: Vec<Step>,
    old: Option<&Mark>,
    new: Mark,
) -> (Vec<Step>, Vec<Step>) {
    let (kind, name) = (declared.kind, declared.resource.name.as_str());
    if kind.carries_marks() {
        let mark = || declared.resource.body.mark_steps(&new, scene.reply);
        let steps =
            if act.is_empty() { mark().unwrap_or_else(|| kind.mark_steps(scene.site, name, &new)) } else { act };
        return (scene.on_ground(name, steps), put_back);
    }
    let Some(node) = scene.site.node() else { return (scene.on_ground(name, act), put_back) };
    let write = |mark: Mark| record::write(scene.lab, node, kind.name(), name, mark);
    if !put_back.is_empty() {
        put_back.push(match old {
            Some(old) => write(old.clone()),
            None => record::remove(scene.lab, node, kind.name(), name),
        });
    }
    let mut steps = Vec::with_capacity(act.len() + 2);
    if !act.is_empty() {
        // What the act relies on is looked at before anything is noted: a note of what was never begun would claim what
        // somebody else has made in between.
        let relies_on = act.first().map(|step| step.guards.clone()).unwrap_or_default();
        steps.push(Step { guards: relies_on, ..write(new.clone().pending()) });
        steps.extend(act);
    }
    steps.push(write(new));
    (steps, put_back)
}
