//! A desired object: how it is read, compared and changed.

use serde_json::Value as Json;

use super::check::Check;
use super::seen::{self, Seen};
use super::verdict::Verdict;
use super::{attributes, mark, steps};
use crate::config::Located;
use crate::kinds::{Body, Goal, Task, Work};
use crate::kubernetes::{
    Comparison, Readiness, Way, applied, applied_by_hand, compare, immutable, is_mark, owner, readiness,
};
use crate::lab::{Address, Manifest, Object, ObjectKey};
use crate::observe::{ApiAnswer, ApiAsk, Ask, Observation, Reply};
use crate::plan::{Attributes, Difference, Mark, Obstacle, Origin, Step, digest};

#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) key: ObjectKey,
    pub(super) manifest: Manifest,
    pub(super) take: Vec<Located<String>>,
    /// The definition of its kind, where the file has it.
    pub(super) definition: Option<Address>,
    /// Its namespace, where the file has it.
    pub(super) namespace: Option<Address>,
    lab: String,
    address: Address,
    desired: Attributes,
    digest: String,
}

impl Wanted {
    pub(super) fn new(lab: &str, object: &Object, definition: Option<Address>, namespace: Option<Address>) -> Self {
        let desired = attributes::desired(&object.manifest);
        Self {
            key: object.key.clone(),
            manifest: object.manifest.clone(),
            take: object.take.clone(),
            definition,
            namespace,
            lab: lab.to_owned(),
            address: object.address.clone(),
            digest: digest(&desired),
            desired,
        }
    }

