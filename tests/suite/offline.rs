//! Plans against what an earlier plan saw.

use crate::branches::LAB;
use crate::workspace::{Run, Workspace};

fn lab() -> String {
    // Neither network nor cluster: the simulated lab has what the installer left.
    let (before, after) = LAB.split_once("[nodes.server.network.enp1s0]").unwrap();
    let (_, after) = after.split_once("[nodes.server.packages]").unwrap();
    let (after, _) = after.split_once("[pools.tank]").unwrap();
    format!("{before}[nodes.server.packages]{after}")
}

/// Applied, observed, and the lab gone.
fn observed() -> Workspace {
    let workspace = Workspace::new(&lab());
    let run = workspace.labctl(&["apply", "--auto-approve", "--lab", "simulated:sim"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let run = workspace.labctl(&["plan", "--lab", "simulated:sim", "--save-observations", "seen"]);
    assert_eq!(run.code, 0, "{run:#?}");
    std::fs::remove_dir_all(workspace.path("sim")).unwrap();
    workspace
}

fn offline(workspace: &Workspace, more: &[&str]) -> Run {
    workspace
        .labctl(&[["plan", "--offline", "--observations", "seen", "--detailed-exitcode"].as_slice(), more].concat())
}

#[test]
fn a_changed_file_is_planned_against_what_was_seen() {
    let workspace = observed();
    let run = offline(&workspace, &[]);
    assert!(run.code == 0 && run.stdout.starts_with("No changes."), "{run:#?}");
    assert!(run.stdout.contains("was not asked: this is against what was seen less than a minute ago"), "{run:#?}");
    workspace.write("homelab.toml", &lab().replace("\"10\"", "\"20\"").replace("hello", "bye"));
    let run = offline(&workspace, &["--untrusted", "--format", "markdown"]);
    assert_eq!(run.code, 2, "{run:#?}");
    for words in ["0 to add, 2 to change, 0 to destroy", "-hello\n+bye", "was not asked"] {
        assert!(run.stdout.contains(words), "{words}\n{}", run.stdout);
    }
}

#[test]
fn what_was_not_asked_then_is_unknown_and_never_new() {
    let workspace = observed();
    workspace.write("homelab.toml", &(lab() + "\n[nodes.mini.files.\"/etc/new\"]\ncontent = \"x\"\n"));
    let run = offline(&workspace, &[]);
    assert!(run.code == 1 && run.stdout.contains("it was not asked when the observations were saved"), "{run:#?}");
    workspace.write("homelab.toml", &lab().replace("nodes.mini", "nodes.other"));
    let run = offline(&workspace, &[]);
    assert!(run.code == 4 && run.stdout.contains("was not observed when"), "{run:#?}");
}

#[test]
fn observations_of_another_lab_are_refused_and_none_are_applied() {
    let workspace = observed();
    workspace.write("homelab.toml", &lab().replace("\"home\"", "\"away\""));
    let run = offline(&workspace, &[]);
    assert!(run.code == 1 && run.stderr.contains("observations of the lab `home`"), "{run:#?}");
    let run = offline(&workspace, &["--out", "the.plan"]);
    assert!(run.code == 1 && run.stderr.contains("cannot be used with"), "{run:#?}");
}

#[test]
fn observations_hold_no_secret() {
    let lab = "[lab]\nname = \"t\"\n[nodes.here]\nconnection = \"local\"\n[nodes.here.files.\"etc/token\"]\ncontent = { secret = \"token\" }\n[secrets.token]\nenv = \"TOKEN\"\n";
    let workspace = Workspace::new(lab).env("TOKEN", "canary-0817-value");
    workspace.apply();
    let run = workspace.labctl(&["plan", "--save-observations", "seen"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(!workspace.read("seen").contains("canary"), "{}", workspace.read("seen"));
}

#[test]
fn the_metrics_of_a_plan_are_written_whatever_comes_of_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab =
        "[lab]\nname = \"t\"\n[nodes.here]\nconnection = \"local\"\n[nodes.here.files.\"etc/a\"]\ncontent = \"x\"\n";
    let workspace = Workspace::new(lab);
    let plan = || workspace.labctl(&["plan", "--detailed-exitcode", "--metrics", "labctl.prom"]);
    assert_eq!(plan().code, 2);
    let good = workspace.read("labctl.prom");
    let success = "labctl_plan_last_success_timestamp_seconds ";
    assert!(
        good.contains("labctl_plan_changes{kind=\"add\"} 1\n") && good.contains("labctl_plan_success 1\n"),
        "{good}"
    );
    let mode = std::fs::metadata(workspace.path("labctl.prom")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    workspace.write("homelab.toml", "[lab\n");
    assert_eq!(plan().code, 3);
    let bad = workspace.read("labctl.prom");
    let when = |text: &str| text.lines().find(|line| line.starts_with(success)).map(str::to_owned);
    assert!(bad.contains("labctl_plan_success 0\n") && when(&bad) == when(&good), "{bad}");
    assert!(when(&good).is_some());
}
