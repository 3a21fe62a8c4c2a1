//! One probe and one leg over a connection that stands, their replies cut: what the transport makes of what came, without the
//! program around it.

use std::sync::Arc;

use labctl::config::Sources;
use labctl::lab::{Content, Ground, load};
use labctl::local::Values;
use labctl::observe::{Ask, Reply};
use labctl::plan::{Act, Guard, Step};
use labctl::transport::ssh::Nobody;
use labctl::transport::{Access, ReachError, RealLab, StepOutcome, Transport as _};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{offsets, server};
use crate::support::sshd::Sshd;
use crate::support::wire::{End, Wire};

/// A node behind a wire, asked and told through the transport alone.
struct Node {
    runtime: Runtime,
    lab: RealLab,
    ground: Ground,
    folder: TempDir,
    wire: Wire,
    _sshd: Sshd,
}

impl Node {
    fn new() -> Self {
        let (sshd, wire, known) = server();
        let folder = tempfile::tempdir().unwrap();
        let known_hosts = folder.path().join("known_hosts");
        std::fs::write(&known_hosts, known).unwrap();
        let text = format!(
            "[lab]\nname = \"cuts\"\n[nodes.box]\naddress = \"127.0.0.1\"\n\
             ssh = {{ port = {}, user = {:?}, identity = {:?}, known_hosts = {known_hosts:?} }}\n",
            wire.port(),
            Sshd::user(),
            sshd.key(),
        );
        let sources = Sources::memory([("homelab.toml", text.as_str())]);
        let lab = load(&sources).lab.unwrap();
        let access = Access { read_only: false, prompt: Arc::new(Nobody) };
        Self {
            runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
            lab: RealLab::new(&lab, Arc::new(Values::new(&lab, Arc::new(sources))), access),
            ground: Ground::Node("box".to_owned()),
            folder,
            wire,
            _sshd: sshd,
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn holds(&self, name: &str, content: &str) -> bool {
        std::fs::read_to_string(self.path(name)).is_ok_and(|found| found == content)
    }

    fn probe(&self, asks: &[Ask]) -> Result<Reply, ReachError> {
        self.runtime.block_on(self.lab.probe(&self.ground, asks))
    }

    fn act(&self, leg: &[Step]) -> Vec<StepOutcome> {
        self.runtime.block_on(self.lab.act(&self.ground, leg))
    }

    /// Has a connection that stands.
    fn connect(&self) {
        let ask = Ask::run(["true"]);
        self.probe(std::slice::from_ref(&ask)).unwrap().output(&ask).unwrap();
    }

    /// How many bytes come while this is done over a connection that stands.
    fn length(&self, work: impl Fn(&Self)) -> usize {
        self.connect();
        let before = self.wire.received();
        work(self);
        self.wire.received() - before
    }

    /// Does this over a connection that stands and ends after so many bytes, and is the last one.
    fn cut<T>(&self, at: usize, end: End, work: impl Fn(&Self) -> T) -> T {
        self.connect();
        self.wire.break_exactly_after_received(at, end);
        let result = work(self);
        self.wire.stay_whole();
        result
    }
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_probe_is_answered_in_full_or_not_at_all() {
    let node = Node::new();
    std::fs::write(node.path("there"), "begin\nof it\n").unwrap();
    let asks = [
        Ask::file(node.path("there")),
        Ask::file(node.path("absent")),
        Ask::run(["printf", "two\nlines"]),
        Ask::run(["false"]),
    ];
    let whole = node.probe(&asks).unwrap();
    let length = node.length(|node| drop(node.probe(&asks).unwrap()));
    let (mut cuts, mut answered) = (0, 0);
    for (at, end) in offsets(length, 20) {
        match node.cut(at, end, |node| node.probe(&asks)) {
            Err(error) => assert!(matches!(error, ReachError::Unreachable(_)), "{end:?} after {at}: {error:?}"),
            Ok(reply) => {
                for ask in &asks {
                    let answer = reply.answer(ask);
                    assert_eq!(answer, whole.answer(ask), "{end:?} after {at} of {length}");
                }
                answered += 1;
            }
        }
        cuts += 1;
    }
    println!("a probe's reply: {cuts} cuts in {length} bytes, {answered} answered in full");
    assert!(answered < cuts / 2, "{answered} of {cuts}");
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_step_counts_as_done_only_where_it_is() {
    let node = Node::new();
    // Files of their own for each cut: the shell of one before may still be at work.
    let names = |nth: usize| [format!("{nth}-a"), format!("{nth}-b")];
    let leg = |nth: usize| {
        let [first, second] = names(nth).map(|name| {
            let path = node.path(&name);
            let content = Content::text("measured\n");
            let put = Act::Put { path, content, mode: None, owner: None, group: None };
            Step::new("write", put)
                .guarded(Guard::Output { argv: vec!["echo".into(), "so".into()], stdout: "so".into() })
        });
        [first, Step::run("say", ["echo", "between"]), second]
    };
    let length = node.length(|node| assert_eq!(node.act(&leg(0)), vec![StepOutcome::Done; 3]));
    let (mut cuts, mut done) = (0, [0; 3]);
    for (at, end) in offsets(length, 20) {
        let nth = at + 1;
        let outcomes = node.cut(at, end, |node| node.act(&leg(nth)));
        let about = format!("{end:?} after {at} of {length}: {outcomes:?}");
        assert!(!outcomes.is_empty() && outcomes.len() <= 3, "{about}");
        let is_done: Vec<bool> = outcomes.iter().map(|outcome| *outcome == StepOutcome::Done).collect();
        for (outcome, name) in outcomes.iter().zip([Some(0), None, Some(1)]) {
            match outcome {
                StepOutcome::Done => {
                    assert!(name.is_none_or(|name| node.holds(&names(nth)[name], "measured\n")), "{about}");
                }
                StepOutcome::Lost(_) => {}
                _ => panic!("{about}"),
            }
        }
        // None is told of behind the one that is lost.
        assert!(is_done.len() == 3 || !is_done[is_done.len() - 1], "{about}");
        assert!(is_done[..is_done.len() - 1].iter().all(|done| *done), "{about}");
        for (done, is_done) in done.iter_mut().zip(is_done) {
            *done += usize::from(is_done);
        }
        cuts += 1;
    }
    println!("a leg's reply: {cuts} cuts in {length} bytes, its steps done {done:?} times");
    assert!(done.iter().all(|done| *done < cuts) && done.is_sorted_by(|a, b| a >= b), "{done:?} of {cuts}");
}
