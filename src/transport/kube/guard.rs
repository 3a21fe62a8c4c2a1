//! What a step in a cluster relies on, looked at before it acts or by the server while it does.

use serde_json::Value;

use super::act::{Leg, failed};
use super::patience::Patience;
use crate::kubernetes::fingerprint;
use crate::lab::{ApiKind, ObjectKey};
use crate::plan::ApiGuard;
use crate::transport::outcome::StepOutcome;

/// An object as the plan saw it.
pub(super) struct Expected {
    pub(super) uid: String,
    pub(super) version: String,
    fingerprint: String,
}

impl Leg<'_> {
    /// Looks at what a guard names. What the step's own request will hold the object to is handed back unlooked at.
    pub(super) async fn check(
        &mut self,
        guard: &ApiGuard,
        acted_on: Option<&ObjectKey>,
    ) -> Result<Option<Expected>, StepOutcome> {
        match guard {
            ApiGuard::Cluster { uid } => self.check_cluster(guard, uid).await.map(|()| None),
            ApiGuard::Holder { id } => self.check_holder(guard, id).await.map(|()| None),
            ApiGuard::Absent(object) => match self.live(object).await? {
                None => Ok(None),
                Some(live) => Err(stale(guard, &format!("it is there{}", last_hand(&live)))),
            },
            ApiGuard::Unchanged { object, uid, resource_version, fingerprint } => {
                let expected =
                    Expected { uid: uid.clone(), version: resource_version.clone(), fingerprint: fingerprint.clone() };
                if acted_on.is_some_and(|acted_on| acted_on.is_same(object)) {
                    return Ok(Some(expected));
                }
                self.look_again(object, &expected).await.map(|_| None)
            }
        }
    }

    async fn check_cluster(&mut self, guard: &ApiGuard, uid: &str) -> Result<(), StepOutcome> {
        if self.is_right_cluster {
            return Ok(());
        }
        let namespace = ObjectKey::new(ApiKind::new("v1", "Namespace"), None, "kube-system");
        let live = self.live(&namespace).await?;
        let found = live.as_ref().and_then(|live| live.pointer("/metadata/uid")).and_then(Value::as_str);
        match found {
            Some(found) if found == uid => {
                self.is_right_cluster = true;
                Ok(())
            }
            Some(found) => {
                Err(stale(guard, &format!("`kube-system` has the UID {found}, and had {uid}: it is another cluster")))
            }
            None => Err(failed(1, ["the namespace `kube-system` is not there".to_owned()])),
        }
    }

    /// The object now, its secrets included; none where there is none.
    pub(super) async fn live(&self, object: &ObjectKey) -> Result<Option<Value>, StepOutcome> {
        let live = self.link.object(object, Patience::ACTING).await;
        live.map_err(|fault| self.fell(&fault, false))
    }

    /// Whether an object is still what the plan saw, whatever moved its version. Its version now, if so.
    pub(super) async fn look_again(&self, object: &ObjectKey, expected: &Expected) -> Result<String, StepOutcome> {
        match self.live(object).await? {
            None => Err(stale_object(object, "it is gone")),
            Some(live) => self.as_expected(object, live, expected),
        }
    }

    /// The same of an object that was read just now.
    pub(super) fn as_expected(
        &self,
        object: &ObjectKey,
        mut live: Value,
        expected: &Expected,
    ) -> Result<String, StepOutcome> {
        let text = |live: &Value, pointer: &str| live.pointer(pointer).and_then(Value::as_str).map(ToOwned::to_owned);
        let uid = text(&live, "/metadata/uid").unwrap_or_default();
        if uid != expected.uid {
            return Err(stale_object(object, "another one of that name is there: it was deleted and made anew"));
        }
        let version = text(&live, "/metadata/resourceVersion").unwrap_or_default();
        let is_own = self.written.get(&object.path()) == Some(&version);
        // The plan saw it as answers give it.
        self.link.masks.hide(&mut live);
        if is_own || version == expected.version || fingerprint(&live) == expected.fingerprint {
            return Ok(version);
        }
        Err(stale_object(object, &format!("its fields are not as they were{}", last_hand(&live))))
    }
}

fn stale(guard: &ApiGuard, found: &str) -> StepOutcome {
    StepOutcome::Stale { guard: guard.words(), found: found.to_owned() }
}

fn stale_object(object: &ObjectKey, found: &str) -> StepOutcome {
    StepOutcome::Stale { guard: object.to_string(), found: found.to_owned() }
}

/// Who changed an object last, as far as its managed fields tell.
fn last_hand(object: &Value) -> String {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let text = |entry: &Value, field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let last = entries.into_iter().flatten().max_by_key(|entry| text(entry, "time"));
    match last.map(|entry| (text(entry, "manager"), text(entry, "time"))) {
        Some((manager, time)) if !manager.is_empty() => format!(", last changed by `{manager}` at {time}"),
        _ => String::new(),
    }
}