    pub(super) fn seen<'a>(&self, reply: &'a Reply) -> Seen<'a> {
        seen::find(&self.key, &self.lab, reply)
    }

    /// The mark that the object has, where it is this lab's.
    pub(super) fn mark_of(&self, live: &Json) -> Option<Mark> {
        mark::read(live).map(|(_, mark)| mark).filter(|mark| mark.lab == self.lab)
    }

    /// The mark that it has when it is done.
    pub(super) fn new_mark(&self, live: Option<&Json>) -> Mark {
        let origin = match live {
            None => Origin::Made,
            Some(live) => self.mark_of(live).map_or(Origin::Adopted, |mark| mark.origin),
        };
        Mark::new(&self.lab, &self.address, origin, &self.desired)
    }

    /// The manifest with a mark in it.
    pub(super) fn marked_manifest(&self, mark: &Mark) -> Manifest {
        let mut manifest = self.manifest.clone();
        mark::write(&mut manifest.json, mark);
        manifest
    }

    /// The desired object with masks in the places of its slots. Why, where one can't be had.
    pub(super) fn masked(&self, reply: &Reply) -> Result<Json, String> {
        let mut json = self.manifest.json.clone();
        for (pointer, slot) in &self.manifest.slots {
            let mask = match reply.api(&ApiAsk::Mask(slot.clone()))? {
                ApiAnswer::Mask(mask) => mask.clone(),
                _ => return Err("what stands for a secret can't be had".to_owned()),
            };
            if let Some(place) = json.pointer_mut(pointer) {
                *place = Json::String(mask);
            }
        }
        Ok(json)
    }

    /// Whether labctl applied this very desire last.
    pub(super) fn is_as_applied(&self, live: &Json) -> bool {
        self.mark_of(live).is_some_and(|mark| mark.digest == self.digest)
    }

    pub(super) fn comparison(&self, masked: &Json, live: &Json) -> Comparison {
        compare(masked, live, applied(live).as_ref(), self.is_as_applied(live))
    }

    /// What makes a dry run superfluous or senseless: it is as desired, or in other hands.
    pub(super) fn is_settled_by_itself(&self, masked: &Json, live: &Json) -> bool {
        let is_marked = mark::read(live).is_some();
        let is_foreign = mark::read(live).is_some_and(|(_, mark)| mark.lab != self.lab);
        let is_owned = !is_marked && owner(live).is_some();
        is_foreign
            || is_owned
            || live.pointer("/metadata/deletionTimestamp").is_some()
            || (is_marked && self.comparison(masked, live).is_equal())
    }

    /// Whether its namespace is known not to be there.
    pub(super) fn has_no_namespace(&self, reply: &Reply) -> bool {
        let namespace = self
            .key
            .namespace
            .as_ref()
            .map(|name| ObjectKey::new(crate::lab::ApiKind::new("v1", "Namespace"), None, name.as_str()));
        namespace.is_some_and(|key| matches!(reply.api(&ApiAsk::Object(key)), Ok(ApiAnswer::Absent)))
    }

    fn create(&self, task: &Task<'_>) -> Work {
        if matches!(self.seen(task.reply), Seen::NoKind) {
            return self.without_kind();
        }
        let steps = |force| {
            let apply = steps::apply(&self.key, self.marked_manifest(task.mark), force, Some(steps::absent(&self.key)));
            [apply].into_iter().chain(steps::wait(&self.key)).collect::<Vec<Step>>()
        };
        if self.has_no_namespace(task.reply) && self.namespace.is_some() {
            let note = "not checked by the server: its namespace comes with this plan".to_owned();
            return Work { notes: vec![note], ..Work::steps(steps(false)) };
        }
        match self.check(None, task.reply) {
            Check::Passed { force, .. } => Work::steps(steps(force)),
            Check::NoKind => self.without_kind(),
            Check::Refused { refusal, conflicts } => match self.verdict(refusal, &conflicts) {
                Verdict::Note(note) => Work { notes: vec![note], ..Work::steps(steps(false)) },
                Verdict::Refused(why) => Work::refused(why),
            },
            Check::Open(_) => unknown("the server was not asked what would become of it"),
            Check::Unknown(why) => unknown(&why),
        }
    }

    fn update(&self, live: &Json, differences: &[Difference], task: &Task<'_>) -> Work {
        let is_marked = self.mark_of(live).is_some();
        if let Some(owner) = owner(live).filter(|_| !is_marked) {
            return Work::refused(format!("it belongs to {}; {}", owner.name, owner.steps));
        }
        if live.pointer("/metadata/deletionTimestamp").is_some() {
            return Work::refused(being_deleted(live));
        }
        match self.check(Some(live), task.reply) {
            Check::Passed { force, taken, .. } => {
                let notes =
                    taken.iter().map(|conflict| format!("`{}` is taken from `{}`", conflict.field, conflict.manager));
                Work { notes: notes.collect(), ..Work::steps(self.changing(live, force, task.mark)) }
            }
            Check::NoKind => self.without_kind(),
            Check::Refused { refusal, .. }
                if refusal.code == 422 && self.fixed(live, refusal, task.reply).is_some() =>
            {
                self.anew(live, refusal, task)
            }
            Check::Refused { refusal, conflicts } => match self.verdict(refusal, &conflicts) {
                Verdict::Note(note) => Work { notes: vec![note], ..Work::steps(self.changing(live, false, task.mark)) },
                Verdict::Refused(why) => Work::refused(why),
            },
            // Nothing of it has to be asked of the server: what differs is no field of its own.
            Check::Open(_) if differences.is_empty() => Work::default(),
            Check::Open(_) => unknown("the server was not asked what would become of it"),
            Check::Unknown(why) => unknown(&why),
        }
    }

    /// Steps that change the object where it stands. What a person applied is taken over first.
    fn changing(&self, live: &Json, force: bool, mark: &Mark) -> Vec<Step> {
        let mut all = self.taking(live, force, mark);
        all.extend(steps::wait(&self.key));
        all
    }

    fn taking(&self, live: &Json, force: bool, mark: &Mark) -> Vec<Step> {
        let mut all = Vec::new();
        let hands = if self.mark_of(live).is_none() { applied_by_hand(live) } else { Vec::new() };
        let guard = steps::unchanged(&self.key, live);
        if hands.is_empty() {
            all.push(steps::apply(&self.key, self.marked_manifest(mark), force, Some(guard)));
        } else {
            all.push(steps::take_over(&self.key, hands, Some(guard.clone())));
            // Taking over moves the version of an object, by which alone a Secret is known.
            let guard = Some(guard).filter(|_| !attributes::is_secret(live));
            all.push(steps::apply(&self.key, self.marked_manifest(mark), force, guard));
        }
        all
    }

    /// The fields that can't be changed, where the server refuses because of them.
    fn fixed(&self, live: &Json, refusal: &crate::observe::Refusal, reply: &Reply) -> Option<(Vec<String>, Way)> {
        const SAID: [&str; 4] = ["immutable", "updates to", "forbidden", "cannot change"];
        let is_said = |text: &str| SAID.iter().any(|words| text.contains(words));
        let said = is_said(&refusal.message) || refusal.causes.iter().any(|cause| is_said(&cause.message));
        let comparison = self.masked(reply).ok().map(|masked| self.comparison(&masked, live)).filter(|_| said)?;
        let paths: Vec<_> =
            comparison.differs.iter().chain(&comparison.removed).map(|difference| difference.path.clone()).collect();
        immutable(&self.key.kind, &paths)
    }

    /// Makes it anew, where that harms nothing.
    fn anew(&self, live: &Json, refusal: &crate::observe::Refusal, task: &Task<'_>) -> Work {
        let Some((fields, way)) = self.fixed(live, refusal, task.reply) else { return Work::default() };
        let fields = fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
        match way {
            Way::Refuse(why) => Work::protected(format!("{fields} can't be changed: {why}")),
            Way::Replace(disruption) => {
                let mut all = steps::delete(&self.key, Some(steps::unchanged(&self.key, live)));
                let absent = Some(steps::absent(&self.key));
                all.push(steps::apply(&self.key, self.marked_manifest(task.mark), false, absent));
                all.extend(steps::wait(&self.key));
                Work {
                    replaces: true,
                    disruption: disruption.map(ToOwned::to_owned),
                    notes: vec![format!("{fields} can't be changed, so it is made anew")],
                    ..Work::steps(all)
                }
            }
        }
    }

    fn without_kind(&self) -> Work {
        match &self.definition {
            Some(definition) => Work { deferred: Some(format!("its kind comes with {definition}")), ..Work::default() },
            None => Work::refused(format!(
                "the cluster serves no {}; declare what defines it, or correct `apiVersion` and `kind`",
                self.key.kind
            )),
        }
    }
}

