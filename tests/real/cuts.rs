//! Connections that are cut at a byte of what a real OpenSSH server sends: whatever came by then, it is never taken for a
//! success, and what was not read never for something missing.
//!
//! SSH hands on whole packets alone, so that a part of the offsets is enough for every day. `LABCTL_LONG=full` takes each: of a
//! probe's and a leg's reply (`reply`) in some minutes, of the whole program's connections in hours.
#![allow(clippy::print_stdout, reason = "how many cuts were tried is a result")]

mod reply;

use crate::support::sshd::Sshd;
use crate::support::wire::{End, Wire};
use crate::workspace::{Run, Workspace};

/// A server, the wire before it, and what `known_hosts` has to hold for that.
fn server() -> (Sshd, Wire, String) {
    let sshd = Sshd::start();
    let wire = Wire::to(sshd.port());
    let known = sshd.known_hosts_line().replace(&sshd.port().to_string(), &wire.port().to_string());
    (sshd, wire, known)
}

/// Whether whoever was cut off may connect again.
#[derive(Debug, Clone, Copy)]
enum Again {
    /// At once.
    AtOnce,
    Never,
}

/// A lab with one file on a server behind a wire.
struct Lab {
    workspace: Workspace,
    wire: Wire,
    _sshd: Sshd,
}

impl Lab {
    fn new() -> Self {
        let (sshd, wire, known) = server();
        let workspace = Workspace::new("");
        workspace.write("known_hosts", &known);
        let text = format!(
            r#"
[lab]
name = "cuts"
[nodes.box]
address = "127.0.0.1"
ssh = {{ port = {}, user = {:?}, identity = {:?}, known_hosts = "known_hosts", connect_timeout = "5s" }}
[nodes.box.files.{:?}]
content = "begin\n"
"#,
            wire.port(),
            Sshd::user(),
            sshd.key(),
            workspace.path("box/x"),
        );
        workspace.write("homelab.toml", &text);
        workspace.apply();
        Self { workspace, wire, _sshd: sshd }
    }

    /// What the file is to hold.
    fn declares(&self, content: &str) {
        let text = self.workspace.read("homelab.toml");
        let (before, _) = text.split_once("content = ").unwrap();
        self.workspace.write("homelab.toml", &format!("{before}content = {content:?}\n"));
    }

    /// Bytes that the server sends while this runs.
    fn length(&self, arguments: &[&str]) -> usize {
        let before = self.wire.received();
        assert_eq!(self.workspace.labctl(arguments).code, 0);
        self.wire.received() - before
    }

    fn cut(&self, at: usize, end: End, again: Again, arguments: &[&str]) -> Run {
        match again {
            Again::AtOnce => self.wire.end_after_received(at, end),
            Again::Never => self.wire.break_exactly_after_received(at, end),
        }
        let run = self.workspace.labctl(arguments);
        self.wire.stay_whole();
        run
    }
}

/// The offsets to cut at, each with another end than the one before: all, or `some` that are spread over the whole.
fn offsets(whole: usize, some: usize) -> impl Iterator<Item = (usize, End)> {
    let all = std::env::var_os("LABCTL_LONG").is_some_and(|long| long == "full");
    let stride = if all { 1 } else { (whole / some).max(1) };
    (1..whole).step_by(stride).enumerate().map(|(nth, at)| (at, if nth % 2 == 0 { End::Closed } else { End::Reset }))
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_plan_that_is_cut_at_any_byte_is_asked_again_or_says_that_nothing_is_known() {
    let lab = Lab::new();
    let whole = lab.length(&["plan"]);
    let (mut cuts, mut healed, mut unhurt) = (0, 0, None);
    for (nth, (at, end)) in offsets(whole, 24).enumerate() {
        // Every second pair of cuts is for good: nobody connects afterwards.
        let again = if nth % 4 < 2 { Again::AtOnce } else { Again::Never };
        let run = lab.cut(at, end, again, &["plan", "--detailed-exitcode"]);
        let about = format!("{end:?}, {again:?}, after {at} of {whole}: {run:#?}");
        assert!(!run.stdout.contains("will be created"), "{about}");
        cuts += 1;
        match (run.code, again) {
            (4, _) => {
                assert!(run.stdout.contains("unknown, not missing") && !run.stdout.contains("No changes."), "{about}");
            }
            (0, _) => {
                assert_eq!(run.stdout, "No changes. The lab matches the file.\n", "{about}");
                match again {
                    Again::AtOnce => healed += 1,
                    // The length of the answer differs a little from run to run.
                    Again::Never => unhurt = unhurt.or(Some(at)),
                }
            }
            _ => panic!("{about}"),
        }
    }
    println!("a plan: {cuts} cuts in {whole} bytes, {healed} healed, whole from {unhurt:?} on");
    // What follows the last byte of the answer is the end of the channel and of the connection.
    assert!(healed > 0 && unhurt.is_none_or(|at| at > whole / 2), "{healed} healed, whole after {unhurt:?} of {whole}");
    lab.workspace.expect_no_changes();
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_step_that_is_cut_at_any_byte_is_a_success_only_where_it_is_one() {
    let lab = Lab::new();
    let apply = ["apply", "--auto-approve"];
    lab.declares("measured\n");
    let whole = lab.length(&apply);
    let (mut cuts, mut done) = (0, 0);
    let mut before = "measured\n".to_owned();
    for (nth, (at, end)) in offsets(whole, 8).enumerate() {
        let content = format!("content {nth}\n");
        lab.declares(&content);
        let run = lab.cut(at, end, Again::AtOnce, &apply);
        let found = lab.workspace.read("box/x");
        let about = format!("{end:?} after {at} of {whole}, {found:?}: {run:#?}");
        assert!(found == before || found == content, "nothing is half there: {about}");
        assert!(!run.stdout.contains("will be created"), "{about}");
        cuts += 1;
        if run.code == 0 {
            // It came to an end over another connection, or the last byte that matters had come.
            assert!(
                found == content && run.stdout.contains("Apply complete! Resources: 0 added, 1 changed"),
                "{about}"
            );
            done += 1;
        } else {
            assert!(matches!(run.code, 1 | 4 | 7), "{about}");
            // The steps were done, and the last look was cut.
            let is_unseen = run.stderr.contains("was applied and could not be looked at again");
            assert_eq!(run.stdout.contains("Apply complete"), is_unseen, "{about}");
            assert!(found == content || !is_unseen, "{about}");
        }
        let run = lab.workspace.labctl(&apply);
        assert_eq!((run.code, lab.workspace.read("box/x")), (0, content.clone()), "after {about}: {run:#?}");
        before = content;
        lab.workspace.expect_no_changes();
    }
    println!("an apply: {cuts} cuts in {whole} bytes, {done} of them done all the same");
    assert!(done < cuts, "{done} of {cuts}");
}
