//! Objects that left the file: deleted where that harms nothing, let go of otherwise.

use serde_json::Value as Json;

use super::{attributes, mark, seen, steps};
use crate::kinds::{Leftover, Work};
use crate::kubernetes::{Holds, holds, is_built_in, kept, kept_by_contents};
use crate::lab::{Lab, ObjectKey};
use crate::observe::{ApiAnswer, ApiAsk, Ask, Observation, Reply};
use crate::plan::{Mark, Step, shell_line};

/// An object by its name in a plan, `kind.group/namespace/name`; a kind alone stands for what of it can't be listed.
#[derive(Debug)]
pub(super) struct Gone(pub(super) String);

impl Gone {
    fn find<'a>(&self, reply: &'a Reply) -> Option<(ObjectKey, &'a Json)> {
        seen::objects(reply).find_map(|object| {
            let (key, _) = mark::read(object)?;
            (key.path() == self.0).then_some((key, object))
        })
    }

    /// What must be known before it may be deleted.
    fn contents(&self, reply: &Reply) -> Option<ApiAsk> {
        let (_, object) = self.find(reply)?;
        match holds(object) {
            Holds::Nothing => None,
            Holds::Namespace(name) => Some(ApiAsk::Contents(name)),
            Holds::Kind(kind) => Some(ApiAsk::All(kind)),
        }
    }

    fn is_kind(&self) -> bool {
        !self.0.contains('/')
    }
}

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        Vec::new()
    }

    fn further_asks(&self, reply: &Reply) -> Vec<Ask> {
        // What stays in any case is not asked about.
        let is_kept = self.find(reply).is_some_and(|(_, object)| kept(object).is_some());
        self.contents(reply).filter(|_| !is_kept).map(Ask::Api).into_iter().collect()
    }

    fn observe(&self, reply: &Reply) -> Observation {
        if self.is_kind() {
            let why = seen::unlisted(reply).into_iter().find(|(kind, ..)| kind.qualified() == self.0);
            let why = why.map_or_else(String::new, |(_, _, why)| why);
            return Observation::Unknown(format!("what left the file of {} isn't known: {why}", self.0));
        }
        match self.find(reply) {
            Some((_, object)) => Observation::Present(attributes::left(object)),
            None => Observation::Absent,
        }
    }

    fn stays(&self, lab: &Lab, reply: &Reply) -> Option<String> {
        let (_, object) = self.find(reply)?;
        if let Some(why) = kept(object) {
            return Some(why);
        }
        let contents = self.contents(reply)?;
        match reply.api(&contents) {
            Ok(ApiAnswer::Objects(all)) => {
                let is_declared = |key: &ObjectKey| lab.objects.iter().any(|object| object.key.is_same(key));
                kept_by_contents(&lab.name, all, is_declared)
            }
            Ok(ApiAnswer::NoKind) => None,
            Ok(ApiAnswer::Refused(refusal)) => {
                Some(format!("whether it holds something can't be read: {}", refusal.message))
            }
            Ok(_) => Some("whether it holds something can't be read".to_owned()),
            Err(why) => Some(format!("whether it holds something can't be read: {why}")),
        }
    }

    /// Webhooks first, or they would refuse what follows; then what operators still have to clean up; what holds others
    /// last.
    fn turn(&self, reply: &Reply) -> u32 {
        let Some((key, _)) = self.find(reply) else { return 0 };
        match key.kind.kind.as_str() {
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => 0,
            "Namespace" => 4,
            "CustomResourceDefinition" => 3,
            _ if !is_built_in(&key.kind) => 1,
            _ => 2,
        }
    }

    fn remove(&self, reply: &Reply) -> Work {
        let Some((key, object)) = self.find(reply) else { return Work::default() };
        Work::steps(steps::delete(&key, Some(steps::unchanged(&key, object))))
    }

    fn destruction_asks(&self, reply: &Reply) -> Vec<Ask> {
        self.contents(reply).map(Ask::Api).into_iter().collect()
    }

    /// What it holds is destroyed by its own address, one after another: a namespace takes nothing along unseen.
    fn destroy(&self, reply: &Reply, _stamp: &str) -> Work {
        let Some((_, object)) = self.find(reply) else { return Work::default() };
        if let Some(contents) = self.contents(reply) {
            let held = match reply.api(&contents) {
                Ok(ApiAnswer::Objects(all)) => kept_by_contents("", all, |_| true),
                Ok(ApiAnswer::NoKind) => None,
                _ => Some("whether it holds something can't be read".to_owned()),
            };
            if let Some(why) = held {
                return Work::protected(why);
            }
        }
        let mut work = self.remove(reply);
        work.notes.extend(kept(object));
        work
    }

    fn backup(&self, reply: &Reply) -> Option<Json> {
        let (_, object) = self.find(reply)?;
        let mut object = object.clone();
        // What the server writes is refused in what is made anew.
        if let Some(metadata) = object.get_mut("metadata").and_then(Json::as_object_mut) {
            for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"] {
                metadata.remove(field);
            }
        }
        Some(object)
    }

    fn release(&self, _mark: &Mark, reply: &Reply) -> Option<Vec<Step>> {
        let (key, object) = self.find(reply)?;
        Some(vec![steps::release(&key, Some(steps::unchanged(&key, object)))])
    }

    fn by_hand(&self) -> String {
        let mut parts = self.0.split('/');
        let kind = parts.next().unwrap_or_default();
        let (first, second) = (parts.next().unwrap_or_default(), parts.next());
        match second {
            Some(name) => shell_line(["kubectl", "delete", kind, name, "--namespace", first]),
            None => shell_line(["kubectl", "delete", kind, first]),
        }
    }
}
