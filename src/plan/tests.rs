//! What becomes of one resource: file, lab and mark in, change out. A row is a situation; the sentence is its outcome.

use std::collections::BTreeMap;

use super::{Action, Cause, Change, Obstacle, Options, Origin, Seen, build, digest, record};
use crate::config::Sources;
use crate::graph::Graph;
use crate::kinds;
use crate::lab::{self, Ground, Lab};
use crate::observe::{Answer, Ask, Body, FileAnswer, Reply, Stat};

const LAB: &str = r#"
[lab]
name = "test"
[nodes.n5]
address = "192.168.4.5"
[nodes.n5.files."/etc/x"]
content = "new\n"
"#;

fn load(text: &str) -> Lab {
    let loaded = lab::load(&Sources::memory([("homelab.toml", text)]));
    loaded.lab.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

fn stat(mode: u32) -> Stat {
    Stat { mode, owner: "root".into(), group: "root".into(), length: 0, state: "1 2026".into() }
}

fn regular(text: &str) -> FileAnswer {
    FileAnswer::Regular { stat: stat(0o644), body: Body::Bytes(text.as_bytes().to_vec()) }
}

/// What lies in the records folder: the mark of `/etc/x` when `applied` was its last text.
struct Marked {
    origin: Origin,
    applied: &'static str,
    pending: bool,
    owns: &'static [&'static str],
}

const MADE: Marked = Marked { origin: Origin::Made, applied: "old\n", pending: false, owns: &["content", "mode"] };

fn attributes(text: &str) -> super::Attributes {
    [("content".to_owned(), super::Value::Text(text.to_owned())), ("mode".to_owned(), "0644".into())].into()
}

fn reply(lab: &Lab, file: FileAnswer, marked: Option<&Marked>) -> Reply {
    let node = &lab.nodes["n5"];
    let records = marked.map(|marked| {
        let mark = serde_json::json!({
            "format": 1, "kind": "file", "name": "/etc/x",
            "mark": {
                "lab": "test", "address": "nodes.n5.files.\"/etc/x\"", "origin": marked.origin, "owns": marked.owns,
                "digest": digest(&attributes(marked.applied)), "pending": marked.pending,
            },
        });
        ("test/file-1.json".to_owned(), regular(&mark.to_string()))
    });
    [
        (record::ask(node), Answer::Folder(records.into_iter().collect())),
        (Ask::file("/etc/x"), Answer::File(file.clone())),
        (Ask::File { path: "/etc/x".into(), limit: 0 }, Answer::File(file)),
    ]
    .into_iter()
    .collect()
}

fn plan_with(lab: &Lab, seen: Seen, options: &Options) -> Vec<Change> {
    let declared = kinds::declare(lab);
    let graph = Graph::new(&declared);
    let seen = BTreeMap::from([(Ground::Node("n5".to_owned()), seen)]);
    build(lab, &declared, &graph, &seen, options).changes
}

fn plan(file: FileAnswer, marked: Option<&Marked>) -> Change {
    let lab = load(LAB);
    let seen = Seen::Read(reply(&lab, file, marked));
    plan_with(&lab, seen, &Options::default()).remove(0)
}

#[test]
fn what_is_absent_and_unmarked_is_new_in_the_file() {
    let change = plan(FileAnswer::Absent, None);
    assert_eq!((change.action, change.cause), (Action::Create, Cause::File));
    assert_eq!(change.steps.len(), 3, "the note, the act, the note: {:#?}", change.steps);
}

#[test]
fn what_was_applied_and_is_gone_was_taken_away_in_the_lab() {
    let marked = Marked { applied: "new\n", ..MADE };
    let change = plan(FileAnswer::Absent, Some(&marked));
    assert_eq!((change.action, change.cause), (Action::Create, Cause::Lab));
}

#[test]
fn a_change_tells_an_edit_of_the_file_from_drift_and_both_from_either() {
    let rows = [("old\n", "old\n", Cause::File), ("new\n", "other\n", Cause::Lab), ("old\n", "other\n", Cause::Both)];
    for (applied, found, cause) in rows {
        let change = plan(regular(found), Some(&Marked { applied, ..MADE }));
        assert_eq!((change.action, change.cause), (Action::Update, cause), "applied {applied:?}, found {found:?}");
    }
}

#[test]
fn a_run_that_was_cut_off_is_seen_by_the_pending_mark() {
    let marked = Marked { pending: true, applied: "new\n", ..MADE };
    let change = plan(regular("old\n"), Some(&marked));
    assert_eq!((change.action, change.cause), (Action::Update, Cause::Unfinished));
    let change = plan(regular("new\n"), Some(&marked));
    assert_eq!((change.action, change.steps.len()), (Action::Mark, 1), "the act was done, only its note was not");
}

#[test]
fn what_is_unmarked_and_equal_is_adopted_and_what_differs_is_refused() {
    let change = plan(regular("new\n"), None);
    assert_eq!((change.action, change.steps.len(), change.obstacle), (Action::Adopt, 1, None));
    let change = plan(regular("old\n"), None);
    assert!(matches!(change.obstacle, Some(Obstacle::Refused(_))), "{change:#?}");
    assert!(change.steps.is_empty() && !change.differences.is_empty());
}

