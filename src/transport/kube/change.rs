//! Calls that change an object. Each holds for the object as the plan saw it, where the plan saw one: the server itself
//! compares its UID and resource version. A version that has moved is no reason to stop (a status moves it); what the
//! object says is.

use http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::act::{KIND_LIMIT, KIND_PAUSE, Leg, failed};
use super::fault::Fault;
use super::filled::Filled;
use super::guard::Expected;
use super::link::path;
use super::patience::Patience;
use super::probe::{apply, is_no_path, without_secrets};
use super::request::{Request, Sent};
use crate::kubernetes::MANAGER;
use crate::lab::{Manifest, ObjectKey};
use crate::transport::outcome::StepOutcome;

/// How often one call is sent while the object's version keeps moving.
const ROUNDS: usize = 5;

impl Leg<'_> {
    pub(super) async fn apply(
        &mut self,
        manifest: &Manifest,
        force: bool,
        expected: Option<&Expected>,
        patience: Patience,
    ) -> Result<(), StepOutcome> {
        let filled = Filled::new(manifest, self.contents).map_err(|error| failed(1, [error.to_string()]))?;
        let Some(key) = manifest.key() else { return Err(failed(1, ["it has no kind or no name".to_owned()])) };
        let Some(resource) = self.served(&key.kind).await? else { return Err(no_kind(&key)) };
        let path = path(&resource, &key).map_err(|fault| self.fell(&fault, false))?;
        let (mut version, mut rounds, began) = (None, 0, Instant::now());
        while rounds < ROUNDS {
            let start = self.start(&key, expected).map(|(uid, start)| (uid, version.as_deref().unwrap_or(start)));
            let request = apply(&path, &filled, force, false, start);
            let Sent { result, was_lost } = self.link.server.send(&request, patience).await;
            match (result, expected) {
                (Ok(applied), _) => {
                    self.wrote(&key, &applied);
                    return Ok(());
                }
                (Err(fault), Some(expected)) if is_about_version(&fault) => {
                    if was_lost && self.is_applied(&path, &filled, force).await {
                        self.link.has_changed();
                        return Ok(());
                    }
                    version = Some(self.look_again(&key, expected).await?);
                    rounds += 1;
                }
                (Err(Fault::Refused { refusal, .. }), _) if is_no_path(&refusal) && began.elapsed() < KIND_LIMIT => {
                    tokio::time::sleep(KIND_PAUSE).await;
                }
                (Err(mut fault), _) => {
                    if let Fault::Refused { refusal, .. } = &mut fault {
                        without_secrets(refusal, &filled);
                    }
                    return Err(self.fell(&fault, was_lost));
                }
            }
        }
        Err(restless())
    }

    /// Whether an apply that was sent and never answered has been carried out: the same once more would change nothing.
    async fn is_applied(&self, path: &str, filled: &Filled, force: bool) -> bool {
        let live = self.link.server.get(path, Patience::ACTING).await;
        let dry = self.link.server.send(&apply(path, filled, force, true, None), Patience::ACTING).await.result;
        match (live, dry) {
            (Ok(live), Ok(dry)) => without_managers(live) == without_managers(dry),
            _ => false,
        }
    }

    pub(super) async fn delete(
        &mut self,
        key: &ObjectKey,
        expected: Option<&Expected>,
        patience: Patience,
    ) -> Result<(), StepOutcome> {
        let times = self.link.times_asked();
        let found = self.link.find(&key.kind, times).await.map_err(|fault| self.fell(&fault, false))?;
        // With its definition all objects of a kind go.
        let Some(resource) = found else { return Ok(()) };
        let path = path(&resource, key).map_err(|fault| self.fell(&fault, false))?;
        let mut version = None;
        for _ in 0..ROUNDS {
            let start = self.start(key, expected).map(|(uid, start)| (uid, version.as_deref().unwrap_or(start)));
            let body = Zeroizing::new(deletion(start).to_string().into_bytes());
            let request = Request::send(Method::DELETE, &path, "application/json", body);
            let Sent { result, was_lost } = self.link.server.send(&request, patience).await;
            match (result, expected) {
                (Ok(_), _) => {
                    self.link.has_changed();
                    return Ok(());
                }
                (Err(fault), _) if fault.code() == Some(404) => return Ok(()),
                (Err(fault), Some(expected)) if is_about_version(&fault) => {
                    version = Some(self.look_again(key, expected).await?);
                }
                (Err(fault), _) => return Err(self.fell(&fault, was_lost)),
            }
        }
        Err(restless())
    }

    /// Sends the JSON patch that `change` makes of the object; nothing where it makes none. An object that is gone has
    /// nothing that could change hands.
    pub(super) async fn change_hands(
        &mut self,
        key: &ObjectKey,
        change: impl Fn(&Value) -> Vec<Value>,
        expected: Option<&Expected>,
        patience: Patience,
    ) -> Result<(), StepOutcome> {
        for _ in 0..ROUNDS {
            let Some(live) = self.live(key).await? else { return gone(key, expected) };
            let operations = change(&live);
            if let Some(expected) = expected {
                self.as_expected(key, live, expected)?;
            }
            if operations.is_empty() {
                return Ok(());
            }
            let Some(resource) = self.served(&key.kind).await? else { return gone(key, expected) };
            let path = path(&resource, key).map_err(|fault| self.fell(&fault, false))?;
            let body = Zeroizing::new(Value::Array(operations).to_string().into_bytes());
            let target = format!("{path}?fieldManager={MANAGER}&fieldValidation=Strict");
            let request = Request::send(Method::PATCH, target, "application/json-patch+json", body);
            let Sent { result, was_lost } = self.link.server.send(&request, patience).await;
            match result {
                Ok(changed) => {
                    self.wrote(key, &changed);
                    return Ok(());
                }
                // The patch names the version that it was made from; the next look makes another.
                Err(fault) if is_about_version(&fault) => {}
                Err(fault) => return Err(self.fell(&fault, was_lost)),
            }
        }
        Err(restless())
    }

    fn wrote(&mut self, key: &ObjectKey, object: &Value) {
        self.link.has_changed();
        if let Some(version) = object.pointer("/metadata/resourceVersion").and_then(Value::as_str) {
            self.written.insert(key.path(), version.to_owned());
        }
    }
}

