//! `labctl diff`, on files and on Git revisions.

use crate::branches::{BRANCHES, LAB, TOKEN, edit, git, repository};
use crate::workspace::Workspace;

#[test]
fn the_edits_of_ten_pull_requests_are_told_with_their_exit_codes() {
    for branch in BRANCHES {
        let workspace = repository();
        edit(&workspace, branch);
        let run = workspace.labctl(&["diff", "--detailed-exitcode"]);
        assert_eq!(run.code, branch.code, "{}: {run:#?}", branch.name);
        for words in branch.says {
            assert!(run.stdout.contains(words), "{}: {words}\n{}", branch.name, run.stdout);
        }
        assert!(run.stdout.contains("The lab was not looked at"), "{}", run.stdout);
        assert!(!run.stdout.contains(TOKEN), "{}", run.stdout);
    }
}

#[test]
fn two_revisions_two_files_and_the_working_tree_are_compared_alike() {
    let workspace = repository();
    workspace.write("old.toml", LAB);
    let branch = BRANCHES.iter().find(|branch| branch.name == "volume-shrunk").unwrap();
    edit(&workspace, branch);
    let uncommitted = workspace.labctl(&["diff"]);
    let files = workspace.labctl(&["diff", "old.toml", "homelab.toml"]);
    git(&workspace, &["commit", "-qam", "Smaller"]);
    let revisions = workspace.labctl(&["diff", "HEAD~1", "HEAD"]);
    let back = workspace.labctl(&["diff", "HEAD", "main~1"]);
    let plan = |text: &str| text.split("against").next().unwrap().rsplit_once('\n').unwrap().0.to_owned();
    assert_eq!(plan(&uncommitted.stdout), plan(&files.stdout));
    assert_eq!(plan(&uncommitted.stdout), plan(&revisions.stdout));
    assert!(back.stdout.contains("~ size = \"100GiB\" -> \"200GiB\"") && back.code == 0, "{back:#?}");
    assert!(workspace.labctl(&["diff"]).stdout.contains("No changes."));
}

#[test]
fn what_cannot_be_had_is_an_error_with_a_remedy() {
    let workspace = repository();
    for (arguments, code, words) in [
        (["diff", "no-such-branch"], 1, "Git knows no revision `no-such-branch`"),
        (["diff", "gone.toml"], 3, "there is no `gone.toml`"),
    ] {
        let run = workspace.labctl(&arguments);
        assert!(run.code == code && run.stderr.contains(words), "{run:#?}");
    }
    let alone = Workspace::new(LAB);
    let run = alone.labctl(&["diff"]);
    assert!(run.code == 1 && run.stderr.contains("lies in no Git repository"), "{run:#?}");
}

#[test]
fn a_base_without_the_file_declares_nothing_and_one_with_faults_is_not_compared() {
    let workspace = repository();
    git(&workspace, &["rm", "-q", "--cached", "homelab.toml"]);
    git(&workspace, &["commit", "-qm", "No lab"]);
    let run = workspace.labctl(&["diff", "--concise"]);
    assert!(run.code == 0 && run.stdout.contains("  + pools.tank.volumes.data"), "{run:#?}");
    workspace.write("homelab.toml", &LAB.replace("\"200GiB\"", "\"200 bananas\""));
    git(&workspace, &["add", "."]);
    git(&workspace, &["commit", "-qm", "A fault"]);
    workspace.write("homelab.toml", LAB);
    let run = workspace.labctl(&["diff", "--detailed-exitcode"]);
    assert!(run.stdout.contains("Nothing can be compared: `HEAD` is invalid.") && run.code == 2, "{run:#?}");
    assert!(run.stdout.contains("Findings that are gone:\n  error LAB005"), "{run:#?}");
}

#[test]
fn a_volume_that_moved_to_another_real_name_is_not_made_anew() {
    let workspace = repository();
    let moved =
        LAB.replace("[pools.tank.volumes.data]", "[pools.tank.volumes.archive]\nmoved = \"pools.tank.volumes.data\"");
    workspace.write("homelab.toml", &moved);
    let run = workspace.labctl(&["diff"]);
    assert!(run.stdout.contains("has moved from pools.tank.volumes.data"), "{}", run.stdout);
    assert!(run.stdout.contains("`zfs rename tank/data tank/archive`"), "{}", run.stdout);
    assert!(run.stdout.contains("Plan: 0 to add, 0 to change, 0 to destroy."), "{}", run.stdout);
}

