//! The lock of a node, in a real `sh` and through the program.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::workspace::Workspace;

const SCRIPT: &str = include_str!("../../src/plan/lock.sh");
const LOCK: &str = ".labctl/records/lock";
const LAB: &str = r#"
[lab]
name = "test"
[nodes.here]
connection = "local"
[nodes.here.files."etc/a.conf"]
content = "a\n"
"#;

/// Runs a verb of the script; its exit status and what it printed.
fn verb(folder: &Path, words: &[&str]) -> (i32, String) {
    use std::io::Write as _;
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "labctl-lock"]).args(words).current_dir(folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let id = words.get(2).copied().unwrap_or_default();
    // A verb that reads nothing may be over already.
    let _ = child.stdin.take().unwrap().write_all(format!("{id}\n{{}}\n").as_bytes());
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn age(path: &Path, seconds: u64) {
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

/// So many take the lock at once: who has it.
fn race(folder: &Path, round: usize) -> Vec<String> {
    let takers: Vec<_> = (0..8)
        .map(|taker| {
            let folder = folder.to_owned();
            std::thread::spawn(move || {
                let id = format!("{round:04x}{taker:04x}");
                (verb(&folder, &["take", "deep/lock", &id, "300"]).0, id)
            })
        })
        .collect();
    let ended: Vec<(i32, String)> = takers.into_iter().map(|taker| taker.join().unwrap()).collect();
    assert!(ended.iter().all(|(code, _)| [0, 75].contains(code)), "{ended:?}");
    ended.into_iter().filter(|(code, _)| *code == 0).map(|(_, id)| id).collect()
}

#[test]
fn of_all_who_take_a_lock_at_once_exactly_one_has_it_whether_it_was_free_or_dead() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("deep/lock");
    for round in 0..12 {
        let winners = race(folder.path(), round);
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        let text = std::fs::read_to_string(&lock).unwrap();
        assert!(text.starts_with(&winners[0]), "{text}");
        assert_eq!(std::fs::read_dir(folder.path().join("deep")).unwrap().count(), 1, "nothing is left beside it");
        // The next round finds a dead one, but for every third, which finds none.
        if round % 3 == 2 {
            assert_eq!(verb(folder.path(), &["release", "deep/lock", &winners[0]]).0, 0);
            assert!(!lock.exists());
        } else {
            age(&lock, 301);
        }
    }
}

#[test]
fn a_lock_is_kept_by_its_holder_and_given_up_by_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("lock");
    let act = |words: &[&str]| verb(folder.path(), words);
    assert_eq!(act(&["look", "./lock"]), (0, String::new()));
    assert_eq!(act(&["take", "./lock", "aa", "300"]).0, 0);
    assert_eq!(act(&["take", "./lock", "aa", "300"]).0, 0, "whose answer was lost takes it again");
    age(&lock, 200);
    let (code, told) = act(&["take", "./lock", "bb", "300"]);
    assert!(code == 75 && told.starts_with("20") && told.contains("\naa\n"), "{code} {told}");
    assert_eq!((act(&["beat", "./lock", "bb"]).0, act(&["release", "./lock", "bb"]).0), (75, 75));
    assert_eq!(act(&["beat", "./lock", "aa"]).0, 0);
    let (_, told) = act(&["look", "./lock"]);
    assert!(told.starts_with("0\n") || told.starts_with("1\n") || told.starts_with("2\n"), "{told}");
    assert_eq!((act(&["release", "./lock", "aa"]).0, act(&["release", "./lock", "aa"]).0), (0, 0));
    assert_ne!(act(&["beat", "./lock", "aa"]).0, 0, "what is gone is not kept");
}

