//! What pods run as, mount and read: of everything that makes pods, virtual machines among them.

use serde_json::Value;

use super::{Reference, at, texts};
use crate::lab::ObjectKey;

/// Kind, and where its pods' metadata and `spec` stand.
#[rustfmt::skip]
const TEMPLATES: &[(&str, &str)] = &[
    ("Pod", ""),
    ("ReplicationController", "spec.template"),
    ("Deployment.apps", "spec.template"),
    ("ReplicaSet.apps", "spec.template"),
    ("StatefulSet.apps", "spec.template"),
    ("DaemonSet.apps", "spec.template"),
    ("Job.batch", "spec.template"),
    ("CronJob.batch", "spec.jobTemplate.spec.template"),
    ("VirtualMachine.kubevirt.io", "spec.template"),
    ("VirtualMachineInstance.kubevirt.io", ""),
];

/// Path below a pod's spec, and the kind of what it names.
#[rustfmt::skip]
const NAMES: &[(&str, &str)] = &[
    ("serviceAccountName", "ServiceAccount"),
    ("imagePullSecrets[].name", "Secret"),
    ("priorityClassName", "PriorityClass.scheduling.k8s.io"),
    ("runtimeClassName", "RuntimeClass.node.k8s.io"),
    ("volumes[].configMap.name", "ConfigMap"),
    ("volumes[].secret.secretName", "Secret"),
    ("volumes[].persistentVolumeClaim.claimName", "PersistentVolumeClaim"),
    ("volumes[].projected.sources[].configMap.name", "ConfigMap"),
    ("volumes[].projected.sources[].secret.name", "Secret"),
    ("volumes[].csi.nodePublishSecretRef.name", "Secret"),
    ("volumes[].ephemeral.volumeClaimTemplate.spec.storageClassName", "StorageClass.storage.k8s.io"),
    ("volumes[].dataVolume.name", "DataVolume.cdi.kubevirt.io"),
    ("volumes[].cloudInitNoCloud.secretRef.name", "Secret"),
    ("volumes[].cloudInitConfigDrive.secretRef.name", "Secret"),
    ("accessCredentials[].sshPublicKey.source.secret.secretName", "Secret"),
];

/// Path below a container, and the kind of what it names.
#[rustfmt::skip]
const OF_CONTAINERS: &[(&str, &str)] = &[
    ("env[].valueFrom.configMapKeyRef.name", "ConfigMap"),
    ("env[].valueFrom.secretKeyRef.name", "Secret"),
    ("envFrom[].configMapRef.name", "ConfigMap"),
    ("envFrom[].secretRef.name", "Secret"),
];

const NETWORK: &str = "NetworkAttachmentDefinition.k8s.cni.cncf.io";

/// The pod template of an object; for a pod, itself.
pub(super) fn template<'a>(object: &'a Value, key: &ObjectKey) -> Option<&'a Value> {
    let kind = key.kind.qualified();
    let (_, path) = TEMPLATES.iter().find(|row| row.0 == kind)?;
    if path.is_empty() { Some(object) } else { at(object, path).into_iter().next() }
}

pub(super) fn of(object: &Value, key: &ObjectKey) -> Vec<Reference> {
    let Some(template) = template(object, key) else { return Vec::new() };
    let Some(spec) = template.get("spec") else { return Vec::new() };
    let namespace = key.namespace.as_deref();
    let mut found = Vec::new();
    for (path, kind) in NAMES {
        found.extend(texts(spec, path).map(|name| Reference::new(kind, namespace, name)));
    }
    for list in ["containers", "initContainers"] {
        for container in at(spec, &format!("{list}[]")) {
            for (path, kind) in OF_CONTAINERS {
                found.extend(texts(container, path).map(|name| Reference::new(kind, namespace, name)));
            }
        }
    }
    found.extend(texts(spec, "networks[].multus.networkName").map(|name| network(name, namespace)));
    found.extend(attached(template, namespace));
    found
}

/// `name`, `namespace/name`, either with `@interface`.
fn network(text: &str, namespace: Option<&str>) -> Reference {
    let text = text.split('@').next().unwrap_or(text).trim();
    match text.split_once('/') {
        Some((namespace, name)) => Reference::new(NETWORK, Some(namespace), name),
        None => Reference::new(NETWORK, namespace, text),
    }
}

/// The annotation of Multus: a list of names with commas, or JSON.
fn attached(template: &Value, namespace: Option<&str>) -> Vec<Reference> {
    let annotation = template.pointer("/metadata/annotations").and_then(|all| all.get("k8s.v1.cni.cncf.io/networks"));
    let Some(text) = annotation.and_then(Value::as_str) else { return Vec::new() };
    match serde_json::from_str::<Vec<Value>>(text) {
        Ok(list) => {
            let of = |entry: &Value| {
                let text = |name: &str| entry.get(name).and_then(Value::as_str);
                Some(Reference::new(NETWORK, text("namespace").or(namespace), text("name")?))
            };
            list.iter().filter_map(of).collect()
        }
        Err(_) => text.split(',').filter(|name| !name.trim().is_empty()).map(|name| network(name, namespace)).collect(),
    }
}