#[test]
fn the_comparison_as_json_has_the_plan_and_the_findings() {
    let workspace = repository();
    edit(&workspace, BRANCHES.iter().find(|branch| branch.name == "version-bumped").unwrap());
    let run = workspace.labctl(&["diff", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["observed"], false);
    assert_eq!(json["plan"]["summary"]["change"], 2);
    assert_eq!(json["findings"]["new"], serde_json::json!([]));
    assert!(json["plan"]["changes"].as_array().unwrap().iter().all(|change| change["steps"] == serde_json::json!([])));
}

#[test]
fn an_object_in_a_file_that_was_never_fetched_is_unknown_and_not_gone() {
    let workspace = repository();
    let pinned = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: pinned, namespace: default }\n";
    let digest = labctl::config::sha256(pinned.as_bytes());
    workspace.write(&format!("home/.cache/labctl/pinned/{digest}"), pinned);
    let lab = |digest: &str| {
        let urls = format!("urls    = [{{ url = \"https://example.org/a.yaml\", sha256 = \"{digest}\" }}]");
        LAB.replace("files   = [\"web.yaml\"]", &urls)
    };
    workspace.write("homelab.toml", &lab(&digest));
    git(&workspace, &["add", "homelab.toml"]);
    git(&workspace, &["commit", "-qm", "Pinned"]);
    workspace.write("homelab.toml", &lab(&"0".repeat(64)));
    let run = workspace.labctl(&["diff"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stdout.contains("services.web/ConfigMap/default/pinned is unknown, not missing"), "{}", run.stdout);
    assert!(run.stdout.contains("1 unknown"), "{}", run.stdout);
    assert!(!run.stdout.contains("will be destroyed"), "{}", run.stdout);
}

#[test]
fn a_lab_that_is_called_otherwise_loses_what_it_made_and_that_is_said() {
    let workspace = repository();
    workspace.write("homelab.toml", &LAB.replace("name = \"home\"", "name = \"away\""));
    let run = workspace.labctl(&["diff", "--detailed-exitcode"]);
    assert!(run.code == 2 && run.stdout.contains("`lab.name` changes from `home` to `away`"), "{run:#?}");
}

#[test]
fn what_a_new_version_or_a_new_text_would_restart_is_foreseen() {
    let lab = r#"
[lab]
name = "home"
[nodes.server]
address = "192.168.1.10"
ssh     = { user = "root" }
[nodes.mini]
address = "192.168.1.11"
ssh     = { user = "root" }
[nodes.server.units."web.service"]
content = "[Service]\nExecStart=/bin/one\n"
running = true
[clusters.home]
distribution = "k0s"
version      = "1.34.3+k0s.0"
controllers  = ["server"]
workers      = ["mini"]
"#;
    let workspace = Workspace::new(lab);
    workspace.write("new.toml", &lab.replace("1.34.3", "1.34.4").replace("/bin/one", "/bin/two"));
    let run = workspace.labctl(&["diff", "homelab.toml", "new.toml"]);
    assert_eq!(run.code, 0, "{run:#?}");
    // Lines of warnings are no longer than the terminal is wide.
    let said = run.stdout.replace("\n  ", " ");
    for words in [
        "Warning: restarts the control plane of `home` on server: its API is away for a while, pods run on; behind it: `clusters.home`; it may cut labctl's own way to cluster home, and comes last there\n",
        "Warning: restarts the kubelet of mini in `home`: its pods run on; behind it: `clusters.home`\n",
        "Warning: restarts web.service on server\n",
    ] {
        assert!(said.contains(words), "{words}\n{}", run.stdout);
    }
}

#[test]
fn what_a_live_cluster_would_never_take_is_refused_without_looking() {
    let lab = r#"
[lab]
name = "home"
[nodes.server]
address = "192.168.1.10"
[clusters.home]
distribution = "k0s"
version      = "1.34.3+k0s.0"
controllers  = ["server"]
"#;
    let workspace = Workspace::new(lab);
    for (edit, words) in [
        (
            "network = { services = \"10.112.0.0/16\" }",
            "the Services of a live cluster have addresses of the old range",
        ),
        ("network = { provider = \"calico\" }", "k0s refuses to change the provider of a live cluster"),
        ("version = \"1.34.2+k0s.0\"", "it never goes back to v1.34.2+k0s.0"),
        ("version = \"1.36.0+k0s.0\"", "Kubernetes goes up by one at a time"),
    ] {
        let kept = if edit.starts_with("version") {
            lab.replace("version      = \"1.34.3+k0s.0\"\n", "")
        } else {
            lab.to_owned()
        };
        workspace.write("new.toml", &format!("{kept}{edit}\n"));
        let run = workspace.labctl(&["diff", "homelab.toml", "new.toml"]);
        assert_eq!(run.code, 1, "{run:#?}");
        assert!(run.stdout.replace("\n  #  ", " ").contains(words), "{words}\n{}", run.stdout);
    }
    // A network that is declared as k0s takes it anyway is no change.
    workspace.write("new.toml", &format!("{lab}network = {{ services = \"10.96.0.0/12\" }}\n"));
    assert_eq!(workspace.labctl(&["diff", "homelab.toml", "new.toml"]).code, 0);
}
