//! What a user reads, and which exit code there is, when a node can't be reached or doesn't let labctl in.

use std::time::{Duration, Instant};

use crate::support::seed::{fingerprint, make_key};
use crate::support::sshd::{Sshd, silent_listener};
use crate::support::wire::Wire;
use crate::workspace::{Run, Workspace};

/// A lab file with one file on the server, which is known.
fn lab(port: u16, sshd: &Sshd) -> Workspace {
    let text = format!(
        r#"
[lab]
name = "test"
[nodes.box]
address = "127.0.0.1"
ssh = {{ port = {port}, user = {:?}, identity = {:?}, known_hosts = "known_hosts", connect_timeout = "2s" }}
[nodes.box.files."FOLDER/x"]
content = "x\n"
"#,
        Sshd::user(),
        sshd.key().to_str().unwrap()
    );
    let workspace = Workspace::new(&text);
    workspace.write("homelab.toml", &text.replace("FOLDER", workspace.path("box").to_str().unwrap()));
    workspace.write("known_hosts", &sshd.known_hosts_line().replace(&sshd.port().to_string(), &port.to_string()));
    workspace
}

/// Plans, and expects that the node is unreachable, in time, with these words.
fn unreachable(workspace: &Workspace, words: &[&str]) -> Run {
    let began = Instant::now();
    let run = workspace.labctl(&["plan"]);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(run.code, 4, "{run:#?}");
    for words in words {
        assert!(run.stdout.contains(words), "{words:?} is not in\n{}", run.stdout);
    }
    assert!(run.stdout.contains("unknown, not missing") && !run.stdout.contains("will be created"), "{}", run.stdout);
    run
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_plan_of_a_known_server_makes_one_connection_and_one_exec() {
    let sshd = Sshd::start();
    let workspace = lab(sshd.port(), &sshd);
    workspace.apply();
    let (connections, commands) = (sshd.connections(), sshd.commands());
    workspace.expect_no_changes();
    assert_eq!((sshd.connections() - connections, sshd.commands() - commands), (1, 1), "{}", sshd.log());
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn an_unknown_host_key_is_refused_with_the_command_that_accepts_it() {
    let sshd = Sshd::start();
    let workspace = lab(sshd.port(), &sshd);
    workspace.write("known_hosts", "");
    unreachable(&workspace, &[&sshd.host_fingerprint(), "labctl trust box"]);
    let run = workspace.labctl(&["trust", "box"]);
    assert_eq!(run.code, 1, "nobody can be asked here: {run:#?}");
    assert_eq!(workspace.read("known_hosts"), "");
    let run = workspace.labctl(&["trust", "box", "--fingerprint", "SHA256:another"]);
    assert_eq!(run.code, 1, "{run:#?}");
    let run = workspace.labctl(&["trust", "box", "--fingerprint", &sshd.host_fingerprint()]);
    assert_eq!(run.code, 0, "{run:#?}");
    workspace.apply();
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_changed_host_key_is_refused_with_both_fingerprints() {
    let mut sshd = Sshd::start();
    let workspace = lab(sshd.port(), &sshd);
    let before = sshd.host_fingerprint();
    sshd.change_host_key();
    unreachable(&workspace, &[&before, &sshd.host_fingerprint(), "known_hosts:1"]);
    let run = workspace.labctl(&["trust", "box", "--fingerprint", &sshd.host_fingerprint()]);
    assert_ne!(run.code, 0, "a changed key is never recorded beside the old one: {run:#?}");
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_pinned_host_key_needs_no_known_hosts_and_takes_no_other() {
    let mut sshd = Sshd::start();
    let workspace = lab(sshd.port(), &sshd);
    let pin = format!("known_hosts = \"nowhere\", host_key = \"{}\"", sshd.host_fingerprint());
    workspace.write("homelab.toml", &workspace.read("homelab.toml").replace("known_hosts = \"known_hosts\"", &pin));
    workspace.apply();
    let before = sshd.host_fingerprint();
    sshd.change_host_key();
    unreachable(&workspace, &[&before, &sshd.host_fingerprint()]);
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_wrong_key_is_said_to_be_one_with_what_was_tried() {
    let sshd = Sshd::start();
    let workspace = lab(sshd.port(), &sshd);
    let wrong = make_key(&workspace.path("."), "wrong");
    let text = workspace.read("homelab.toml").replace(sshd.key().to_str().unwrap(), wrong.to_str().unwrap());
    workspace.write("homelab.toml", &text);
    assert!(fingerprint(&wrong).starts_with("SHA256:"));
    unreachable(&workspace, &["publickey", "wrong"]);
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_stopped_sshd_and_a_silent_one_are_known_in_time_and_delay_nobody() {
    let mut sshd = Sshd::start();
    let workspace = lab(sshd.port(), &sshd);
    sshd.stop();
    unreachable(&workspace, &["refused the connection"]);
    let silent = silent_listener();
    let workspace = lab(silent.local_addr().unwrap().port(), &sshd);
    unreachable(&workspace, &["within 2 s"]);
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_node_that_is_down_does_not_keep_another_from_being_applied() {
    let sshd = Sshd::start();
    let silent = silent_listener();
    let workspace = lab(sshd.port(), &sshd);
    let text = workspace.read("homelab.toml");
    let nodes = text.split("[nodes.box]").nth(1).unwrap();
    let other = format!("[nodes.down]{nodes}").replace("nodes.box", "nodes.down").replace("127.0.0.1", "127.0.0.2");
    let port = |port: u16| format!("port = {port}");
    let other = other.replace(&port(sshd.port()), &port(silent.local_addr().unwrap().port()));
    workspace.write(
        "homelab.toml",
        &(text + &other.replace("127.0.0.2\"", "127.0.0.2\"\n").replace("ssh = {", "ssh = { host = \"127.0.0.1\",")),
    );
    let run = workspace.labctl(&["apply", "--auto-approve"]);
    assert_eq!(run.code, 4, "{run:#?}");
    assert!(workspace.exists("box/x"));
    assert!(run.stdout.contains("Apply complete! Resources: 1 added"), "{}", run.stdout);
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_connection_that_is_cut_in_the_middle_is_never_a_success() {
    let sshd = Sshd::start();
    let wire = Wire::to(sshd.port());
    let workspace = lab(wire.port(), &sshd);
    workspace.labctl(&["plan"]);
    let whole = wire.sent();
    // From the first byte of the handshake to the last of the script; each cut is another moment.
    for cut in (1..8).map(|eighth| whole * eighth / 8) {
        wire.cut_after(cut);
        let run = workspace.labctl(&["apply", "--auto-approve"]);
        if run.code == 0 {
            assert!(workspace.exists("box/x"), "cut after {cut} of {whole}: {run:#?}");
        } else {
            assert!(!run.stdout.contains("Apply complete"), "cut after {cut} of {whole}: {run:#?}");
        }
        let run = workspace.labctl(&["apply", "--auto-approve"]);
        assert_eq!(run.code, 0, "after a cut at {cut} of {whole}: {run:#?}");
        workspace.expect_no_changes();
        std::fs::remove_file(workspace.path("box/x")).unwrap();
    }
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_node_that_is_down_is_named_even_where_nothing_is_declared_on_it() {
    let mut sshd = Sshd::start();
    let workspace = lab(sshd.port(), &sshd);
    sshd.stop();
    let text = workspace.read("homelab.toml");
    workspace.write("homelab.toml", text.split("[nodes.box.files").next().unwrap());
    let run = workspace.labctl(&["plan"]);
    assert_eq!(run.code, 4, "{run:#?}");
    assert!(run.stdout.contains("Warning: box: 127.0.0.1") && !run.stdout.contains("No changes. "), "{}", run.stdout);
}

/// A server where what writes waits until the file `go` is there, or the folder is gone.
fn gated() -> (Sshd, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let script = "#!/bin/sh\ncd \"${0%/*}\" || exit\nscript=$(cat)\ncase $script in *'ask 0 put '*)\n\
                  until [ -e go ] || [ ! -e gate ]; do sleep 0.1; done ;; esac\nprintf '%s\\n' \"$script\" | sh -s\n";
    std::fs::write(&gate, script).unwrap();
    std::fs::set_permissions(&gate, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    (Sshd::with(&format!("ForceCommand {}", gate.display())), folder)
}

/// Applies two files, the second after the first, and interrupts `times` while the first is being written.
fn interrupted(times: usize) -> (Run, Workspace, tempfile::TempDir, Sshd) {
    use std::io::{BufRead as _, BufReader, Read as _};
    let (sshd, folder) = gated();
    let workspace = lab(sshd.port(), &sshd);
    let text = workspace.read("homelab.toml");
    let first = workspace.path("box/x");
    let second = format!(
        "[nodes.box.files.\"{}\"]\ncontent = \"y\\n\"\nafter = ['nodes.box.files.\"{}\"']\n",
        workspace.path("box/y").display(),
        first.display()
    );
    workspace.write("homelab.toml", &(text + &second));
    let mut child =
        workspace.command(&["apply", "--auto-approve"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("Creating...") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    for _ in 0..times {
        assert!(std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        if times == 1 || !said.contains("Interrupted") {
            while !said.contains("Interrupted") {
                assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
            }
        }
    }
    if times == 1 {
        std::fs::write(folder.path().join("go"), "").unwrap();
    }
    stderr.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    (Run { stdout, stderr: said, code: output.status.code().unwrap_or(-1) }, workspace, folder, sshd)
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn after_ctrl_c_what_runs_ends_nothing_more_starts_and_the_next_run_goes_on() {
    let (run, workspace, _folder, _sshd) = interrupted(1);
    assert_eq!(run.code, 130, "{run:#?}");
    assert!(workspace.exists("box/x") && !workspace.exists("box/y"), "{run:#?}");
    assert!(run.stdout.contains("(the run was interrupted)"), "{run:#?}");
    workspace.apply();
    workspace.expect_no_changes();
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_second_ctrl_c_gives_up_at_once_and_says_what_is_not_known() {
    let (run, workspace, folder, _sshd) = interrupted(2);
    assert_eq!(run.code, 130, "{run:#?}");
    assert!(run.stdout.contains("whether it was done is not known"), "{run:#?}");
    std::fs::write(folder.path().join("go"), "").unwrap();
    workspace.apply();
    workspace.expect_no_changes();
}
