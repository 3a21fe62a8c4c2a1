//! Fields that the server never changes: the object is made anew where that harms nothing, or the change is refused.
//!
//! Src: `pkg/apis/*/validation` in kubernetes. The server refuses with 422; this says what can be done then.

use super::{FieldPath, Part};
use crate::lab::ApiKind;

/// What can be done about a change of a field that can't be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Deleting the object and making it anew: what that interrupts, where it does.
    Replace(Option<&'static str>),
    /// Nothing that labctl would do: why, and what a person can do.
    Refuse(&'static str),
}

/// Group, kind, the fields (all below them, too; empty for the whole object), and what can be done.
type Row = (&'static str, &'static str, &'static [&'static str], Way);

#[rustfmt::skip]
const IMMUTABLE: &[Row] = &[
    ("storage.k8s.io", "StorageClass", &["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode", "mountOptions",
        "allowedTopologies"], Way::Replace(None)),
    ("storage.k8s.io", "CSIDriver", &["spec"], Way::Replace(None)),
    ("storage.k8s.io", "VolumeAttributesClass", &["driverName", "parameters"], Way::Replace(None)),
    ("snapshot.storage.k8s.io", "VolumeSnapshotClass", &["driver", "parameters", "deletionPolicy"], Way::Replace(None)),
    ("scheduling.k8s.io", "PriorityClass", &["value", "preemptionPolicy"], Way::Replace(None)),
    ("node.k8s.io", "RuntimeClass", &["handler"], Way::Replace(None)),
    ("networking.k8s.io", "IngressClass", &["spec.controller"], Way::Replace(None)),
    ("rbac.authorization.k8s.io", "RoleBinding", &["roleRef"], Way::Replace(None)),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", &["roleRef"], Way::Replace(None)),
    ("discovery.k8s.io", "EndpointSlice", &["addressType"], Way::Replace(None)),
    ("batch", "Job", &["spec.template", "spec.selector", "spec.completions", "spec.completionMode",
        "spec.podFailurePolicy", "spec.backoffLimitPerIndex", "spec.managedBy"], Way::Replace(Some("runs the Job again"))),
    ("apps", "Deployment", &["spec.selector"], Way::Replace(Some("stops all pods of the Deployment"))),
    ("apps", "DaemonSet", &["spec.selector"], Way::Replace(Some("stops all pods of the DaemonSet"))),
    ("apps", "StatefulSet", &["spec.selector", "spec.serviceName", "spec.podManagementPolicy"],
        Way::Replace(Some("stops all pods of the StatefulSet; its claims stay"))),
    ("apps", "StatefulSet", &["spec.volumeClaimTemplates"], Way::Refuse("the claims that exist would stay as they are; \
        change them one by one, then `kubectl delete statefulset NAME --cascade=orphan` and apply again")),
    ("", "Service", &["spec.clusterIP", "spec.clusterIPs", "spec.ipFamilies"],
        Way::Replace(Some("the Service is gone for a moment, with its address"))),
    ("", "Secret", &["data", "immutable", "type"], Way::Replace(Some("pods that mount it keep the old one until they restart"))),
    ("", "ConfigMap", &["data", "binaryData", "immutable"],
        Way::Replace(Some("pods that mount it keep the old one until they restart"))),
    ("", "PersistentVolume", &["spec"], Way::Refuse("a volume is data; make another PersistentVolume of another name, or \
        delete this one by hand when nothing is bound to it")),
    ("", "PersistentVolumeClaim", &["spec"], Way::Refuse("a claim is data: it can grow, and nothing else of it can change; \
        make another claim of another name and move what is in it")),
    ("", "Pod", &["spec"], Way::Replace(Some("stops the pod"))),
];

/// The fields among `paths` that can't be changed, and what can be done about it; none where none is known.
pub fn immutable(kind: &ApiKind, paths: &[FieldPath]) -> Option<(Vec<String>, Way)> {
    let rows = IMMUTABLE.iter().filter(|row| row.0 == kind.group() && row.1 == kind.kind);
    let mut found: Option<(Vec<String>, Way)> = None;
    for row in rows {
        let below = |path: &&FieldPath| row.2.iter().any(|field| is_below(path, field)) && !may_change(kind, path);
        let fields: Vec<String> = paths.iter().filter(below).map(ToString::to_string).collect();
        if fields.is_empty() {
            continue;
        }
        match &mut found {
            // What is refused stays refused, whatever else would be replaced.
            Some((known, way)) => {
                known.extend(fields);
                if matches!(row.3, Way::Refuse(_)) {
                    *way = row.3;
                }
            }
            None => found = Some((fields, row.3)),
        }
    }
    found
}

fn is_below(path: &FieldPath, field: &str) -> bool {
    let names = FieldPath::fields(field.split('.'));
    names.covers(path)
}

/// Fields below immutable ones that can be changed all the same.
fn may_change(kind: &ApiKind, path: &FieldPath) -> bool {
    let names: Vec<&str> = path
        .parts()
        .iter()
        .map(|part| match part {
            Part::Field(name) => name.as_str(),
            _ => "",
        })
        .collect();
    match kind.kind.as_str() {
        "PersistentVolumeClaim" => matches!(names.as_slice(), ["spec", "resources" | "volumeAttributesClassName", ..]),
        "PersistentVolume" => matches!(
            names.as_slice(),
            [
                "spec",
                "capacity"
                    | "persistentVolumeReclaimPolicy"
                    | "claimRef"
                    | "accessModes"
                    | "storageClassName"
                    | "mountOptions",
                ..
            ]
        ),
        "Pod" => matches!(
            names.as_slice(),
            ["spec", "containers" | "initContainers", _, "image", ..]
                | ["spec", "activeDeadlineSeconds" | "tolerations" | "terminationGracePeriodSeconds", ..]
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(version: &str, kind: &str, fields: &[&str]) -> Option<Way> {
        let paths: Vec<FieldPath> = fields.iter().map(|field| FieldPath::fields(field.split('.'))).collect();
        immutable(&ApiKind::new(version, kind), &paths).map(|(_, way)| way)
    }

    #[test]
    fn what_cannot_be_changed_is_made_anew_where_that_harms_nothing() {
        assert_eq!(way("storage.k8s.io/v1", "StorageClass", &["parameters.poolname"]), Some(Way::Replace(None)));
        assert_eq!(way("storage.k8s.io/v1", "StorageClass", &["allowVolumeExpansion"]), None);
        assert!(matches!(
            way("apps/v1", "Deployment", &["spec.selector.matchLabels.app"]),
            Some(Way::Replace(Some(_)))
        ));
        assert_eq!(way("apps/v1", "Deployment", &["spec.replicas"]), None);
    }

    #[test]
    fn data_is_never_made_anew() {
        for (kind, field) in [
            ("PersistentVolume", "spec.csi.volumeHandle"),
            ("PersistentVolume", "spec.nodeAffinity"),
            ("PersistentVolume", "spec.volumeMode"),
            ("PersistentVolumeClaim", "spec.storageClassName"),
        ] {
            assert!(matches!(way("v1", kind, &[field]), Some(Way::Refuse(_))), "{kind} {field}");
        }
        assert_eq!(way("v1", "PersistentVolumeClaim", &["spec.resources.requests.storage"]), None, "it can grow");
    }

    #[test]
    fn what_is_refused_in_part_is_refused() {
        let both = ["spec.serviceName", "spec.volumeClaimTemplates"];
        assert!(matches!(way("apps/v1", "StatefulSet", &both), Some(Way::Refuse(_))));
    }
}
