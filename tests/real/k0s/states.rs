//! Every state in which a k0s can be, made by hand: told from the others, and mended, or refused in words.

use super::lab::{bring, cluster, expect_nothing_due, operator, process, running, tables, wait_for_api};
use crate::support::k0s::{VERSION, binary, controller};

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_binary_a_unit_and_a_process_are_told_apart_on_the_way_to_a_cluster() {
    let vm = controller();
    vm.reset();
    let operator = operator(&vm, &tables());
    operator.expect(&["apply", "--auto-approve", "--target", "nodes.n5"], 0);

    // The binary alone.
    operator.expect(&["apply", "--auto-approve", "--target", "clusters.homelab/config/n5"], 0);
    vm.ok("[ \"$(k0s version)\" = v1.34.4+k0s.0 ] && ! k0s status -o json 2>/dev/null");
    let plan = operator.plan(0).stdout;
    assert!(plan.contains("# clusters.homelab/controller/n5 will be created") && !plan.contains("/binary/"), "{plan}");

    // A unit that was never started, with a flag that the file says otherwise, and one that it does not know.
    vm.ok("k0s install controller --config=/etc/k0s/k0s.yaml --no-taints --debug && ! k0s status -o json 2>/dev/null");
    let plan = operator.plan(1).stdout;
    assert!(plan.contains("it exists, is not labctl's, and differs"), "{plan}");
    let adopt = ["--adopt", "clusters.homelab/controller/n5"];
    let plan = operator.expect(&[&["plan"], &adopt[..]].concat(), 0).stdout;
    for words in [
        "# clusters.homelab/controller/n5 will be adopted",
        "~ --enable-worker",
        "~ running",
        "flags that are not declared, and stay: --debug=true",
    ] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
    operator.expect(&[&["apply", "--auto-approve"], &adopt[..]].concat(), 0);
    expect_nothing_due(&operator);
    let args = vm.ok("k0s status -o json");
    assert!(args.contains("\"--debug=true\"") && args.contains("\"--enable-worker=true\""), "{args}");

    // Stopped, and not to be started at boot.
    vm.ok("k0s stop && systemctl disable k0scontroller");
    let plan = operator.plan(0).stdout;
    assert!(plan.contains("# (lab changed)") && plan.contains("~ enabled") && plan.contains("~ running"), "{plan}");
    operator.apply();
    expect_nothing_due(&operator);

    // The binary went, and the process runs on without it.
    let before = process(&vm);
    vm.ok("rm /usr/local/bin/k0s");
    let plan = operator.plan(0).stdout;
    assert!(plan.contains("# clusters.homelab/binary/n5 will be created"), "{plan}");
    operator.apply();
    expect_nothing_due(&operator);
    assert_eq!(process(&vm), before, "nothing was restarted");
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_binary_for_another_machine_is_replaced_and_never_by_one_that_says_another_version() {
    let vm = running();
    let operator = operator(&vm, &tables());
    let before = process(&vm);
    // The processor in the head of the program becomes a 64-bit ARM one.
    vm.ok(
        "cd /usr/local/bin && cp k0s new && printf '\\267' | dd of=new bs=1 seek=18 conv=notrunc 2>/dev/null && mv new k0s && cp k0s /run/other \
         && ! k0s version 2>/dev/null",
    );
    let plan = operator.plan(0).stdout;
    for words in ["# clusters.homelab/binary/n5 will be updated in-place", "does not run: "] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
    operator.write(&format!("k0s-{VERSION}"), "#!/bin/sh\necho v1.33.0+k0s.0\n");
    let run = operator.labctl(&["apply", "--auto-approve"]);
    assert!([1, 7].contains(&run.code), "{run:#?}");
    assert!(run.stdout.contains("it says that it is v1.33.0+k0s.0, not v1.34.4+k0s.0"), "{run:#?}");
    assert_eq!(
        vm.ok("ls -A /usr/local/bin && cmp /run/other /usr/local/bin/k0s"),
        "k0s\n",
        "what was there is there still"
    );
    bring(&operator, VERSION);
    operator.apply();
    expect_nothing_due(&operator);
    assert_eq!(process(&vm), before, "nothing was restarted");
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_component_that_does_not_stay_up_is_named_within_the_time_limit() {
    let vm = running();
    let crashing = r#"config = { api = { address = "192.168.4.5", extraArgs = { no-such-flag = "1" } }, telemetry = { enabled = false } }"#;
    let good = r#"config = { api = { address = "192.168.4.5" }, telemetry = { enabled = false } }"#;
    let operator = operator(&vm, &tables());
    operator.replace(good, &format!("{crashing}\nready_timeout = \"60s\""));
    // The configuration is written, the control plane does not come up.
    let run = operator.expect(&["apply", "--auto-approve"], 7);
    let said = format!("{}{}", run.stdout, run.stderr);
    for words in ["the API does not answer after 60 s", "component=kube-apiserver"] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    assert_eq!(vm.ok("systemctl is-active k0scontroller"), "active\n", "systemd has nothing to say of it");

    // The next plan tells what it sees, too.
    let plan = operator.plan(0).stdout;
    assert!(plan.contains("\"does not answer\" -> \"answers\"") && plan.contains("component=kube-apiserver"), "{plan}");

    operator.replace(
        crashing,
        "config = { api = { address = \"192.168.4.5\", extraArgs = {} }, telemetry = { enabled = false } }",
    );
    operator.apply();
    expect_nothing_due(&operator);
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_k0s_that_others_installed_is_adopted_as_it_is() {
    let vm = controller();
    vm.reset();
    let by_hand = operator(&vm, &tables());
    by_hand.expect(&["apply", "--auto-approve", "--target", "nodes.n5"], 0);
    binary(&by_hand.path("k0s"), VERSION);
    vm.send(&by_hand.path("k0s"), "/usr/local/bin/k0s");
    // As k0sctl writes it, with a chart.
    vm.ok(
        "install -d /etc/k0s && cat >/etc/k0s/k0s.yaml <<'END'
# generated-by-k0sctl 2026-01-02T03:04:05Z
apiVersion: k0s.k0sproject.io/v1beta1
kind: ClusterConfig
metadata:
  name: homelab
spec:
  api:
    address: 192.168.4.5
    sans:
    - 192.168.4.5
    - 127.0.0.1
  extensions:
    helm:
      repositories:
      - name: metallb
        url: https://metallb.github.io/metallb
      charts:
      - name: metallb
        chartname: metallb/metallb
        version: 0.15.2
        namespace: metallb-system
  network:
    provider: kuberouter
  telemetry:
    enabled: false
END
         k0s install controller --config=/etc/k0s/k0s.yaml --enable-worker --no-taints --labels=homelab=true && k0s start",
    );
    wait_for_api(&vm);
    vm.ok("k0s kubectl wait --for=create node/n5 --timeout=120s && k0s kubectl wait --for=condition=Ready node/n5 --timeout=120s");
    let files = "sha256sum /etc/k0s/k0s.yaml /etc/systemd/system/k0scontroller.service /usr/local/bin/k0s";
    let (before, runs) = (vm.ok(files), process(&vm));

    let plan = by_hand.plan(0).stdout;
    for words in [
        "will be adopted",
        "spec.extensions.helm.charts",
        "flags that are not declared, and stay: --labels=homelab=true",
        "0 to change, 0 to destroy",
    ] {
        assert!(plan.contains(words), "{words} is not in\n{plan}");
    }
    by_hand.apply();
    expect_nothing_due(&by_hand);
    assert_eq!((vm.ok(files), process(&vm)), (before.clone(), runs.clone()));

    // Where less of it is declared, labctl lets go of the rest, and nothing else.
    by_hand.replace(
        &cluster(VERSION, ""),
        "[clusters.homelab]\ndistribution = \"k0s\"\ncontrollers = [\"n5\"]\nworkers = [\"n5\"]\n",
    );
    let plan = by_hand.plan(0).stdout;
    assert!(plan.contains("Plan: 0 to add, 0 to change, 0 to destroy, 3 to forget."), "{plan}");
    by_hand.apply();
    expect_nothing_due(&by_hand);
    assert_eq!((vm.ok(files), process(&vm)), (before, runs));
}
