//! Promise 8 with the real program on this machine: killed, interrupted, without a terminal, from an old checkout.
#![allow(clippy::print_stdout, reason = "how many kill points were tried is a result")]

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::workspace::Workspace;

const LAB: &str = r#"
[lab]
name = "test"
[nodes.here]
connection = "local"
[nodes.here.files."etc/a.conf"]
content = "a\n"
[nodes.here.files."etc/b.conf"]
content = "b\n"
after = ['nodes.here.files."etc/a.conf"']
"#;

/// Stands for the program that brings a file to the disk, which every write calls twice: at the `$KILL_AT`th call labctl
/// is killed (`alone`), or it and all that it started.
const KILLING_SYNC: &str = r#"#!/bin/sh
count=$(($(cat "$HOME/count" 2>/dev/null || echo 0) + 1))
echo "$count" >"$HOME/count"
[ "$count" = "${KILL_AT:-0}" ] || exit 0
read -r _ _ _ _ group _ <"/proc/$$/stat"
if [ "$KILL" = alone ]; then kill -9 "$group"; else kill -9 0; fi
"#;

/// Says that a write has come so far, and waits until it may go on.
const WAITING_SYNC: &str = r#"#!/bin/sh
[ -e "$HOME/begun" ] || { : >"$HOME/begun"; while [ ! -e "$HOME/go" ]; do sleep 0.05; done; }
"#;

fn workspace(sync: &str) -> Workspace {
    let workspace = Workspace::new(LAB).program("sync", sync);
    workspace.write("home/.keep", "");
    workspace
}

/// What the lab comes to: all files but those that tell of the way. A dead lock stays until somebody takes it over.
fn lab(workspace: &Workspace) -> Vec<(PathBuf, Vec<u8>)> {
    let root = workspace.path("");
    let is_lab = |path: &PathBuf| {
        let path = path.strip_prefix(&root).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        let is_way = ["applied", "journal.jsonl", "lock"].contains(&&*name) || name.starts_with("lock.");
        !is_way && (path.starts_with("etc") || path.starts_with(".labctl"))
    };
    let files = workspace.tree().into_iter().filter(|(path, _)| is_lab(path));
    files.map(|(path, bytes)| (path.strip_prefix(&root).unwrap().to_owned(), bytes)).collect()
}

#[test]
fn killed_in_every_write_and_applied_again_it_comes_to_the_same_lab() {
    let undisturbed = workspace(KILLING_SYNC);
    undisturbed.apply();
    let expected = lab(&undisturbed);
    let points: usize = undisturbed.read("home/count").trim().parse().unwrap();
    assert!(points >= 14, "{points}");
    let mut killed = 0;
    for point in 1..=points {
        for kill in ["alone", "all"] {
            let workspace = workspace(KILLING_SYNC);
            let mut apply = workspace.command(&["apply", "--auto-approve"]);
            apply.env("KILL_AT", point.to_string()).env("KILL", kill).process_group(0).stderr(Stdio::null());
            let status = apply.status().unwrap();
            assert_eq!(status.code(), None, "it was to be killed at {point}: {status:?}");
            killed += 1;
            // What it had started ends by itself.
            wait_until("the shell is over", || !is_at_work(&workspace));
            // Its lock is young; that it is dead is known here at once.
            let again = workspace.apply();
            // Who has nothing to do takes nothing over.
            if point > 2 && again.stdout.contains("\nPlan: ") {
                assert!(again.stderr.contains("its process is over, so it is dead"), "{point} {kill}: {again:#?}");
                assert!(!workspace.exists(".labctl/records/lock"), "{point} {kill}");
            }
            // The first two are those of what is noted before the journal begins.
            assert!(point <= 2 || again.stderr.contains("has no end (id "), "{point} {kill}: {again:#?}");
            assert_eq!(lab(&workspace), expected, "killed {kill} at {point}");
            workspace.expect_no_changes();
        }
    }
    println!("{killed} kills at {points} points");
}

/// Whether a shell runs in the workspace's folder.
fn is_at_work(workspace: &Workspace) -> bool {
    let folder = std::fs::canonicalize(workspace.path("")).unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|entry| std::fs::read_link(entry.path().join("cwd")).ok()).any(|cwd| cwd == folder)
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what}: not within a minute");
}

