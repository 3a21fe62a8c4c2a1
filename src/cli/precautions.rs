//! What there is to know before an apply: who holds a ground, what was last applied to it, what was cut off.

use std::collections::BTreeMap;

use super::exit::{Exit, Failure};
use super::locks;
use super::stage::Stage;
use super::terminal::Terminal;
use super::which_lab::WhichLab;
use crate::apply::journal;
use crate::lab::Ground;
use crate::local;
use crate::local::git::{self, Contains};
use crate::plan::facts::{self, Facts};
use crate::plan::{Revision, applied};
use crate::transport::Transport;

/// What was read of the grounds themselves.
pub(super) type AllFacts = BTreeMap<Ground, Facts>;

/// Reads the facts of these grounds alone. What can't be read now is found out by the steps.
pub(super) async fn facts_of(stage: &Stage, transport: &dyn Transport, grounds: Vec<Ground>) -> AllFacts {
    let reads = grounds.into_iter().map(|ground| async move {
        let site = stage.lab.site(&ground)?;
        let reply = transport.probe(&ground, &facts::asks(&stage.lab, site)).await.ok()?;
        Some((ground, judged(facts::read(&stage.lab, site, &reply))))
    });
    futures::future::join_all(reads).await.into_iter().flatten().collect()
}

/// The same, with what this machine knows of who holds a lock.
pub(super) fn judged(facts: Facts) -> Facts {
    Facts { lock: facts.lock.map(locks::judged), ..facts }
}

/// The revision of the lab's files.
pub(super) fn revision(stage: &Stage) -> Option<Revision> {
    stage.sources.folder().and_then(git::revision)
}

/// Says who holds a ground.
pub(super) fn warn_of_locks(facts: &AllFacts, terminal: Terminal) {
    for (ground, facts) in facts {
        if let Some(held) = &facts.lock {
            terminal.warn(&format!("{ground} is {}", held.words()));
        }
    }
}

/// Says whose locks an apply will take over, and what they left in flight.
pub(super) fn warn_of_dead(facts: &AllFacts, terminal: Terminal) {
    for (ground, facts) in facts {
        if let Some(held) = facts.lock.as_ref().filter(|held| held.is_dead()) {
            terminal.warn(&format!("{ground} is {}\n  It is taken over.", held.words()));
        }
    }
}

/// Says what doesn't fit what was last applied, and gives back why an apply would be a step back.
pub(super) fn older(stage: &Stage, facts: &AllFacts, terminal: Terminal) -> Option<String> {
    let origin = applied::Origin::new(&stage.sources, None);
    let mut refusals = Vec::new();
    for (ground, facts) in facts {
        let Some(last) = &facts.applied else { continue };
        if let (Some(was), Some(is)) = (&last.machine, &facts.machine)
            && was != is
        {
            terminal
                .warn(&format!("{ground} is another machine than the one that was last applied: was its disk copied?"));
        }
        let (Some(folder), Some(revision)) = (stage.sources.folder(), &last.origin.revision) else { continue };
        if last.origin.sources == origin.sources {
            continue;
        }
        let commit = &revision.commit[..revision.commit.len().min(12)];
        let last = format!("{ground} was last applied from Git revision {commit}, by {} at {}", last.who, last.at);
        match git::contains(folder, &revision.commit) {
            Contains::Yes => {}
            Contains::No => refusals.push(format!("{last}; this checkout does not contain it")),
            Contains::NotKnown => terminal.warn(&format!("{last}; whether these files contain it can't be told")),
        }
    }
    (!refusals.is_empty()).then(|| format!("{}: it is older, or another branch", refusals.join("\n")))
}

/// What an apply of an older checkout ends with.
pub(super) fn refuse_older(words: &str) -> Failure {
    let remedy = "pull what is missing, or say `--older` to apply it all the same";
    Failure::new(Exit::Stale, format!("{words}\n  {remedy}"))
}

/// Says what earlier runs had in flight that have no end.
pub(super) fn tell_unfinished(stage: &Stage, which: &WhichLab, terminal: Terminal) {
    let Some(folder) = stage.sources.folder() else { return };
    // An unreadable journal is said when it is written.
    let Ok(read) = local::journal::read(folder) else { return };
    for run in journal::unfinished(&read.entries, &stage.lab.name, &which.to_string()) {
        let mut words = format!("the apply of {} that began at {} has no end (id {})", run.who, run.since, run.run);
        for (address, steps) in &run.in_flight {
            words += &format!("\n  in flight: {address}: {}", steps.join(", "));
        }
        terminal.warn(&(words + "\n  What it left is looked at before anything is done."));
    }
}
