//! Fields that hold a name, by kind.

use serde_json::Value;

use super::{Reference, at, texts};
use crate::lab::ObjectKey;

const CLASS: &str = "StorageClass.storage.k8s.io";

/// Kind, path of a name, kind of what is named in the same namespace or in none.
#[rustfmt::skip]
const NAMES: &[(&str, &str, &str)] = &[
    ("PersistentVolumeClaim", "spec.volumeName", "PersistentVolume"),
    ("PersistentVolumeClaim", "spec.storageClassName", CLASS),
    ("PersistentVolume", "spec.storageClassName", CLASS),
    ("ServiceAccount", "imagePullSecrets[].name", "Secret"),
    ("StatefulSet.apps", "spec.serviceName", "Service"),
    ("StatefulSet.apps", "spec.volumeClaimTemplates[].spec.storageClassName", CLASS),
    ("Ingress.networking.k8s.io", "spec.ingressClassName", "IngressClass.networking.k8s.io"),
    ("Ingress.networking.k8s.io", "spec.tls[].secretName", "Secret"),
    ("Ingress.networking.k8s.io", "spec.rules[].http.paths[].backend.service.name", "Service"),
    ("Issuer.cert-manager.io", "spec.ca.secretName", "Secret"),
    ("Issuer.cert-manager.io", "spec.acme.solvers[].dns01.cloudflare.apiTokenSecretRef.name", "Secret"),
    ("ClusterIssuer.cert-manager.io", "spec.ca.secretName", "Secret"),
    ("ClusterIssuer.cert-manager.io", "spec.acme.solvers[].dns01.cloudflare.apiTokenSecretRef.name", "Secret"),
    ("HelmRelease.helm.toolkit.fluxcd.io", "spec.kubeConfig.secretRef.name", "Secret"),
    ("Kustomization.kustomize.toolkit.fluxcd.io", "spec.kubeConfig.secretRef.name", "Secret"),
    ("Kustomization.kustomize.toolkit.fluxcd.io", "spec.decryption.secretRef.name", "Secret"),
    ("GitRepository.source.toolkit.fluxcd.io", "spec.secretRef.name", "Secret"),
    ("HelmRepository.source.toolkit.fluxcd.io", "spec.secretRef.name", "Secret"),
    ("OCIRepository.source.toolkit.fluxcd.io", "spec.secretRef.name", "Secret"),
    ("IngressRoute.traefik.io", "spec.tls.secretName", "Secret"),
    ("L2Advertisement.metallb.io", "spec.ipAddressPools[]", "IPAddressPool.metallb.io"),
    ("BGPAdvertisement.metallb.io", "spec.ipAddressPools[]", "IPAddressPool.metallb.io"),
    ("BGPAdvertisement.metallb.io", "spec.peers[]", "BGPPeer.metallb.io"),
    ("BGPPeer.metallb.io", "spec.bfdProfile", "BFDProfile.metallb.io"),
    ("VolumeSnapshot.snapshot.storage.k8s.io", "spec.volumeSnapshotClassName", "VolumeSnapshotClass.snapshot.storage.k8s.io"),
    ("VolumeSnapshot.snapshot.storage.k8s.io", "spec.source.persistentVolumeClaimName", "PersistentVolumeClaim"),
    ("DataVolume.cdi.kubevirt.io", "spec.storage.storageClassName", CLASS),
    ("DataVolume.cdi.kubevirt.io", "spec.pvc.storageClassName", CLASS),
    ("VirtualMachine.kubevirt.io", "spec.dataVolumeTemplates[].spec.storage.storageClassName", CLASS),
    ("JoinTokenRequest.k0smotron.io", "spec.clusterName", "Cluster.k0smotron.io"),
    ("Cluster.k0smotron.io", "spec.persistence.persistentVolumeClaim.spec.storageClassName", CLASS),
    ("Cluster.k0smotron.io", "spec.storage.etcd.persistence.storageClass", CLASS),
    ("Cluster.k0smotron.io", "spec.storage.kine.dataSourceSecretName", "Secret"),
    ("Gateway.gateway.networking.k8s.io", "spec.gatewayClassName", "GatewayClass.gateway.networking.k8s.io"),
];

