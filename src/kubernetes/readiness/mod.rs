//! Whether an object is as ready as its kind can be.
//!
//! What needs another object's consumer, a person or the outside world to become ready is not waited for: a claim whose
//! volume is made when a pod wants it, a Service without an address, a virtual machine that is off.

mod condition;
mod extension;
mod workload;

use serde_json::Value;

/// How ready an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It is.
    Ready,
    /// It may become so: what is missing.
    NotYet(String),
    /// It will not by itself: why.
    Failed(String),
}

/// How ready an object is that the API server gave.
pub fn readiness(object: &Value) -> Readiness {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Readiness::Failed("it is being deleted".to_owned());
    }
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let group = text("/apiVersion").split_once('/').map_or("", |(group, _)| group);
    match (group, text("/kind")) {
        ("apps", "Deployment") => workload::deployment(object),
        ("apps", "StatefulSet") => workload::stateful_set(object),
        ("apps", "DaemonSet") => workload::daemon_set(object),
        ("batch", "Job") => workload::job(object),
        ("", "Pod") => workload::pod(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "PersistentVolume") => volume(object),
        ("", "Node") => condition::all(object, &[("Ready", true)]),
        // Its conditions tell of its health, not of whether it is there.
        ("", "Service") | ("apps", "ReplicaSet") => Readiness::Ready,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            condition::all(object, &[("Established", true), ("NamesAccepted", true)])
        }
        ("apiregistration.k8s.io", "APIService") => condition::all(object, &[("Available", true)]),
        _ => extension::readiness(object, group),
    }
}

/// A claim that names its volume is bound to it at once. One that does not may wait for a pod (its class says so, not
/// the claim), and the pod that wants it says what is wrong: nobody waits for the claim itself.
/// Src: kubernetes `pkg/controller/volume/persistentvolume`, `syncUnboundClaim`.
fn claim(claim: &Value) -> Readiness {
    let phase = claim.pointer("/status/phase").and_then(Value::as_str).unwrap_or("Pending");
    let volume = claim.pointer("/spec/volumeName").and_then(Value::as_str).unwrap_or_default();
    match (phase, volume) {
        ("Lost", volume) => Readiness::Failed(format!("its volume `{volume}` is gone")),
        ("Bound", _) | (_, "") => Readiness::Ready,
        (_, volume) => Readiness::NotYet(format!("it is not bound to the volume `{volume}` yet")),
    }
}

fn volume(volume: &Value) -> Readiness {
    match volume.pointer("/status/phase").and_then(Value::as_str) {
        Some("Failed") => {
            let why = volume.pointer("/status/message").and_then(Value::as_str).unwrap_or("it could not be reclaimed");
            Readiness::Failed(why.to_owned())
        }
        _ => Readiness::Ready,
    }
}

/// Whether the controller has seen the newest desire. `metadata.generation` counts desires, `status.observedGeneration`
/// says which one the status is about.
fn is_observed(object: &Value) -> bool {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    match (number("/metadata/generation"), number("/status/observedGeneration")) {
        (Some(generation), Some(observed)) => observed >= generation,
        (Some(_), None) => false,
        (None, _) => true,
    }
}

fn unobserved() -> Readiness {
    Readiness::NotYet("its controller has not seen it yet".to_owned())
}

#[cfg(test)]
mod tests;
