//! Waits for an object: looks at it again and again, more and more seldom, until it is as wanted or the time is up.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::act::{failed, fell};
use super::fault::Fault;
use super::link::ClusterLink;
use super::patience::Patience;
use super::symptoms::symptoms;
use crate::kubernetes::{Readiness, readiness};
use crate::lab::ObjectKey;
use crate::transport::outcome::StepOutcome;

/// The pause after the first look; each further one is half as long again.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Limit for the first look, however short the wait.
const LEAST: Duration = Duration::from_secs(5);

/// What one look at the object says.
enum Look {
    /// It is as wanted.
    Enough,
    /// Not yet: why.
    NotYet(String),
    /// Never by itself: why.
    Never(String),
}

/// Waits until the object is as ready as its kind can be.
pub(super) async fn ready(link: &ClusterLink, key: &ObjectKey, within: Duration) -> Result<(), StepOutcome> {
    let look = |object: Option<&Value>| match object.map(readiness) {
        Some(Readiness::Ready) => Look::Enough,
        Some(Readiness::NotYet(why)) => Look::NotYet(why),
        Some(Readiness::Failed(why)) => Look::Never(why),
        None => Look::NotYet("there is no such object".to_owned()),
    };
    wait(link, key, within, "ready", look).await
}

/// Waits until the object is gone. One that was made anew under its name is another.
pub(super) async fn gone(link: &ClusterLink, key: &ObjectKey, within: Duration) -> Result<(), StepOutcome> {
    let uid = |object: &Value| object.pointer("/metadata/uid").and_then(Value::as_str).map(ToOwned::to_owned);
    let mut first: Option<Option<String>> = None;
    let look = move |object: Option<&Value>| match object {
        None => Look::Enough,
        Some(object) if *first.get_or_insert_with(|| uid(object)) != uid(object) => Look::Enough,
        Some(object) => Look::NotYet(what_holds(object)),
    };
    wait(link, key, within, "gone", look).await
}

/// What keeps an object that is to go.
fn what_holds(object: &Value) -> String {
    let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    let of_namespace = object.pointer("/spec/finalizers").and_then(Value::as_array);
    let names: Vec<&str> = finalizers.into_iter().chain(of_namespace).flatten().filter_map(Value::as_str).collect();
    match (object.pointer("/metadata/deletionTimestamp"), names.as_slice()) {
        (None, _) => "nobody has deleted it".to_owned(),
        (Some(_), []) => "what belongs to it goes first".to_owned(),
        (Some(_), names) => format!("it waits for what has put a finalizer on it: {}", names.join(", ")),
    }
}

async fn wait(
    link: &ClusterLink,
    key: &ObjectKey,
    within: Duration,
    wanted: &str,
    mut look: impl FnMut(Option<&Value>) -> Look,
) -> Result<(), StepOutcome> {
    let deadline = Instant::now() + within;
    let mut pause = FIRST_PAUSE;
    let mut last: Option<Value> = None;
    loop {
        let limit = deadline.max(Instant::now() + LEAST);
        let why = match timeout_at(limit, link.object(key, Patience::ONCE)).await {
            Err(_) => "the server does not answer".to_owned(),
            Ok(Err(fault)) if passes(&fault) => link.words(&fault),
            Ok(Err(fault)) => return Err(fell(link, &fault, false)),
            Ok(Ok(object)) => {
                let looked = look(object.as_ref());
                last = object.or(last);
                match looked {
                    Look::Enough => return Ok(()),
                    Look::NotYet(why) => why,
                    Look::Never(why) => return Err(gave_up(link, why, last.as_ref()).await),
                }
            }
        };
        if Instant::now() + pause > deadline {
            let why = format!("it was not {wanted} within {} s: {why}", within.as_secs());
            return Err(gave_up(link, why, last.as_ref()).await);
        }
        sleep(pause).await;
        pause = (pause + pause / 2).min(LONGEST_PAUSE);
    }
}

/// Whether it is a trouble that may pass: a server that is being restarted, a node that is busy.
fn passes(fault: &Fault) -> bool {
    match fault {
        Fault::Refused { refusal, .. } => refusal.code == 429 || refusal.code >= 500,
        Fault::Unreachable { is_final, .. } => !is_final,
        Fault::Lost { .. } => true,
    }
}

async fn gave_up(link: &ClusterLink, why: String, object: Option<&Value>) -> StepOutcome {
    let mut words: Vec<String> = why.lines().map(ToOwned::to_owned).collect();
    if let Some(object) = object {
        words.extend(symptoms(link, object).await);
    }
    failed(1, words)
}
