use serde_json::json;

use super::*;

fn deployment(status: &Value) -> Readiness {
    readiness(&json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "apps", "generation": 3},
        "spec": {"replicas": 2}, "status": status
    }))
}

fn not_yet(readiness: &Readiness, words: &str) {
    assert!(matches!(readiness, Readiness::NotYet(why) if why.contains(words)), "{readiness:?} says {words:?}");
}

fn failed(readiness: &Readiness, words: &str) {
    assert!(matches!(readiness, Readiness::Failed(why) if why.contains(words)), "{readiness:?} says {words:?}");
}

#[test]
fn a_deployment_is_ready_when_all_its_pods_are_new_and_available() {
    let all = json!({"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2});
    assert_eq!(deployment(&all), Readiness::Ready);
    let mut older = all.clone();
    older["observedGeneration"] = 2.into();
    not_yet(&deployment(&older), "has not seen it");
    let mut rolling = all.clone();
    rolling["replicas"] = 3.into();
    not_yet(&deployment(&rolling), "1 pods of the old template");
    not_yet(&deployment(&json!({"observedGeneration": 3})), "0 of 2");
    not_yet(&deployment(&json!({})), "has not seen it");
}

#[test]
fn a_deployment_that_makes_no_progress_has_failed() {
    let status = json!({
        "observedGeneration": 3, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1, "unavailableReplicas": 1,
        "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
                        "message": "ReplicaSet \"web-5d\" has timed out progressing."}]
    });
    failed(&deployment(&status), "ProgressDeadlineExceeded: ReplicaSet");
}

#[test]
fn a_stateful_set_rolls_until_both_revisions_are_one() {
    let set = |strategy: Value, status: Value| {
        readiness(&json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "generation": 1},
            "spec": {"replicas": 3, "updateStrategy": strategy}, "status": status
        }))
    };
    let rolling = json!({"observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "updatedReplicas": 1,
                         "currentRevision": "db-1", "updateRevision": "db-2"});
    not_yet(&set(json!({"type": "RollingUpdate"}), rolling.clone()), "1 of 3");
    assert_eq!(set(json!({"type": "OnDelete"}), rolling.clone()), Readiness::Ready);
    assert_eq!(set(json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}), rolling), Readiness::Ready);
}

#[test]
fn a_daemon_set_without_a_node_for_it_is_ready() {
    let set = |status: Value| {
        readiness(&json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "speaker", "generation": 1}, "spec": {},
            "status": status
        }))
    };
    assert_eq!(set(json!({"observedGeneration": 1, "desiredNumberScheduled": 0})), Readiness::Ready);
    not_yet(
        &set(
            json!({"observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}),
        ),
        "1 of 2 pods are available",
    );
}

#[test]
fn a_job_ends_well_badly_or_not_yet() {
    let job = |status: Value| {
        readiness(
            &json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "seed"}, "spec": {}, "status": status}),
        )
    };
    assert_eq!(job(json!({"conditions": [{"type": "Complete", "status": "True"}]})), Readiness::Ready);
    failed(
        &job(json!({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]})),
        "BackoffLimitExceeded",
    );
    not_yet(&job(json!({"active": 1})), "0 of 1");
}

#[test]
fn a_claim_is_waited_for_only_where_it_names_its_volume() {
    let claim = |volume: Option<&str>, phase: &str| {
        readiness(&json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
                          "spec": {"volumeName": volume}, "status": {"phase": phase}}))
    };
    assert_eq!(claim(None, "Pending"), Readiness::Ready, "its class may wait for a pod");
    not_yet(&claim(Some("data-disk"), "Pending"), "`data-disk`");
    assert_eq!(claim(Some("data-disk"), "Bound"), Readiness::Ready);
    failed(&claim(Some("data-disk"), "Lost"), "is gone");
}

