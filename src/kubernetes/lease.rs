//! The Lease `labctl` in `kube-system`: the lock of a cluster, and what was last applied to it.
//!
//! It is made by a create-only request, and every later write names the resource version that it was made from, so that of
//! all who reach for it exactly one has it. It stays when it is given up, without a holder: it also remembers, by lab, what
//! was last applied. All its times are the server's own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::lab::{ApiKind, ObjectKey};

const NAMESPACE: &str = "kube-system";
const NAME: &str = "labctl";
/// Who holds it, as JSON.
const HOLDER: &str = "labctl.dev/holder";
/// What was last applied, by lab, as JSON.
const APPLIED: &str = "labctl.dev/applied";

/// The paths of all Leases of its namespace, and its own.
pub const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
/// Its own path.
pub const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/labctl";

/// What is done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeaseAct {
    /// Takes it, if nobody holds it or who holds it is dead.
    Take {
        /// The run.
        id: String,
        /// Who it is, as JSON.
        holder: String,
        /// Seconds of silence after which a holder is dead.
        dead_after: u64,
        /// A run that is known to be over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<String>,
        /// The lab, and what is applied to it now, as JSON.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        applied: Option<(String, String)>,
    },
    /// Says that the holder is alive.
    Beat {
        /// The run.
        id: String,
    },
    /// Gives it up. That somebody else, or nobody, holds it is no failure.
    Release {
        /// The run.
        id: String,
    },
}

/// What an act comes to, by what the server has.
#[derive(Debug, Clone, PartialEq)]
pub enum LeaseVerdict {
    /// It is so already.
    Done,
    /// It must be created; where it is there by then, all is to be looked at again.
    Create(Value),
    /// It must be replaced by this, which names the version that it was made from.
    Replace(Value),
    /// Somebody else holds it, in the form in which a node tells of its lock: age, id, holder.
    Held(Vec<String>),
    /// It is not there, or nobody holds it, where somebody must.
    Gone,
}

/// Which object it is.
pub fn key() -> ObjectKey {
    ObjectKey::new(ApiKind::new("coordination.k8s.io/v1", "Lease"), Some(NAMESPACE), NAME)
}

/// What to do about it. `now` is the server's own clock; where that is not known, nobody is taken for dead.
pub fn verdict(live: Option<&Value>, act: &LeaseAct, now: Option<Timestamp>) -> LeaseVerdict {
    let held_by = live.and_then(holder_id);
    match act {
        LeaseAct::Take { id, holder, dead_after, over, applied } => {
            let Some(live) = live else {
                return LeaseVerdict::Create(taken(&fresh(), id, holder, applied.as_ref(), now));
            };
            let is_free = held_by.is_none_or(|held| {
                let is_over = over.as_deref() == Some(held);
                held == id || is_over || age(live, now).is_some_and(|age| age >= *dead_after)
            });
            if is_free {
                LeaseVerdict::Replace(taken(live, id, holder, applied.as_ref(), now))
            } else {
                LeaseVerdict::Held(tell(live, now))
            }
        }
        LeaseAct::Beat { id } => match (live, held_by) {
            (Some(live), Some(held)) if held == id => {
                let mut lease = live.clone();
                set_time(&mut lease, "renewTime", now);
                LeaseVerdict::Replace(lease)
            }
            (Some(live), Some(_)) => LeaseVerdict::Held(tell(live, now)),
            _ => LeaseVerdict::Gone,
        },
        LeaseAct::Release { id } => match (live, held_by) {
            (Some(live), Some(held)) if held == id => LeaseVerdict::Replace(given_up(live)),
            (Some(live), Some(_)) => LeaseVerdict::Held(tell(live, now)),
            _ => LeaseVerdict::Done,
        },
    }
}

