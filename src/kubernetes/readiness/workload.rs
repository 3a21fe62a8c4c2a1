//! `Deployment`, `StatefulSet`, `DaemonSet`, `Job`, `Pod`: the rules of `kubectl rollout status` and `kubectl wait`.
//!
//! Src: kubernetes `staging/src/k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go`.

use serde_json::Value;

use super::{Readiness, condition, is_observed, unobserved};

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `spec.replicas`, which is 1 where it isn't given.
fn replicas(object: &Value) -> i64 {
    object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1)
}

fn not_yet(done: i64, of: i64, what: &str) -> Readiness {
    Readiness::NotYet(format!("{done} of {of} {what}"))
}

pub(super) fn deployment(object: &Value) -> Readiness {
    if !is_observed(object) {
        return unobserved();
    }
    if object.pointer("/spec/paused") == Some(&Value::Bool(true)) {
        return Readiness::Ready;
    }
    let wanted = replicas(object);
    let [all, updated, available] =
        ["replicas", "updatedReplicas", "availableReplicas"].map(|name| number(object, &format!("/status/{name}")));
    if updated >= wanted && all <= updated && available >= updated {
        return Readiness::Ready;
    }
    if let Some(progressing) = condition::find(object, "Progressing")
        && progressing.status == "False"
    {
        return Readiness::Failed(progressing.words());
    }
    if updated < wanted {
        not_yet(updated, wanted, "pods are of the new template")
    } else if all > updated {
        Readiness::NotYet(format!("{} pods of the old template are still there", all - updated))
    } else {
        not_yet(available, updated, "pods are available")
    }
}

pub(super) fn stateful_set(object: &Value) -> Readiness {
    if !is_observed(object) {
        return unobserved();
    }
    let wanted = replicas(object);
    let [ready, updated] = ["readyReplicas", "updatedReplicas"].map(|name| number(object, &format!("/status/{name}")));
    if ready < wanted {
        return not_yet(ready, wanted, "pods are ready");
    }
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Readiness::Ready;
    }
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    if partition > 0 {
        let due = (wanted - partition).max(0);
        return if updated < due { not_yet(updated, due, "pods are of the new template") } else { Readiness::Ready };
    }
    if text(object, "/status/updateRevision") != text(object, "/status/currentRevision") {
        return not_yet(updated, wanted, "pods are of the new template");
    }
    Readiness::Ready
}

pub(super) fn daemon_set(object: &Value) -> Readiness {
    if !is_observed(object) {
        return unobserved();
    }
    let [wanted, updated, available] = ["desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"]
        .map(|name| number(object, &format!("/status/{name}")));
    if text(object, "/spec/updateStrategy/type") != "OnDelete" && updated < wanted {
        return not_yet(updated, wanted, "pods are of the new template");
    }
    if available < wanted { not_yet(available, wanted, "pods are available") } else { Readiness::Ready }
}

pub(super) fn job(object: &Value) -> Readiness {
    let is = |name: &str| condition::find(object, name).filter(condition::Condition::is_true);
    if let Some(failed) = is("Failed") {
        return Readiness::Failed(failed.words());
    }
    if is("Complete").is_some() || object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return Readiness::Ready;
    }
    let wanted = object.pointer("/spec/completions").and_then(Value::as_i64).unwrap_or(1);
    not_yet(number(object, "/status/succeeded"), wanted, "pods have completed")
}

pub(super) fn pod(object: &Value) -> Readiness {
    match text(object, "/status/phase") {
        "Succeeded" => Readiness::Ready,
        "Failed" => Readiness::Failed(match text(object, "/status/message") {
            "" => "it has failed".to_owned(),
            message => message.to_owned(),
        }),
        _ => condition::all(object, &[("Ready", true)]),
    }
}