#[test]
fn a_definition_is_ready_when_it_is_established_and_its_names_are_accepted() {
    let definition = |conditions: Value| {
        readiness(&json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                          "metadata": {"name": "ipaddresspools.metallb.io"}, "status": {"conditions": conditions}}))
    };
    let accepted =
        json!({"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found"});
    let established = json!({"type": "Established", "status": "True", "reason": "InitialNamesAccepted"});
    assert_eq!(definition(json!([accepted, established])), Readiness::Ready);
    not_yet(&definition(json!([accepted])), "Established");
    not_yet(
        &definition(json!([established, {"type": "NamesAccepted", "status": "False", "reason": "PluralConflict"}])),
        "PluralConflict",
    );
}

#[test]
fn a_helm_release_is_ready_for_its_newest_desire_alone() {
    let release = |observed: i64, conditions: Value| {
        readiness(&json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
                          "metadata": {"name": "traefik", "namespace": "traefik", "generation": 2}, "spec": {},
                          "status": {"observedGeneration": observed, "conditions": conditions}}))
    };
    let ready = json!([{"type": "Ready", "status": "True", "reason": "UpgradeSucceeded", "observedGeneration": 2}]);
    assert_eq!(release(2, ready.clone()), Readiness::Ready);
    not_yet(&release(1, ready), "has not seen it");
    let older = json!([{"type": "Ready", "status": "True", "reason": "InstallSucceeded", "observedGeneration": 1}]);
    not_yet(&release(2, older), "no condition `Ready`");
    let waits = json!([{"type": "Ready", "status": "False", "reason": "DependencyNotReady", "message": "metallb"}]);
    not_yet(&release(2, waits), "DependencyNotReady: metallb");
    let stalled = json!([
        {"type": "Ready", "status": "False", "reason": "InstallFailed", "message": "timed out"},
        {"type": "Stalled", "status": "True", "reason": "RetriesExceeded", "message": "Failed to install after 1 attempt(s)"}
    ]);
    failed(&release(2, stalled), "RetriesExceeded");
}

#[test]
fn an_unknown_kind_is_ready_by_its_conditions_and_at_once_without_them() {
    let object = |status: Value| {
        readiness(
            &json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "a"}, "status": status}),
        )
    };
    assert_eq!(object(json!({})), Readiness::Ready);
    not_yet(
        &object(json!({"conditions": [{"type": "Available", "status": "False", "message": "no pods"}]})),
        "no pods",
    );
    assert_eq!(object(json!({"conditions": [{"type": "Available", "status": "True"}]})), Readiness::Ready);
}

#[test]
fn a_kind_whose_controller_writes_a_condition_is_not_ready_without_it() {
    let certificate = json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "web", "generation": 1}});
    not_yet(&readiness(&certificate), "Ready");
}

#[test]
fn a_chart_of_k0s_is_ready_in_the_wanted_version_alone() {
    let chart = |status: Value| {
        readiness(
            &json!({"apiVersion": "helm.k0sproject.io/v1beta1", "kind": "Chart", "metadata": {"name": "k0s-addon-chart-metallb"},
                          "spec": {"version": "0.16.1"}, "status": status}),
        )
    };
    assert_eq!(chart(json!({"version": "0.16.1", "revision": 2, "error": ""})), Readiness::Ready);
    not_yet(&chart(json!({"version": "0.15.3", "revision": 1})), "0.15.3");
    not_yet(&chart(json!({"error": "no route to host\nmore"})), "no route to host");
}

#[test]
fn what_is_being_deleted_will_not_become_ready() {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "deletionTimestamp": "2026-02-01T00:00:00Z"}});
    failed(&readiness(&namespace), "being deleted");
}

#[test]
fn a_node_is_ready_when_its_kubelet_says_so() {
    let node = |conditions: Value| {
        readiness(
            &json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n5"}, "status": {"conditions": conditions}}),
        )
    };
    assert_eq!(node(json!([{"type": "Ready", "status": "True"}])), Readiness::Ready);
    not_yet(&node(json!([])), "no condition `Ready` yet");
    let message = "container runtime network not ready";
    not_yet(&node(json!([{"type": "Ready", "status": "False", "message": message}])), message);
}
