//! What an API server refuses: said with the object's address and its place in the file, before anything is changed
//! where the plan can know, and finished by the next run once it is mended.

use super::user::{User, assert_says};
use crate::support::control_plane::{Access, ControlPlane};

fn config_map(namespace: &str, name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata: {{mode: fast}}\n"
    )
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_conflict_names_the_field_its_owner_and_both_ways_out() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "conflict"]);
    let mut user = User::of(plane, "conflict");
    user.has("settings", &config_map("conflict", "settings"));
    user.apply();
    plane.apply(
        &format!("{}  other: theirs\n", config_map("conflict", "settings")).replace("{mode: fast}", "\n  mode: fast"),
    );
    user.expect_no_changes();
    user.edit("settings", "fast", "slow");
    let plan = user.plan(1);
    assert_says(
        &plan,
        &[
            "services.things/ConfigMap/conflict/settings can't be done",
            "`harness` owns `data.mode`",
            "`take = [\"data.mode\"]`",
            "remove it from the file",
            "\"fast\" -> \"slow\"",
        ],
    );
    let run = user.apply_with(&[], 1);
    assert_says(&run.stdout, &["`harness` owns `data.mode`"]);
    let mode = || plane.kubectl(&["-n", "conflict", "get", "configmap/settings", "-o", "jsonpath={.data.mode}"]);
    assert_eq!(mode(), "fast", "nothing is taken by force");

    user.says("take = [\"data.mode\"]");
    assert_says(&user.apply().stdout, &["`data.mode` is taken from `harness`"]);
    assert_eq!(mode(), "slow");
    user.expect_no_changes();
    // The other way out.
    plane.kubectl(&[
        "-n",
        "conflict",
        "patch",
        "configmap/settings",
        "--type=merge",
        "-p",
        "{\"data\":{\"mode\":\"theirs\"}}",
    ]);
    user.says("");
    user.plan(1);
    user.edit("settings", "{mode: slow}", "{}");
    user.apply();
    user.expect_no_changes();
    assert_eq!(mode(), "theirs");
}

const POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: named-owners}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: admission}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]
  validations:
  - {expression: "has(object.metadata.labels) && 'owner' in object.metadata.labels", message: every ConfigMap names its owner}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: named-owners}
spec: {policyName: named-owners, validationActions: [Deny]}
"#;

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_admission_refuses_is_told_in_its_words_before_anything_is_applied() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "admission"]);
    plane.apply(POLICY);
    let is_refused = || {
        let output =
            plane.kubectl_as(Access::Admin, &["-n", "admission", "create", "configmap", "x", "--dry-run=server"]);
        !output.status.success()
    };
    crate::support::wait::wait_until(std::time::Duration::from_mins(1), is_refused, || "no policy".to_owned());
    let user = User::of(plane, "admission");
    user.has("nameless", &config_map("admission", "nameless"));
    user.has("other", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: other, namespace: admission}\n");
    let plan = user.plan(1);
    assert_says(
        &plan,
        &[
            "services.things/ConfigMap/admission/nameless can't be done",
            "every ConfigMap names its owner",
            "named-owners",
        ],
    );
    // What does not depend on it goes on.
    user.apply_with(&[], 1);
    assert_eq!(
        plane.kubectl(&["-n", "admission", "get", "configmap/nameless", "--ignore-not-found", "-o", "name"]),
        ""
    );
    plane.kubectl(&["-n", "admission", "get", "serviceaccount/other"]);

    user.edit("nameless", "namespace: admission", "namespace: admission, labels: {owner: us}");
    user.apply();
    user.expect_no_changes();
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn an_unknown_field_is_refused_with_its_name() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "strict"]);
    let user = User::of(plane, "strict");
    user.has("web", "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: strict}\nspec: {selctor: {app: web}, ports: [{port: 80}]}\n");
    let plan = user.plan(1);
    assert_says(&plan, &["services.things/Service/strict/web can't be done", ".spec.selctor"]);
    user.apply_with(&[], 1);
    assert_eq!(plane.kubectl(&["-n", "strict", "get", "services", "-o", "name"]), "");
    user.edit("web", "selctor", "selector");
    user.apply();
    user.expect_no_changes();
    // And on an object that is there.
    user.edit("web", "port: 80", "port: 80, prot: UDP");
    assert_says(&user.plan(1), &["services.things/Service/strict/web can't be done", "prot"]);
    user.edit("web", "prot: UDP", "protocol: UDP");
    user.apply();
    user.expect_no_changes();
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_kind_that_nothing_serves_and_a_namespace_that_nobody_makes_are_named() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "missing");
    user.has("thing", "apiVersion: nowhere.example.com/v1\nkind: Thing\nmetadata: {name: a, namespace: default}\n");
    user.has("settings", &config_map("missing", "settings"));
    let plan = user.plan(1);
    assert_says(
        &plan,
        &[
            "services.things/Thing.nowhere.example.com/default/a can't be done",
            "the cluster serves no nowhere.example.com/v1 Thing",
            "services.things/ConfigMap/missing/settings can't be done",
            "the cluster has no namespace `missing`",
        ],
    );
    user.apply_with(&[], 1);
    user.lacks("thing");
    user.has("namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: missing}\n");
    user.apply();
    user.expect_no_changes();
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_only_shows_while_it_is_done_leaves_nothing_that_the_next_run_does_not_finish() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "half");
    // The namespace comes with the plan, so nobody could check what goes into it.
    user.has("namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: half}\n");
    user.has("a", &config_map("half", "a"));
    user.has("broken", "apiVersion: v1\nkind: Service\nmetadata: {name: broken, namespace: half}\nspec: {ports: [{port: 80, protocol: HTTP}]}\n");
    assert_says(&user.plan(0), &["not checked by the server"]);
    let run = user.apply_with(&[], 7);
    assert_says(
        &run.stdout,
        &[
            "Error: services.things/Service/half/broken on cluster home: could not apply Service/half/broken",
            "HTTP",
            "Apply incomplete: 2 done, 1 failed",
        ],
    );
    user.edit("broken", "protocol: HTTP", "protocol: TCP");
    assert_says(&user.apply().stdout, &["Resources: 1 added, 0 changed, 0 destroyed."]);
    user.expect_no_changes();
}
