use serde_json::json;

use super::*;

fn told(object: &Value) -> Vec<String> {
    let told = |reference: Reference| match reference.namespace {
        Some(namespace) => format!("{}/{namespace}/{}", reference.kind, reference.name),
        None => format!("{}/{}", reference.kind, reference.name),
    };
    references(object).into_iter().map(told).collect()
}

/// The needs of the objects, as pairs of names.
fn order(objects: &[Value]) -> Vec<(String, String)> {
    let keys: Vec<ObjectKey> = objects.iter().map(|object| ObjectKey::of(object).unwrap()).collect();
    let list: Vec<_> = keys.iter().zip(objects).collect();
    let needs = needs(&list);
    let pairs = needs.iter().enumerate().flat_map(|(i, needs)| needs.all.iter().map(move |need| (i, *need)));
    pairs.map(|(i, need)| (keys[i].path(), keys[need].path())).collect()
}

fn has(pairs: &[(String, String)], first: &str, second: &str) -> bool {
    pairs.iter().any(|(object, need)| object == first && need == second)
}

#[test]
fn a_deployment_needs_what_its_pods_run_as_mount_and_read() {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "apps"},
        "spec": {"template": {
            "metadata": {"annotations": {"k8s.v1.cni.cncf.io/networks": "iot@net1, kube-system/lan"}},
            "spec": {
                "serviceAccountName": "web", "priorityClassName": "high",
                "imagePullSecrets": [{"name": "registry"}],
                "volumes": [{"name": "a", "configMap": {"name": "site"}}, {"name": "b", "secret": {"secretName": "tls"}},
                            {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
                            {"name": "d", "projected": {"sources": [{"secret": {"name": "token"}}]}}],
                "initContainers": [{"name": "i", "envFrom": [{"configMapRef": {"name": "init"}}]}],
                "containers": [{"name": "app", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "key", "key": "k"}}}]}]
            }
        }}
    });
    assert_eq!(
        told(&deployment),
        [
            "ConfigMap/apps/init",
            "ConfigMap/apps/site",
            "Namespace/apps",
            "NetworkAttachmentDefinition.k8s.cni.cncf.io/apps/iot",
            "NetworkAttachmentDefinition.k8s.cni.cncf.io/kube-system/lan",
            "PersistentVolumeClaim/apps/data",
            "PriorityClass.scheduling.k8s.io/high",
            "Secret/apps/key",
            "Secret/apps/registry",
            "Secret/apps/tls",
            "Secret/apps/token",
            "ServiceAccount/apps/web",
        ]
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn names_and_references_are_found_by_kind() {
    for (object, wanted) in [
        (
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "d", "namespace": "vms"},
                "spec": {"volumeName": "d-disk", "storageClassName": "zfs-vms"}}),
            vec!["Namespace/vms", "PersistentVolume/d-disk", "StorageClass.storage.k8s.io/zfs-vms"],
        ),
        (
            json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "d-disk"},
                "spec": {"claimRef": {"name": "d", "namespace": "vms"}, "csi": {"driver": "zfs.csi.openebs.io", "volumeHandle": "d"}}}),
            vec!["ZFSVolume.zfs.openebs.io/d"],
        ),
        (
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "b"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
                "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "apps"},
                             {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jax"}]}),
            vec![
                "ClusterRole.rbac.authorization.k8s.io/r",
                "ServiceAccount/apps/s",
                "User.rbac.authorization.k8s.io/jax",
            ],
        ),
        (
            json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "c", "namespace": "apps"},
                "spec": {"issuerRef": {"kind": "ClusterIssuer", "name": "le"}}}),
            vec!["ClusterIssuer.cert-manager.io/le", "Namespace/apps"],
        ),
        (
            json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "t", "namespace": "traefik"},
                "spec": {"chart": {"spec": {"sourceRef": {"kind": "HelmRepository", "name": "traefik", "namespace": "flux-system"}}},
                         "valuesFrom": [{"kind": "Secret", "name": "v"}], "dependsOn": [{"name": "metallb", "namespace": "metallb-system"}]}}),
            vec![
                "HelmRelease.helm.toolkit.fluxcd.io/metallb-system/metallb",
                "HelmRepository.source.toolkit.fluxcd.io/flux-system/traefik",
                "Namespace/traefik",
                "Secret/traefik/v",
            ],
        ),
        (
            json!({"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "ha", "namespace": "vms"},
                "spec": {"template": {"spec": {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "ha"}}],
                                                "networks": [{"name": "iot", "multus": {"networkName": "vms/bridge64"}}]}}}}),
            vec![
                "Namespace/vms",
                "NetworkAttachmentDefinition.k8s.cni.cncf.io/vms/bridge64",
                "PersistentVolumeClaim/vms/ha",
            ],
        ),
        (
            json!({"apiVersion": "metallb.io/v1beta1", "kind": "L2Advertisement", "metadata": {"name": "l", "namespace": "metallb-system"},
                "spec": {"ipAddressPools": ["vips"]}}),
            vec!["IPAddressPool.metallb.io/metallb-system/vips", "Namespace/metallb-system"],
        ),
        (
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": {"name": "osaurus-1", "namespace": "ai", "labels": {"kubernetes.io/service-name": "osaurus"}}}),
            vec!["Namespace/ai", "Service/ai/osaurus"],
        ),
    ] {
        assert_eq!(told(&object), wanted);
    }
}

