//! The script that reads package indexes, run by a real `sh`: `apt-get` is a script that answers from a file, `sleep` one
//! that only notes how long.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

const SCRIPT: &str = include_str!("../../src/kinds/package/update.sh");

const LOCKED: &str = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 2770 (apt-get)\n\
                      E: Unable to lock directory /var/lib/apt/lists/\n";

/// What became of `apt-get update` where apt says `answers` one after the other, and then nothing: the end, how often it was
/// called, and the pauses.
fn update(seconds: &str, answers: &[&str]) -> (Output, usize, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (number, answer) in answers.iter().enumerate() {
        std::fs::write(path(&format!("answer{}", number + 1)), answer).unwrap();
    }
    let apt = "#!/bin/sh\necho \"$*\" >>\"$HERE/calls\"\nanswer=$HERE/answer$(wc -l <\"$HERE/calls\" | tr -d ' ')\n\
               [ ! -e \"$answer\" ] || { cat \"$answer\" >&2; exit 100; }\n";
    for (name, text) in [("apt-get", apt), ("sleep", "#!/bin/sh\necho \"$1\" >>\"$HERE/pauses\"\n")] {
        std::fs::write(path(name), text).unwrap();
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "sh", seconds, "apt-get", "-q", "update"]).env("HERE", folder.path());
    let output = command.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display())).output().unwrap();
    let calls = std::fs::read_to_string(path("calls")).unwrap();
    assert!(calls.lines().all(|line| line == "-q update"), "{calls}");
    let pauses = std::fs::read_to_string(path("pauses")).unwrap_or_default();
    (output, calls.lines().count(), pauses.replace('\n', " "))
}

#[test]
fn a_lock_that_is_held_is_waited_for_with_longer_and_longer_pauses() {
    let (output, calls, pauses) = update("300", &[LOCKED; 7]);
    assert_eq!((output.status.code(), calls, pauses.as_str()), (Some(0), 8, "1 2 4 8 16 16 16 "), "{output:?}");
}

#[test]
fn what_is_no_lock_is_told_at_once() {
    let refused = "E: The repository 'http://x trixie Release' does not have a Release file.\n";
    let (output, calls, pauses) = update("300", &[refused, refused]);
    assert_eq!((output.status.code(), calls, pauses.as_str()), (Some(100), 1, ""));
    assert_eq!(String::from_utf8_lossy(&output.stderr), refused);
}

#[test]
fn a_lock_that_is_held_for_too_long_is_told_with_its_holder() {
    let (output, calls, _) = update("0", &[LOCKED; 3]);
    assert_eq!((output.status.code(), calls), (Some(100), 1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("held by process 2770 (apt-get)"));
}