/// Whether a run holds it; what is so instead, where not: id and holder, as in the file of a node.
pub fn not_held(live: Option<&Value>, id: &str) -> Option<String> {
    match live.map(|live| (live, holder_id(live))) {
        Some((_, Some(held))) if held == id => None,
        Some((live, Some(held))) => Some(format!("{held}\n{}", annotation(live, HOLDER))),
        _ => Some("nobody holds it".to_owned()),
    }
}

/// Who holds it, in the form in which a node tells of its lock; nothing where nobody does.
pub fn held(live: &Value, now: Option<Timestamp>) -> Option<String> {
    holder_id(live).map(|_| tell(live, now).join("\n") + "\n")
}

/// What was last applied to a lab, as JSON.
pub fn applied(live: &Value, lab: &str) -> Option<Value> {
    serde_json::from_str::<Map<String, Value>>(annotation(live, APPLIED)).ok()?.remove(lab)
}

fn fresh() -> Value {
    json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": NAME, "namespace": NAMESPACE } })
}

fn taken(live: &Value, id: &str, holder: &str, applied: Option<&(String, String)>, now: Option<Timestamp>) -> Value {
    let mut lease = live.clone();
    let mut all: Map<String, Value> = serde_json::from_str(annotation(live, APPLIED)).unwrap_or_default();
    if let Some((lab, json)) = applied
        && let Ok(applied) = serde_json::from_str(json)
    {
        all.insert(lab.clone(), applied);
    }
    annotate(&mut lease, HOLDER, holder.to_owned());
    annotate(&mut lease, APPLIED, Value::Object(all).to_string());
    lease["spec"]["holderIdentity"] = id.into();
    lease["spec"]["leaseDurationSeconds"] = 300.into();
    set_time(&mut lease, "acquireTime", now);
    set_time(&mut lease, "renewTime", now);
    lease
}

fn given_up(live: &Value) -> Value {
    let mut lease = live.clone();
    if let Some(spec) = lease.get_mut("spec").and_then(Value::as_object_mut) {
        spec.clear();
    }
    if let Some(annotations) = lease.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(HOLDER);
    }
    lease
}

/// `MicroTime` of the Kubernetes API.
fn set_time(lease: &mut Value, field: &str, now: Option<Timestamp>) {
    match now {
        Some(now) => lease["spec"][field] = now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string().into(),
        // Without a clock nobody can tell how old it is, and it is never taken for dead.
        None => drop(lease["spec"].as_object_mut().map(|spec| spec.remove(field))),
    }
}

fn annotate(lease: &mut Value, name: &str, text: String) {
    if !lease["metadata"]["annotations"].is_object() {
        lease["metadata"]["annotations"] = json!({});
    }
    lease["metadata"]["annotations"][name] = text.into();
}

fn annotation<'a>(lease: &'a Value, name: &str) -> &'a str {
    let annotations = lease.pointer("/metadata/annotations");
    annotations.and_then(|all| all.get(name)).and_then(Value::as_str).unwrap_or_default()
}

fn holder_id(lease: &Value) -> Option<&str> {
    lease.pointer("/spec/holderIdentity").and_then(Value::as_str).filter(|id| !id.is_empty())
}

/// Seconds since the last sign of life. A clock that has jumped back counts as well as time that has passed.
fn age(lease: &Value, now: Option<Timestamp>) -> Option<u64> {
    let renewed: Timestamp = lease.pointer("/spec/renewTime")?.as_str()?.parse().ok()?;
    Some(now?.duration_since(renewed).unsigned_abs().as_secs())
}

