//! Whether the objects of a kind are in a namespace or belong to the whole cluster.
//!
//! Src: the API's discovery for the built-in kinds, the definitions' `spec.scope` for those of the lab's operators.

use serde_json::Value;

use crate::lab::ApiKind;

/// Where the objects of a kind are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In none.
    Cluster,
}

/// A group with the kinds that it has in namespaces and those that belong to the cluster.
type Row = (&'static str, &'static str, &'static str);

#[rustfmt::skip]
const BUILT_IN: &[Row] = &[
    ("", "Binding ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController \
          ResourceQuota Secret Service ServiceAccount", "ComponentStatus Namespace Node PersistentVolume"),
    ("admissionregistration.k8s.io", "", "MutatingWebhookConfiguration ValidatingWebhookConfiguration \
          ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy \
          MutatingAdmissionPolicyBinding"),
    ("apiextensions.k8s.io", "", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "", "APIService"),
    ("apps", "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet", ""),
    ("authentication.k8s.io", "", "TokenReview SelfSubjectReview"),
    ("authorization.k8s.io", "LocalSubjectAccessReview", "SelfSubjectAccessReview SelfSubjectRulesReview \
          SubjectAccessReview"),
    ("autoscaling", "HorizontalPodAutoscaler", ""),
    ("batch", "CronJob Job", ""),
    ("certificates.k8s.io", "PodCertificateRequest", "CertificateSigningRequest ClusterTrustBundle"),
    ("coordination.k8s.io", "Lease LeaseCandidate", ""),
    ("discovery.k8s.io", "EndpointSlice", ""),
    ("events.k8s.io", "Event", ""),
    ("flowcontrol.apiserver.k8s.io", "", "FlowSchema PriorityLevelConfiguration"),
    ("internal.apiserver.k8s.io", "", "StorageVersion"),
    ("networking.k8s.io", "Ingress NetworkPolicy", "IngressClass IPAddress ServiceCIDR"),
    ("node.k8s.io", "", "RuntimeClass"),
    ("policy", "PodDisruptionBudget", ""),
    ("rbac.authorization.k8s.io", "Role RoleBinding", "ClusterRole ClusterRoleBinding"),
    ("resource.k8s.io", "ResourceClaim ResourceClaimTemplate", "DeviceClass ResourceSlice DeviceTaintRule"),
    ("scheduling.k8s.io", "", "PriorityClass"),
    ("storage.k8s.io", "CSIStorageCapacity", "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass"),
    ("storagemigration.k8s.io", "", "StorageVersionMigration"),
];

#[rustfmt::skip]
const OPERATORS: &[Row] = &[
    ("acme.cert-manager.io", "Challenge Order", ""),
    ("autopilot.k0sproject.io", "", "ControlNode Plan UpdateConfig"),
    ("bitnami.com", "SealedSecret", ""),
    ("bootstrap.cluster.x-k8s.io", "K0sControllerConfig K0sWorkerConfig K0sWorkerConfigTemplate", ""),
    ("cdi.kubevirt.io", "DataImportCron DataSource DataVolume VolumeCloneSource VolumeImportSource VolumeUploadSource",
          "CDI CDIConfig ObjectTransfer StorageProfile"),
    ("cert-manager.io", "Certificate CertificateRequest Issuer", "ClusterIssuer"),
    ("cluster.x-k8s.io", "Cluster ClusterClass Machine MachineDeployment MachineSet", ""),
    ("controlplane.cluster.x-k8s.io", "K0sControlPlane K0sControlPlaneTemplate K0smotronControlPlane \
          K0smotronControlPlaneTemplate", ""),
    ("etcd.k0sproject.io", "", "EtcdMember"),
    ("externaldns.k8s.io", "DNSEndpoint DNSRecord", ""),
    ("gateway.networking.k8s.io", "BackendTLSPolicy Gateway GRPCRoute HTTPRoute ReferenceGrant TCPRoute TLSRoute \
          UDPRoute", "GatewayClass"),
    ("helm.k0sproject.io", "Chart", ""),
    ("helm.toolkit.fluxcd.io", "HelmRelease", ""),
    ("image.toolkit.fluxcd.io", "ImagePolicy ImageRepository ImageUpdateAutomation", ""),
    ("infrastructure.cluster.x-k8s.io", "PooledRemoteMachine RemoteCluster RemoteClusterTemplate RemoteMachine \
          RemoteMachineTemplate", ""),
    ("k0s.k0sproject.io", "ClusterConfig", ""),
    ("k0smotron.io", "Cluster JoinTokenRequest", ""),
    ("k8s.cni.cncf.io", "NetworkAttachmentDefinition", ""),
    ("kubevirt.io", "KubeVirt VirtualMachine VirtualMachineInstance VirtualMachineInstanceMigration \
          VirtualMachineInstancePreset VirtualMachineInstanceReplicaSet", ""),
    ("kustomize.toolkit.fluxcd.io", "Kustomization", ""),
    ("metallb.io", "BFDProfile BGPAdvertisement BGPPeer Community ConfigurationState IPAddressPool L2Advertisement \
          ServiceBGPStatus ServiceL2Status", ""),
    ("notification.toolkit.fluxcd.io", "Alert Provider Receiver", ""),
    ("snapshot.storage.k8s.io", "VolumeSnapshot", "VolumeSnapshotClass VolumeSnapshotContent"),
    ("source.toolkit.fluxcd.io", "Bucket ExternalArtifact GitRepository HelmChart HelmRepository OCIRepository", ""),
    ("traefik.io", "IngressRoute IngressRouteTCP IngressRouteUDP Middleware MiddlewareTCP ServersTransport \
          ServersTransportTCP TLSOption TLSStore TraefikService", ""),
    ("zfs.openebs.io", "ZFSBackup ZFSNode ZFSRestore ZFSSnapshot ZFSVolume", ""),
];

/// Where the objects of a kind are; none where that is not known without asking the cluster or its definition.
pub fn scope(kind: &ApiKind) -> Option<Scope> {
    let row = BUILT_IN.iter().chain(OPERATORS).find(|row| row.0 == kind.group())?;
    let has = |kinds: &str| kinds.split_whitespace().any(|name| name == kind.kind);
    match (has(row.1), has(row.2)) {
        (true, _) => Some(Scope::Namespaced),
        (false, true) => Some(Scope::Cluster),
        (false, false) => None,
    }
}

/// What a CustomResourceDefinition defines: each version that it serves, and where the objects are.
pub fn defined(definition: &Value) -> Option<(Vec<ApiKind>, Scope)> {
    if definition.get("kind")?.as_str()? != "CustomResourceDefinition" {
        return None;
    }
    let spec = definition.get("spec")?;
    let (group, kind) = (spec.get("group")?.as_str()?, spec.pointer("/names/kind")?.as_str()?);
    let is_served = |version: &&Value| version.get("served") != Some(&Value::Bool(false));
    let versions = spec.get("versions")?.as_array()?.iter().filter(is_served);
    let kinds = versions.filter_map(|version| version.get("name")?.as_str());
    let scope = if spec.get("scope")?.as_str()? == "Cluster" { Scope::Cluster } else { Scope::Namespaced };
    Some((kinds.map(|version| ApiKind::new(format!("{group}/{version}"), kind)).collect(), scope))
}

/// Whether the API server itself knows the kind: its types, and not a definition, say what its fields are.
pub fn is_built_in(kind: &ApiKind) -> bool {
    BUILT_IN.iter().any(|row| row.0 == kind.group())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_kinds_are_where_they_are_and_others_are_not_guessed() {
        let scope = |version: &str, kind: &str| scope(&ApiKind::new(version, kind));
        assert_eq!(scope("v1", "ConfigMap"), Some(Scope::Namespaced));
        assert_eq!(scope("v1", "Namespace"), Some(Scope::Cluster));
        assert_eq!(scope("storage.k8s.io/v1", "StorageClass"), Some(Scope::Cluster));
        assert_eq!(scope("metallb.io/v1beta1", "IPAddressPool"), Some(Scope::Namespaced));
        assert_eq!(scope("cdi.kubevirt.io/v1beta1", "CDI"), Some(Scope::Cluster));
        assert_eq!(scope("example.org/v1", "Widget"), None);
        assert_eq!(scope("apps/v1", "Widget"), None);
    }

    #[test]
    fn a_definition_says_what_it_defines() {
        let definition = json!({
            "kind": "CustomResourceDefinition",
            "spec": {"group": "example.org", "scope": "Cluster", "names": {"kind": "Widget", "plural": "widgets"},
                     "versions": [{"name": "v1", "served": true}, {"name": "v1alpha1", "served": false}]}
        });
        assert_eq!(defined(&definition), Some((vec![ApiKind::new("example.org/v1", "Widget")], Scope::Cluster)));
        assert_eq!(defined(&json!({"kind": "ConfigMap"})), None);
    }
}
