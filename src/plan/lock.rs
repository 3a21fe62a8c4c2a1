//! The lock of a ground: a file on the node itself, a Lease in the cluster itself, so that all who reach it meet there.
//!
//! Its holder touches it while it is at work, and every step of an apply relies on it in the exec that acts: who has
//! lost it does nothing more. How old it is is told by the ground's own clock. `lock.sh` has the verbs.

use serde::{Deserialize, Serialize};

use super::applied::Applied;
use super::{Act, ApiGuard, Call, Guard, Step, record};
use crate::kubernetes::lease::LeaseAct;
use crate::lab::{Address, Content, Lab, Node, Site};
use crate::observe::{ApiAnswer, ApiAsk, Ask, Output, Reply};

/// Seconds without a sign of life after which a holder is dead. More than a network change is silent.
pub const DEAD_AFTER: u64 = 300;

/// Seconds between two signs of life.
pub const BEAT: u64 = 20;

/// Seconds that a step about a lock may take.
const LIMIT: u64 = 20;

const SCRIPT: &str = include_str!("lock.sh");

/// `EX_TEMPFAIL` of sysexits.h: somebody else holds it.
pub const HELD: u32 = 75;

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
    /// The process that it is, where its machine tells one process from all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
}

/// A process, so that whoever is on the same machine can tell whether it still runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The start of the machine, and where it has several, the space that process numbers count in.
    pub boot: String,
    /// Its number.
    pub number: u32,
    /// When it began, in the machine's own form: a number is given again.
    pub began: String,
}

/// A leg that a holder has begun on a node and that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlight {
    /// Its steps, in their own words.
    pub steps: Vec<String>,
    /// Whether the node has started anew since then, so that it is not at work any more.
    pub is_cut: bool,
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
    /// What it has begun and not ended there, where that was asked.
    pub in_flight: Vec<InFlight>,
    /// What is known of its process on the machine that asks.
    pub process: Life,
}

/// What is known of a holder's process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Life {
    /// Nothing: it runs on another machine, or that can't be told.
    #[default]
    NotKnown,
    /// It is over.
    Over,
    /// It is over, and something that it began on the node is still at work there.
    Lingers,
}

impl Held {
    /// Whether it may be taken over.
    pub fn is_dead(&self) -> bool {
        self.age >= DEAD_AFTER || self.process == Life::Over
    }

    /// Who, since when, when it was last alive, and what it has in flight.
    pub fn words(&self) -> String {
        let who = match &self.holder {
            Some(holder) => format!("{} since {}", holder.who, holder.since),
            None => "somebody (its file is damaged)".to_owned(),
        };
        let id = if self.id.is_empty() { "unknown" } else { &self.id };
        let dead = match self.process {
            _ if self.age >= DEAD_AFTER => ", so it is dead",
            Life::Over => ", and its process is over, so it is dead",
            Life::Lingers => ", and its process is over, but what it began there is still at work",
            Life::NotKnown => "",
        };
        let mut words = format!("locked by {who}; its last sign of life was {} s ago{dead} (id {id})", self.age);
        for leg in &self.in_flight {
            let what = if leg.is_cut { "cut off by a restart of the node" } else { "in flight" };
            words += &format!("\n  {what}: {}", leg.steps.join(", "));
        }
        words
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let age = lines.next()?.trim().parse().ok()?;
        let id = lines.next().unwrap_or_default().trim().to_owned();
        let holder = lines.next().and_then(|line| serde_json::from_str(line).ok());
        let in_flight = lines.filter_map(|line| {
            let (state, steps) = line.split_once(' ')?;
            Some(InFlight { steps: serde_json::from_str(steps).ok()?, is_cut: state == "cut" })
        });
        Some(Self { id, holder, age, in_flight: in_flight.collect(), process: Life::NotKnown })
    }
}

/// Where it lies on a node.
pub fn path(node: &Node) -> String {
    format!("{}/lock", record::folder(node))
}

fn verb(node: &Node, words: &[&str]) -> Vec<String> {
    let path = path(node);
    let argv = ["sh", "-c", SCRIPT, "labctl-lock", words[0], &path];
    argv.iter().chain(&words[1..]).map(|word| (*word).to_owned()).collect()
}

/// What to ask for it.
pub fn ask(site: Site<'_>) -> Ask {
    match site {
        Site::Node(node) => Ask::Run(verb(node, &["look"])),
        Site::Cluster(_) => Ask::Api(ApiAsk::Lease),
    }
}

