//! Changes of others, as `kubectl edit`, `patch`, `scale` and `annotate` make them.

use serde_json::{Value, json};

use super::user::{User, assert_says};
use crate::support::control_plane::ControlPlane;

const WEB: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: drift}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: drift, labels: {app: web}, annotations: {example.com/owner: us}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: registry.example/app:1
        env: [{name: MODE, value: fast}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: drift}
data:
  mode: fast
  app.conf: |
    listen 80;
    root /srv;
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: drift}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

fn patch(plane: &ControlPlane, object: &str, patch: &Value) {
    plane.kubectl(&["-n", "drift", "patch", object, "--type=merge", "--patch", &patch.to_string()]);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn drift_of_owned_fields_is_found_named_and_mended_and_that_of_others_is_left_alone() {
    let plane = ControlPlane::shared();
    let mut user = User::of(plane, "drift");
    user.has("web", WEB);
    user.apply();
    user.expect_no_changes();

    // On fields that nobody declares.
    patch(plane, "configmap/settings", &json!({"data": {"theirs": "1"}}));
    patch(plane, "deployment/web", &json!({"spec": {"revisionHistoryLimit": 3, "minReadySeconds": 1}}));
    plane.kubectl(&["-n", "drift", "annotate", "service/web", "example.com/theirs=1"]);
    plane.kubectl(&["-n", "drift", "label", "namespace/drift", "example.com/theirs=1"]);
    plane.kubectl(&["-n", "drift", "set", "env", "deployment/web", "THEIRS=1"]);
    user.expect_no_changes();

    // On fields that the file declares.
    patch(plane, "configmap/settings", &json!({"data": {"mode": "slow", "app.conf": "listen 8080;\nroot /srv;\n"}}));
    plane.kubectl(&["-n", "drift", "scale", "deployment/web", "--replicas=3"]);
    plane.kubectl(&["-n", "drift", "annotate", "--overwrite", "deployment/web", "example.com/owner=them"]);
    plane.kubectl(&["-n", "drift", "label", "deployment/web", "app-"]);
    patch(plane, "service/web", &json!({"spec": {"selector": {"app": "theirs"}}}));
    let json = user.json();
    let of = |name: &str| {
        let changes = json["changes"].as_array().expect("changes").iter();
        let found = changes.clone().find(|change| change["address"].as_str().is_some_and(|a| a.ends_with(name)));
        found.unwrap_or_else(|| panic!("{name} is not in {json:#}")).clone()
    };
    for (name, attribute, before, after) in [
        ("ConfigMap/drift/settings", "data.mode", json!({"plain": "slow"}), json!({"plain": "fast"})),
        ("Deployment.apps/drift/web", "spec.replicas", json!({"plain": 3}), json!({"plain": 2})),
        (
            "Deployment.apps/drift/web",
            "metadata.annotations.\"example.com/owner\"",
            json!({"plain": "them"}),
            json!({"plain": "us"}),
        ),
        ("Deployment.apps/drift/web", "metadata.labels.app", Value::Null, json!({"plain": "web"})),
    ] {
        let change = of(name);
        assert_eq!(change["cause"], "lab", "{change:#}");
        let differences = change["differences"].as_array().expect("differences");
        let found = differences.iter().find(|difference| difference["attribute"] == attribute);
        let found = found.unwrap_or_else(|| panic!("{attribute} is not in {change:#}"));
        assert_eq!((&found["before"], &found["after"]), (&before, &after), "{change:#}");
        let theirs = change["differences"].to_string();
        assert!(!theirs.contains("theirs") && !theirs.contains("THEIRS"), "{change:#}");
    }
    let plan = user.plan(1);
    assert_says(&plan, &["lab changed", "-listen 8080;", "+listen 80;", "\"slow\" -> \"fast\""]);
    // Who changed a field owns it: taking it back needs a word.
    assert_says(
        &plan,
        &["`kubectl-patch` owns `data.\"app.conf\"`, `data.mode`", "`kubectl-annotate` owns ", "take = ["],
    );

    user.says("take = [\"data\", \"metadata.annotations\", \"spec.replicas\", \"spec.selector\"]");
    let plan = user.plan(0);
    assert_says(&plan, &["`data.mode` is taken from `kubectl-patch`", "Plan: 0 to add, 3 to change, 0 to destroy."]);
    user.apply();
    user.expect_no_changes();
    let get =
        |object: &str, path: &str| plane.kubectl(&["-n", "drift", "get", object, "-o", &format!("jsonpath={path}")]);
    assert_eq!(get("configmap/settings", "{.data.mode} {.data.theirs}"), "fast 1");
    assert_eq!(
        get(
            "deployment/web",
            "{.spec.replicas} {.spec.revisionHistoryLimit} {.metadata.labels.app} {.spec.template.spec.containers[0].env[*].name}"
        ),
        "2 3 web MODE THEIRS"
    );
    assert_eq!(get("service/web", "{.spec.selector.app} {.metadata.annotations.example\\.com/theirs}"), "web 1");

    // Gone as a whole.
    plane.kubectl(&["-n", "drift", "delete", "configmap/settings"]);
    assert_says(&user.plan(0), &["Plan: 1 to add,"]);
    user.apply();
    user.expect_no_changes();
}