/// An operator with a definition, a webhook, and an object of its kind; as MetalLB's manifest has them.
fn metallb() -> Vec<Value> {
    let namespaced = |version: &str, kind: &str, name: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "metallb-system"}});
    let mut pool = namespaced("metallb.io/v1beta1", "IPAddressPool", "vips");
    pool["spec"] = json!({"addresses": ["192.168.8.0/24"]});
    let mut controller = namespaced("apps/v1", "Deployment", "controller");
    controller["spec"] =
        json!({"template": {"metadata": {"labels": {"app": "metallb", "component": "controller"}}, "spec": {}}});
    let mut speaker = namespaced("apps/v1", "DaemonSet", "speaker");
    speaker["spec"] =
        json!({"template": {"metadata": {"labels": {"app": "metallb", "component": "speaker"}}, "spec": {}}});
    let mut service = namespaced("v1", "Service", "webhook");
    service["spec"] = json!({"selector": {"component": "controller"}});
    vec![
        pool,
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "metallb"},
               "webhooks": [{"clientConfig": {"service": {"name": "webhook", "namespace": "metallb-system"}},
                             "rules": [{"apiGroups": ["metallb.io"], "operations": ["CREATE"], "resources": ["ipaddresspools"]},
                                       {"apiGroups": [""], "operations": ["CREATE"], "resources": ["services"]}]}]}),
        service,
        controller,
        speaker,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "metallb-system"}}),
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "ipaddresspools.metallb.io"},
               "spec": {"group": "metallb.io", "scope": "Namespaced", "names": {"kind": "IPAddressPool", "plural": "ipaddresspools"},
                        "versions": [{"name": "v1beta1", "served": true}]}}),
    ]
}

#[test]
fn an_object_waits_for_its_definition_and_for_what_answers_behind_its_webhook() {
    let pairs = order(&metallb());
    let pool = "IPAddressPool.metallb.io/metallb-system/vips";
    let webhook = "ValidatingWebhookConfiguration.admissionregistration.k8s.io/metallb";
    for need in [
        "CustomResourceDefinition.apiextensions.k8s.io/ipaddresspools.metallb.io",
        webhook,
        "Service/metallb-system/webhook",
        "Deployment.apps/metallb-system/controller",
        "Namespace/metallb-system",
    ] {
        assert!(has(&pairs, pool, need), "{need}: {pairs:#?}");
    }
    assert!(has(&pairs, webhook, "Deployment.apps/metallb-system/controller"));
    assert!(!has(&pairs, pool, "DaemonSet.apps/metallb-system/speaker"));
    assert!(!has(&pairs, "Service/metallb-system/webhook", webhook), "built-in kinds don't wait for webhooks");
}

#[test]
fn an_object_of_a_kind_that_is_declared_too_is_planned_after_its_definition() {
    let objects = metallb();
    let keys: Vec<ObjectKey> = objects.iter().map(|object| ObjectKey::of(object).unwrap()).collect();
    let needs = needs(&keys.iter().zip(&objects).collect::<Vec<_>>());
    assert_eq!((needs[0].definition, needs[3].definition), (Some(6), None));
}

#[test]
fn what_converts_objects_answers_before_them_and_after_their_definition() {
    let mut objects = metallb();
    objects[6]["spec"]["conversion"] = json!({"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"name": "webhook", "namespace": "metallb-system"}}}});
    objects.remove(1);
    let pairs = order(&objects);
    assert!(has(&pairs, "IPAddressPool.metallb.io/metallb-system/vips", "Deployment.apps/metallb-system/controller"));
    assert!(!pairs.iter().any(|(object, _)| object.starts_with("CustomResourceDefinition")), "{pairs:#?}");
}

#[test]
fn what_a_webhook_rests_on_does_not_wait_for_it() {
    let mut objects = metallb();
    // The controller reads a Secret that an object of the admitted kind makes: a circle, if the webhook came first.
    objects.push(json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "key", "namespace": "metallb-system"}}));
    objects[3]["spec"]["template"]["spec"] = json!({"volumes": [{"name": "k", "secret": {"secretName": "key"}}]});
    objects[1]["webhooks"][0]["rules"] = json!([{"apiGroups": ["*"], "operations": ["*"], "resources": ["*"]}]);
    objects[1]["webhooks"][0]["rules"][0]["operations"] = json!(["CREATE"]);
    let pairs = order(&objects);
    assert!(has(&pairs, "Deployment.apps/metallb-system/controller", "SealedSecret.bitnami.com/metallb-system/key"));
    assert!(!has(&pairs, "SealedSecret.bitnami.com/metallb-system/key", "Deployment.apps/metallb-system/controller"));
    let graph: Vec<(String, String)> = pairs.clone();
    assert!(!graph.iter().any(|(a, b)| graph.contains(&(b.clone(), a.clone()))), "{graph:#?}");
}

#[test]
fn a_secret_that_another_object_makes_is_waited_for_as_that_object() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "apps"},
                     "spec": {"volumes": [{"name": "t", "secret": {"secretName": "web-tls"}}], "imagePullSecrets": [{"name": "registry"}]}});
    let certificate = json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "web", "namespace": "apps"},
                             "spec": {"secretName": "web-tls"}});
    let sealed = json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "registry", "namespace": "apps"}});
    let pairs = order(&[pod, certificate, sealed]);
    assert_eq!(pairs.len(), 2, "{pairs:#?}");
}