/// The lock as it was read; nothing where nobody holds it. Why, where that can't be told.
pub fn read(site: Site<'_>, reply: &Reply) -> Result<Option<Held>, String> {
    let damaged = || "it is damaged".to_owned();
    if let Site::Cluster(_) = site {
        return match reply.api(&ApiAsk::Lease)? {
            ApiAnswer::Absent | ApiAnswer::NoKind => Ok(None),
            ApiAnswer::Object(answer) => match answer["held"].as_str() {
                Some(held) => Held::parse(held).map(Some).ok_or_else(damaged),
                None => Ok(None),
            },
            ApiAnswer::Refused(refusal) => Err(refusal.message.clone()),
            _ => Err(damaged()),
        };
    }
    match reply.output(&ask(site))? {
        Output { code: 0, stdout, .. } if stdout.is_empty() => Ok(None),
        output if output.code == 0 => Held::parse(&output.text()).map(Some).ok_or_else(damaged),
        output => Err(output.complaint()),
    }
}

/// The step that takes it, if nobody holds it or who holds it is dead: silent for too long, or `over`, the id of a run whose
/// process is known to be over. In a cluster what is applied is noted in the same act.
pub fn take(lab: &Lab, site: Site<'_>, holder: &Holder, over: Option<&str>, applied: Option<&Applied>) -> Step {
    let act = match site {
        Site::Node(node) => {
            let argv = verb(node, &["take", &holder.id, &DEAD_AFTER.to_string(), over.unwrap_or_default()]);
            Act::Run { argv, stdin: Some(Content::text(content(holder))) }
        }
        Site::Cluster(_) => Act::Api(Call::Lease(LeaseAct::Take {
            id: holder.id.clone(),
            holder: json(holder),
            dead_after: DEAD_AFTER,
            over: over.map(str::to_owned),
            applied: applied.map(|applied| (lab.name.clone(), applied.to_json())),
        })),
    };
    Step::new(format!("lock {}", site.ground()), act).limit(LIMIT)
}

/// The step that says that the holder is alive, and that these of its legs are no longer in flight.
pub fn beat(site: Site<'_>, id: &str, ended: &[usize]) -> Step {
    let ended: Vec<String> = ended.iter().map(ToString::to_string).collect();
    let words: Vec<&str> = ["beat", id].into_iter().chain(ended.iter().map(String::as_str)).collect();
    let act = verb_or(site, &words, LeaseAct::Beat { id: id.to_owned() });
    Step::new(format!("keep the lock of {}", site.ground()), act).limit(LIMIT)
}

/// The step before a leg: it notes beside the lock what is in flight, and under which start of the node.
pub fn begin(node: &Node, id: &str, leg: usize, steps: &[Step]) -> Step {
    let about: Vec<&str> = steps.iter().map(|step| step.about.as_str()).collect();
    // Strings always serialize.
    let line = serde_json::to_string(&about).unwrap_or_default() + "\n";
    let argv = verb(node, &["begin", id, &leg.to_string()]);
    Step::new("note what is in flight", Act::Run { argv, stdin: Some(Content::text(line)) })
}

/// The step after a leg: it is not in flight any more.
pub fn end(node: &Node, id: &str, leg: usize) -> Step {
    Step::run("note that it is done", verb(node, &["end", id, &leg.to_string()]))
}

/// The step that gives it up. That nobody holds it is no failure.
pub fn release(site: Site<'_>, id: &str) -> Step {
    let act = verb_or(site, &["release", id], LeaseAct::Release { id: id.to_owned() });
    Step::new(format!("unlock {}", site.ground()), act).limit(LIMIT)
}

/// What every step of its holder relies on.
pub fn guard(site: Site<'_>, holder: &Holder) -> Guard {
    match site {
        Site::Node(node) => Guard::Output { argv: vec!["cat".to_owned(), path(node)], stdout: content(holder) },
        Site::Cluster(_) => Guard::Api(ApiGuard::Holder { id: holder.id.clone() }),
    }
}

fn verb_or(site: Site<'_>, words: &[&str], act: LeaseAct) -> Act {
    match site {
        Site::Node(node) => Act::Run { argv: verb(node, words), stdin: None },
        Site::Cluster(_) => Act::Api(Call::Lease(act)),
    }
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
    format!("{}\n{}\n", holder.id, json(holder))
}

fn json(holder: &Holder) -> String {
    // Strings and a time always serialize.
    serde_json::to_string(holder).unwrap_or_default()
}
