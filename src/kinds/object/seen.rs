//! What the answers say of an object.

use serde_json::Value;

use crate::lab::{ApiKind, ObjectKey};
use crate::observe::{ApiAnswer, ApiAsk, Reply};

/// An object as the cluster has it.
#[derive(Debug, Clone)]
pub(super) enum Seen<'a> {
    /// It is there.
    Present(&'a Value),
    /// It is not there.
    Absent,
    /// The cluster serves no such kind.
    NoKind,
    /// It could not be read: why.
    Unknown(String),
}

/// The object of that name: from the list of its kind, or by its own answer.
pub(super) fn find<'a>(key: &ObjectKey, lab: &str, reply: &'a Reply) -> Seen<'a> {
    match reply.api(&marked(&key.kind, lab)) {
        Ok(ApiAnswer::Objects(objects)) => {
            if let Some(object) = objects.iter().find(|object| is(object, key)) {
                return Seen::Present(object);
            }
        }
        Ok(ApiAnswer::NoKind) => return Seen::NoKind,
        _ => {}
    }
    match reply.api(&ApiAsk::Object(key.clone())) {
        Ok(ApiAnswer::Object(object)) => Seen::Present(object),
        Ok(ApiAnswer::Absent) => Seen::Absent,
        Ok(ApiAnswer::NoKind) => Seen::NoKind,
        Ok(ApiAnswer::Refused(refusal)) => Seen::Unknown(format!("the server says: {}", refusal.message)),
        Ok(_) => Seen::Unknown("the answer is no object".to_owned()),
        Err(why) => Seen::Unknown(why),
    }
}

fn is(object: &Value, key: &ObjectKey) -> bool {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    text("/metadata/name") == Some(&key.name) && text("/metadata/namespace") == key.namespace.as_deref()
}

/// The question for all objects of a kind with this lab's label.
pub(super) fn marked(kind: &ApiKind, lab: &str) -> ApiAsk {
    ApiAsk::Marked { kind: kind.clone(), lab: lab.to_owned() }
}

/// All objects that were read: those with labctl's label, and those that were looked up by name.
pub(super) fn objects(reply: &Reply) -> impl Iterator<Item = &Value> {
    reply.api_answers().flat_map(|(ask, answer)| match (ask, answer) {
        (ApiAsk::Marked { .. }, ApiAnswer::Objects(objects)) => objects.as_slice(),
        (ApiAsk::Object(_), ApiAnswer::Object(object)) => std::slice::from_ref(&**object),
        _ => &[],
    })
}

/// The kinds whose list can't be had, with the lab whose label was asked for, and why.
pub(super) fn unlisted(reply: &Reply) -> Vec<(&ApiKind, &str, String)> {
    let lists = reply.api_asks().filter_map(|ask| match ask {
        ApiAsk::Marked { kind, lab } => Some((ask, kind, lab.as_str())),
        _ => None,
    });
    lists
        .filter_map(|(ask, kind, lab)| match reply.api(ask) {
            Ok(ApiAnswer::Objects(_) | ApiAnswer::NoKind) => None,
            Ok(ApiAnswer::Refused(refusal)) => Some((kind, lab, refusal.message.clone())),
            Ok(_) => Some((kind, lab, "the answer is no list".to_owned())),
            Err(why) => Some((kind, lab, why)),
        })
        .collect()
}
