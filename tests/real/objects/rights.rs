//! Who may do what, and whom labctl talks to.

use super::user::{User, assert_says};
use crate::support::control_plane::{Access, ControlPlane};

const SETTINGS: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: rights}
data: {mode: fast}
---
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: rights}
stringData: {user: jax}
";

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_certificate_that_is_not_good_is_named_with_the_remedy_and_nothing_is_called_missing() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "trust");
    user.has("settings", &SETTINGS.replace("rights", "default"));
    user.apply();
    for (access, words) in [
        (
            Access::ExpiredClient,
            &["the client certificate of the kubeconfig expired at 2021-01-01", "take a fresh kubeconfig"][..],
        ),
        (Access::ExpiredServer, &["the server's certificate has expired", "renew it on the server"][..]),
        (Access::WrongAuthority, &["is not from the CA of the kubeconfig", "take a fresh kubeconfig"][..]),
    ] {
        let mark = plane.mark();
        user.comes_by(&plane.kubeconfig(access));
        let plan = user.plan(4);
        assert_says(&plan, words);
        assert_says(&plan, &["cluster home", "2 resources are unknown, not missing", "No changes can be made."]);
        assert_eq!(user.apply_with(&[], 4).stdout, plan);
        let refused = mark.requests();
        assert!(refused.iter().all(|request| request.code == 401), "{access:?}: {refused:?}");
    }
    user.comes_by(&plane.kubeconfig(Access::Admin));
    user.expect_no_changes();
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn who_may_nothing_is_told_what_is_missing_and_who_may_read_alone_can_plan() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "rights"]);
    let user = User::at("rights", &plane.kubeconfig(Access::Nobody));
    user.has("settings", SETTINGS);
    let plan = user.plan(1);
    assert_says(&plan, &["User \"nobody\" cannot get resource", "cluster home"]);
    assert!(!plan.contains("will be created"), "{plan}");
    user.apply_with(&[], 1);
    assert_eq!(plane.kubectl(&["-n", "rights", "get", "configmap/settings", "--ignore-not-found"]), "");

    // Nothing is there yet.
    user.comes_by(&plane.kubeconfig(Access::Reader));
    let plan = user.plan(0);
    assert_says(
        &plan,
        &["not checked by the server", "User \"reader\" cannot", "Plan: 2 to add, 0 to change, 0 to destroy."],
    );
    let run = user.apply_with(&[], 1);
    assert_says(&run.stdout, &["Error:", "User \"reader\" cannot"]);

    user.comes_by(&plane.kubeconfig(Access::Admin));
    user.apply();
    user.comes_by(&plane.kubeconfig(Access::Reader));
    user.expect_no_changes();
    user.edit("settings", "fast", "slow");
    user.edit("settings", "jax", "pat");
    let plan = user.plan(0);
    assert_says(
        &plan,
        &[
            "not checked by the server",
            "\"fast\" -> \"slow\"",
            "(differs)",
            "Plan: 0 to add, 2 to change, 0 to destroy.",
        ],
    );
    user.apply_with(&[], 1);

    user.comes_by(&plane.kubeconfig(Access::Admin));
    assert_says(&user.apply().stdout, &["Resources: 0 added, 2 changed, 0 destroyed."]);
    user.expect_no_changes();
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_kubeconfig_that_leads_to_another_cluster_is_refused() {
    let (plane, other) = (ControlPlane::shared(), ControlPlane::start());
    let user = User::of(plane, "elsewhere");
    user.has("settings", &SETTINGS.replace("rights", "default").replace("name: ", "name: elsewhere-"));
    user.apply();
    // As a restored backup would have it.
    let record = plane.kubectl(&["-n", "kube-system", "get", "configmap/labctl-elsewhere", "-o", "jsonpath={.data}"]);
    other.apply(&format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {{\"name\": \"labctl-elsewhere\", \"namespace\": \"kube-system\"}}, \"data\": {record}}}"
    ));
    user.comes_by(&other.kubeconfig(Access::Admin));
    let plan = user.plan(1);
    assert_says(&plan, &["another cluster than the one that labctl knows as `home`", "`kube-system` has the UID"]);
    user.apply_with(&[], 1);
    assert_eq!(other.kubectl(&["get", "configmap,secret", "-A", "-l", "labctl.dev/lab", "-o", "name"]), "");
}
