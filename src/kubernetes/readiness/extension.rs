//! Kinds of operators: what their controllers write into the status, and when that is final.

use serde_json::Value;

use super::{Readiness, condition, is_observed, unobserved};

/// Kinds whose controller certainly writes this condition: without it they are not ready yet. Other kinds without
/// conditions are ready at once, as nobody knows whether anything will ever write one.
const CERTAIN: &[(&str, &str, &str)] = &[
    ("helm.toolkit.fluxcd.io", "HelmRelease", "Ready"),
    ("kustomize.toolkit.fluxcd.io", "Kustomization", "Ready"),
    ("source.toolkit.fluxcd.io", "GitRepository", "Ready"),
    ("source.toolkit.fluxcd.io", "OCIRepository", "Ready"),
    ("source.toolkit.fluxcd.io", "HelmChart", "Ready"),
    ("source.toolkit.fluxcd.io", "Bucket", "Ready"),
    ("cert-manager.io", "Certificate", "Ready"),
    ("cert-manager.io", "Issuer", "Ready"),
    ("cert-manager.io", "ClusterIssuer", "Ready"),
    ("k0smotron.io", "JoinTokenRequest", "JoinTokenSecretCreated"),
    ("kubevirt.io", "KubeVirt", "Available"),
    ("cdi.kubevirt.io", "CDI", "Available"),
    ("bitnami.com", "SealedSecret", "Synced"),
];

/// Conditions that say of a Flux object, once false, that another try with the same input would end the same.
const FLUX: &str = ".toolkit.fluxcd.io";

pub(super) fn readiness(object: &Value, group: &str) -> Readiness {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind = text("/kind");
    if group.ends_with(FLUX) && object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        return Readiness::Ready;
    }
    match (group, kind) {
        ("k0smotron.io", "Cluster") => return hosted_cluster(object),
        ("helm.k0sproject.io", "Chart") => return chart(object),
        // Off, starting, migrating: as its user has it.
        ("kubevirt.io", "VirtualMachine" | "VirtualMachineInstance") => return Readiness::Ready,
        ("cdi.kubevirt.io", "DataVolume") => return data_volume(object),
        _ => {}
    }
    let certain = CERTAIN.iter().find(|row| row.0 == group && row.1 == kind).map(|row| row.2);
    let name = certain.or_else(|| ["Ready", "Available"].into_iter().find(|name| has(object, name)));
    let Some(name) = name else { return Readiness::Ready };
    // Not every controller keeps this number; where it stands it counts, and Flux's always do.
    let counts = group.ends_with(FLUX) || object.pointer("/status/observedGeneration").is_some();
    if counts && !is_observed(object) {
        return unobserved();
    }
    if let Some(stalled) = condition::find(object, "Stalled").filter(condition::Condition::is_true) {
        return Readiness::Failed(stalled.words());
    }
    condition::all(object, &[(name, true)])
}

/// Whether the object has a condition of that type, of whatever desire.
fn has(object: &Value, name: &str) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| condition.get("type").and_then(Value::as_str) == Some(name))
}

/// v1beta2 sums it up in `Available`; v1beta1 has `status.ready` alone.
fn hosted_cluster(object: &Value) -> Readiness {
    if object.get("apiVersion").and_then(Value::as_str) == Some("k0smotron.io/v1beta1") {
        return if object.pointer("/status/ready") == Some(&Value::Bool(true)) {
            Readiness::Ready
        } else {
            let why = object.pointer("/status/reconciliationStatus").and_then(Value::as_str);
            Readiness::NotYet(why.unwrap_or("its control plane is not up yet").to_owned())
        };
    }
    condition::all(object, &[("Available", true)])
}

/// A chart of k0s is installed when the status speaks of the wanted version without an error.
fn chart(object: &Value) -> Readiness {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let error = text("/status/error");
    if !error.is_empty() {
        // k0s tries again and again.
        return Readiness::NotYet(error.lines().next().unwrap_or_default().to_owned());
    }
    let revision = object.pointer("/status/revision").and_then(Value::as_i64).unwrap_or(0);
    let (wanted, found) = (text("/spec/version"), text("/status/version"));
    if revision > 0 && (wanted.is_empty() || wanted == found) {
        return Readiness::Ready;
    }
    Readiness::NotYet(match found {
        "" => "the chart is not installed yet".to_owned(),
        found => format!("version {found} is installed and {wanted} is not yet"),
    })
}

fn data_volume(object: &Value) -> Readiness {
    let phase = object.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
    match phase {
        "Succeeded" | "WaitForFirstConsumer" | "PendingPopulation" => Readiness::Ready,
        "Failed" => Readiness::Failed("the import has failed".to_owned()),
        "" => Readiness::NotYet("CDI has not seen it yet".to_owned()),
        phase => Readiness::NotYet(format!("its phase is {phase}")),
    }
}
