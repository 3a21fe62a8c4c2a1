//! What comes first: definitions before their objects, namespaces before what is in them, what answers a webhook before
//! what it admits.

use std::time::Duration;

use serde_json::Value;

use super::user::{User, assert_says, data};
use super::webhook::Webhook;
use crate::support::control_plane::ControlPlane;
use crate::support::wait::wait_until;

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_definition_and_its_objects_come_in_one_apply_and_two_waves() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "waves");
    let text = data("crds/shelf.yaml");
    user.has("shelf", &text);
    // In the order of the alphabet, the object would be first.
    user.has("a-shelf", "apiVersion: waves.example.com/v1\nkind: Shelf\nmetadata: {name: cellar, namespace: waves}\nspec: {boards: 2}\n");
    user.has("namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: waves}\n");
    let plan = user.plan(0);
    assert_says(
        &plan,
        &[
            "# services.things/Shelf.waves.example.com/waves/cellar will be planned in wave 1",
            "its kind comes with services.things/CustomResourceDefinition.apiextensions.k8s.io/shelves.waves.example.com",
            "Plan: 2 to add, 0 to change, 0 to destroy.",
            "Besides: 1 deferred.",
        ],
    );
    let said = user.apply().stdout;
    assert_says(&said, &["Resources: 3 added, 0 changed, 0 destroyed."]);
    user.expect_no_changes();
    assert_eq!(
        plane.kubectl(&["-n", "waves", "get", "shelf/cellar", "-o", "jsonpath={.spec}"]),
        r#"{"boards":2,"colour":"oak"}"#
    );
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_later_wave_that_asks_for_more_than_was_approved_stops() {
    let plane = ControlPlane::start();
    let user = User::of(&plane, "more");
    user.has("shelf", &data("crds/shelf.yaml"));
    user.has("a-shelf", "apiVersion: waves.example.com/v1\nkind: Shelf\nmetadata: {name: cellar, namespace: default}\nspec: {boards: two}\n");
    user.plan(0);
    let run = user.apply_with(&[], 7);
    assert_says(&run.stdout, &["Shelf.waves.example.com/default/cellar", "spec.boards"]);
    user.edit("a-shelf", "two", "2");
    user.apply();
    user.expect_no_changes();
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_is_named_comes_before_what_names_it() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "order");
    user.has_data("order.yaml");
    let mark = plane.mark();
    user.apply();
    user.expect_no_changes();
    let applied: Vec<String> = mark
        .requests()
        .into_iter()
        .filter(|request| request.verb == "patch" && !request.uri.contains("dryRun"))
        .map(|request| request.uri.split('?').next().unwrap_or_default().trim_start_matches("/api").to_owned())
        .collect();
    let at = |end: &str| {
        let found = applied.iter().position(|uri| uri.ends_with(end));
        found.unwrap_or_else(|| panic!("{end} is not in {applied:#?}"))
    };
    let pod = at("/deployments/web");
    for before in [
        "/configmaps/settings",
        "/secrets/login",
        "/serviceaccounts/web",
        "/persistentvolumeclaims/data",
        "/priorityclasses/order-first",
    ] {
        assert!(at(before) < pod, "{before}: {applied:#?}");
        assert!(at("/namespaces/order") < at(before) || before.contains("priority"), "{before}: {applied:#?}");
    }
    assert!(at("/storageclasses/order-disk") < at("/persistentvolumeclaims/data"), "{applied:#?}");
    assert!(at("/roles/reader") < at("/rolebindings/reader"), "{applied:#?}");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn an_object_waits_for_the_webhook_that_does_not_answer_yet() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "webhook"]);
    let webhook = Webhook::prepare();
    plane.apply(&webhook.configuration("webhook"));
    let user = User::of(plane, "webhook");
    user.has(
        "settings",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: webhook}\ndata: {mode: fast}\n",
    );
    let refused = || {
        let output = plane.kubectl_as(
            crate::support::control_plane::Access::Admin,
            &["-n", "webhook", "create", "configmap", "x", "--dry-run=server"],
        );
        !output.status.success()
    };
    wait_until(Duration::from_mins(1), refused, || "the webhook is not called".to_owned());
    let plan = user.plan(0);
    assert_says(
        &plan,
        &["not checked by the server", "failed calling webhook", "connection refused", "Plan: 1 to add,"],
    );

    let mark = plane.mark();
    let mut apply = user.begin_to_apply();
    let has_tried = || mark.failed_patches() >= 4;
    wait_until(Duration::from_mins(1), has_tried, || "not tried".to_owned());
    assert!(apply.try_wait().expect("labctl").is_none(), "it has not given up");
    let webhook = webhook.answers();
    let code = apply.wait().expect("its end").code();
    assert_eq!(code, Some(0), "{}", user.read("said"));
    assert!(webhook.asked() >= 1);
    user.expect_no_changes();
    let mode: Value =
        serde_json::from_str(&plane.kubectl(&["-n", "webhook", "get", "cm/settings", "-o", "json"])).expect("JSON");
    assert_eq!(mode["data"]["mode"], "fast");
}
