//! What a simulated cluster answers.

use serde_json::{Value, json};

use super::super::super::contents::Contents;
use super::super::super::kube::{Filled, Masks};
use super::super::super::outcome::ReachError;
use super::server::{ApiServer, is_marked, not_found};
use crate::kubernetes::lease;
use crate::kubernetes::{MANAGER, Scope};
use crate::lab::ObjectKey;
use crate::observe::{Answer, ApiAnswer, ApiAsk, Refusal};

/// What a cluster answers to one ask.
pub(in crate::transport::simulated) fn answer(
    server: &ApiServer,
    ask: &ApiAsk,
    masks: &Masks,
    contents: &Contents<'_>,
) -> Result<Answer, ReachError> {
    let shown = |object: &Value| {
        let mut object = object.clone();
        masks.hide(&mut object);
        object
    };
    let objects = |found: Vec<&Value>| ApiAnswer::Objects(found.into_iter().map(shown).collect());
    Ok(Answer::Api(match ask {
        ApiAsk::Marked { kind, .. } | ApiAsk::All(kind) if server.serves(kind).is_none() => ApiAnswer::NoKind,
        ApiAsk::Marked { kind, lab } => objects(server.of_kind(kind).filter(|object| is_marked(object, lab)).collect()),
        ApiAsk::All(kind) => objects(server.of_kind(kind).collect()),
        ApiAsk::Contents(namespace) => {
            let is_in =
                |object: &&Value| object.pointer("/metadata/namespace").and_then(Value::as_str) == Some(namespace);
            objects(server.all().filter(is_in).collect())
        }
        ApiAsk::Lease => match server.get(&lease::key()) {
            Some(live) => {
                ApiAnswer::Object(Box::new(json!({ "lease": live, "held": lease::held(live, server.now()) })))
            }
            None => ApiAnswer::Absent,
        },
        ApiAsk::Object(key) => match (scope(server, key), server.get(key)) {
            (Ok(()), Some(object)) => ApiAnswer::Object(Box::new(shown(object))),
            (Ok(()), None) => ApiAnswer::Absent,
            (Err(answer), _) => answer,
        },
        ApiAsk::DryRun { manifest, force } => {
            let filled = Filled::new(manifest, contents)?;
            match manifest.key().map(|key| (scope(server, &key), key)) {
                None => ApiAnswer::Refused(not_found("an object needs a kind and a name")),
                Some((Err(answer), _)) => answer,
                Some((Ok(()), key)) => match server.applied(&key, filled.object(), MANAGER, *force) {
                    Ok(object) => ApiAnswer::Object(Box::new(shown(&object))),
                    Err(refusal) => ApiAnswer::Refused(refusal),
                },
            }
        }
        ApiAsk::Mask(slot) => ApiAnswer::Mask(masks.mask(&contents.bytes(&slot.content)?)),
    }))
}

/// Whether the kind is served, and its objects are where the key says.
pub(super) fn scope(server: &ApiServer, key: &ObjectKey) -> Result<(), ApiAnswer> {
    let message = match (server.serves(&key.kind), &key.namespace) {
        (None, _) => return Err(ApiAnswer::NoKind),
        (Some(Scope::Namespaced), Some(_)) | (Some(Scope::Cluster), None) => return Ok(()),
        (Some(Scope::Namespaced), None) => format!("{} is namespaced, and no namespace is said", key.kind),
        (Some(Scope::Cluster), Some(_)) => format!("{} belongs to the cluster, and a namespace is said", key.kind),
    };
    let refusal = Refusal { code: 400, reason: "BadRequest".to_owned(), message, causes: Vec::new() };
    Err(ApiAnswer::Refused(refusal))
}
