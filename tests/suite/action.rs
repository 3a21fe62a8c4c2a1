//! The scripts that the GitHub action runs, on a repository with ten branches like pull requests.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::branches::{BRANCHES, TOKEN, edit, git, repository};
use crate::workspace::Workspace;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("action").join(name)
}

/// Runs a script as the runner does: what it is told, it is told by the environment.
fn run(workspace: &Workspace, name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new("bash");
    command.arg(script(name)).args(arguments).current_dir(workspace.path("")).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", workspace.path("home"));
    command.env("LABCTL", env!("CARGO_BIN_EXE_labctl")).envs(environment.iter().copied());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A repository whose `main` has gone on since the branch was made.
fn pull_request(branch: &crate::branches::Branch) -> Workspace {
    let workspace = repository();
    git(&workspace, &["checkout", "-qb", branch.name]);
    edit(&workspace, branch);
    git(&workspace, &["add", "-A"]);
    git(&workspace, &["commit", "-q", "--allow-empty", "-m", branch.name]);
    git(&workspace, &["checkout", "-q", "main"]);
    let meanwhile = workspace.read("web.yaml").replace("two", "zwei");
    workspace.write("web.yaml", &meanwhile);
    git(&workspace, &["commit", "-qam", "Meanwhile"]);
    git(&workspace, &["checkout", "-q", branch.name]);
    workspace
}

#[test]
fn each_of_ten_pull_requests_gets_its_comment_and_its_exit_code() {
    for branch in BRANCHES {
        let workspace = pull_request(branch);
        let environment =
            [("LABCTL_BASE", "main"), ("GITHUB_OUTPUT", "outputs"), ("GITHUB_STEP_SUMMARY", "summary.md")];
        let output = run(&workspace, "pull-request", &[], &environment);
        // 2, that something differs, is what a pull request is for.
        let expected = if branch.code == 2 { 0 } else { branch.code };
        assert_eq!(output.status.code(), Some(expected), "{}: {output:?}", branch.name);

        let comment = workspace.read("labctl-out/comment.md");
        assert_eq!(comment, workspace.read("summary.md"), "{}", branch.name);
        let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/suite/comments/{}.snap", branch.name));
        let snapshot = std::fs::read_to_string(snapshot).unwrap();
        let reviewed = snapshot.splitn(3, "---\n").nth(2).unwrap();
        let base = text(
            &Command::new("git").args(["rev-parse", "main~1"]).current_dir(workspace.path("")).output().unwrap().stdout,
        );
        // The very comment that was reviewed: against where the branch began, and without what came into main since.
        assert_eq!(comment.replace(base.trim(), "HEAD").trim_end(), reviewed.trim_end(), "{}", branch.name);

        let outputs = workspace.read("outputs");
        assert!(outputs.contains(&format!("code={}\n", branch.code)), "{outputs}");
        assert!(outputs.contains(&format!("changes={}\n", branch.code != 0)), "{outputs}");
        let json: serde_json::Value = serde_json::from_str(&workspace.read("labctl-out/diff.json")).unwrap();
        assert_eq!(json["observed"], false);
        let findings: serde_json::Value = serde_json::from_str(&workspace.read("labctl-out/validate.json")).unwrap();
        assert_eq!(findings["valid"], branch.code != 3, "{}", branch.name);
        // The runner takes every line that begins so for a command.
        let stdout = text(&output.stdout);
        let is_annotation = |line: &str| ["::error ", "::warning ", "::notice "].iter().any(|it| line.starts_with(it));
        assert!(!stdout.is_empty() && stdout.lines().all(is_annotation), "{stdout}");
        assert!(!format!("{stdout}{comment}").contains(TOKEN), "{stdout}");
    }
}

#[test]
fn what_fails_is_configured_and_a_base_that_is_not_there_fails_always() {
    let branch = BRANCHES.iter().find(|branch| branch.name == "volume-shrunk").unwrap();
    let workspace = pull_request(branch);
    for (fail, code) in [("", 0), ("3", 0), ("8", 8), ("2 8", 8)] {
        let output = run(&workspace, "pull-request", &[], &[("LABCTL_BASE", "main"), ("LABCTL_FAIL", fail)]);
        assert_eq!(output.status.code(), Some(code), "{fail}: {output:?}");
    }
    let output = run(&workspace, "pull-request", &[], &[("LABCTL_BASE", "gone"), ("LABCTL_FAIL", "")]);
    assert!(output.status.code() == Some(1) && text(&output.stderr).contains("no revision `gone`"), "{output:?}");
}

#[test]
fn where_the_runner_reaches_the_lab_the_plan_stands_below_the_diff_and_is_saved() {
    let lab =
        "[lab]\nname = \"t\"\n[nodes.here]\nconnection = \"local\"\n[nodes.here.files.\"etc/a\"]\ncontent = \"x\\n\"\n";
    let workspace = Workspace::new(lab);
    git(&workspace, &["init", "-q", "-b", "main"]);
    git(&workspace, &["add", "homelab.toml"]);
    git(&workspace, &["commit", "-qm", "One"]);
    workspace.write("homelab.toml", &lab.replace("x\\n", "y\\n"));
    let output = run(&workspace, "pull-request", &[], &[("LABCTL_BASE", "main"), ("LABCTL_PLAN", "true")]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let comment = workspace.read("labctl-out/comment.md");
    let (diff, plan) = comment.split_once("### labctl plan: ").unwrap();
    assert!(diff.contains("0 to add, 1 to change") && plan.contains("1 to add, 0 to change"), "{comment}");
    let apply = workspace.labctl(&["apply", "labctl-out/labctl.plan"]);
    assert!(apply.code == 0 && workspace.read("etc/a") == "y\n", "{apply:#?}");
}

/// A `gh` that keeps the comments of one pull request in a folder.
const GH: &str = r#"#!/usr/bin/env bash
all=$*
echo "$all" >>calls
file=${all#*body=@} id=${all#*comments/}
case $all in
  *"--jq .head.sha") echo 1111 ;;
  *--paginate*) for one in comments/*; do [[ $(<"$one") != "$MARKER"* ]] || basename "$one"; done ;;
  *"--method PATCH"*) cp "${file%% *}" "comments/${id%% *}" ;;
  *"--method POST"*) cp "${file%% *}" "comments/$RANDOM" ;;
esac
"#;

#[test]
fn a_comment_is_posted_once_and_brought_up_to_date_from_then_on() {
    let workspace = repository().program("gh", GH);
    workspace.write("comments/5", "somebody's words\n");
    let path = format!("{}:{}", workspace.path("bin").display(), std::env::var("PATH").unwrap());
    let post = |body: &str, more: &[(&str, &str)]| {
        workspace.write("comment.md", body);
        let environment = [("PATH", path.as_str()), ("GITHUB_REPOSITORY", "o/r"), ("LABCTL_PULL_REQUEST", "3")];
        run(&workspace, "comment", &["comment.md"], &[environment.as_slice(), more].concat())
    };
    let comments = || std::fs::read_dir(workspace.path("comments")).unwrap().count();
    assert!(post("<!-- labctl diff homelab.toml -->\none\n", &[]).status.success());
    assert_eq!(comments(), 2);
    assert!(post("<!-- labctl diff homelab.toml -->\ntwo\n", &[("LABCTL_HEAD", "1111")]).status.success());
    assert_eq!(comments(), 2, "{}", workspace.read("calls"));
    let all: String = workspace
        .tree()
        .iter()
        .filter(|(path, _)| path.starts_with(workspace.path("comments")))
        .map(|(_, bytes)| text(bytes))
        .collect();
    assert!(all.contains("two") && !all.contains("one\n") && all.contains("somebody's words"), "{all}");

    for (body, more) in [
        ("<!-- labctl diff homelab.toml -->\nx\n", [("LABCTL_HEAD", "2222")]),
        ("<!-- labctl diff homelab.toml -->\nx\n", [("LABCTL_PULL_REQUEST", "3/../4")]),
        ("anything\n", [("LABCTL_HEAD", "1111")]),
    ] {
        assert_eq!(post(body, &more).status.code(), Some(1), "{body} {more:?}");
    }
    assert_eq!(comments(), 2);
}

#[test]
fn a_release_whose_checksum_is_another_is_not_used() {
    let workspace = repository();
    let version = ("LABCTL_VERSION", "0.1.0");
    for (environment, words) in [
        (vec![], "say `version` and `sha256`, or `path`"),
        (vec![version], "say `sha256`"),
        (vec![("LABCTL_VERSION", "../x"), ("LABCTL_SHA256", "x")], "is no version"),
        (vec![("LABCTL_PATH", "gone")], "is no program"),
    ] {
        let output = run(&workspace, "install", &[], &environment);
        assert!(output.status.code() == Some(1) && text(&output.stderr).contains(words), "{output:?}");
    }
    // A forge in a folder.
    let server = format!("file://{}", workspace.path("forge").display());
    let release = "forge/o/labctl/releases/download/v0.1.0";
    workspace.write(&format!("{release}/labctl"), "#!/bin/sh\necho labctl 0.1.0\n");
    let folder = workspace.path(release);
    let archives =
        ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "x86_64-apple-darwin", "aarch64-apple-darwin"];
    for target in archives {
        let tar = Command::new("sh")
            .args(["-c", &format!("chmod +x labctl && tar -czf labctl-{target}.tar.gz labctl")])
            .current_dir(&folder)
            .status()
            .unwrap();
        assert!(tar.success());
    }
    let digests: Vec<String> = archives
        .iter()
        .map(|target| labctl::config::sha256(&std::fs::read(folder.join(format!("labctl-{target}.tar.gz"))).unwrap()))
        .collect();
    let install = |sha256: &str| {
        let temporary = workspace.path("temporary").display().to_string();
        let environment = [
            version,
            ("LABCTL_SHA256", sha256),
            ("LABCTL_REPOSITORY", "o/labctl"),
            ("LABCTL_SERVER", &server),
            ("RUNNER_TEMP", &temporary),
            ("GITHUB_ENV", "environment"),
        ];
        run(&workspace, "install", &[], &environment)
    };
    let output = install(&"0".repeat(64));
    assert!(output.status.code() == Some(1) && text(&output.stderr).contains("it is not used"), "{output:?}");
    assert!(!workspace.exists("environment"));
    assert!(digests.iter().any(|digest| install(digest).status.success()));
    assert!(workspace.read("environment").starts_with("LABCTL="));
}

#[test]
fn the_workflows_are_yaml_and_call_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = std::fs::read_dir(root.join("examples/github")).unwrap().map(|entry| entry.unwrap().path());
    let others = ["action.yml", ".pre-commit-hooks.yaml", ".github/workflows/release.yml"].map(|path| root.join(path));
    let mut all = String::new();
    for path in examples.chain(others) {
        let text = std::fs::read_to_string(&path).unwrap();
        let value: serde_json::Value =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(value.is_object() || value.is_array(), "{}", path.display());
        all += &text;
    }
    for name in ["install", "pull-request", "comment"] {
        assert!(all.contains(&format!("action/{name}")) && script(name).exists(), "{name}");
    }
}
