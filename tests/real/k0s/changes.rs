//! Flags, configuration, version: what a cluster takes with a restart, and what it never takes.

use super::lab::{bring, expect_nothing_due, operator, process, running, tables};
use crate::support::k0s::VERSION;

const NEWER: &str = "1.34.5+k0s.0";

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn flags_configuration_and_version_change_with_one_restart_that_the_plan_names() {
    let vm = running();
    let operator = operator(&vm, &tables());
    bring(&operator, NEWER);
    operator.replace(VERSION, NEWER);
    operator.replace("telemetry = { enabled = false }", "telemetry = { enabled = true }");
    operator.replace("controllers = [\"n5\"]", "controllers = [\"n5\"]\nkubelet_root = \"/var/lib/kubelet\"");
    let plan = operator.plan(0).stdout;
    for words in [
        "# clusters.homelab/binary/n5 will be updated in-place",
        "# clusters.homelab/config/n5 will be updated in-place",
        "# clusters.homelab/controller/n5 will be updated in-place",
        "+ --kubelet-root-dir",
        "spec.telemetry.enabled = false -> true",
        "\"v1.34.4+k0s.0\" -> \"v1.34.5+k0s.0\"",
        "Warning: restarts the control plane and the kubelet of `homelab` on n5",
    ] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
    let before = process(&vm);
    operator.apply();
    operator.expect_no_changes();
    assert_ne!(process(&vm), before);
    let status = vm.ok("k0s status -o json");
    for words in
        ["\"Version\":\"v1.34.5+k0s.0\"", "--kubelet-root-dir=/var/lib/kubelet", "\"telemetry\":{\"enabled\":true}"]
    {
        assert!(status.contains(words), "{words} is not in {status}");
    }

    // A unit that was written anew without a restart: the process has the flags, and nothing is to be done.
    vm.ok("k0s install controller --force --config=/etc/k0s/k0s.yaml --single");
    expect_nothing_due(&operator);
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn what_a_live_cluster_cannot_take_is_refused_with_its_consequence() {
    let vm = running();
    let operator = operator(&vm, &tables());
    let before = process(&vm);
    let refused = |from: &str, to: &str, words: &str| {
        operator.replace(from, to);
        let run = operator.plan(1);
        assert!(run.stdout.replace("\n  #  ", " ").contains(words), "{words:?} is not in\n{}", run.stdout);
        operator.expect(&["apply", "--auto-approve"], 1);
        operator.replace(to, from);
    };
    let workers = "workers = [\"n5\"]";
    refused(
        workers,
        "workers = [\"n5\"]\nnetwork = { pods = \"10.55.0.0/16\" }",
        "the pods of a live cluster have addresses of the old range",
    );
    refused(workers, "workers = [\"n5\"]\nnetwork = { provider = \"calico\" }", "k0s refuses to change the provider");
    let version = format!("version = \"{VERSION}\"");
    refused(&version, "version = \"1.34.3+k0s.0\"", "never goes back to v1.34.3+k0s.0");
    refused(&version, "version = \"1.36.0+k0s.0\"", "Kubernetes goes up by one at a time");
    assert_eq!(process(&vm), before);
    operator.expect_no_changes();
    vm.ok("! [ -e /var/lib/k0s-reset-was-called ]");
}