fn gone(key: &ObjectKey, expected: Option<&Expected>) -> Result<(), StepOutcome> {
    match expected {
        Some(_) => Err(StepOutcome::Stale { guard: key.to_string(), found: "it is gone".to_owned() }),
        None => Ok(()),
    }
}

/// `DeleteOptions`. What belongs to the object goes after it, as with `kubectl delete`; left to itself the server would
/// let the pods of a Job live on.
fn deletion(state: Option<(&str, &str)>) -> Value {
    let mut options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background" });
    if let Some((uid, version)) = state {
        options["preconditions"] = json!({ "uid": uid, "resourceVersion": version });
    }
    options
}

/// Whether a conflict is about the object's state, and not about who owns its fields.
fn is_about_version(fault: &Fault) -> bool {
    match fault {
        Fault::Refused { refusal, .. } => {
            refusal.code == 409
                && refusal.reason == "Conflict"
                && !refusal.causes.iter().any(|cause| cause.reason == "FieldManagerConflict")
        }
        Fault::Unreachable { .. } | Fault::Lost { .. } => false,
    }
}

fn without_managers(mut object: Value) -> Value {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("managedFields");
    }
    object
}

fn restless() -> StepOutcome {
    failed(409, ["it changes faster than it can be written: something else writes it all the time".to_owned()])
}

fn no_kind(key: &ObjectKey) -> StepOutcome {
    failed(404, [format!("the API serves no `{}`: what defines it is not there", key.kind)])
}