#[test]
fn a_leave_in_the_file_or_on_the_command_line_lets_it_be_taken_over() {
    let with_leave = load(&format!("{LAB}adopt = true\n"));
    let without = load(LAB);
    let by_address = Options { adopt: vec!["nodes.n5".parse().unwrap()], ..Options::default() };
    for (lab, options) in [(with_leave, Options::default()), (without, by_address)] {
        let seen = Seen::Read(reply(&lab, regular("old\n"), None));
        let change = plan_with(&lab, seen, &options).remove(0);
        assert_eq!((change.action, change.obstacle.as_ref()), (Action::Adopt, None));
        // What it held before is kept.
        let acts: Vec<&str> = change.steps.iter().map(|step| step.about.as_str()).collect();
        let path = "/etc/x";
        assert_eq!(
            acts,
            [
                "note what is about to be done",
                &format!("keep what {path} holds"),
                &format!("write {path}"),
                "note what is done"
            ]
        );
    }
}

#[test]
fn what_cannot_be_read_is_unknown_whatever_the_mark_says() {
    for marked in [None, Some(&MADE)] {
        let change = plan(FileAnswer::Unreadable("Permission denied".to_owned()), marked);
        assert_eq!(change.obstacle, Some(Obstacle::Unknown("Permission denied".to_owned())));
        assert_eq!((change.action, change.steps.len()), (Action::None, 0));
    }
}

#[test]
fn where_the_records_cannot_be_read_nothing_is_known_to_be_unmarked() {
    let lab = load(LAB);
    let mut answers = reply(&lab, FileAnswer::Absent, None);
    answers.insert(record::ask(&lab.nodes["n5"]), Answer::Lost("Permission denied".to_owned()));
    let change = plan_with(&lab, Seen::Read(answers), &Options::default()).remove(0);
    assert!(matches!(change.obstacle, Some(Obstacle::Unknown(why)) if why.contains("Permission denied")));
}

#[test]
fn a_node_that_is_down_makes_its_resources_unknown_not_absent() {
    let lab = load(LAB);
    let change = plan_with(&lab, Seen::Unreachable("no route".to_owned()), &Options::default()).remove(0);
    assert_eq!((change.action, change.obstacle), (Action::None, Some(Obstacle::Unreachable("no route".to_owned()))));
}

#[test]
fn an_attribute_that_leaves_the_file_stays_as_it_is_and_is_let_go_of_once() {
    let marked = Marked { applied: "new\n", owns: &["content", "mode", "owner"], ..MADE };
    let change = plan(regular("new\n"), Some(&marked));
    assert_eq!((change.action, change.released), (Action::Forget, vec!["owner".to_owned()]));
    assert_eq!(change.steps.len(), 1);
}

#[test]
fn what_another_lab_owns_is_kept_hands_off() {
    let lab = load(&LAB.replace("\"test\"", "\"mine\""));
    let change = plan_with(&lab, Seen::Read(reply(&lab, regular("old\n"), Some(&MADE))), &Options::default()).remove(0);
    assert!(matches!(&change.obstacle, Some(Obstacle::Refused(why)) if why.contains("`test`")), "{change:#?}");
}

#[test]
fn what_left_the_file_goes_if_it_was_made_and_stays_if_it_was_adopted_or_let_go_of() {
    let lab = load("[lab]\nname = \"test\"\n[nodes.n5]\naddress = \"192.168.4.5\"\n");
    let rows =
        [(Origin::Made, Some(Action::Delete)), (Origin::Adopted, Some(Action::Forget)), (Origin::Released, None)];
    for (origin, action) in rows {
        let answers = reply(&lab, regular("old\n"), Some(&Marked { origin, ..MADE }));
        let changes = plan_with(&lab, Seen::Read(answers), &Options::default());
        assert_eq!(changes.first().map(|change| change.action), action, "{origin:?}");
    }
}

#[test]
fn a_hold_ends_after_its_last_day() {
    let lab = load(&format!("{LAB}hold = {{ because = \"guests\", until = 2027-01-31 }}\n"));
    for (today, is_held) in [("2027-01-31", true), ("2027-02-01", false)] {
        let options = Options { today: Some(today.parse().unwrap()), ..Options::default() };
        let seen = Seen::Read(reply(&lab, FileAnswer::Absent, None));
        let change = plan_with(&lab, seen, &options).remove(0);
        assert_eq!(matches!(change.obstacle, Some(Obstacle::Held(_))), is_held, "{today}");
    }
}

#[test]
fn what_a_restart_cut_off_is_gone_on_with_as_far_as_it_was_approved() {
    let change = |action, text: &str| {
        let difference =
            super::Difference { attribute: "content".to_owned(), before: None, after: Some(text.into()), note: None };
        let address = lab::Address::new(["nodes", "n5", "files", "/etc/x"]);
        let new = Change::new(address, "file", Ground::Node("n5".to_owned()), "/etc/x");
        Change { action, differences: vec![difference], ..new }
    };
    let plan = |change: Change| super::Plan { changes: vec![change], ..super::Plan::default() };
    let resume = |shown: Change, now: Change| {
        let cut = [now.address.clone()].into();
        let mut resumed = super::resumed(&plan(shown), plan(now), &cut);
        resumed.changes.remove(0).obstacle
    };
    for (shown, now) in [
        (change(Action::Create, "a"), change(Action::Update, "a")),
        (change(Action::Update, "a"), change(Action::Update, "a")),
        (change(Action::Update, "a"), change(Action::Create, "a")),
        (change(Action::Delete, "a"), change(Action::Delete, "a")),
    ] {
        assert_eq!(resume(shown, now), None);
    }
    for (shown, now) in [
        (change(Action::Create, "a"), change(Action::Update, "b")),
        (change(Action::Update, "a"), change(Action::Replace, "a")),
        (change(Action::Update, "a"), change(Action::Delete, "a")),
    ] {
        assert_eq!(resume(shown, now), Some(Obstacle::Unapproved));
    }
}