/// Kind, path of `{kind, name, namespace}`, and the kind where none is given there.
#[rustfmt::skip]
const TYPED: &[(&str, &str, &str)] = &[
    ("RoleBinding.rbac.authorization.k8s.io", "roleRef", "Role.rbac.authorization.k8s.io"),
    ("RoleBinding.rbac.authorization.k8s.io", "subjects[]", ""),
    ("ClusterRoleBinding.rbac.authorization.k8s.io", "roleRef", "ClusterRole.rbac.authorization.k8s.io"),
    ("ClusterRoleBinding.rbac.authorization.k8s.io", "subjects[]", ""),
    ("HorizontalPodAutoscaler.autoscaling", "spec.scaleTargetRef", ""),
    ("Certificate.cert-manager.io", "spec.issuerRef", "Issuer.cert-manager.io"),
    ("HelmRelease.helm.toolkit.fluxcd.io", "spec.chart.spec.sourceRef", "HelmRepository.source.toolkit.fluxcd.io"),
    ("HelmRelease.helm.toolkit.fluxcd.io", "spec.chartRef", "OCIRepository.source.toolkit.fluxcd.io"),
    ("HelmRelease.helm.toolkit.fluxcd.io", "spec.valuesFrom[]", "ConfigMap"),
    ("HelmRelease.helm.toolkit.fluxcd.io", "spec.dependsOn[]", "HelmRelease.helm.toolkit.fluxcd.io"),
    ("Kustomization.kustomize.toolkit.fluxcd.io", "spec.sourceRef", "GitRepository.source.toolkit.fluxcd.io"),
    ("Kustomization.kustomize.toolkit.fluxcd.io", "spec.dependsOn[]", "Kustomization.kustomize.toolkit.fluxcd.io"),
    ("IngressRoute.traefik.io", "spec.routes[].middlewares[]", "Middleware.traefik.io"),
    ("IngressRoute.traefik.io", "spec.routes[].services[]", "Service"),
    ("IngressRoute.traefik.io", "spec.tls.options", "TLSOption.traefik.io"),
    ("IngressRouteTCP.traefik.io", "spec.routes[].services[]", "Service"),
    ("DataVolume.cdi.kubevirt.io", "spec.source.pvc", "PersistentVolumeClaim"),
    ("DataVolume.cdi.kubevirt.io", "spec.sourceRef", "DataSource.cdi.kubevirt.io"),
    ("HTTPRoute.gateway.networking.k8s.io", "spec.parentRefs[]", "Gateway.gateway.networking.k8s.io"),
    ("APIService.apiregistration.k8s.io", "spec.service", "Service"),
];

/// Groups of kinds that are named by their kind alone.
#[rustfmt::skip]
const GROUPS: &[(&str, &str)] = &[
    ("Deployment", "apps"), ("StatefulSet", "apps"), ("ClusterIssuer", "cert-manager.io"), ("Issuer", "cert-manager.io"),
    ("HelmRepository", "source.toolkit.fluxcd.io"), ("GitRepository", "source.toolkit.fluxcd.io"),
    ("OCIRepository", "source.toolkit.fluxcd.io"), ("Bucket", "source.toolkit.fluxcd.io"),
    ("HelmChart", "source.toolkit.fluxcd.io"), ("TraefikService", "traefik.io"), ("Role", "rbac.authorization.k8s.io"),
    ("ClusterRole", "rbac.authorization.k8s.io"),
];

pub(super) fn of(object: &Value, key: &ObjectKey) -> Vec<Reference> {
    let (kind, namespace) = (key.kind.qualified(), key.namespace.as_deref());
    let mut found = Vec::new();
    for (_, path, target) in NAMES.iter().filter(|row| row.0 == kind) {
        found.extend(texts(object, path).map(|name| Reference::new(target, namespace, name)));
    }
    for (_, path, default) in TYPED.iter().filter(|row| row.0 == kind) {
        found.extend(at(object, path).into_iter().filter_map(|value| typed(value, default, namespace)));
    }
    found.extend(special(object, &kind, key));
    found
}

fn typed(value: &Value, default: &str, namespace: Option<&str>) -> Option<Reference> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("name")?;
    let kind = match text("kind") {
        None => default.to_owned(),
        Some(kind) => {
            let group = text("group").or_else(|| text("apiGroup"));
            let group = group
                .or_else(|| text("apiVersion").and_then(|version| version.split_once('/')).map(|(group, _)| group));
            let group = group.or_else(|| GROUPS.iter().find(|row| row.0 == kind).map(|row| row.1));
            group.map_or_else(|| kind.to_owned(), |group| format!("{kind}.{group}"))
        }
    };
    (!kind.is_empty()).then(|| Reference::new(&kind, text("namespace").or(namespace), name))
}

/// What is named neither by a plain name nor by a reference.
fn special(object: &Value, kind: &str, key: &ObjectKey) -> Vec<Reference> {
    let namespace = key.namespace.as_deref();
    let metadata = |map: &str, name: &str| object.pointer(&format!("/metadata/{map}"))?.get(name)?.as_str();
    match kind {
        "Secret" => {
            let account = metadata("annotations", "kubernetes.io/service-account.name");
            account.map(|name| Reference::new("ServiceAccount", namespace, name)).into_iter().collect()
        }
        "EndpointSlice.discovery.k8s.io" => {
            let service = metadata("labels", "kubernetes.io/service-name");
            service.map(|name| Reference::new("Service", namespace, name)).into_iter().collect()
        }
        "Endpoints" => vec![Reference::new("Service", namespace, key.name.as_str())],
        // The driver finds the volume by its handle, in a namespace of its own.
        "PersistentVolume" if texts(object, "spec.csi.driver").any(|driver| driver == "zfs.csi.openebs.io") => {
            texts(object, "spec.csi.volumeHandle")
                .map(|name| Reference::new("ZFSVolume.zfs.openebs.io", None, name))
                .collect()
        }
        _ => Vec::new(),
    }
}
