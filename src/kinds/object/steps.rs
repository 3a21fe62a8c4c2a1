//! Steps of objects, and what they rely on.

use serde_json::Value as Json;

use super::ready;
use crate::kubernetes::fingerprint;
use crate::lab::{Manifest, ObjectKey};
use crate::plan::{Act, ApiGuard, Call, Guard, Step};

/// Seconds that a thing may take to be gone.
const GONE: u64 = 300;
/// Seconds beyond a wait's own limit after which it is given up from outside.
const GRACE: u64 = 30;

pub(super) fn apply(key: &ObjectKey, manifest: Manifest, force: bool, guard: Option<Guard>) -> Step {
    step(format!("apply {key}"), Call::Apply { manifest, force }, guard)
}

pub(super) fn take_over(key: &ObjectKey, managers: Vec<String>, guard: Option<Guard>) -> Step {
    let about = format!("take over what {} applied of {key}", managers.join(", "));
    step(about, Call::TakeOver { object: key.clone(), managers }, guard)
}

pub(super) fn release(key: &ObjectKey, guard: Option<Guard>) -> Step {
    step(format!("let go of {key}"), Call::Release { object: key.clone() }, guard)
}

/// Deletes an object and waits until it is gone.
pub(super) fn delete(key: &ObjectKey, guard: Option<Guard>) -> Vec<Step> {
    let gone = Call::Gone { object: key.clone(), within: GONE };
    vec![
        step(format!("delete {key}"), Call::Delete { object: key.clone() }, guard),
        step(format!("wait until {key} is gone"), gone, None).limit(GONE + GRACE),
    ]
}

/// Waits until an object is ready, where its kind has to become so.
pub(super) fn wait(key: &ObjectKey) -> Option<Step> {
    let within = ready::limit(&key.kind)?;
    let call = Call::Ready { object: key.clone(), within };
    Some(step(format!("wait until {key} is ready"), call, None).limit(within + GRACE))
}

fn step(about: String, call: Call, guard: Option<Guard>) -> Step {
    let mut step = Step::new(about, Act::Api(call));
    step.guards.extend(guard);
    step
}

/// That there is no such object.
pub(super) fn absent(key: &ObjectKey) -> Guard {
    Guard::Api(ApiGuard::Absent(key.clone()))
}

/// That the object is as the plan saw it.
pub(super) fn unchanged(key: &ObjectKey, live: &Json) -> Guard {
    let text = |pointer: &str| live.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
    Guard::Api(ApiGuard::Unchanged {
        object: key.clone(),
        uid: text("/metadata/uid"),
        resource_version: text("/metadata/resourceVersion"),
        fingerprint: fingerprint(live),
    })
}