fn tell(lease: &Value, now: Option<Timestamp>) -> Vec<String> {
    let age = age(lease, now).unwrap_or(0).to_string();
    vec![age, holder_id(lease).unwrap_or_default().to_owned(), annotation(lease, HOLDER).to_owned()]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::{LeaseAct, LeaseVerdict, applied, held, not_held, verdict};

    fn take(id: &str, over: Option<&str>) -> LeaseAct {
        LeaseAct::Take {
            id: id.to_owned(),
            holder: format!("{{\"who\":\"{id}\"}}"),
            dead_after: 300,
            over: over.map(str::to_owned),
            applied: Some(("t".to_owned(), format!("{{\"by\":\"{id}\"}}"))),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "a server's clock may not be known")]
    fn at(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp::from_second(1_767_225_600 + seconds).unwrap())
    }

    fn taken_by_a() -> Value {
        let LeaseVerdict::Create(lease) = verdict(None, &take("aa", None), at(0)) else { panic!("not created") };
        lease
    }

    #[test]
    fn it_is_created_where_it_is_not_there_and_held_by_whoever_created_it() {
        let lease = taken_by_a();
        assert_eq!(lease["spec"]["renewTime"], "2026-01-01T00:00:00.000000Z");
        assert_eq!(not_held(Some(&lease), "aa"), None);
        assert_eq!(not_held(Some(&lease), "bb"), Some("aa\n{\"who\":\"aa\"}".to_owned()));
        assert_eq!(not_held(None, "bb"), Some("nobody holds it".to_owned()));
        assert_eq!(applied(&lease, "t"), Some(json!({"by": "aa"})));
        assert_eq!(held(&lease, at(7)).unwrap(), "7\naa\n{\"who\":\"aa\"}\n");
    }

    #[test]
    fn who_is_alive_keeps_it_and_who_is_silent_for_too_long_by_the_servers_clock_loses_it() {
        let lease = taken_by_a();
        let by_b = |now, over| verdict(Some(&lease), &take("bb", over), now);
        assert_eq!(by_b(at(299), None), LeaseVerdict::Held(vec!["299".into(), "aa".into(), "{\"who\":\"aa\"}".into()]));
        assert!(matches!(by_b(at(300), None), LeaseVerdict::Replace(_)));
        assert!(matches!(by_b(at(-300), None), LeaseVerdict::Replace(_)), "a clock that jumped back");
        assert!(matches!(by_b(None, None), LeaseVerdict::Held(_)), "without a clock nobody is dead");
        assert!(matches!(by_b(at(1), Some("aa")), LeaseVerdict::Replace(_)));
        assert!(matches!(by_b(at(1), Some("cc")), LeaseVerdict::Held(_)));
        assert!(matches!(verdict(Some(&lease), &take("aa", None), at(1)), LeaseVerdict::Replace(_)), "taken twice");
    }

    #[test]
    fn a_sign_of_life_is_that_of_its_holder_alone() {
        let lease = taken_by_a();
        let beat = |id: &str| LeaseAct::Beat { id: id.to_owned() };
        let LeaseVerdict::Replace(later) = verdict(Some(&lease), &beat("aa"), at(60)) else { panic!("not kept") };
        assert_eq!(held(&later, at(61)).unwrap().lines().next(), Some("1"));
        assert!(matches!(verdict(Some(&lease), &beat("bb"), at(60)), LeaseVerdict::Held(_)));
        assert_eq!(verdict(None, &beat("aa"), at(60)), LeaseVerdict::Gone);
    }

    #[test]
    fn given_up_it_has_no_holder_and_remembers_what_was_applied() {
        let lease = taken_by_a();
        let release = |id: &str| LeaseAct::Release { id: id.to_owned() };
        assert!(matches!(verdict(Some(&lease), &release("bb"), at(1)), LeaseVerdict::Held(_)));
        let LeaseVerdict::Replace(free) = verdict(Some(&lease), &release("aa"), at(1)) else { panic!("not given up") };
        assert_eq!((held(&free, at(1)), verdict(Some(&free), &release("aa"), at(1))), (None, LeaseVerdict::Done));
        let LeaseVerdict::Replace(next) = verdict(Some(&free), &take("bb", None), at(2)) else { panic!("not taken") };
        assert_eq!((not_held(Some(&next), "bb"), applied(&free, "t")), (None, Some(json!({"by": "aa"}))));
    }
}
