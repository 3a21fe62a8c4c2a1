//! Sysctls, modules, packages, files and units on a real host, each where the tools of the host have a say.

use crate::support::operator::Operator;
use crate::support::vm::Vm;

const HOST: &str = r#"
[nodes.n5.modules]
br_netfilter = "loaded"
dummy = "loaded"
[nodes.n5.sysctls]
"net.bridge.bridge-nf-call-iptables" = 0
"net.ipv4.tcp_rmem" = "4096 131072 6291456"
"vm.swappiness" = 10
[nodes.n5.packages]
lab-daemon = "present"
lab-hello = "1.0"
[nodes.n5.files."/etc/lab/greeting"]
content = "hello\n"
[nodes.n5.units."greet.service"]
content = """
[Service]
Environment=GREETING=/etc/lab/greeting
ExecStart=/bin/sleep infinity

[Install]
WantedBy=multi-user.target
"""
enabled = true
running = true
[nodes.n5.units."lab-daemon.service"]
enabled = true
running = true
[nodes.n5.units."tick.service"]
content = "[Service]\nType=oneshot\nExecStart=/bin/true\n"
[nodes.n5.units."tick.timer"]
content = "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"
enabled = true
running = true
"#;

/// Everything below `/etc` and `/var` with its time of change, but for what the host itself writes all the time.
const FILES: &str =
    "find /etc /var /usr -xdev -type f -printf '%p %C@\\n' | grep -vE '^/var/(log|lib/systemd|lib/lastlog)/' | sort";

/// A plan without its line breaks: long sentences are wrapped.
fn unwrapped(plan: &str) -> String {
    plan.split_whitespace().filter(|word| *word != "#").collect::<Vec<_>>().join(" ")
}

