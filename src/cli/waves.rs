//! An apply, wave by wave: what was deferred is planned for real when what it waits for is there, and done where that
//! is no more than was approved.

use std::collections::BTreeSet;

use tokio::sync::mpsc::Receiver;

use super::args::Selection;
use super::drive::{Ended, Interrupt, drive};
use super::exit::{Exit, Failure};
use super::locks::Locks;
use super::plan::{make, obstacles, show};
use super::precautions::AllFacts;
use super::progress::Lines;
use super::reboots::cut_off;
use super::recorder::{Recorded, Recorder};
use super::stage::Stage;
use super::terminal::Terminal;
use crate::apply::{Limits, Reason, State};
use crate::plan::{self, Change, Options, Plan};
use crate::report;
use crate::transport::Transport;

/// How many restarts of nodes an apply goes on from.
const RESTARTS: u32 = 3;

/// How what was not approved yet comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Approval {
    /// On the terminal.
    Asked,
    /// Before the run (`--auto-approve`): for what was shown then and nothing else.
    Given,
}

/// One apply.
pub(super) struct Run<'a> {
    pub(super) stage: &'a Stage,
    pub(super) options: &'a Options,
    pub(super) selection: &'a Selection,
    pub(super) transport: &'a dyn Transport,
    pub(super) locks: &'a Locks<'a>,
    pub(super) recorder: &'a Recorder,
    pub(super) facts: &'a AllFacts,
    pub(super) approval: Approval,
    pub(super) terminal: Terminal,
}

impl Run<'_> {
    /// Drives the plan, then each wave that it deferred. What came of all, and the exit code that what stood in the
    /// way of a later wave calls for.
    pub(super) async fn waves(
        &self,
        plan: &Plan,
        interrupts: &mut Receiver<Interrupt>,
    ) -> Result<(Ended, Exit), Failure> {
        let limits = Limits { parallelism: usize::from(self.selection.parallelism), ..Limits::default() };
        let (mut all, mut exit) = (Ended::default(), Exit::Done);
        let mut wave = plan.clone();
        let mut restarts = RESTARTS;
        loop {
            if let Err(taken) = self.locks.take(&wave).await {
                self.terminal.fail(&held(&taken));
                exit = exit.and(Exit::Locked);
                let why = format!("{} is {}", taken.ground, taken.by.words());
                let due = wave.changes.into_iter().filter(|change| change.is_due() || change.is_deferred());
                all.changes.extend(due.map(|change| (change, State::NotStarted(Reason::NotPlanned(why.clone())))));
                break;
            }
            let mut progress = Recorded { lines: Lines::new(self.terminal), recorder: self.recorder };
            let ended = drive(&wave, self.transport, limits, &mut progress, interrupts).await;
            drop(progress);
            let cut = if ended.interrupted || restarts == 0 {
                BTreeSet::new()
            } else {
                cut_off(&ended, self.facts, self.stage, self.transport, interrupts, self.terminal).await
            };
            if !cut.is_empty() {
                restarts -= 1;
                let (again, over): (Vec<_>, Vec<_>) =
                    ended.changes.into_iter().partition(|(change, _)| cut.contains(&change.address));
                all.changes.extend(over);
                let now = make(self.stage, self.options, self.selection, self.transport).await?;
                wave = plan::resumed(&wave, now, &cut);
                exit = exit.and(obstacles(&wave));
                for (change, _) in again {
                    let left = wave.changes.iter().find(|left| left.address == change.address && !left.is_deferred());
                    match left {
                        Some(left) if left.is_due() => {}
                        Some(left) if left.obstacle.is_some() => all.changes.push(not_planned(left.clone())),
                        // It was done, and only the word of it was lost.
                        _ => all.changes.push((change, State::Done)),
                    }
                }
                continue;
            }
            let is_moved = ended.changes.iter().any(|(_, state)| *state == State::Done);
            all.changes.extend(ended.changes);
            all.interrupted |= ended.interrupted;
            if !wave.changes.iter().any(Change::is_deferred) {
                break;
            }
            if !is_moved || all.interrupted {
                all.changes.extend(wave.changes.into_iter().filter(Change::is_deferred).map(not_planned));
                break;
            }
            let (next, stopped) = self.next(&wave).await?;
            wave = next;
            exit = exit.and(stopped);
            let blocked = wave.changes.iter().filter(|change| change.obstacle.is_some()).cloned();
            all.changes.extend(blocked.map(not_planned));
        }
        Ok((all, exit))
    }

    /// What is left of a plan after its ground was somebody else's: they may have done some of it, or something else.
    /// The exit code is what stands in the way of it.
    pub(super) async fn what_is_left(&self, plan: &Plan) -> Result<(Plan, Exit), Failure> {
        let due = plan.changes.iter().filter(|change| change.is_due()).map(|change| change.address.clone());
        let now = make(self.stage, self.options, self.selection, self.transport).await?;
        let left = plan::resumed(plan, now, &due.collect());
        let is_same = |change: &&Change| {
            plan.changes.iter().any(|it| it.address == change.address && it.differences == change.differences)
        };
        let is_due = |change: &&Change| change.is_due();
        if left.changes.iter().filter(is_due).filter(is_same).count() < plan.changes.iter().filter(is_due).count() {
            self.terminal.print("\nThe lab has changed while this run waited. What is left of what was approved:\n");
            show(&left, false, None, self.terminal);
        }
        if !left.changes.iter().any(Change::is_due) && left.changes.iter().any(Change::is_deferred) {
            // They have done all that the next wave waits for.
            return self.next(&left).await;
        }
        let exit = obstacles(&left);
        Ok((left, exit))
    }

    /// The wave after this one as far as it is approved, and the exit code that what stands in its way calls for.
    async fn next(&self, wave: &Plan) -> Result<(Plan, Exit), Failure> {
        let now = make(self.stage, self.options, self.selection, self.transport).await?;
        let next = self.approved(wave, plan::next_wave(wave, now)).await?;
        let is_met = next.changes.iter().any(plan::is_in_the_way);
        let exit = obstacles(&next).and(if is_met { Exit::Stale } else { Exit::Done });
        Ok((next, exit))
    }

    /// The wave without what nobody approved.
    async fn approved(&self, before: &Plan, wave: Plan) -> Result<Plan, Failure> {
        let mut limited = wave.clone();
        if plan::beyond(before, &mut limited).is_empty() {
            return Ok(wave);
        }
        self.terminal.print("\nA later wave is more than was approved when it was deferred:\n");
        show(&limited, false, None, self.terminal);
        if self.approval == Approval::Given || !self.terminal.is_interactive {
            return Ok(limited);
        }
        Ok(if super::apply::approve(self.terminal).await? { wave } else { limited })
    }
}

/// Who holds a ground, and how to go on.
pub(super) fn held(taken: &super::locks::Taken) -> String {
    let id = if taken.by.id.is_empty() { "ID" } else { &taken.by.id };
    let gone = if taken.by.is_dead() { "it is gone" } else { "it is not at work any more" };
    format!(
        "{} is {}\n  wait for it with `--lock-timeout SECONDS`, or where {gone}: `labctl unlock {id}`",
        taken.ground,
        taken.by.words()
    )
}

/// A change that was deferred and is not done.
fn not_planned(change: Change) -> (Change, State) {
    let why = report::obstacle(&change).or_else(|| change.notes.last().cloned());
    let why = why.unwrap_or_else(|| "what it waits for is not there".to_owned());
    (change, State::NotStarted(Reason::NotPlanned(why)))
}
