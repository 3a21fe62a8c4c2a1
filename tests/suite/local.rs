//! Plan and apply from end to end on this machine: a node with `connection = "local"`, no root, no network.

use std::os::unix::fs::PermissionsExt as _;

use crate::workspace::Workspace;

const LAB: &str = r#"
[lab]
name = "test"

[nodes.here]
connection = "local"

[nodes.here.files."etc/hello.conf"]
content = "hello\n"

[nodes.here.files."etc/other.conf"]
content = "other\n"
mode = "0640"
"#;

fn mode(workspace: &Workspace, path: &str) -> u32 {
    std::fs::metadata(workspace.path(path)).unwrap().permissions().mode() & 0o777
}

#[test]
fn apply_makes_what_plan_said_and_then_plan_is_empty() {
    let workspace = Workspace::new(LAB);
    let plan = workspace.labctl(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{plan:#?}");
    assert!(plan.stdout.contains("Plan: 2 to add, 0 to change, 0 to destroy.\n"), "{}", plan.stdout);
    let apply = workspace.apply();
    assert!(apply.stdout.contains("Apply complete! Resources: 2 added, 0 changed, 0 destroyed.\n"), "{}", apply.stdout);
    assert_eq!(workspace.read("etc/hello.conf"), "hello\n");
    assert_eq!((mode(&workspace, "etc/hello.conf"), mode(&workspace, "etc/other.conf")), (0o644, 0o640));
    workspace.expect_no_changes();
}

#[test]
fn plan_changes_nothing_and_says_the_same_twice() {
    let workspace = Workspace::new(LAB);
    workspace.write("etc/hello.conf", "by hand\n");
    let before = workspace.tree();
    let first = workspace.labctl(&["plan", "--json"]);
    let second = workspace.labctl(&["plan", "--json"]);
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(workspace.tree(), before);
}

#[test]
fn drift_is_found_named_and_mended() {
    let workspace = Workspace::new(LAB);
    workspace.apply();
    workspace.write("etc/hello.conf", "goodbye\n");
    std::fs::set_permissions(workspace.path("etc/other.conf"), std::fs::Permissions::from_mode(0o604)).unwrap();
    let plan = workspace.labctl(&["plan"]).stdout;
    assert!(
        plan.contains("# nodes.here.files.\"etc/hello.conf\" will be updated in-place\n  # (lab changed)"),
        "{plan}"
    );
    assert!(plan.contains("          -goodbye\n          +hello\n"), "{plan}");
    assert!(plan.contains("~ mode = \"0604\" -> \"0640\"\n"), "{plan}");
    assert!(plan.contains("Plan: 0 to add, 2 to change, 0 to destroy.\n"), "{plan}");
    workspace.apply();
    assert_eq!(workspace.read("etc/hello.conf"), "hello\n");
    workspace.expect_no_changes();
}

/// What was kept of replaced contents, with its mode.
fn kept(workspace: &Workspace) -> Vec<(String, String)> {
    let folder = workspace.path(".labctl/replaced/test");
    let files = workspace.tree().into_iter().filter(|(path, _)| path.starts_with(&folder));
    files
        .map(|(path, bytes)| {
            let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
            (name.rsplit_once('.').unwrap().0.to_owned(), String::from_utf8(bytes).unwrap())
        })
        .collect()
}

#[test]
fn what_was_written_over_or_removed_is_kept_aside_but_not_what_holds_a_secret_of_the_file() {
    let workspace = Workspace::new(&LAB.replace("content = \"other\\n\"", "content = \"other\\n\"\nadopt = true"));
    workspace.write("etc/other.conf", "years of work\n");
    std::fs::set_permissions(workspace.path("etc/other.conf"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let plan = workspace.labctl(&["plan", "--show-steps"]).stdout;
    assert!(plan.contains("> .labctl/replaced/test/etc/other.conf.TIME 0600 (a copy of etc/other.conf)"), "{plan}");
    workspace.apply();
    let first = ("etc/other.conf".to_owned(), "years of work\n".to_owned());
    assert_eq!(kept(&workspace), std::slice::from_ref(&first), "what was new had nothing before");

    workspace.write("etc/hello.conf", "by hand\n");
    // Not all may read it, and labctl wrote it.
    workspace.write("homelab.toml", &workspace.read("homelab.toml").replace("other\\n", "another\\n"));
    workspace.apply();
    let second = ("etc/hello.conf".to_owned(), "by hand\n".to_owned());
    assert_eq!(kept(&workspace), [second, first]);
    workspace.expect_no_changes();
}

#[test]
fn an_edit_of_the_file_is_told_from_drift() {
    let workspace = Workspace::new(LAB);
    workspace.apply();
    workspace.write("homelab.toml", &LAB.replace("hello\\n", "hello again\\n"));
    let plan = workspace.labctl(&["plan"]).stdout;
    assert!(plan.contains("will be updated in-place\n  # (file changed)\n"), "{plan}");
    workspace.write("etc/hello.conf", "by hand\n");
    let plan = workspace.labctl(&["plan"]).stdout;
    assert!(plan.contains("will be updated in-place\n  # (file changed and lab changed)\n"), "{plan}");
    workspace.apply();
    workspace.expect_no_changes();
}

#[test]
fn what_was_made_and_left_the_file_goes() {
    let workspace = Workspace::new(LAB);
    workspace.apply();
    workspace.write("homelab.toml", LAB.split("[nodes.here.files.\"etc/other.conf\"]").next().unwrap());
    let plan = workspace.labctl(&["plan"]).stdout;
    assert!(plan.contains("# nodes.here.files.\"etc/other.conf\" will be destroyed\n"), "{plan}");
    assert!(plan.contains("Plan: 0 to add, 0 to change, 1 to destroy.\n"), "{plan}");
    workspace.apply();
    assert!(!workspace.exists("etc/other.conf") && workspace.exists("etc/hello.conf"));
    workspace.expect_no_changes();
}

#[test]
fn what_was_adopted_and_left_the_file_stays_and_is_said_once() {
    let workspace = Workspace::new(LAB);
    workspace.write("etc/hello.conf", "hello\n");
    workspace.apply();
    workspace.write("homelab.toml", "[lab]\nname = \"test\"\n[nodes.here]\nconnection = \"local\"\n");
    let plan = workspace.labctl(&["plan"]).stdout;
    assert!(plan.contains("will be forgotten, but will not be destroyed"), "{plan}");
    assert!(plan.contains("to remove it: rm -- etc/hello.conf"), "{plan}");
    assert!(plan.contains("Plan: 0 to add, 0 to change, 1 to destroy, 1 to forget.\n"), "{plan}");
    workspace.apply();
    assert!(workspace.exists("etc/hello.conf") && !workspace.exists("etc/other.conf"));
    workspace.expect_no_changes();
}

#[test]
fn what_exists_and_is_equal_is_adopted_without_touching_it() {
    let workspace = Workspace::new(LAB);
    workspace.write("etc/hello.conf", "hello\n");
    let before = std::fs::metadata(workspace.path("etc/hello.conf")).unwrap().modified().unwrap();
    let plan = workspace.labctl(&["plan"]).stdout;
    assert!(plan.contains("  = nodes.here.files.\"etc/hello.conf\"\n"), "{plan}");
    assert!(plan.contains("Plan: 1 to adopt, 1 to add, 0 to change, 0 to destroy.\n"), "{plan}");
    workspace.apply();
    assert_eq!(std::fs::metadata(workspace.path("etc/hello.conf")).unwrap().modified().unwrap(), before);
    workspace.expect_no_changes();
}

#[test]
fn what_exists_and_differs_is_refused_until_a_leave_is_given() {
    let workspace = Workspace::new(LAB);
    workspace.write("etc/hello.conf", "precious\n");
    let apply = workspace.labctl(&["apply", "--auto-approve"]);
    assert_eq!(apply.code, 1, "{apply:#?}");
    assert!(apply.stdout.contains("--adopt 'nodes.here.files.\"etc/hello.conf\"'"), "{}", apply.stdout);
    assert_eq!(workspace.read("etc/hello.conf"), "precious\n");
    assert!(workspace.exists("etc/other.conf"), "the rest goes on");
    let apply = workspace.labctl(&["apply", "--auto-approve", "--adopt", "nodes.here.files.\"etc/hello.conf\""]);
    assert_eq!(apply.code, 0, "{apply:#?}");
    assert_eq!(workspace.read("etc/hello.conf"), "hello\n");
    workspace.expect_no_changes();
}

#[test]
fn adopt_only_sets_marks_and_changes_nothing_else() {
    let workspace = Workspace::new(LAB);
    workspace.write("etc/hello.conf", "hello\n");
    let run = workspace.labctl(&["apply", "--adopt-only", "--auto-approve"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(!workspace.exists("etc/other.conf"));
    let plan = workspace.labctl(&["plan"]).stdout;
    assert!(plan.contains("Plan: 1 to add, 0 to change, 0 to destroy.\n"), "{plan}");
}

#[test]
fn lost_marks_destroy_nothing() {
    let workspace = Workspace::new(LAB);
    workspace.apply();
    std::fs::remove_dir_all(workspace.path(".labctl")).unwrap();
    workspace.write("homelab.toml", LAB.split("[nodes.here.files.\"etc/other.conf\"]").next().unwrap());
    let plan = workspace.labctl(&["plan"]).stdout;
    assert!(plan.contains("Plan: 1 to adopt, 0 to add, 0 to change, 0 to destroy.\n"), "{plan}");
    workspace.apply();
    assert!(workspace.exists("etc/other.conf"));
}

#[test]
fn a_damaged_record_makes_its_kind_unknown_not_unmarked() {
    let workspace = Workspace::new(LAB);
    workspace.apply();
    let record =
        workspace.tree().into_iter().find(|(path, _)| path.extension().is_some_and(|e| e == "json")).unwrap().0;
    std::fs::write(record, "{").unwrap();
    let plan = workspace.labctl(&["plan"]);
    assert_eq!(plan.code, 1, "{plan:#?}");
    assert!(plan.stdout.contains("is damaged"), "{}", plan.stdout);
    assert!(!plan.stdout.contains("will be created"), "{}", plan.stdout);
}

#[test]
fn a_renamed_table_is_a_new_mark_on_the_same_thing() {
    let workspace = Workspace::new(LAB);
    workspace.apply();
    workspace.write("homelab.toml", &LAB.replace("nodes.here", "nodes.there"));
    let before = workspace.read("etc/hello.conf");
    let plan = workspace.labctl(&["plan"]).stdout;
    assert!(plan.contains("has moved from nodes.here.files.\"etc/hello.conf\""), "{plan}");
    assert!(plan.contains("Plan: 0 to add, 0 to change, 0 to destroy.\nBesides: 2 marks to renew.\n"), "{plan}");
    workspace.apply();
    assert_eq!(workspace.read("etc/hello.conf"), before);
    workspace.expect_no_changes();
}

#[test]
fn a_change_that_is_held_is_shown_and_not_applied() {
    let held = "hold = { because = \"the guests are here\" }\nmode = \"0640\"";
    let workspace = Workspace::new(&LAB.replace("mode = \"0640\"", held));
    let apply = workspace.apply();
    assert!(apply.stdout.contains("held because the guests are here"), "{}", apply.stdout);
    assert!(!workspace.exists("etc/other.conf") && workspace.exists("etc/hello.conf"));
}

#[test]
fn a_target_takes_only_itself_and_an_exclusion_leaves_only_itself_out() {
    let workspace = Workspace::new(LAB);
    let address = "nodes.here.files.\"etc/hello.conf\"";
    let run = workspace.labctl(&["apply", "--auto-approve", "--exclude", address]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(!workspace.exists("etc/hello.conf") && workspace.exists("etc/other.conf"));
    let run = workspace.labctl(&["apply", "--auto-approve", "--target", address]);
    assert_eq!(run.code, 0, "{run:#?}");
    workspace.expect_no_changes();
    let run = workspace.labctl(&["plan", "--target", "nodes.elsewhere"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("`nodes.elsewhere` is nothing that is declared"), "{}", run.stderr);
}

#[test]
fn without_a_terminal_and_without_approval_nothing_is_done() {
    let workspace = Workspace::new(LAB);
    let run = workspace.labctl(&["apply"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("--auto-approve"), "{}", run.stderr);
    assert!(!workspace.exists("etc"));
}

#[test]
fn a_failure_stays_where_it_is_and_the_rest_is_done() {
    let lab = LAB.replace(
        "\"etc/other.conf\"]",
        "\"blocked/other.conf\"]\nafter = [\"nodes.here.files.\\\"etc/hello.conf\\\"\"]",
    );
    let after = "\n[nodes.here.files.\"etc/after.conf\"]\ncontent = \"x\"\nafter = ['nodes.here.files.\"blocked/other.conf\"']\n";
    let workspace = Workspace::new(&(lab + after));
    workspace.write("blocked", "a file where a folder is wanted\n");
    let run = workspace.labctl(&["apply", "--auto-approve"]);
    assert_eq!(run.code, 7, "{run:#?}");
    assert!(run.stdout.contains("could not write blocked/other.conf\n  | mkdir:"), "{}", run.stdout);
    assert!(
        run.stdout.contains("etc/after.conf\" (it needs nodes.here.files.\"blocked/other.conf\")"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("Apply incomplete: 1 done, 1 failed, 1 not started."), "{}", run.stdout);
    assert_eq!(workspace.read("etc/hello.conf"), "hello\n");
    std::fs::remove_file(workspace.path("blocked")).unwrap();
    workspace.apply();
    workspace.expect_no_changes();
}

#[test]
fn a_secret_is_in_its_file_and_nowhere_else() {
    let canary = "canary-4711-value";
    let secret = "\n[secrets.token]\nenv = \"TOKEN\"\n";
    let lab = LAB.replace("content = \"other\\n\"", "content = { secret = \"token\" }") + secret;
    let workspace = Workspace::new(&lab).env("TOKEN", canary);
    let mut said = String::new();
    for arguments in [
        &["plan", "--json"][..],
        &["plan", "--show-steps"],
        &["plan", "--show-steps=sh"],
        &["apply", "--auto-approve", "-vvv"],
    ] {
        let run = workspace.labctl(arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        said += &(run.stdout + &run.stderr);
    }
    workspace.write("etc/other.conf", "canary-4711-leaked");
    let drift = workspace.labctl(&["plan"]);
    assert!(drift.stdout.contains("content   (differs)"), "{}", drift.stdout);
    workspace.apply();
    workspace.expect_no_changes();
    assert!(!said.contains("canary") && !drift.stdout.contains("canary"), "{said}");
    let holders: Vec<_> =
        workspace.tree().into_iter().filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains("canary")).collect();
    assert_eq!(holders, [(workspace.path("etc/other.conf"), canary.as_bytes().to_vec())], "only the file itself");
}

#[test]
fn files_that_others_may_read_or_write_although_they_should_not_are_told_with_the_remedy() {
    let secret = "[nodes.here.files.\"etc/secret.conf\"]\ncontent = { secret = \"token\" }\n\
                  [secrets.token]\nfile = \"it's.secret\"\n";
    let workspace = Workspace::new(&format!("{LAB}{secret}"));
    workspace.write("it's.secret", "x");
    let set = |path: &str, mode: u32| {
        std::fs::set_permissions(workspace.path(path), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set("it's.secret", 0o600);
    workspace.labctl(&["plan", "--out", "the.plan"]);
    assert_eq!(workspace.labctl(&["plan"]).stderr, "");
    set("it's.secret", 0o644);
    set("homelab.toml", 0o666);
    set("the.plan", 0o606);
    let run = workspace.labctl(&["apply", "the.plan"]);
    assert_eq!(run.code, 0, "{run:#?}");
    for (path, chmod) in [
        ("homelab.toml` has mode 0666: others may write it", "o-w"),
        ("it's.secret` has mode 0644: others may read", "go-rwx"),
        ("the.plan` has mode 0606: others may write it", "o-w the.plan`"),
    ] {
        let line = run.stderr.lines().find(|line| line.contains(path)).unwrap_or_else(|| panic!("{path}: {run:#?}"));
        assert!(line.starts_with("Warning: `") && line.contains(&format!("chmod {chmod}")), "{line}");
    }
}

#[test]
fn the_log_has_no_control_codes_in_a_pipe() {
    let run = Workspace::new(LAB).labctl(&["plan", "-vvv"]);
    assert!(run.stderr.contains("INFO") && !run.stderr.contains('\u{1b}'), "{run:#?}");
}

#[test]
fn a_secret_that_is_not_set_is_an_error_with_its_name() {
    let secret = "\n[secrets.token]\nenv = \"TOKEN\"\n";
    let workspace =
        Workspace::new(&(LAB.replace("content = \"other\\n\"", "content = { secret = \"token\" }") + secret));
    let run = workspace.labctl(&["plan"]);
    assert_ne!(run.code, 0);
    assert!(run.stdout.contains("the environment variable `TOKEN` is not set"), "{run:#?}");
    assert!(!run.stdout.contains("will be created"), "{run:#?}");
}

#[test]
fn show_tells_declared_observed_and_mark_apart() {
    let workspace = Workspace::new(LAB);
    workspace.apply();
    workspace.write("etc/hello.conf", "by hand\n");
    let run = workspace.labctl(&["show", "nodes.here.files.\"etc/hello.conf\""]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stdout.contains("\"hello\\n\" / \"by hand\\n\""), "{}", run.stdout);
    assert!(run.stdout.contains("made by labctl in the lab `test`"), "{}", run.stdout);
}

#[test]
fn the_script_of_show_steps_does_what_apply_does() {
    let workspace = Workspace::new(LAB);
    let script = workspace.labctl(&["plan", "--show-steps=sh"]).stdout;
    workspace.write("steps.sh", &script);
    let status = std::process::Command::new("sh").args(["steps.sh", "here"]).current_dir(workspace.path(".")).status();
    assert!(status.unwrap().success(), "{script}");
    workspace.expect_no_changes();
}

#[test]
fn wrong_arguments_are_an_error_and_never_pending_changes() {
    let workspace = Workspace::new(LAB);
    assert_eq!(workspace.labctl(&["plan", "--bogus"]).code, 1);
    assert_eq!(workspace.labctl(&["--help"]).code, 0);
}

#[test]
fn a_survey_of_this_machine_gives_a_file_that_is_valid_here() {
    let workspace = Workspace::new(LAB);
    workspace.apply();
    let file = workspace.labctl(&["show", "here", "--as-toml", "--undeclared"]);
    assert_eq!(file.code, 0, "{file:#?}");
    workspace.write("homelab.toml", &file.stdout);
    workspace.expect_no_changes();
}