/// An apply that is in the middle of its first write.
fn begun(workspace: &Workspace) -> Child {
    let mut apply = workspace.command(&["apply", "--auto-approve"]);
    let child = apply.stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the first write begins", || workspace.exists("home/begun"));
    child
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn said(child: &mut Child) -> String {
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    out + &err
}

fn journal(workspace: &Workspace) -> String {
    workspace.labctl(&["show", "--journal"]).stdout
}

/// Waits until the journal tells of so many interrupts.
fn wait_for_interrupts(workspace: &Workspace, count: usize) {
    wait_until("the interrupt is noted", || journal(workspace).matches("interrupted: ").count() == count);
}

#[test]
fn after_sigterm_what_runs_ends_and_nothing_more_is_started() {
    let workspace = workspace(&WAITING_SYNC.replace("[ -e", "[ ! -e etc/.labctl-a.conf.new ] || [ -e"));
    let mut child = begun(&workspace);
    signal(&child, "-TERM");
    wait_for_interrupts(&workspace, 1);
    workspace.write("home/go", "");
    let said = said(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("Interrupted: what is running ends"), "{said}");
    assert!(workspace.exists("etc/a.conf") && !workspace.exists("etc/b.conf"), "{said}");
    assert!(!workspace.exists(".labctl/records/lock"), "{said}");
    let journal = journal(&workspace);
    assert!(journal.contains("end: 1 done, 0 failed, 1 not started\n"), "{journal}");
    assert!(workspace.apply().stdout.contains("Resources: 1 added"));
}

#[test]
fn after_a_second_interrupt_what_runs_is_cut_and_the_journal_says_what() {
    let workspace = workspace(&WAITING_SYNC.replace("[ -e", "[ ! -e etc/.labctl-a.conf.new ] || [ -e"));
    let mut child = begun(&workspace);
    signal(&child, "-INT");
    wait_for_interrupts(&workspace, 1);
    signal(&child, "-INT");
    wait_for_interrupts(&workspace, 2);
    let said = said(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("it was cut off by the second interrupt; whether it was done is not known"), "{said}");
    let journal = journal(&workspace);
    assert!(journal.contains("interrupted: what runs is cut off"), "{journal}");
    assert!(journal.contains("; cut off: nodes.here.files.\"etc/a.conf\"\n"), "{journal}");
    workspace.write("home/go", "");
    wait_until("the shell is over", || !is_at_work(&workspace));
    workspace.apply();
    workspace.expect_no_changes();
}

#[test]
fn a_dead_terminal_does_not_end_an_apply() {
    let workspace = workspace(&WAITING_SYNC.replace("[ -e", "[ ! -e etc/.labctl-a.conf.new ] || [ -e"));
    let mut apply = workspace.command(&["apply", "--auto-approve", "-vvv"]);
    let mut child = apply.stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the first write begins", || workspace.exists("home/begun"));
    // Whoever read what it says is gone, and the kernel says so.
    drop((child.stdout.take(), child.stderr.take()));
    signal(&child, "-HUP");
    workspace.write("home/go", "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(journal(&workspace).contains("end: 2 done, 0 failed, 0 not started\n"));
    workspace.expect_no_changes();
}

#[test]
fn the_journal_tells_what_was_done_and_a_journal_that_can_not_be_written_stops_nothing() {
    let workspace = Workspace::new(LAB);
    workspace.apply();
    let told = journal(&workspace);
    for words in [
        "applies 2 changes to `test`",
        "nodes.here.files.\"etc/a.conf\" on here: note what is about to be done, write etc/a.conf, note what is done",
        "nodes.here.files.\"etc/a.conf\": done",
        "end: 2 done, 0 failed, 0 not started",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    let json = workspace.labctl(&["show", "--journal", "--json"]).stdout;
    assert!(json.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{json}");
    std::fs::remove_file(workspace.path(".labctl/journal.jsonl")).unwrap();
    workspace.write(".labctl/journal.jsonl/in-the-way", "");
    workspace.write("etc/a.conf", "by hand\n");
    let apply = workspace.apply();
    assert!(apply.stderr.contains("the journal can't be written"), "{}", apply.stderr);
    assert_eq!(workspace.read("etc/a.conf"), "a\n");
}

#[test]
fn a_journal_that_was_cut_at_any_byte_stops_nothing() {
    let workspace = workspace(KILLING_SYNC);
    let mut apply = workspace.command(&["apply", "--auto-approve"]);
    apply.env("KILL_AT", "7").env("KILL", "all").process_group(0).stderr(Stdio::null()).status().unwrap();
    let bytes = std::fs::read(workspace.path(".labctl/journal.jsonl")).unwrap();
    workspace.apply();
    // A few bytes of all: each costs runs of the program. Every byte is tried where the journal is read.
    for end in (0..bytes.len()).step_by(bytes.len() / 9) {
        std::fs::write(workspace.path(".labctl/journal.jsonl"), &bytes[..end]).unwrap();
        workspace.write("etc/a.conf", "by hand\n");
        workspace.apply();
        assert!(journal(&workspace).contains("end: 1 done, 0 failed, 0 not started"), "cut at {end}");
    }
}

fn git(workspace: &Workspace, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    let mut git = Command::new("git");
    git.arg("-C").arg(workspace.path("")).args(identity).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(git.status().unwrap().success(), "{arguments:?}");
}

#[test]
fn an_old_checkout_is_warned_of_by_plan_and_refused_by_apply() {
    let workspace = Workspace::new(LAB.split("[nodes.here.files.\"etc/b").next().unwrap());
    git(&workspace, &["init", "-q", "-b", "main"]);
    git(&workspace, &["add", "homelab.toml"]);
    git(&workspace, &["commit", "-q", "-m", "one"]);
    workspace.apply();
    workspace.write("homelab.toml", LAB);
    git(&workspace, &["commit", "-q", "-a", "-m", "two"]);
    workspace.apply();
    git(&workspace, &["checkout", "-q", "HEAD~1"]);
    let words = "this checkout does not contain it: it is older, or another branch";
    let plan = workspace.labctl(&["plan", "--out", "old.plan"]);
    assert!(plan.code == 0 && plan.stderr.contains(words), "{plan:#?}");
    for arguments in [&["apply", "--auto-approve"][..], &["apply", "old.plan"]] {
        let apply = workspace.labctl(arguments);
        assert_eq!(apply.code, 5, "{apply:#?}");
        assert!(apply.stderr.contains(words) && apply.stderr.contains("--older"), "{}", apply.stderr);
        assert!(workspace.exists("etc/b.conf"));
    }
    git(&workspace, &["checkout", "-q", "main"]);
    workspace.expect_no_changes();
    git(&workspace, &["checkout", "-q", "HEAD~1"]);
    assert_eq!(workspace.labctl(&["apply", "--auto-approve", "--older"]).code, 0);
    assert!(!workspace.exists("etc/b.conf"));
}
