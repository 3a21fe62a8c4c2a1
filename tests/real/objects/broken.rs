//! Servers that stop in the middle, and webhooks that do not answer yet.

use std::fmt::Write as _;
use std::time::Duration;

use super::user::{User, assert_says};
use crate::support::control_plane::{Access, ControlPlane};
use crate::support::wait::wait_until;
use crate::support::wire::Wire;

/// So many `ConfigMap`s, each of this many bytes.
fn config_maps(namespace: &str, count: usize, bytes: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let _ = writeln!(
            text,
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{number}, namespace: {namespace}}}\ndata: {{text: \"{}\"}}",
            "x".repeat(bytes)
        );
    }
    text
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_list_that_breaks_off_is_read_again_and_one_that_never_ends_is_unknown_and_not_missing() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "cut"]);
    let wire = Wire::to(plane.port());
    let user = User::at("cut", &plane.kubeconfig_through(Access::Admin, wire.port()));
    user.has("many", &config_maps("cut", 100, 4000));
    user.apply();
    let before = wire.received();
    user.expect_no_changes();
    let whole = wire.received() - before;
    assert!(whole > 400_000, "{whole}");

    wire.cut_after_received(whole - 100_000);
    user.expect_no_changes();

    wire.break_after_received(whole - 100_000);
    let plan = user.plan(4);
    assert_says(&plan, &["cluster `home`", "unknown"]);
    for words in ["will be created", "to add", "No changes. The lab matches the file."] {
        assert!(!plan.contains(words), "{words}:\n{plan}");
    }
    user.apply_with(&[], 4);
    wire.refuse(false);
    user.expect_no_changes();
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_server_that_stops_in_the_middle_of_an_apply_leaves_what_the_next_one_finishes() {
    let mut plane = ControlPlane::start();
    let user = User::of(&plane, "stopped");
    user.has("namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: stopped}\n");
    user.has("many", &config_maps("stopped", 300, 100));
    let mark = plane.mark();
    let mut apply = user.begin_to_apply();
    let is_half_done = || mark.patches() > 100;
    wait_until(Duration::from_mins(1), is_half_done, || "no half".to_owned());
    plane.stop_server();
    let code = apply.wait().expect("its end").code();
    let said = user.read("said");
    assert_eq!(code, Some(7), "{said}");
    assert_says(&said, &["Apply incomplete: ", "`labctl apply` goes on from here."]);

    plane.start_server();
    let there =
        plane.kubectl(&["-n", "stopped", "get", "cm", "-l", "labctl.dev/lab=stopped", "-o", "name"]).lines().count();
    assert!((50..300).contains(&there), "{there}");
    user.apply();
    user.expect_no_changes();
    let there =
        plane.kubectl(&["-n", "stopped", "get", "cm", "-l", "labctl.dev/lab=stopped", "-o", "name"]).lines().count();
    assert_eq!(there, 300);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn labctl_that_is_killed_in_the_middle_leaves_what_the_next_run_finishes() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "killed");
    user.has("namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: killed}\n");
    user.has("many", &config_maps("killed", 200, 100));
    let mark = plane.mark();
    let mut apply = user.begin_to_apply();
    wait_until(Duration::from_mins(1), || mark.patches() > 50, || "no half".to_owned());
    apply.kill().expect("SIGKILL");
    apply.wait().expect("its end");
    user.apply();
    user.expect_no_changes();
    // All of it is found by its label: nothing is left that nobody knows of.
    user.lacks("many");
    assert_says(&user.plan(0), &["Plan: 0 to add, 0 to change, 200 to destroy."]);
}
