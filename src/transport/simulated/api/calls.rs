//! A step in a simulated cluster: what it relies on is looked at, then it is done.

use serde_json::Value;

use super::super::super::contents::Contents;
use super::super::super::kube::Filled;
use super::super::super::outcome::StepOutcome;
use super::asks::scope;
use super::server::ApiServer;
use crate::kubernetes::lease::{self, LeaseAct, LeaseVerdict};
use crate::kubernetes::{MANAGER, Readiness, fingerprint, readiness, released, taken_over};
use crate::lab::ObjectKey;
use crate::observe::{ApiAnswer, Refusal};
use crate::plan::lock::HELD;
use crate::plan::{ApiGuard, Call, Guard};

/// Does a step.
pub(in crate::transport::simulated) fn run(
    server: &mut ApiServer,
    guards: &[Guard],
    call: &Call,
    contents: &Contents<'_>,
) -> StepOutcome {
    for guard in guards {
        if let Some(found) = broken(server, guard) {
            return StepOutcome::Stale { guard: guard.words(), found };
        }
    }
    match call {
        Call::Apply { manifest, force } => {
            let Some(key) = manifest.key() else { return failed(400, "an object needs a kind and a name") };
            let filled = match Filled::new(manifest, contents) {
                Ok(filled) => filled,
                Err(error) => return failed(400, &error.to_string()),
            };
            match scope(server, &key) {
                Ok(()) => {}
                Err(ApiAnswer::Refused(refusal)) => return refused(&refusal),
                Err(_) => return failed(404, &format!("the server has no kind {}", key.kind)),
            }
            match server.applied(&key, filled.object(), MANAGER, *force) {
                Ok(object) => server.put(&key, object),
                Err(refusal) => return refused(&refusal),
            }
        }
        Call::TakeOver { object, managers } => patch(server, object, |live| taken_over(live, managers)),
        Call::Release { object } => patch(server, object, released),
        Call::Delete { object } => server.delete(object),
        Call::Lease(act) => return lease(server, act),
        Call::Ready { object, .. } => match server.get(object).map(readiness) {
            Some(Readiness::Ready) => {}
            Some(Readiness::NotYet(why) | Readiness::Failed(why)) => return failed(1, &why),
            None => return failed(404, &format!("{object} is not there")),
        },
        Call::Gone { object, .. } => {
            if server.get(object).is_some() {
                return failed(1, &format!("{object} is still there"));
            }
        }
    }
    StepOutcome::Done
}

fn lease(server: &mut ApiServer, act: &LeaseAct) -> StepOutcome {
    match lease::verdict(server.get(&lease::key()), act, server.now()) {
        LeaseVerdict::Done => {}
        LeaseVerdict::Create(lease) | LeaseVerdict::Replace(lease) => server.put(&lease::key(), lease),
        LeaseVerdict::Held(words) => return StepOutcome::Failed { code: HELD, words },
        LeaseVerdict::Gone => return failed(1, "nobody holds the Lease any more"),
    }
    StepOutcome::Done
}

/// What is so instead of what a guard relies on.
fn broken(server: &ApiServer, guard: &Guard) -> Option<String> {
    let Guard::Api(guard) = guard else { return Some("a cluster can't answer for a node".to_owned()) };
    match guard {
        ApiGuard::Cluster { uid } => {
            let is_same = server.uid() == Some(uid);
            (!is_same).then(|| "it is another cluster".to_owned())
        }
        ApiGuard::Holder { id } => lease::not_held(server.get(&lease::key()), id),
        ApiGuard::Absent(key) => server.get(key).map(|_| format!("{key} is there now")),
        ApiGuard::Unchanged { object, uid, fingerprint: seen, .. } => match server.get(object) {
            None => Some(format!("{object} is gone")),
            Some(live) if live.pointer("/metadata/uid").and_then(Value::as_str) != Some(uid) => {
                Some(format!("{object} is another one of the same name"))
            }
            Some(live) => (fingerprint(live) != *seen).then(|| format!("{object} was changed")),
        },
    }
}

/// Carries out a JSON patch of metadata (RFC 6902), as far as labctl's own patches go.
fn patch(server: &mut ApiServer, key: &ObjectKey, make: impl Fn(&Value) -> Vec<Value>) {
    let Some(mut object) = server.get(key).cloned() else { return };
    for operation in make(&object) {
        let Some(path) = operation["path"].as_str() else { continue };
        let Some((above, name)) = path.rsplit_once('/') else { continue };
        let name = name.replace("~1", "/").replace("~0", "~");
        let Some(map) = object.pointer_mut(above).and_then(Value::as_object_mut) else { continue };
        match operation["op"].as_str() {
            Some("remove") => drop(map.remove(&name)),
            _ => drop(map.insert(name, operation["value"].clone())),
        }
    }
    // A list of one empty entry clears the managers.
    if object.pointer("/metadata/managedFields") == Some(&serde_json::json!([{}])) {
        object["metadata"]["managedFields"] = serde_json::json!([]);
    }
    server.put(key, object);
}

fn refused(refusal: &Refusal) -> StepOutcome {
    let mut words = vec![refusal.message.clone()];
    words.extend(refusal.causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)));
    StepOutcome::Failed { code: refusal.code.into(), words }
}

fn failed(code: u32, words: &str) -> StepOutcome {
    StepOutcome::Failed { code, words: vec![words.to_owned()] }
}
