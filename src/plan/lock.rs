//! The lock of a node: a file on the node itself, so that all who reach the node meet at it.
//!
//! Its holder touches it while it is at work, and every step of an apply relies on it in the exec that acts: who has
//! lost it does nothing more. How old it is is told by the node's own clock. `lock.sh` has the verbs.

use serde::{Deserialize, Serialize};

use super::{Act, Guard, Step, record};
use crate::lab::{Address, Content, Node};
use crate::observe::{Ask, Output, Reply};

/// Seconds without a sign of life after which a holder is dead. More than a network change is silent.
pub const DEAD_AFTER: u64 = 300;

/// Seconds between two signs of life.
pub const BEAT: u64 = 20;

/// Seconds that a step about a lock may take.
const LIMIT: u64 = 20;

const SCRIPT: &str = include_str!("lock.sh");

/// `EX_TEMPFAIL` of sysexits.h: somebody else holds it.
const HELD: u32 = 75;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Tells one run from all others: hexadecimal.
    pub id: String,
    /// `user@host`.
    pub who: String,
    /// When the run began, by the clock of its own machine.
    pub since: jiff::Timestamp,
    /// The lab.
    pub lab: String,
    /// The version of labctl.
    pub labctl: String,
    /// What it is about to change there, as far as it is few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Address>,
}

/// A lock that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The id in it; empty where the file is damaged.
    pub id: String,
    /// Who; nothing where the file is damaged.
    pub holder: Option<Holder>,
    /// Seconds since the last sign of life, by the node's clock.
    pub age: u64,
}

impl Held {
    /// Who, since when, and when it was last alive.
    pub fn words(&self) -> String {
        let who = match &self.holder {
            Some(holder) => format!("{} since {}", holder.who, holder.since),
            None => "somebody (its file is damaged)".to_owned(),
        };
        let id = if self.id.is_empty() { "unknown" } else { &self.id };
        let dead = if self.age >= DEAD_AFTER { ", so it is dead" } else { "" };
        format!("locked by {who}; its last sign of life was {} s ago{dead} (id {id})", self.age)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let age = lines.next()?.trim().parse().ok()?;
        let id = lines.next().unwrap_or_default().trim().to_owned();
        let holder = lines.next().and_then(|line| serde_json::from_str(line).ok());
        Some(Self { id, holder, age })
    }
}

/// Where it lies.
fn path(node: &Node) -> String {
    format!("{}/lock", record::folder(node))
}

fn verb(node: &Node, words: &[&str]) -> Vec<String> {
    let path = path(node);
    let argv = ["sh", "-c", SCRIPT, "labctl-lock", words[0], &path];
    argv.iter().chain(&words[1..]).map(|word| (*word).to_owned()).collect()
}

/// What to ask for it.
pub fn ask(node: &Node) -> Ask {
    Ask::Run(verb(node, &["look"]))
}

/// The lock as it was read; nothing where nobody holds it. Why, where that can't be told.
pub fn read(node: &Node, reply: &Reply) -> Result<Option<Held>, String> {
    match reply.output(&ask(node))? {
        Output { code: 0, stdout, .. } if stdout.is_empty() => Ok(None),
        output if output.code == 0 => Held::parse(&output.text()).map(Some).ok_or_else(|| "it is damaged".to_owned()),
        output => Err(output.complaint()),
    }
}

/// The step that takes it, if nobody holds it or who holds it is dead.
pub fn take(node: &Node, holder: &Holder) -> Step {
    let argv = verb(node, &["take", &holder.id, &DEAD_AFTER.to_string()]);
    let act = Act::Run { argv, stdin: Some(Content::text(content(holder))) };
    Step::new(format!("lock {}", node.name), act).limit(LIMIT)
}

/// The step that says that the holder is alive.
pub fn beat(node: &Node, id: &str) -> Step {
    Step::run(format!("keep the lock of {}", node.name), verb(node, &["beat", id])).limit(LIMIT)
}

/// The step that gives it up. That nobody holds it is no failure.
pub fn release(node: &Node, id: &str) -> Step {
    Step::run(format!("unlock {}", node.name), verb(node, &["release", id])).limit(LIMIT)
}

/// What every step of its holder relies on.
pub fn guard(node: &Node, holder: &Holder) -> Guard {
    Guard::Output { argv: vec!["cat".to_owned(), path(node)], stdout: content(holder) }
}

/// Who holds it, where a step about it says that somebody does.
pub fn refusal(code: u32, words: &[String]) -> Option<Held> {
    Held::parse(&words.join("\n")).filter(|_| code == HELD)
}

/// Who holds it now, by what stands in the file.
pub fn found(text: &str) -> Option<Holder> {
    serde_json::from_str(text.lines().nth(1)?).ok()
}

fn content(holder: &Holder) -> String {
    // Strings and a time always serialize.
    format!("{}\n{}\n", holder.id, serde_json::to_string(holder).unwrap_or_default())
}
