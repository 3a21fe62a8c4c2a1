//! `labctl demo` and labs that are kept, as a person runs them.

use crate::workspace::{Run, Workspace};

fn empty() -> Workspace {
    let workspace = Workspace::new("");
    std::fs::remove_file(workspace.path("homelab.toml")).unwrap();
    workspace
}

fn own() -> Workspace {
    Workspace::new(include_str!("../../homelab.toml"))
}

fn expect(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{run:#?}");
    for words in words {
        assert!(run.stdout.contains(words) || run.stderr.contains(words), "{words}\n{}\n{}", run.stdout, run.stderr);
    }
}

#[test]
fn a_first_run_needs_nothing_and_leaves_nothing() {
    let workspace = empty();
    let run = workspace.labctl(&["demo", "--fast"]);
    expect(
        &run,
        0,
        &[
            "Simulated lab, 1 of 3: labctl plan",
            "Simulated lab, 2 of 3: labctl apply",
            "Apply complete!",
            "Simulated lab, 3 of 3: labctl plan, again",
            "No changes. The lab matches the file.",
            "labctl apply --lab simulated",
        ],
    );
    assert_eq!(workspace.tree(), Vec::new());
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let workspace = empty();
    let run = |seed| {
        let run = workspace.labctl(&["demo", "--fast", "--seed", seed, "--fault", "n5@20=drop-during,m1-vm@3=reboot"]);
        // How long a step took is this machine's affair.
        let without_time = |text: &str| -> Vec<String> {
            text.lines().map(|line| line.rsplit_once(" after ").map_or(line, |(words, _)| words).to_owned()).collect()
        };
        (without_time(&run.stdout), without_time(&run.stderr), run.code)
    };
    assert_eq!(run("4"), run("4"));
}

#[test]
fn a_fault_is_shown_and_mended() {
    let words =
        ["fault: n5@12=drop-during", "Apply incomplete", "4 of 5", "5 of 5", "No changes. The lab matches the file."];
    expect(&empty().labctl(&["demo", "--fast", "--fault", "n5@12=drop-during"]), 0, &words);
    expect(&empty().labctl(&["demo", "--fast", "--fault", "n9@5=fail"]), 1, &["there is no such node; there are m1"]);
    expect(&empty().labctl(&["demo", "--fast", "--fault", "n5@5=explode"]), 1, &["known are drop-before"]);
}

#[test]
fn what_the_demo_proposes_happens_and_what_can_not_happen_is_said() {
    let run = empty().labctl(&["demo", "--fast"]);
    let proposed = run.stdout.lines().find_map(|line| line.trim().strip_prefix("labctl demo --fault ")).unwrap();
    expect(&empty().labctl(&["demo", "--fast", "--fault", proposed]), 0, &["Apply incomplete", "5 of 5"]);
    let never = empty().labctl(&["demo", "--fast", "--fault", "n5@9999=fail"]);
    expect(&never, 0, &["fault: n5@9999=fail did not happen: n5 had "]);
    let long = run.stdout.lines().rev().take(9).find(|line| line.chars().count() > 80);
    assert_eq!(long, None);
}

/// Breaks something, sees that plan finds it and names it, and that apply mends it.
fn broken_and_mended(workspace: &Workspace, deed: &[&str], words: &str) {
    let mut arguments = vec!["demo", "break"];
    arguments.extend(deed);
    expect(&workspace.labctl(&arguments), 0, &["Simulated lab", "Done on "]);
    expect(&workspace.labctl(&["plan", "--lab", "simulated", "--detailed-exitcode"]), 2, &["Simulated lab", words]);
    expect(
        &workspace.labctl(&["apply", "--lab", "simulated", "--auto-approve"]),
        0,
        &["Simulated lab", "Apply complete!"],
    );
    let plan = workspace.labctl(&["plan", "--lab", "simulated", "--detailed-exitcode"]);
    expect(&plan, 0, &["No changes. The lab matches the file."]);
}

#[test]
fn a_kept_lab_can_be_broken_and_mended() {
    let workspace = own();
    expect(&workspace.labctl(&["apply", "--lab", "simulated", "--auto-approve"]), 0, &["new, to be kept in"]);
    for (deed, words) in [
        (&["n5", "property", "vms", "compression=off"][..], "~ compression = \"off\" -> \"lz4\""),
        (&["n5", "address", "enp197s0.8", "192.168.8.254/24"], "enp197s0.8.addresses"),
        (&["n5", "mode", "/etc/sanoid/sanoid.conf", "0600"], "~ mode"),
        (&["n5", "stop", "replicate-home-assistant.timer"], "~ running = false -> true"),
        (&["n5", "sysctl", "net.ipv4.ip_forward=0"], "~ value = \"0\" -> \"1\""),
        (&["m1-vm", "unload", "overlay"], "~ loaded = false -> true"),
        (&["n5", "run", "ip", "link", "del", "bridge64"], "bridge64"),
    ] {
        broken_and_mended(&workspace, deed, words);
    }
}

#[test]
fn a_kept_lab_that_is_down_is_unknown_and_comes_back() {
    let workspace = own();
    workspace.labctl(&["apply", "--lab", "simulated:lab", "--auto-approve"]);
    expect(&workspace.labctl(&["demo", "break", "--lab", "simulated:lab", "n5", "down"]), 0, &["Done on n5: down"]);
    let plan = workspace.labctl(&["plan", "--lab", "simulated:lab"]);
    expect(&plan, 4, &["192.168.4.5:22 does not answer within 5 s"]);
    workspace.labctl(&["demo", "break", "--lab", "simulated:lab", "n5", "up"]);
    // Its control plane takes a while; apply waits for it.
    let plan = workspace.labctl(&["plan", "--lab", "simulated:lab"]);
    expect(&plan, 0, &["~ api = \"does not answer\" -> \"answers\""]);
    expect(&workspace.labctl(&["apply", "--lab", "simulated:lab", "--auto-approve"]), 0, &["Apply complete!"]);
    let plan = workspace.labctl(&["plan", "--lab", "simulated:lab", "--detailed-exitcode"]);
    expect(&plan, 0, &["No changes. The lab matches the file."]);
}

#[test]
fn what_can_not_be_broken_is_said_with_what_can() {
    let workspace = own();
    expect(&workspace.labctl(&["demo", "break", "n5"]), 1, &["property DATASET NAME=VALUE", "reboot"]);
    expect(&workspace.labctl(&["demo", "break", "n9", "reboot"]), 1, &["there is no node `n9`; there are m1"]);
    expect(&workspace.labctl(&["demo", "break", "n5", "run", "docker", "ps"]), 1, &["no program `docker`"]);
    expect(&workspace.labctl(&["demo", "break", "n5", "reboot", "--lab", "real"]), 1, &["--lab"]);
}

#[test]
fn a_node_that_starts_anew_in_the_middle_is_waited_for_and_gone_on_from() {
    for fault in ["n5@12=drop-before,n5@12=reboot", "n5@7=drop-after,n5@8=reboot,n5@20=drop-during,n5@21=reboot"] {
        let run = empty().labctl(&["demo", "--fast", "--fault", fault]);
        assert_eq!(run.code, 0, "{fault}: {run:#?}");
        assert!(
            run.stderr.contains("n5 has started anew; what that cut off is looked at and gone on with."),
            "{run:#?}"
        );
        let first = run.stdout.split("3 of 5").next().unwrap();
        assert!(first.contains("Apply complete!") && !first.contains("Not started"), "{fault}: {first}");
    }
}
