//! Calls: applied, guarded, waited for.

use labctl::lab::{ApiKind, ObjectKey};
use labctl::observe::{ApiAnswer, ApiAsk};
use labctl::plan::{ApiGuard, Call, Guard};
use serde_json::{Value, json};

use super::bench::{Bench, apply, config_map, identity, key, step, unchanged};
use crate::support::control_plane::{Access, ControlPlane};

fn deployment(namespace: &str, node: &str) -> Value {
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": namespace },
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "web" } }, "template": {
            "metadata": { "labels": { "app": "web" } },
            "spec": { "nodeSelector": { "kubernetes.io/hostname": node }, "containers": [{ "name": "web", "image": "none" }] } } } })
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_leg_defines_a_kind_makes_an_object_of_it_and_a_deployment_and_waits_for_them() {
    let plane = ControlPlane::shared();
    let bench = Bench::file(&plane.kubeconfig(Access::Admin));
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "kube-leg" } });
    let definition = json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "things.leg.labctl.dev" },
        "spec": { "group": "leg.labctl.dev", "scope": "Namespaced", "names": { "plural": "things", "singular": "thing", "kind": "Thing" },
            "versions": [{ "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "properties": { "spec": { "type": "object", "properties": { "size": { "type": "integer" } } } } } } }] } });
    let thing = json!({ "apiVersion": "leg.labctl.dev/v1", "kind": "Thing", "metadata": { "name": "t", "namespace": "kube-leg" }, "spec": { "size": 1 } });
    assert_eq!(bench.ask(ApiAsk::Object(ObjectKey::of(&thing).unwrap())), ApiAnswer::NoKind);
    let ready = |object: &Value| step(Call::Ready { object: ObjectKey::of(object).unwrap(), within: 60 });
    let web = deployment("kube-leg", "n5");
    bench.done(&[
        apply(namespace.clone()),
        ready(&namespace),
        apply(definition.clone()),
        ready(&definition),
        apply(thing.clone()),
        apply(web.clone()),
        ready(&web),
    ]);
    // The same link finds the new kind.
    assert_eq!(bench.object(&ObjectKey::of(&thing).unwrap())["spec"]["size"], 1);
    let live = bench.object(&ObjectKey::of(&web).unwrap());
    assert_eq!(live["status"]["availableReplicas"], 2);
    let owner = &live["metadata"]["managedFields"][0];
    assert_eq!((&owner["manager"], &owner["operation"]), (&json!("labctl"), &json!("Apply")));

    let gone = |object: &Value| step(Call::Gone { object: ObjectKey::of(object).unwrap(), within: 60 });
    let delete = |object: &Value| step(Call::Delete { object: ObjectKey::of(object).unwrap() });
    bench.done(&[delete(&definition), gone(&definition), delete(&thing), delete(&namespace), gone(&namespace)]);
    assert_eq!(bench.ask(ApiAsk::Object(ObjectKey::of(&thing).unwrap())), ApiAnswer::NoKind);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_wait_that_gives_up_says_why_the_pods_do_not_run() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-wait"]);
    let bench = Bench::file(&plane.kubeconfig(Access::Admin));
    let web = deployment("kube-wait", "nowhere");
    bench.done(&[apply(web.clone())]);
    let words = bench.fails(step(Call::Ready { object: ObjectKey::of(&web).unwrap(), within: 5 }));
    for part in [
        "it was not ready within 5 s",
        "Available is False (MinimumReplicasUnavailable)",
        "event ScalingReplicaSet",
        "pod web-",
        "it has no node",
        "affinity/selector",
    ] {
        assert!(words.contains(part), "{part:?} is not in\n{words}");
    }
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn an_object_is_changed_as_the_plan_saw_it_or_not_at_all() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-guard"]);
    let bench = Bench::file(&plane.kubeconfig(Access::Admin));
    let x = key("v1", "ConfigMap", "kube-guard", "x");
    let absent = || Guard::Api(ApiGuard::Absent(x.clone()));
    bench.done(&[apply(config_map("kube-guard", "x", "1")).guarded(absent())]);
    let found = bench.is_stale(apply(config_map("kube-guard", "x", "2")).guarded(absent()));
    assert!(found.starts_with("it is there, last changed by `labctl` at "), "{found}");

    // Somebody's own annotation and label are a change like any other; a new version alone is none.
    let seen = bench.object(&x);
    bench.done(&[apply(config_map("kube-guard", "x", "2")).guarded(unchanged(&seen))]);
    let seen = bench.object(&x);
    plane.kubectl(&["-n", "kube-guard", "annotate", "configmap", "x", "note=1"]);
    plane.kubectl(&["-n", "kube-guard", "annotate", "configmap", "x", "note-"]);
    assert_ne!(bench.object(&x)["metadata"]["resourceVersion"], seen["metadata"]["resourceVersion"]);
    bench.done(&[apply(config_map("kube-guard", "x", "3")).guarded(unchanged(&seen_with(&bench, &x)))]);
    let seen = bench.object(&x);
    plane.kubectl(&[
        "-n",
        "kube-guard",
        "patch",
        "configmap",
        "x",
        "--type=merge",
        "--patch={\"data\":{\"b\":\"theirs\"}}",
    ]);
    for step in [apply(config_map("kube-guard", "x", "4")), step(Call::Delete { object: x.clone() })] {
        let found = bench.is_stale(step.guarded(unchanged(&seen)));
        assert!(found.starts_with("its fields are not as they were, last changed by `kubectl-patch` at "), "{found}");
    }
    let seen = bench.object(&x);
    plane.kubectl(&["-n", "kube-guard", "delete", "configmap", "x"]);
    assert_eq!(bench.is_stale(apply(config_map("kube-guard", "x", "5")).guarded(unchanged(&seen))), "it is gone");
    plane.kubectl(&["-n", "kube-guard", "create", "configmap", "x"]);
    for step in [apply(config_map("kube-guard", "x", "5")), step(Call::Delete { object: x.clone() })] {
        assert!(bench.is_stale(step.guarded(unchanged(&seen))).contains("deleted and made anew"));
    }
}

/// The object with the version that it had two changes ago: what it says is the same.
fn seen_with(bench: &Bench, key: &ObjectKey) -> Value {
    let mut seen = bench.object(key);
    let version: u64 = seen["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    seen["metadata"]["resourceVersion"] = json!((version - 1).to_string());
    seen
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_status_that_moves_all_the_time_stops_neither_an_apply_nor_a_deletion() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-status"]);
    let bench = Bench::file(&plane.kubeconfig(Access::Admin));
    let web = deployment("kube-status", "n5");
    bench.done(&[apply(web.clone())]);
    let seen = bench.object(&ObjectKey::of(&web).unwrap());
    bench.done(&[step(Call::Ready { object: ObjectKey::of(&web).unwrap(), within: 60 })]);
    let mut more = web.clone();
    more["spec"]["replicas"] = json!(3);
    let without_annotation = |mut seen: Value| {
        // The controller writes its revision beside the status.
        seen["metadata"]["annotations"] =
            bench.object(&ObjectKey::of(&web).unwrap())["metadata"]["annotations"].clone();
        seen
    };
    bench.done(&[apply(more).guarded(unchanged(&without_annotation(seen)))]);
    let seen = bench.object(&ObjectKey::of(&web).unwrap());
    bench.done(&[step(Call::Ready { object: ObjectKey::of(&web).unwrap(), within: 60 })]);
    bench.done(&[step(Call::Delete { object: ObjectKey::of(&web).unwrap() }).guarded(unchanged(&seen))]);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn another_cluster_is_noticed_before_anything_is_changed() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-identity"]);
    let bench = Bench::file(&plane.kubeconfig(Access::Admin));
    let ApiAnswer::Object(system) = bench.ask(identity()) else { panic!() };
    let uid = system["metadata"]["uid"].as_str().unwrap();
    let guarded = |uid: &str| {
        apply(config_map("kube-identity", "x", "1")).guarded(Guard::Api(ApiGuard::Cluster { uid: uid.to_owned() }))
    };
    assert!(bench.is_stale(guarded("another")).contains("another cluster"));
    assert_eq!(bench.ask(ApiAsk::Object(key("v1", "ConfigMap", "kube-identity", "x"))), ApiAnswer::Absent);
    bench.done(&[guarded(uid)]);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_kubectl_applied_is_taken_over_whole_and_let_go_whole() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-hands"]);
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(
        file.path(),
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: kube-hands}, data: {a: '1', b: '2'}}",
    )
    .unwrap();
    plane.kubectl(&["apply", "-f", file.path().to_str().unwrap()]);
    let bench = Bench::file(&plane.kubeconfig(Access::Admin));
    let x = key("v1", "ConfigMap", "kube-hands", "x");
    let seen = bench.object(&x);
    let managers = labctl::kubernetes::applied_by_hand(&seen);
    assert_eq!(managers, ["kubectl-client-side-apply"]);
    let mut ours = config_map("kube-hands", "x", "1");
    ours["metadata"]["labels"] = json!({ "labctl.dev/lab": "kube-hands" });
    bench.done(&[
        step(Call::TakeOver { object: x.clone(), managers }).guarded(unchanged(&seen)),
        apply(ours).guarded(unchanged(&seen)),
    ]);
    let live = bench.object(&x);
    assert_eq!(live["data"], json!({ "a": "1" }), "what is not in the file goes");
    let managers = |object: &Value| {
        let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["manager"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(managers(&live), ["labctl"]);
    bench.done(&[step(Call::Release { object: x.clone() }).guarded(unchanged(&live))]);
    let live = bench.object(&x);
    assert_eq!(
        (managers(&live), live["metadata"].get("labels"), &live["data"]),
        (Vec::new(), None, &json!({ "a": "1" }))
    );
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_the_server_refuses_is_said_with_its_field_and_nothing_after_it_is_begun() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-refused"]);
    let bench = Bench::file(&plane.kubeconfig(Access::Admin));
    let mut wrong = config_map("kube-refused", "x", "1");
    wrong["dta"] = json!({});
    let words = bench.fails(apply(wrong.clone()));
    assert!(words.contains("dta"), "{words}");
    let outcomes = bench.act(&[apply(wrong), apply(config_map("kube-refused", "y", "1"))]);
    assert_eq!(outcomes.len(), 1);
    assert_eq!(bench.ask(ApiAsk::Object(key("v1", "ConfigMap", "kube-refused", "y"))), ApiAnswer::Absent);
    let reader = Bench::file(&plane.kubeconfig(Access::Reader));
    let words = reader.fails(apply(config_map("kube-refused", "x", "1")));
    for part in ["cluster `lab`", "cannot patch resource \"configmaps\"", "help: "] {
        assert!(words.contains(part), "{part:?} is not in\n{words}");
    }
    let words = bench.fails(apply(config_map("kube-nowhere", "x", "1")));
    assert!(words.contains("namespaces \"kube-nowhere\" not found"), "{words}");
    let none = ObjectKey::new(ApiKind::new("x.dev/v1", "Thing"), Some("kube-refused"), "t");
    bench.done(&[step(Call::Delete { object: none })]);
}
