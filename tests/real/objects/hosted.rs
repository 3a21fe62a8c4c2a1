//! A cluster whose kubeconfig lies in a Secret of another one, and comes with the same apply.

use super::user::{User, assert_says};
use crate::support::control_plane::{Access, ControlPlane};

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_cluster_that_comes_with_the_plan_has_its_objects_deferred_and_applied_in_a_later_wave() {
    let (plane, inner) = (ControlPlane::shared(), ControlPlane::start());
    let kubeconfig = std::fs::read_to_string(inner.kubeconfig(Access::Admin)).expect("a kubeconfig");
    let mut user = User::of(plane, "hosting").env("INNER", &kubeconfig);
    user.says("slots = { inner = { secret = \"inner\" } }");
    user.tables(
        "
[secrets.inner]
env = \"INNER\"

[clusters.inner]
kubeconfig = { cluster = \"home\", secret = \"inner\", namespace = \"hosting\" }

[services.inside]
kind = \"manifests\"
cluster = \"inner\"
files = [\"inside\"]
",
    );
    user.has("namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: hosting}\n");
    user.has(
        "kubeconfig",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: inner, namespace: hosting}\nstringData: {value: '{{ inner }}'}\n",
    );
    let shelf = super::user::data("crds/shelf.yaml");
    user.write("inside/namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: inside}\n");
    user.write("inside/definition.yaml", &shelf);
    user.write(
        "inside/shelf.yaml",
        "apiVersion: waves.example.com/v1\nkind: Shelf\nmetadata: {name: cellar, namespace: inside}\nspec: {boards: 2}\n",
    );
    let plan = user.plan(0);
    assert_says(
        &plan,
        &["cluster inner", "services.inside/Namespace/inside will be planned in wave 1", "Besides: 3 deferred."],
    );
    let run = user.apply();
    assert_says(&run.stdout, &["Resources: 5 added, 0 changed, 0 destroyed."]);
    user.expect_no_changes();
    assert_eq!(inner.kubectl(&["-n", "inside", "get", "shelf/cellar", "-o", "jsonpath={.spec.boards}"]), "2");
    assert_eq!(plane.kubectl(&["get", "namespace/inside", "--ignore-not-found", "-o", "name"]), "");
    let key = kubeconfig.lines().find_map(|line| line.trim().strip_prefix("client-key-data: ")).expect("a key");
    assert!(!run.stdout.contains(key) && !run.stderr.contains(key));
}
