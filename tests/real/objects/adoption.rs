//! Clusters that run already, made by `kubectl apply` and by Helm.

use std::collections::BTreeMap;

use super::user::{User, assert_says};
use crate::support::control_plane::ControlPlane;

/// As somebody applied it years ago.
const BY_HAND: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: adopted}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: adopted}
data: {mode: fast, extra: stays for now}
---
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: adopted}
stringData: {user: jax}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: adopted}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: adopted, annotations: {example.com/team: home}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: registry.example/app:1
        env: [{name: MODE, value: fast}, {name: EXTRA, value: '1'}]
        resources: {requests: {cpu: 1000m}}
";

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_kubectl_applied_is_adopted_and_what_leaves_the_file_afterwards_goes() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "adopted");
    user.has("all", BY_HAND);
    let path = user.path("things/all.yaml");
    plane.kubectl(&["apply", "-f", path.to_str().expect("text")]);
    plane.kubectl(&["-n", "adopted", "rollout", "status", "deployment/web", "--timeout=60s"]);
    let versions = || {
        plane.kubectl(&[
            "-n",
            "adopted",
            "get",
            "cm,secret,svc,deploy",
            "-o",
            "jsonpath={.items[*].metadata.resourceVersion}",
        ])
    };

    // Nothing is made, and what is as declared is adopted with nothing but its marks.
    let before = versions();
    let actions: BTreeMap<String, String> = [
        "ConfigMap/adopted/settings",
        "Deployment.apps/adopted/web",
        "Namespace/adopted",
        "Secret/adopted/login",
        "Service/adopted/web",
    ]
    .map(|name| (name.to_owned(), "adopt".to_owned()))
    .into();
    assert_eq!(user.planned(), actions, "{}", user.plan(0));
    assert_says(&user.plan(0), &["Plan: 5 to adopt, 0 to add, 0 to change, 0 to destroy.", "adopt as it is"]);
    assert_eq!(versions(), before, "a plan changes nothing");

    // What differs needs a leave.
    user.edit("all", "mode: fast", "mode: slow");
    let plan = user.plan(1);
    assert_says(
        &plan,
        &[
            "services.things/ConfigMap/adopted/settings can't be done",
            "it exists, is not labctl's, and differs",
            "--adopt ",
            "\"fast\" -> \"slow\"",
        ],
    );
    let run = user.apply_with(&["--adopt-only"], 1);
    assert_says(&run.stdout, &["4 adopted"]);
    user.apply_with(&["--adopt", "*"], 0);
    user.expect_no_changes();
    assert_eq!(
        plane.kubectl(&["-n", "adopted", "get", "cm/settings", "-o", "jsonpath={.data}"]),
        r#"{"extra":"stays for now","mode":"slow"}"#
    );

    // kubectl's ownership moved along: fields that leave the file go, as if labctl had made it all.
    user.edit("all", ", extra: stays for now", "");
    user.edit("all", ", {name: EXTRA, value: '1'}", "");
    user.edit("all", ", annotations: {example.com/team: home}", "");
    assert_says(&user.plan(0), &["data.extra", "-> null", "env[EXTRA]", "Plan: 0 to add, 2 to change, 0 to destroy."]);
    user.apply();
    user.expect_no_changes();
    assert_eq!(plane.kubectl(&["-n", "adopted", "get", "cm/settings", "-o", "jsonpath={.data}"]), r#"{"mode":"slow"}"#);
    let web = plane.kubectl(&["-n", "adopted", "get", "deploy/web", "-o", "json"]);
    assert!(!web.contains("EXTRA") && !web.contains("example.com/team"), "{web}");
    // What was adopted is not deleted when it leaves the file.
    user.lacks("all");
    user.has("none", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: none, namespace: default}\n");
    assert_says(&user.plan(0), &["Plan: 1 to add, 0 to change, 0 to destroy, 5 to forget."]);
    user.apply();
    user.expect_no_changes();
    plane.kubectl(&["-n", "adopted", "get", "cm/settings", "deploy/web", "svc/web", "secret/login"]);
    assert_eq!(
        plane.kubectl(&["get", "all,cm,secret,ns", "-A", "-l", "labctl.dev/lab=adopted", "-o", "name"]),
        "configmap/none\n"
    );
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn the_table_can_give_the_leave_and_what_is_declared_otherwise_is_changed_with_the_adoption() {
    let plane = ControlPlane::shared();
    let mut user = User::of(plane, "leave");
    let text = BY_HAND.replace("adopted", "leave");
    user.has("all", &text);
    let path = user.path("things/all.yaml");
    plane.kubectl(&["apply", "-f", path.to_str().expect("text")]);
    user.edit("all", "cpu: 1000m", "cpu: 500m");
    user.edit("all", ", extra: stays for now", "");
    user.edit("all", "user: jax", "user: pat");
    user.says("adopt = true");
    let plan = user.plan(0);
    assert_says(
        &plan,
        &[
            "will be adopted and updated in-place",
            "data.extra",
            "Plan: 5 to adopt, 0 to add, 3 to change, 0 to destroy.",
        ],
    );
    user.apply();
    user.expect_no_changes();
    assert_eq!(plane.kubectl(&["-n", "leave", "get", "cm/settings", "-o", "jsonpath={.data}"]), r#"{"mode":"fast"}"#);
    assert_eq!(plane.kubectl(&["-n", "leave", "get", "secret/login", "-o", "jsonpath={.data.user}"]), "cGF0");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_helm_made_is_refused_with_the_steps_of_the_hand_over_which_lead_to_an_empty_plan() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "handover");
    let web =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web, namespace: handover }\ndata: { greeting: hello }\n";
    user.write("chart/Chart.yaml", "apiVersion: v2\nname: greeter\nversion: 0.1.0\n");
    user.write("chart/templates/web.yaml", web);
    user.write("chart/templates/other.yaml", &web.replace("name: web", "name: other"));
    let chart = user.path("chart");
    plane.helm(&["install", "greeter", chart.to_str().expect("text"), "-n", "handover", "--create-namespace"]);
    user.has("web", web);
    for arguments in [&["plan"][..], &["plan", "--adopt", "*"]] {
        let plan = user.expect(arguments, 1).stdout;
        assert_says(
            &plan,
            &[
                "services.things/ConfigMap/handover/web can't be done",
                "it belongs to the Helm release handover/greeter",
                "kubectl delete secret -n handover -l owner=helm,name=greeter",
                "kubectl annotate configmap/web -n handover meta.helm.sh/release-name- meta.helm.sh/release-namespace-",
            ],
        );
    }
    // The steps, as they were told.
    plane.kubectl(&["delete", "secret", "-n", "handover", "-l", "owner=helm,name=greeter"]);
    assert_eq!(plane.helm(&["list", "-n", "handover", "-q"]), "");
    plane.kubectl(&[
        "annotate",
        "configmap/web",
        "-n",
        "handover",
        "meta.helm.sh/release-name-",
        "meta.helm.sh/release-namespace-",
    ]);
    user.apply_with(&["--adopt", "*"], 0);
    user.expect_no_changes();
    assert_eq!(
        plane.kubectl(&["-n", "handover", "get", "cm", "-o", "jsonpath={.items[*].metadata.name}"]),
        "kube-root-ca.crt other web"
    );
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_a_controller_owns_is_refused() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "owned"]);
    plane.kubectl(&["-n", "owned", "create", "cronjob", "nightly", "--image=none", "--schedule=@yearly"]);
    plane.kubectl(&["-n", "owned", "create", "job", "now", "--from=cronjob/nightly"]);
    let user = User::of(plane, "owned");
    user.has(
        "job",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: now, namespace: owned}\nspec: {backoffLimit: 1}\n",
    );
    let plan = user.expect(&["plan", "--adopt", "*"], 1).stdout;
    assert_says(&plan, &["it belongs to the CronJob `nightly`", "declare that CronJob"]);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_kubectl_applied_server_side_is_adopted_too() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "byserver");
    let text = BY_HAND.replace("adopted", "byserver");
    user.has("all", &text);
    let path = user.path("things/all.yaml");
    plane.kubectl(&["apply", "--server-side", "-f", path.to_str().expect("text")]);
    assert_says(&user.plan(0), &["Plan: 5 to adopt, 0 to add, 0 to change, 0 to destroy."]);
    user.apply();
    user.expect_no_changes();
    user.edit("all", ", extra: stays for now", "");
    user.edit("all", "mode: fast", "mode: slow");
    user.apply();
    user.expect_no_changes();
    let get = |path: &str| {
        plane.kubectl(&[
            "-n",
            "byserver",
            "get",
            "cm/settings",
            "--show-managed-fields",
            "-o",
            &format!("jsonpath={path}"),
        ])
    };
    assert_eq!(get("{.data} {.metadata.managedFields[*].manager}"), r#"{"mode":"slow"} labctl"#);
}
