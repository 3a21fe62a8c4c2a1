//! Which kinds have namespaces. Those that every API server has are known; others are known by their definition.

use crate::lab::ApiKind;

/// Whether objects of a kind lie in namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// They belong to the whole cluster.
    Cluster,
    /// They lie in a namespace.
    Namespaced,
}

/// Kinds of the whole cluster: those of Kubernetes 1.36 (`kubectl api-resources --namespaced=false`), and of add-ons
/// whose definitions come by other hands mostly.
const CLUSTER: &[(&str, &[&str])] = &[
    ("", &["Namespace", "Node", "PersistentVolume", "ComponentStatus"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io", &["IngressClass", "IPAddress", "ServiceCIDR"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    ("storage.k8s.io", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"]),
    ("storagemigration.k8s.io", &["StorageVersionMigration"]),
    ("cert-manager.io", &["ClusterIssuer"]),
    ("snapshot.storage.k8s.io", &["VolumeSnapshotClass", "VolumeSnapshotContent"]),
    ("gateway.networking.k8s.io", &["GatewayClass"]),
    ("cdi.kubevirt.io", &["CDI", "CDIConfig", "StorageProfile", "ObjectTransfer"]),
];

/// Groups of Kubernetes itself: what is not listed above has namespaces.
const OWN_GROUPS: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// The scope of a kind, where it is known without asking a cluster.
pub(super) fn scope(kind: &ApiKind) -> Option<Scope> {
    let group = kind.group();
    let is_cluster = CLUSTER.iter().any(|(listed, kinds)| *listed == group && kinds.contains(&kind.kind.as_str()));
    match (is_cluster, OWN_GROUPS.contains(&group)) {
        (true, _) => Some(Scope::Cluster),
        (false, true) => Some(Scope::Namespaced),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, scope};
    use crate::lab::ApiKind;

    #[test]
    fn kinds_of_kubernetes_are_known_and_others_are_not_guessed() {
        let of = |version: &str, kind: &str| scope(&ApiKind::new(version, kind));
        assert_eq!(of("v1", "Namespace"), Some(Scope::Cluster));
        assert_eq!(of("v1", "ConfigMap"), Some(Scope::Namespaced));
        assert_eq!(of("rbac.authorization.k8s.io/v1", "ClusterRole"), Some(Scope::Cluster));
        assert_eq!(of("rbac.authorization.k8s.io/v1", "Role"), Some(Scope::Namespaced));
        assert_eq!(of("metallb.io/v1beta1", "IPAddressPool"), None);
        // Another group's kind of the same name is another kind.
        assert_eq!(of("example.org/v1", "Namespace"), None);
    }
}