#[test]
fn a_damaged_lock_is_a_lock_until_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("lock");
    std::fs::write(&lock, "$(touch evil) ../..\n").unwrap();
    assert_eq!(verb(folder.path(), &["take", "./lock", "aa", "300"]).0, 75);
    age(&lock, 400);
    assert_eq!(verb(folder.path(), &["take", "./lock", "aa", "300"]).0, 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A shell that is the first of a process group of its own, and its reading end.
fn at_work(folder: &Path, words: &str) -> std::process::Child {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new("sh");
    command.args(["-c", words, "sh", SCRIPT]).current_dir(folder).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn who_is_known_to_be_over_is_dead_at_once_but_not_while_something_of_it_is_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let act = |words: &[&str]| verb(folder.path(), words);
    assert_eq!(act(&["take", "./lock", "aa", "300"]).0, 0);
    let begin = "echo '[\"dig\"]' | sh -c \"$1\" labctl-lock begin ./lock aa 0; echo begun; read -r _";
    let mut leg = at_work(folder.path(), begin);
    let mut line = [0; 6];
    std::io::Read::read_exact(leg.stdout.as_mut().unwrap(), &mut line).unwrap();
    assert_eq!(&line, b"begun\n");
    let (_, told) = act(&["look", "./lock"]);
    assert!(told.ends_with("\nhere [\"dig\"]\n"), "{told}");
    assert_eq!(act(&["take", "./lock", "bb", "300", "cc"]).0, 75, "another one is over");
    assert_eq!(act(&["take", "./lock", "bb", "300", "aa"]).0, 75, "its leg is at work");
    drop(leg.stdin.take());
    leg.wait().unwrap();
    assert_eq!(act(&["take", "./lock", "bb", "300", "aa"]).0, 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "its notes are gone, too");
    let (_, told) = act(&["look", "./lock"]);
    assert!(told.contains("\nbb\n") && !told.contains("dig"), "{told}");
}

#[test]
fn a_note_of_another_start_of_the_host_is_of_nothing_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let act = |words: &[&str]| verb(folder.path(), words);
    assert_eq!(act(&["take", "./lock", "aa", "300"]).0, 0);
    let mut leg = at_work(folder.path(), "read -r _");
    std::fs::write(folder.path().join("lock.aa.leg.0"), format!("another {}\n[\"dig\"]\n", leg.id())).unwrap();
    let (_, told) = act(&["look", "./lock"]);
    assert!(told.ends_with("\ncut [\"dig\"]\n"), "{told}");
    assert_eq!(act(&["take", "./lock", "bb", "300", "aa"]).0, 0);
    drop(leg.stdin.take());
    leg.wait().unwrap();
}

fn locked(age_now: u64) -> Workspace {
    let workspace = Workspace::new(LAB);
    let holder = r#"{"id":"0badcafe","who":"ann@desk","since":"2026-01-02T03:04:05Z","lab":"test","labctl":"0.1.0"}"#;
    workspace.write(LOCK, &format!("0badcafe\n{holder}\n"));
    age(&workspace.path(LOCK), age_now);
    workspace
}

#[test]
fn a_locked_node_is_left_alone_with_who_holds_it_and_the_way_on() {
    let workspace = locked(12);
    let plan = workspace.labctl(&["plan"]);
    assert_eq!(plan.code, 0, "{plan:#?}");
    let words = "here is locked by ann@desk since 2026-01-02T03:04:05Z; its last sign of life was 1";
    assert!(plan.stderr.contains(words), "{}", plan.stderr);
    let before = workspace.tree();
    let apply = workspace.labctl(&["apply", "--auto-approve"]);
    assert_eq!(apply.code, 6, "{apply:#?}");
    assert!(apply.stderr.contains(words) && apply.stderr.contains("labctl unlock 0badcafe"), "{}", apply.stderr);
    assert_eq!(workspace.tree(), before);
    let wrong = workspace.labctl(&["unlock", "12345678"]);
    assert_eq!(wrong.code, 1, "{wrong:#?}");
    assert!(
        wrong.stderr.contains("nothing has a lock with the id `12345678`; here is locked by ann@desk"),
        "{wrong:#?}"
    );
    let unlock = workspace.labctl(&["unlock", "0badcafe"]);
    assert_eq!(unlock.code, 0, "{unlock:#?}");
    assert!(unlock.stdout.starts_with("Unlocked here; it was locked by ann@desk"), "{unlock:#?}");
    workspace.apply();
    assert!(!workspace.exists(LOCK), "it is given up at the end");
    workspace.expect_no_changes();
}

#[test]
fn a_dead_holders_lock_is_taken_over() {
    let workspace = locked(301);
    let plan = workspace.labctl(&["plan"]);
    assert!(plan.stderr.contains("ago, so it is dead (id 0badcafe)"), "{}", plan.stderr);
    workspace.apply();
    assert!(!workspace.exists(LOCK));
}

#[test]
fn an_apply_that_may_wait_goes_on_when_the_lock_is_given_up() {
    let workspace = locked(0);
    let mut child = workspace.command(&["apply", "--auto-approve", "--lock-timeout", "60"]);
    let mut child = child.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("Waiting: here is locked by ann@desk") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut said, &mut line).unwrap(), 0);
    }
    std::fs::remove_file(workspace.path(LOCK)).unwrap();
    std::io::copy(&mut said, &mut std::io::sink()).unwrap();
    assert!(child.wait().unwrap().success());
    workspace.expect_no_changes();
}

#[test]
fn a_plan_takes_no_lock() {
    let workspace = Workspace::new(LAB);
    let before = workspace.tree();
    workspace.labctl(&["plan"]);
    assert_eq!(workspace.tree(), before);
}