fn unknown(why: &str) -> Work {
    Work { obstacle: Some(Obstacle::Unknown(why.to_owned())), ..Work::default() }
}

fn being_deleted(live: &Json) -> String {
    let finalizers = live.pointer("/metadata/finalizers").and_then(Json::as_array);
    let waits: Vec<String> =
        finalizers.into_iter().flatten().filter_map(Json::as_str).map(|name| format!("`{name}`")).collect();
    match waits.as_slice() {
        [] => "it is being deleted; plan again when it is gone".to_owned(),
        waits => format!("it is being deleted and waits for {}; plan again when it is gone", waits.join(", ")),
    }
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        let masks = self.manifest.slots.values().map(|slot| ApiAsk::Mask(slot.clone()));
        std::iter::once(seen::marked(&self.key.kind, &self.lab)).chain(masks).map(Ask::Api).collect()
    }

    fn further_asks(&self, reply: &Reply) -> Vec<Ask> {
        let check = match self.seen(reply) {
            Seen::NoKind => return Vec::new(),
            Seen::Unknown(_) => return vec![Ask::Api(ApiAsk::Object(self.key.clone()))],
            Seen::Absent if self.has_no_namespace(reply) && self.namespace.is_some() => return Vec::new(),
            Seen::Absent => self.check(None, reply),
            Seen::Present(live) => match self.masked(reply) {
                Ok(masked) if !self.is_settled_by_itself(&masked, live) => self.check(Some(live), reply),
                _ => return Vec::new(),
            },
        };
        match check {
            Check::Open(ask) => vec![Ask::Api(ask)],
            _ => Vec::new(),
        }
    }

    fn observe(&self, reply: &Reply) -> Observation {
        let live = match self.seen(reply) {
            Seen::Unknown(why) => return Observation::Unknown(why),
            Seen::Absent | Seen::NoKind => return Observation::Absent,
            Seen::Present(live) => live,
        };
        let masked = match self.masked(reply) {
            Ok(masked) => masked,
            Err(why) => return Observation::Unknown(why),
        };
        if !self.is_settled_by_itself(&masked, live)
            && let Check::Unknown(why) = self.check(Some(live), reply)
        {
            return Observation::Unknown(format!("what would become of it isn't known: {why}"));
        }
        Observation::Present(attributes::observed(live, &self.manifest, &masked))
    }

    fn desired(&self) -> Attributes {
        self.desired.clone()
    }

    fn compare(&self, _observed: &Attributes, reply: &Reply) -> Vec<Difference> {
        match (self.seen(reply), self.masked(reply)) {
            (Seen::Present(live), Ok(masked)) => self.differences(&masked, live, reply),
            _ => Vec::new(),
        }
    }

    fn remarks(&self, reply: &Reply) -> Vec<String> {
        match self.seen(reply) {
            Seen::Present(live) if self.mark_of(live).is_some() => match readiness(live) {
                Readiness::Failed(why) => vec![format!("it is not ready: {why}")],
                Readiness::Ready | Readiness::NotYet(_) => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Server-side apply has it so.
    fn takes_away(&self) -> bool {
        true
    }

    fn work(&self, task: &Task<'_>) -> Work {
        match (&task.goal, self.seen(task.reply)) {
            (Goal::Update { differences, .. }, Seen::Present(live)) => self.update(live, differences, task),
            _ => self.create(task),
        }
    }

    fn mark_steps(&self, mark: &Mark, reply: &Reply) -> Option<Vec<Step>> {
        match self.seen(reply) {
            Seen::Present(live) => Some(self.taking(live, false, mark)),
            _ => None,
        }
    }
}

/// Whether a difference of a field is worth a word: not labctl's own marks.
pub(super) fn is_shown(path: &crate::kubernetes::FieldPath) -> bool {
    !is_mark(path)
}
