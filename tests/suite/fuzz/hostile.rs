//! Inputs of a hostile size or depth: each ends soon, with an error that says what is wrong.

use labctl::apply::journal;
use labctl::config::{Sources, sha256};
use labctl::lab::load;
use labctl::plan::saved::SavedError;
use labctl::plan::{Observations, SavedPlan};

use super::targets;
use crate::workspace::Workspace;

const LONG: usize = 100 << 20;
const DEEP: usize = 1_000_000;

fn faults(text: impl Into<Vec<u8>>) -> Vec<String> {
    let loaded = load(&Sources::new("homelab.toml", text.into()));
    loaded.diagnostics.into_iter().map(|fault| fault.summary).collect()
}

fn sealed(what: &str, body: &str) -> Vec<u8> {
    format!("labctl-{what} format=1 sha256={}\n{body}", sha256(body.as_bytes())).into_bytes()
}

/// A million brackets, alone and closed, as a value of each sort.
fn deep(open: &str, close: &str) -> [String; 2] {
    [open.repeat(DEEP), format!("{}{}", open.repeat(DEEP), close.repeat(DEEP))]
}

#[test]
fn a_file_of_a_million_brackets_is_a_fault_with_a_place() {
    for text in [deep("[", "]"), deep("{a=", "}")].concat() {
        let faults = faults(format!("[lab]\nname = \"t\"\nx = {text}\n"));
        assert!(!faults.is_empty() && faults.len() < 20, "{faults:?}");
    }
    // Tables that are begun and never closed, with something closed in between.
    let faults_of_unclosed = faults("t = { v = 1\n[n]\n".repeat(DEEP / 10));
    assert_eq!(faults_of_unclosed, ["brackets are nested too deep"]);
    // A key of a million parts, and as many tables.
    assert!(!faults(format!("{}a = 1\n", "a.".repeat(DEEP / 10))).is_empty());
    assert!(!faults("[a]\n".repeat(DEEP / 100)).is_empty());
}

#[test]
fn a_manifest_of_a_million_brackets_is_a_fault() {
    let lab = "[lab]\nname = \"t\"\n[clusters.c]\nkubeconfig = { file = \"k\" }\nprovides = [\"namespace:n\"]\n\
               [services.m]\nkind = \"manifests\"\ncluster = \"c\"\nfiles = [\"x.yaml\"]\n";
    let bombs = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned()
        + &(b'b'..=b'z').fold(String::new(), |text, letter| {
            let (name, before) = (letter as char, (letter - 1) as char);
            text + &format!(
                "{name}: &{name} [*{before},*{before},*{before},*{before},*{before},*{before},*{before},*{before}]\n"
            )
        });
    let texts = [deep("[", "]"), deep("{a: ", "}"), deep("- ", ""), [bombs, "? ".repeat(DEEP)]].concat();
    for text in texts {
        let mut sources = Sources::new("homelab.toml", lab.as_bytes());
        sources.insert("x.yaml", Ok(text.into_bytes().into()));
        let loaded = load(&sources);
        assert!(!loaded.diagnostics.is_empty());
    }
}

#[test]
fn a_saved_plan_of_a_million_brackets_is_damaged() {
    for body in [deep("[", "]"), deep("{\"a\":", "}")].concat() {
        let plan = SavedPlan::parse(&sealed("plan", &body));
        assert!(matches!(plan, Err(SavedError::Damaged(_))), "{plan:?}");
        assert!(Observations::parse(&sealed("observations", &body)).is_err());
    }
}

#[test]
fn a_journal_with_a_line_without_end_loses_that_line_alone() {
    let good = "{\"at\":\"2026-01-02T03:04:05Z\",\"run\":\"1\",\"event\":\"interrupt\",\"at_once\":true}\n";
    for text in [deep("[", "]"), deep("{\"a\":", "}"), [" ".repeat(LONG), "[1,".repeat(DEEP)]].concat() {
        let (entries, damaged) = journal::parse(format!("{good}{text}\n{good}").as_bytes());
        assert_eq!((entries.len(), damaged), (2, 1));
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_no_lab_and_no_plan() {
    let long = "x".repeat(LONG);
    assert_eq!(SavedPlan::parse(long.as_bytes()), Err(SavedError::NotAPlan));
    let head = format!("labctl-plan {long}");
    assert!(matches!(SavedPlan::parse(head.as_bytes()), Err(SavedError::Damaged(_))));
    let target = targets::all().into_iter().find(|target| target.name() == "reply").unwrap();
    assert!(target.run(&long.as_bytes()[..LONG / 10]).starts_with("nothing"));
}

#[test]
fn a_file_that_never_ends_is_refused_and_not_read_to_its_end() {
    let workspace = Workspace::new("");
    for arguments in [["validate", "--file", "/dev/zero"].as_slice(), &["show", "/dev/zero"], &["apply", "/dev/zero"]] {
        let run = workspace.labctl(arguments);
        assert!(run.code != 0 && !run.stderr.is_empty(), "{arguments:?}: {run:#?}");
    }
    let run = workspace.labctl(&["validate", "--file", "/dev/zero"]);
    assert!(run.stderr.contains("it is larger than 64 MiB"), "{}", run.stderr);
}