const MAIN_PIDS: &str = "systemctl show -p MainPID --value greet lab-daemon";

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_plan_writes_nothing_on_the_host_not_even_apts_caches() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, HOST);
    let before = vm.ok(FILES);
    let plan = operator.plan(0).stdout;
    assert!(plan.contains("Plan: 12 to add, 0 to change, 0 to destroy."), "{plan}");
    assert_eq!(vm.ok(FILES), before);
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_unit_is_restarted_for_the_file_that_it_reads_and_no_other_one_is() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, HOST);
    operator.apply();
    operator.expect_no_changes();
    let before = vm.ok(MAIN_PIDS);

    operator.replace("content = \"hello\\n\"", "content = \"hallo\\n\"");
    let plan = operator.plan(0).stdout;
    assert!(plan.contains("Warning: restarts greet.service on n5"), "{plan}");
    assert!(plan.contains("Plan: 0 to add, 2 to change, 0 to destroy."), "{plan}");
    operator.apply();
    operator.expect_no_changes();
    let (before, after) = (before.split_whitespace(), vm.ok(MAIN_PIDS));
    let same: Vec<bool> = before.zip(after.split_whitespace()).map(|(before, after)| before == after).collect();
    assert_eq!(same, [false, true], "greet is restarted, lab-daemon is not");

    // A drop-in for a unit of a package: systemd is told, the unit restarted.
    operator.replace(
        "[nodes.n5.packages]",
        "[nodes.n5.files.\"/etc/systemd/system/lab-daemon.service.d/limits.conf\"]\n\
         content = \"[Service]\\nLimitNOFILE=1234\\n\"\n[nodes.n5.packages]",
    );
    operator.apply();
    operator.expect_no_changes();
    let limit = "grep 'open files' /proc/$(systemctl show -p MainPID --value lab-daemon)/limits";
    assert!(vm.ok(limit).contains("1234"), "{}", vm.ok(limit));
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn what_was_made_holds_at_boot() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, HOST);
    operator.apply();
    // What systemd does at boot, without the boot.
    vm.ok("sysctl -q vm.swappiness=60 net.bridge.bridge-nf-call-iptables=1; rmmod dummy");
    vm.ok("/usr/lib/systemd/systemd-modules-load; /usr/lib/systemd/systemd-sysctl");
    assert_eq!(
        vm.ok("sysctl -n vm.swappiness net.bridge.bridge-nf-call-iptables; lsmod | grep -c ^dummy"),
        "10\n0\n1\n"
    );
    operator.expect_no_changes();
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn what_leaves_the_file_goes_but_for_packages_and_their_units() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, HOST);
    operator.apply();
    operator.declare("");
    let plan = operator.plan(0).stdout;
    assert!(plan.contains("Plan: 0 to add, 0 to change, 9 to destroy, 3 to forget."), "{plan}");
    assert!(plan.contains("apt-get remove lab-hello"), "{plan}");
    operator.apply();
    operator.expect_no_changes();
    let left = "ls /etc/sysctl.d/*labctl* /etc/modules-load.d/*labctl* /etc/systemd/system/greet* /etc/systemd/system/tick* \
                /etc/systemd/system/*.wants/greet* /etc/lab/greeting 2>/dev/null || true";
    assert_eq!(vm.ok(left), "");
    assert_eq!(vm.ok("systemctl is-active greet tick.timer lab-daemon || true"), "inactive\ninactive\nactive\n");
    assert_eq!(vm.ok("dpkg-query -W -f '${Version}\\n' lab-hello"), "1.0\n");
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn packages_are_upgraded_and_neither_downgraded_nor_guessed() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, "[nodes.n5.packages]\nlab-greeter = \"present\"\nlab-hello = \"1.0\"\n");
    let plan = operator.plan(0).stdout;
    assert!(unwrapped(&plan).contains("apt also installs, for all packages together: lab-hello-data"), "{plan}");
    operator.apply();
    operator.replace("\"1.0\"", "\"1.1\"");
    assert!(operator.plan(0).stdout.contains("version = \"1.0\" -> \"1.1\""));
    operator.apply();
    operator.expect_no_changes();

    operator.replace("\"1.1\"", "\"1.0\"");
    let downgrade = unwrapped(&operator.labctl(&["plan"]).stdout);
    assert!(downgrade.contains("1.1 is newer, and labctl downgrades nothing"), "{downgrade}");
    operator.declare("[nodes.n5.packages]\nnosuch = \"present\"\n");
    let unknown = unwrapped(&operator.labctl(&["plan"]).stdout);
    assert!(unknown.contains("no package index of the node has it"), "{unknown}");

    // A fresh host has no indexes: apply reads them.
    vm.ok("apt-get -qq remove lab-hello && rm -rf /var/lib/apt/lists/*");
    operator.declare("[nodes.n5.packages]\nlab-hello = \"present\"\n");
    assert!(unwrapped(&operator.plan(0).stdout).contains("apply reads the indexes first"));
    operator.apply();
    operator.expect_no_changes();
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn what_cannot_be_is_refused_in_words_before_anything_is_done() {
    let vm = Vm::fresh();
    vm.ok("systemctl mask -q lab-switch.service 2>/dev/null; ln -s /etc/hostname /etc/lab-link");
    let operator = Operator::of(
        &vm,
        r#"
[nodes.n5.modules]
nosuch = "loaded"
[nodes.n5.sysctls]
"vm.nosuch" = 1
[nodes.n5.units]
"nosuch.service" = { running = true }
"fstrim.timer" = { running = true, adopt = true }
[nodes.n5.files."/etc/lab-link"]
content = "a"
adopt = true
"#,
    );
    let plan = operator.labctl(&["plan"]);
    assert_eq!(plan.code, 1, "{plan:?}");
    let told = unwrapped(&plan.stdout);
    for words in [
        "the kernel of n5 has no module `nosuch`",
        "the kernel of n5 has no parameter `vm.nosuch`",
        "n5 has no unit `nosuch.service`",
        "`fstrim.timer` is masked; to allow it again: systemctl unmask fstrim.timer",
        "`/etc/lab-link` is no regular file",
    ] {
        assert!(told.contains(words), "{words} is not in\n{}", plan.stdout);
    }
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_unit_that_does_not_start_fails_alone() {
    let vm = Vm::fresh();
    let operator = Operator::of(
        &vm,
        r#"
[nodes.n5.sysctls]
"vm.swappiness" = 10
[nodes.n5.units."broken.service"]
content = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/false\n"
running = true
"#,
    );
    let run = operator.labctl(&["apply", "--auto-approve"]);
    assert_eq!(run.code, 7, "{run:?}");
    assert!(run.stderr.contains("broken.service"), "{run:?}");
    assert_eq!(vm.ok("sysctl -n vm.swappiness"), "10\n");
    let plan = operator.plan(0).stdout;
    assert!(plan.contains("running = \"failed\" -> true"), "{plan}");
}
