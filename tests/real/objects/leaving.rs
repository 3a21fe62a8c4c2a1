//! What left the file: deleted where labctl made it and that harms nothing, let go of otherwise.

use serde_json::Value;

use super::user::{User, assert_says, data};
use crate::support::control_plane::ControlPlane;

fn object(plane: &ControlPlane, arguments: &[&str]) -> Value {
    let get = [&["get", "-o", "json", "--show-managed-fields"], arguments].concat();
    serde_json::from_str(&plane.kubectl(&get)).expect("JSON")
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn an_object_that_left_the_file_is_deleted_and_so_is_the_last_one_of_its_kind() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "prune");
    let text = |kind: &str, name: &str| {
        format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: prune}}\n")
    };
    user.has("namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: prune}\n");
    user.has("a", &text("ConfigMap", "a"));
    user.has("b", &text("ConfigMap", "b"));
    user.has("c", "apiVersion: v1\nkind: LimitRange\nmetadata: {name: c, namespace: prune}\nspec: {limits: [{type: Pod, max: {memory: 1Gi}}]}\n");
    user.apply();
    user.lacks("a");
    let plan = user.plan(0);
    assert_says(
        &plan,
        &["# services.things/ConfigMap/prune/a will be destroyed", "Plan: 0 to add, 0 to change, 1 to destroy."],
    );
    user.apply();
    user.expect_no_changes();
    user.lacks("b");
    user.lacks("c");
    assert_says(
        &user.plan(0),
        &["ConfigMap/prune/b will be destroyed", "LimitRange/prune/c will be destroyed", "2 to destroy."],
    );
    user.apply();
    user.expect_no_changes();
    assert_eq!(
        plane.kubectl(&["-n", "prune", "get", "cm,limits", "-o", "jsonpath={.items[*].metadata.name}"]),
        "kube-root-ca.crt"
    );
    // Everything.
    user.only("");
    assert_says(&user.plan(0), &["Namespace/prune will be destroyed"]);
    user.apply();
    user.expect_no_changes();
    assert_eq!(plane.kubectl(&["get", "namespace/prune", "--ignore-not-found"]), "");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_renamed_object_goes_after_the_new_one_is_ready() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "renamed"]);
    let user = User::of(plane, "renamed");
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: old, namespace: renamed}\nspec: {selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x}}, spec: {containers: [{name: app, image: \"x:1\"}]}}}\n";
    user.has("web", deployment);
    user.apply();
    user.edit("web", "name: old", "name: new");
    user.edit("web", "app: x", "app: z");
    let mark = plane.mark();
    assert_says(&user.plan(0), &["Plan: 1 to add, 0 to change, 1 to destroy."]);
    user.apply();
    let requests = mark.requests();
    let at = |verb: &str, end: &str| {
        requests.iter().position(|r| r.verb == verb && r.uri.contains(end) && !r.uri.contains("dryRun"))
    };
    let (made, gone) = (at("patch", "/deployments/new"), at("delete", "/deployments/old"));
    assert!(made.is_some() && gone.is_some() && made < gone, "{requests:#?}");
    user.expect_no_changes();
}

/// What must not go because it left the file.
const KEPT: [&[&str]; 6] = [
    &["pv/kept-data"],
    &["-n", "kept", "pvc/data"],
    &["-n", "kept", "configmap/protected"],
    &["namespace/kept"],
    &["crd/shelves.waves.example.com"],
    &["-n", "kept", "secret/protected"],
];

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn data_and_what_holds_others_things_is_forgotten_and_nothing_but_the_marks_is_taken_off() {
    let plane = ControlPlane::start();
    let user = User::of(&plane, "kept");
    user.has_data("kept.yaml");
    user.has("shelf", &data("crds/shelf.yaml"));
    user.apply();
    user.expect_no_changes();
    // Somebody else's, in both.
    plane.kubectl(&["-n", "kept", "create", "configmap", "theirs"]);
    plane.apply("apiVersion: waves.example.com/v1\nkind: Shelf\nmetadata: {name: theirs, namespace: default}\n");
    let before: Vec<Value> = KEPT.iter().map(|name| object(&plane, name)).collect();

    user.only("");
    let plan = user.plan(0);
    assert_says(
        &plan,
        &[
            "PersistentVolume/kept-data is no longer declared and will be forgotten, but will not be destroyed",
            "a PersistentVolume is data",
            "a PersistentVolumeClaim is data",
            "it is annotated `labctl.dev/protect`",
            "it holds `ConfigMap/kept/protected`, `ConfigMap/kept/theirs`",
            "it holds `Shelf.waves.example.com/default/theirs`, which would go with it",
            "ConfigMap/kept/plain will be destroyed",
            "Plan: 0 to add, 0 to change, 1 to destroy, 6 to forget.",
        ],
    );
    user.apply();
    user.expect_no_changes();
    for (name, before) in KEPT.iter().zip(&before) {
        assert_eq!(without_marks(before), plain(object(&plane, name)), "{name:?}");
    }
    assert_eq!(plane.kubectl(&["-n", "kept", "get", "configmap/plain", "--ignore-not-found"]), "");
}

/// An object as it should be when labctl has let go of it.
fn without_marks(object: &Value) -> Value {
    let mut object = plain(object.clone());
    let metadata = object["metadata"].as_object_mut().expect("metadata");
    for (map, names) in [("labels", &["lab"][..]), ("annotations", &["address", "origin", "digest"])] {
        let Some(entries) = metadata.get_mut(map).and_then(Value::as_object_mut) else { continue };
        for name in names {
            assert!(entries.remove(&format!("labctl.dev/{name}")).is_some(), "{object:#}");
        }
        if entries.is_empty() {
            metadata.remove(map);
        }
    }
    let entries = metadata["managedFields"].as_array_mut().expect("managers");
    let count = entries.len();
    entries.retain(|entry| entry["manager"] != "labctl");
    assert_eq!(entries.len() + 1, count);
    object
}

/// Without what moves by itself.
fn plain(mut object: Value) -> Value {
    object["metadata"].as_object_mut().expect("metadata").remove("resourceVersion");
    if object["metadata"]["managedFields"].is_null() {
        object["metadata"]["managedFields"] = Value::Array(Vec::new());
    }
    object
}
