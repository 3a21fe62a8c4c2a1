//! Saved plans, as a person uses them: on this machine, without root.

use std::os::unix::fs::PermissionsExt as _;

use crate::workspace::{Run, Workspace};

const LAB: &str = r#"
[lab]
name = "test"

[nodes.here]
connection = "local"

[nodes.here.files."etc/a.conf"]
content = "a\n"

[nodes.here.files."etc/b.conf"]
content = "b\n"
"#;

fn planned(lab: &str) -> Workspace {
    let workspace = Workspace::new(lab);
    let run = workspace.labctl(&["plan", "--out", "the.plan"]);
    assert_eq!(run.code, 0, "{run:#?}");
    workspace
}

fn refused(run: &Run, code: i32, words: &str) {
    assert_eq!(run.code, code, "{run:#?}");
    assert!(run.stderr.contains(words), "{words}\n{}", run.stderr);
}

#[test]
fn a_saved_plan_is_applied_without_a_question() {
    let workspace = Workspace::new(LAB);
    let run = workspace.labctl(&["plan", "--out", "the.plan"]);
    assert!(run.stderr.contains("labctl apply the.plan"), "{}", run.stderr);
    let mode = std::fs::metadata(workspace.path("the.plan")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let run = workspace.labctl(&["apply", "the.plan"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stdout.contains("Apply complete! Resources: 2 added"), "{}", run.stdout);
    workspace.expect_no_changes();
}

#[test]
fn a_saved_plan_is_shown_without_the_file_and_the_lab() {
    let workspace = planned(LAB);
    std::fs::remove_file(workspace.path("homelab.toml")).unwrap();
    let run = workspace.labctl(&["show", "the.plan"]);
    assert_eq!(run.code, 0, "{run:#?}");
    for words in ["Plan of the lab `test`", "here: kernel ", "+ file etc/a.conf", "Plan: 2 to add"] {
        assert!(run.stdout.contains(words), "{words}\n{}", run.stdout);
    }
    let run = workspace.labctl(&["show", "the.plan", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["plan"]["changes"][0]["address"], "nodes.here.files.\"etc/a.conf\"");
    assert_eq!(json["sources"]["homelab.toml"].as_str().map(str::len), Some(64));
}

#[test]
fn a_saved_plan_of_another_file_is_stale_and_does_nothing() {
    let workspace = planned(LAB);
    workspace.write("homelab.toml", &LAB.replace("b\\n", "B\\n"));
    refused(&workspace.labctl(&["apply", "the.plan"]), 5, "`homelab.toml` is not as when the plan was made");
    workspace.write("homelab.toml", &LAB.replace("name = \"test\"", "name = \"other\""));
    refused(&workspace.labctl(&["apply", "the.plan"]), 5, "it is a plan of the lab `test`");
    assert!(!workspace.exists("etc"));
}

#[test]
fn what_is_damaged_newer_or_no_plan_is_refused() {
    let workspace = planned(LAB);
    let text = workspace.read("the.plan");
    workspace.write("cut.plan", &text[..text.len() - 20]);
    workspace.write("edited.plan", &text.replacen("a\\n", "x\\n", 1));
    workspace.write("newer.plan", &text.replacen("format=1", "format=7", 1));
    assert_ne!(workspace.read("edited.plan"), text);
    for (file, words) in [
        ("cut.plan", "it is damaged"),
        ("edited.plan", "it is damaged"),
        ("newer.plan", "a newer labctl wrote it (format 7"),
        ("homelab.toml", "it is no saved plan"),
        ("gone.plan", "No such file"),
    ] {
        refused(&workspace.labctl(&["apply", file]), 1, words);
        refused(&workspace.labctl(&["show", "--json", file]), 1, words);
    }
    assert!(!workspace.exists("etc"));
}

#[test]
fn a_plan_for_the_simulated_lab_is_not_applied_to_the_real_one() {
    let workspace = Workspace::new(LAB);
    workspace.labctl(&["plan", "--lab", "simulated:sim", "--out", "the.plan"]);
    let run = workspace.labctl(&["apply", "the.plan"]);
    assert!(run.code == 0 && run.stderr.contains("Simulated lab"), "{run:#?}");
    assert!(!workspace.exists("etc"));
    workspace.labctl(&["plan", "--out", "real.plan"]);
    refused(&workspace.labctl(&["apply", "real.plan", "--lab", "simulated:sim"]), 5, "it was made for the lab `real`");
}

#[test]
fn one_stale_resource_of_forty_stops_itself_and_its_dependents() {
    let file = |name: &str, more: &str| format!("[nodes.here.files.\"etc/{name}\"]\ncontent = \"{name}\\n\"\n{more}\n");
    let mut lab = "[lab]\nname = \"test\"\n[nodes.here]\nconnection = \"local\"\n".to_owned();
    for number in 0..38 {
        lab += &file(&format!("{number:02}"), "");
    }
    lab += &file("first", "after = ['nodes.here.files.\"etc/07\"']");
    lab += &file("second", "after = ['nodes.here.files.\"etc/first\"']");
    let workspace = planned(&lab);
    workspace.write("etc/07", "somebody's own\n");
    let run = workspace.labctl(&["apply", "the.plan"]);
    assert_eq!(run.code, 5, "{run:#?}");
    assert!(run.stdout.contains("it is not as the plan saw it, so nothing was done"), "{}", run.stdout);
    assert!(run.stdout.contains("changed: etc/07"), "{}", run.stdout);
    assert!(run.stdout.contains("Apply incomplete: 37 done, 1 failed, 2 not started."), "{}", run.stdout);
    assert_eq!(workspace.read("etc/07"), "somebody's own\n");
    assert!(!workspace.exists("etc/first") && !workspace.exists("etc/second"));
    for number in (0..38).filter(|number| *number != 7) {
        assert!(workspace.exists(&format!("etc/{number:02}")), "{number}");
    }
    // What was never begun leaves no note that would claim it.
    let plan = workspace.labctl(&["plan"]);
    assert!(plan.stdout.contains("it exists, is not labctl's, and differs"), "{}", plan.stdout);
}

#[test]
fn a_saved_plan_that_was_carried_out_is_stale() {
    let workspace = planned(LAB);
    assert_eq!(workspace.labctl(&["apply", "the.plan"]).code, 0);
    let before = workspace.tree();
    let run = workspace.labctl(&["apply", "the.plan"]);
    assert_eq!(run.code, 5, "{run:#?}");
    let files = |tree: Vec<(std::path::PathBuf, Vec<u8>)>| -> Vec<_> {
        tree.into_iter()
            .filter(|(path, _)| !["journal.jsonl", "applied"].iter().any(|name| path.ends_with(name)))
            .collect()
    };
    assert_eq!(files(workspace.tree()), files(before));
}

#[test]
fn a_saved_plan_holds_no_secret_and_is_applied_with_its_value() {
    let lab =
        LAB.replace("content = \"b\\n\"", "content = { secret = \"token\" }") + "[secrets.token]\nenv = \"TOKEN\"\n";
    let canary = "canary-0815-value";
    let workspace = Workspace::new(&lab).env("TOKEN", canary);
    workspace.labctl(&["plan", "--out", "the.plan"]);
    let text = workspace.read("the.plan");
    // The digest of the value would let a guess be tried, too.
    let digest = labctl::config::sha256(canary.as_bytes());
    assert!(text.contains("\"secret\": \"token\"") && !text.contains("canary") && !text.contains(&digest), "{text}");
    assert_eq!(workspace.labctl(&["apply", "the.plan"]).code, 0);
    assert_eq!(workspace.read("etc/b.conf"), canary);
}
