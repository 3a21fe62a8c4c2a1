//! Promise 11: planted values are found nowhere but in the files that they are for.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::workspace::{Run, Workspace};

/// Long enough that none is found by chance, with characters that every encoding changes.
const CANARIES: [&str; 3] = ["canary/env+4711?ö", "canary/file+0815?ö", "canary/command+1234?ö"];

const LAB: &str = r#"
[lab]
name = "test"
[nodes.here]
connection = "local"
[nodes.here.files."etc/env.conf"]
content = "token = {{ one }}\n"
slots = { one = { secret = "one" } }
mode = "0600"
[nodes.here.files."etc/file.conf"]
content = { secret = "two" }
mode = "0600"
[nodes.here.files."etc/command.conf"]
content = { secret = "three" }
mode = "0600"
[secrets.one]
env = "ONE"
[secrets.two]
file = "two.secret"
[secrets.three]
command = ["cat", "three.secret"]
"#;

/// Writes down all command lines of this machine, and where it is told to, says all that is being written and fails.
const TELLING_SYNC: &str = r#"#!/bin/sh
for process in /proc/[0-9]*; do tr '\0' ' ' <"$process/cmdline"; echo; done >>"$HOME/processes" 2>/dev/null
set -- etc/.labctl-*.new
[ -e "$HOME/fail" ] && [ -e "$1" ] || exit 0
for file in "$@"; do cat "$file"; base64 -w 0 <"$file"; echo; done >&2
exit 1
"#;

/// The forms in which a value is looked for.
fn forms(canary: &str) -> Vec<String> {
    let mut forms = vec![canary.to_owned(), labctl::config::sha256(canary.as_bytes())];
    let escaped = canary.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    forms.push(escaped.collect());
    for offset in 0..3 {
        let text = format!("{}{canary}", &"---"[..offset]);
        for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            // Without the digits at its ends, which what stands around it goes into.
            forms.push(encoded[2 * usize::from(offset > 0) + usize::from(offset > 1)..encoded.len() - 2].to_owned());
        }
    }
    forms
}

/// The canaries that are in a text in any form.
fn found(text: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(text);
    CANARIES.into_iter().filter(|canary| forms(canary).iter().any(|form| text.contains(form))).collect()
}

/// The files below the workspace that hold one.
fn holders(workspace: &Workspace) -> Vec<PathBuf> {
    let root = workspace.path("");
    let holding = workspace.tree().into_iter().filter(|(_, bytes)| !found(bytes).is_empty());
    holding.map(|(path, _)| path.strip_prefix(&root).unwrap().to_owned()).collect()
}

fn said(run: &Run) -> String {
    format!("{}{}", run.stdout, run.stderr)
}

#[test]
fn planted_values_are_in_their_own_files_and_nowhere_else() {
    let workspace = Workspace::new(LAB).program("sync", TELLING_SYNC).env("ONE", CANARIES[0]);
    workspace.write("two.secret", CANARIES[1]);
    workspace.write("three.secret", CANARIES[2]);
    workspace.write("home/fail", "");
    let mut all = Vec::new();
    let mut labctl = |arguments: &[&str], code: i32| {
        let run = workspace.labctl(arguments);
        assert_eq!(run.code, code, "{arguments:?} {run:#?}");
        all.push((arguments.join(" "), said(&run)));
        said(&run)
    };
    // Programs that repeat what they were given, as the last words of what failed.
    let failed = labctl(&["apply", "--auto-approve", "-vvv"], 1);
    assert!(failed.contains("(secret)"), "{failed}");
    std::fs::remove_file(workspace.path("home/fail")).unwrap();
    for arguments in [
        &["plan"][..],
        &["plan", "--json"],
        &["plan", "--show-steps"],
        &["plan", "--show-steps=sh"],
        &["plan", "--out", "the.plan", "-vvv"],
        &["show", "the.plan", "--json"],
        &["apply", "the.plan", "-vvv"],
        &["show", "--journal", "--json"],
        &["show", "nodes.here.files.\"etc/env.conf\""],
        &["show", "here", "--as-toml", "--undeclared"],
        &["apply", "--lab", "simulated:sim", "--auto-approve", "-vvv"],
        &["plan", "--detailed-exitcode"],
    ] {
        labctl(arguments, 0);
    }
    for (arguments, said) in &all {
        assert_eq!(found(said.as_bytes()), Vec::<&str>::new(), "{arguments}: {said}");
    }
    let own = ["etc/command.conf", "etc/env.conf", "etc/file.conf", "three.secret", "two.secret"];
    assert_eq!(holders(&workspace), own.map(PathBuf::from));
    let processes = workspace.read("home/processes");
    assert!(processes.contains("labctl apply"), "the command lines were written down: {processes}");
}

#[test]
fn the_search_finds_a_planted_value_in_every_form() {
    let workspace = Workspace::new(LAB);
    for canary in CANARIES {
        for (at, form) in forms(canary).iter().enumerate() {
            workspace.write("leak", &format!("before {form} after"));
            assert_eq!(holders(&workspace), [Path::new("leak")], "{canary} {at}");
        }
        for before in ["", "x", "xy", "xyz"] {
            let text = format!("{before}{canary}{before}");
            assert_eq!(found(STANDARD_NO_PAD.encode(text).as_bytes()), [canary]);
        }
    }
    assert!(found(b"nothing here").is_empty());
}
