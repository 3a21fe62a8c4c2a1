//! What is told to a forge: comments, annotations, the summary of a run, JSON beside them.

use crate::branches::{BRANCHES, TOKEN, edit, repository};
use crate::workspace::Workspace;

fn after(branch: &str) -> Workspace {
    let workspace = repository();
    edit(&workspace, BRANCHES.iter().find(|it| it.name == branch).unwrap());
    workspace
}

#[test]
fn the_comment_on_each_of_ten_pull_requests_is_as_reviewed() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("comments");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for branch in BRANCHES {
        let workspace = repository();
        edit(&workspace, branch);
        let run = workspace.labctl(&["diff", "--format", "markdown", "--detailed-exitcode"]);
        assert_eq!(run.code, branch.code, "{}: {run:#?}", branch.name);
        assert!(run.stdout.starts_with("<!-- labctl diff homelab.toml -->\n"), "{}", run.stdout);
        assert!(!run.stdout.contains(TOKEN), "{}", run.stdout);
        settings.bind(|| insta::assert_snapshot!(branch.name, run.stdout));
    }
}

#[test]
fn annotations_stand_beside_what_they_are_about() {
    let run = after("volume-shrunk").labctl(&["diff", "--format", "github"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "::warning file=homelab.toml,line=33,col=1,title=pools.tank.volumes.data::`tank/data` would shrink from 200GiB \
         to 100GiB; `zfs` would cut off what lies behind"
    );
    assert_eq!(lines[1], "::notice title=labctl diff::Plan: 0 to add, 0 to change, 0 to destroy.");
    let run = after("syntax-error").labctl(&["diff", "--format", "github"]);
    assert!(run.stdout.starts_with("::error file=homelab.toml,line=6,col="), "{}", run.stdout);
}

#[test]
fn json_and_the_summary_of_a_run_are_written_beside_any_form() {
    let workspace = after("version-bumped").env("GITHUB_STEP_SUMMARY", "summary.md");
    workspace.write("summary.md", "before\n");
    let run = workspace.labctl(&["diff", "--json-into", "diff.json"]);
    assert!(run.code == 0 && run.stdout.contains("Actions are indicated"), "{run:#?}");
    let json: serde_json::Value = serde_json::from_str(&workspace.read("diff.json")).unwrap();
    assert_eq!(json["plan"]["summary"]["change"], 2);
    let summary = workspace.read("summary.md");
    assert!(summary.starts_with("before\n<!-- labctl diff homelab.toml -->\n### labctl diff: "), "{summary}");
    let run = workspace.labctl(&["diff", "--json", "--format", "markdown"]);
    assert!(run.code == 1 && run.stderr.contains("cannot be used with"), "{run:#?}");
}

#[test]
fn a_plan_has_the_same_forms() {
    let lab =
        "[lab]\nname = \"t\"\n[nodes.here]\nconnection = \"local\"\n[nodes.here.files.\"etc/a\"]\ncontent = \"x\\n\"\n";
    let workspace = Workspace::new(lab).env("GITHUB_STEP_SUMMARY", "summary.md");
    let run = workspace.labctl(&["plan", "--format", "markdown", "--json-into", "plan.json"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stdout.contains("<summary><b>here</b>: 1 to add</summary>"), "{}", run.stdout);
    assert!(run.stdout.contains("The lab was read for this plan"), "{}", run.stdout);
    assert_eq!(run.stdout, workspace.read("summary.md"));
    let json: serde_json::Value = serde_json::from_str(&workspace.read("plan.json")).unwrap();
    assert_eq!(json["summary"]["add"], 1);
    workspace.apply();
    workspace.write("homelab.toml", "[lab]\nname = \"t\"\n[nodes.here]\nconnection = \"local\"\n");
    let run = workspace.labctl(&["plan", "--format", "github"]);
    assert!(run.stdout.contains("::warning title=nodes.here.files.\"etc/a\"::destroy\n"), "{}", run.stdout);
}
