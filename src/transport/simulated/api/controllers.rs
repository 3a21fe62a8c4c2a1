//! The few controllers that matter: what they would bring about is there as soon as the object is.

use serde_json::{Value, json};

/// The object with the status that its controller gives it in the end.
pub(super) fn settle(object: &mut Value) {
    let generation = object.pointer("/metadata/generation").cloned().unwrap_or_else(|| json!(1));
    let replicas = object.pointer("/spec/replicas").cloned().unwrap_or_else(|| json!(1));
    let yes = |kind: &str| json!({"type": kind, "status": "True", "observedGeneration": generation});
    let status = match object["kind"].as_str().unwrap_or_default() {
        "Deployment" => json!({
            "observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas,
            "readyReplicas": replicas, "availableReplicas": replicas, "conditions": [yes("Available"), yes("Progressing")],
        }),
        "StatefulSet" => json!({
            "observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas,
            "availableReplicas": replicas, "currentRevision": "1", "updateRevision": "1",
        }),
        "DaemonSet" => json!({
            "observedGeneration": generation, "desiredNumberScheduled": 1, "currentNumberScheduled": 1,
            "updatedNumberScheduled": 1, "numberReady": 1, "numberAvailable": 1, "numberMisscheduled": 0,
        }),
        "Job" => json!({"succeeded": 1, "conditions": [yes("Complete")]}),
        "CustomResourceDefinition" => json!({"conditions": [yes("NamesAccepted"), yes("Established")]}),
        "APIService" => json!({"conditions": [yes("Available")]}),
        "PersistentVolumeClaim" | "PersistentVolume" => json!({"phase": "Bound"}),
        "Namespace" => json!({"phase": "Active"}),
        "HelmRelease" | "Kustomization" => json!({"observedGeneration": generation, "conditions": [yes("Ready")]}),
        _ => return,
    };
    object["status"] = status;
}
