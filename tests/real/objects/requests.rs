//! What a plan of an unchanged cluster costs, counted by the server.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::user::User;
use crate::support::control_plane::ControlPlane;

/// A kind, the path of its lists, and an object of it: `NAME` is its name.
const KINDS: [(&str, &str, &str); 20] = [
    ("v1 ConfigMap", "/api/v1/configmaps", "data: {mode: \"0755\"}"),
    ("v1 Secret", "/api/v1/secrets", "stringData: {token: NAME}"),
    ("v1 Service", "/api/v1/services", "spec: {selector: {app: NAME}, ports: [{port: 80}], clusterIP: None}"),
    ("v1 ServiceAccount", "/api/v1/serviceaccounts", "automountServiceAccountToken: false"),
    ("v1 LimitRange", "/api/v1/limitranges", "spec: {limits: [{type: Pod, max: {memory: 1024Gi}}]}"),
    ("v1 PodTemplate", "/api/v1/podtemplates", "template: {spec: {containers: [{name: app, image: \"NAME:1\"}]}}"),
    (
        "apps/v1 Deployment",
        "/apis/apps/v1/deployments",
        "spec: {replicas: 0, selector: {matchLabels: {app: NAME}}, template: {metadata: {labels: {app: NAME}}, spec: {containers: [{name: app, image: \"NAME:1\", resources: {requests: {cpu: 1000m, memory: 1024Mi}}}]}}}",
    ),
    (
        "apps/v1 StatefulSet",
        "/apis/apps/v1/statefulsets",
        "spec: {replicas: 0, serviceName: NAME, selector: {matchLabels: {app: NAME}}, template: {metadata: {labels: {app: NAME}}, spec: {containers: [{name: app, image: \"NAME:1\"}]}}}",
    ),
    (
        "apps/v1 DaemonSet",
        "/apis/apps/v1/daemonsets",
        "spec: {selector: {matchLabels: {app: NAME}}, template: {metadata: {labels: {app: NAME}}, spec: {nodeSelector: {nowhere: \"true\"}, containers: [{name: app, image: \"NAME:1\"}]}}}",
    ),
    (
        "batch/v1 CronJob",
        "/apis/batch/v1/cronjobs",
        "spec: {schedule: \"@yearly\", suspend: true, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: \"NAME:1\"}]}}}}}",
    ),
    (
        "batch/v1 Job",
        "/apis/batch/v1/jobs",
        "spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: app, image: \"NAME:1\"}]}}}",
    ),
    (
        "policy/v1 PodDisruptionBudget",
        "/apis/policy/v1/poddisruptionbudgets",
        "spec: {minAvailable: 50%, selector: {matchLabels: {app: NAME}}}",
    ),
    (
        "networking.k8s.io/v1 Ingress",
        "/apis/networking.k8s.io/v1/ingresses",
        "spec: {rules: [{host: NAME.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: NAME, port: {number: 80}}}}]}}]}",
    ),
    (
        "networking.k8s.io/v1 NetworkPolicy",
        "/apis/networking.k8s.io/v1/networkpolicies",
        "spec: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}",
    ),
    (
        "rbac.authorization.k8s.io/v1 Role",
        "/apis/rbac.authorization.k8s.io/v1/roles",
        "rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get]}]",
    ),
    (
        "rbac.authorization.k8s.io/v1 RoleBinding",
        "/apis/rbac.authorization.k8s.io/v1/rolebindings",
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: NAME}\nsubjects: [{kind: ServiceAccount, name: NAME}]",
    ),
    (
        "discovery.k8s.io/v1 EndpointSlice",
        "/apis/discovery.k8s.io/v1/endpointslices",
        "addressType: IPv4\nports: [{name: api, port: 1337}]\nendpoints: [{addresses: [192.168.4.11]}]",
    ),
    ("coordination.k8s.io/v1 Lease", "/apis/coordination.k8s.io/v1/leases", "spec: {holderIdentity: NAME}"),
    (
        "rbac.authorization.k8s.io/v1 ClusterRole",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "rules: [{apiGroups: [apps], resources: [deployments], verbs: [get]}]",
    ),
    ("scheduling.k8s.io/v1 PriorityClass", "/apis/scheduling.k8s.io/v1/priorityclasses", "value: 1"),
];

/// Objects of each kind.
const EACH: usize = 50;

/// Kinds that belong to the whole cluster.
fn is_of_the_cluster(kind: &str) -> bool {
    kind.ends_with("ClusterRole") || kind.ends_with("PriorityClass")
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_plan_of_a_thousand_unchanged_objects_costs_one_list_for_each_kind() {
    let plane = ControlPlane::start();
    plane.kubectl(&["create", "namespace", "many"]);
    let user = User::of(&plane, "many");
    for (kind, _, body) in KINDS {
        let (version, kind) = kind.split_once(' ').expect("a version and a kind");
        let mut documents = String::new();
        for number in 0..EACH {
            let name = format!("many-{number}");
            let namespace = if is_of_the_cluster(kind) { "" } else { ", namespace: many" };
            let body = body.replace("NAME", &name);
            let metadata = format!("metadata: {{name: {name}{namespace}}}");
            let _ = writeln!(documents, "---\napiVersion: {version}\nkind: {kind}\n{metadata}\n{body}");
        }
        user.has(kind, &documents);
    }
    let said = user.apply().stdout;
    assert!(said.contains("Resources: 1000 added, 0 changed, 0 destroyed."), "{said}");

    let mark = plane.mark();
    user.expect_no_changes();
    let mut expected: BTreeMap<String, usize> = KINDS
        .iter()
        .map(|(_, path, _)| (format!("list {path}?labelSelector=labctl.dev%2Flab%3Dmany&limit=500"), 1))
        .collect();
    for uri in [
        "/api",
        "/apis",
        "/api/v1/namespaces/kube-system",
        "/api/v1/namespaces/kube-system/configmaps/labctl-many",
        "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/labctl",
    ] {
        expected.insert(format!("get {uri}"), 1);
    }
    assert_eq!(mark.counts(), expected);
}
