//! The locks of one apply: taken in order of ground, all or none, before the first step; kept alive; given up at the end.
//!
//! They stand between the engine and the lab: every step that goes through them relies on the lock, in the exec that
//! acts. A run that has lost its lock (a laptop that slept too long) does nothing more there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use tokio::sync::RwLock;

use super::legs::Legs;
use crate::lab::{Address, Ground, Lab, Site};
use crate::local::process;
use crate::observe::{Ask, Reply};
use crate::plan::applied::{self, Applied};
use crate::plan::lock::{self, Held, Holder, Life};
use crate::plan::{Act, Guard, Plan, Step};
use crate::transport::{ReachError, StepOutcome, Transport};

/// How often a lock is tried to be taken whose answer is lost.
const TRIES: u32 = 3;

/// How long one sign of life may take: it must not be in the way of a network that is changing.
const BEAT_LIMIT: Duration = Duration::from_secs(5);

/// The locks of one apply, and the lab behind them.
pub struct Locks<'a> {
    transport: &'a dyn Transport,
    lab: &'a Lab,
    holder: Holder,
    /// What to note on each node when its lock is taken.
    applied: BTreeMap<Ground, Applied>,
    slots: Mutex<BTreeMap<Ground, Slot>>,
    legs: Mutex<BTreeMap<Ground, Legs>>,
}

/// How it stands with one ground.
#[derive(Clone)]
enum Slot {
    /// Its lock is held; written while its network may change, when it must be left alone.
    Held(Holder, Arc<RwLock<()>>),
    /// Its lock could not be taken, though nobody holds it: why.
    Out(String),
}

/// Somebody else holds a ground.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The ground.
    pub ground: Ground,
    /// Who.
    pub by: Held,
}

impl<'a> Locks<'a> {
    /// Nothing is held yet.
    pub fn new(transport: &'a dyn Transport, lab: &'a Lab, holder: Holder, applied: BTreeMap<Ground, Applied>) -> Self {
        Self { transport, lab, holder, applied, slots: Mutex::default(), legs: Mutex::default() }
    }

    /// The same locks of the same run, on a lab that is reached in another way.
    pub fn on<'b>(&self, transport: &'b dyn Transport, lab: &'b Lab) -> Locks<'b> {
        let slots = Mutex::new(self.slots().clone());
        let (holder, applied) = (self.holder.clone(), self.applied.clone());
        Locks { transport, lab, holder, applied, slots, legs: Mutex::default() }
    }

    /// Takes the locks of all that the plan touches, as far as it is there. If one is held by somebody else, those that
    /// were taken now are given up again.
    pub async fn take(&self, plan: &Plan) -> Result<(), Taken> {
        let mut taken = Vec::new();
        for (ground, addresses) in touched(plan) {
            let is_new = !self.slots().contains_key(&ground);
            let Some(site) = self.lab.site(&ground).filter(|_| is_new) else { continue };
            let holder = Holder { changes: few(&addresses), ..self.holder.clone() };
            match self.take_one(site, &holder).await {
                // What is all for later may not be there yet: it is locked when its wave comes.
                Ok(Slot::Out(_)) if !plan.changes.iter().any(|change| change.ground == ground && change.is_due()) => {}
                Ok(slot) => {
                    self.slots().insert(ground.clone(), slot);
                    taken.push(ground);
                }
                Err(by) => {
                    self.give_up(taken).await;
                    return Err(Taken { ground, by });
                }
            }
        }
        Ok(())
    }

    async fn take_one(&self, site: Site<'_>, holder: &Holder) -> Result<Slot, Held> {
        let ground = &site.ground();
        let applied = self.applied.get(ground);
        let mut leg = vec![lock::take(self.lab, site, holder, None, applied)];
        if let (Some(node), Some(applied)) = (site.node(), applied) {
            leg.push(applied::write(self.lab, node, applied, lock::guard(site, holder)));
        }
        let (mut why, mut is_taken, mut over) = (String::new(), false, None);
        let mut attempt = 0;
        while attempt < TRIES {
            let outcomes = self.transport.act(ground, &leg).await;
            let done = outcomes.iter().take_while(|outcome| **outcome == StepOutcome::Done).count();
            if done == leg.len() {
                return Ok(Slot::Held(holder.clone(), Arc::default()));
            }
            is_taken |= done > 0;
            match outcomes.into_iter().nth(done) {
                // Taking it twice is taking it once, and so is noting what is applied.
                Some(StepOutcome::Lost(words)) => why = words,
                Some(StepOutcome::Done) | None => "nothing is known of it".clone_into(&mut why),
                Some(StepOutcome::Failed { code, words }) => {
                    if let Some(held) = lock::refusal(code, &words).map(judged) {
                        if over.as_ref() == Some(&held.id) {
                            return Err(Held { process: Life::Lingers, ..held });
                        }
                        if held.process != Life::Over || over.is_some() {
                            return Err(held);
                        }
                        // It will never give it up, and nobody has to wait until it is silent for long.
                        leg[0] = lock::take(self.lab, site, holder, Some(&held.id), applied);
                        over = Some(held.id);
                        continue;
                    }
                    why = words.join("; ");
                    break;
                }
                Some(StepOutcome::Stale { found, .. }) => {
                    why = found;
                    break;
                }
            }
            attempt += 1;
            if self.transport.is_in_real_time() && attempt < TRIES {
                tokio::time::sleep(Duration::from_secs(1 << (attempt - 1))).await;
            }
        }
        // Nothing is changed where it can't be noted what is applied: the lock is of no use then.
        if is_taken {
            let _ = self.transport.act(ground, &[lock::release(site, &holder.id)]).await;
        }
        Ok(Slot::Out(why))
    }

    /// Says for ever that their holder is alive.
    pub async fn keep(&self) {
        if !self.transport.is_in_real_time() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(Duration::from_secs(lock::BEAT)).await;
            self.beat().await;
        }
    }

    /// Says once that their holder is alive. What comes of it is seen by the next step.
    pub async fn beat(&self) {
        let slots = self.slots().clone();
        let beats = slots.iter().filter_map(|(ground, slot)| match slot {
            Slot::Held(holder, quiet) => Some((ground, holder, quiet)),
            Slot::Out(_) => None,
        });
        join_all(beats.map(|(ground, holder, quiet)| async move {
            let (Ok(_still), Some(site)) = (quiet.try_read(), self.lab.site(ground)) else { return };
            // Their numbers are not given again before this is over: a note of a new leg must stay.
            let ended = std::mem::take(&mut self.legs().entry(ground.clone()).or_default().noted);
            self.legs().entry(ground.clone()).or_default().at_work.extend(&ended);
            let numbers: Vec<usize> = ended.iter().copied().collect();
            let leg = [lock::beat(site, &holder.id, &numbers)];
            let beat = tokio::time::timeout(BEAT_LIMIT, self.transport.act(ground, &leg)).await;
            let is_done = beat.is_ok_and(|outcomes| outcomes == [StepOutcome::Done]);
            for number in ended {
                self.legs().entry(ground.clone()).or_default().end(number, !is_done);
            }
        }))
        .await;
    }

    /// Gives all of them up. The grounds whose lock may still be there, and why.
    pub async fn release(&self) -> Vec<(Ground, String)> {
        let grounds = self.slots().keys().cloned().collect();
        self.give_up(grounds).await
    }

    async fn give_up(&self, grounds: Vec<Ground>) -> Vec<(Ground, String)> {
        let held = grounds.into_iter().filter_map(|ground| match self.slots().remove(&ground)? {
            Slot::Held(holder, _) => Some((ground, holder)),
            Slot::Out(_) => None,
        });
        let held: Vec<(Ground, Holder)> = held.collect();
        let releases = held.into_iter().map(|(ground, holder)| async move {
            let leg = [lock::release(self.lab.site(&ground)?, &holder.id)];
            match self.transport.act(&ground, &leg).await.into_iter().next()? {
                // Somebody took it over: it is theirs.
                StepOutcome::Done | StepOutcome::Stale { .. } => None,
                StepOutcome::Failed { code, words } if lock::refusal(code, &words).is_some() => None,
                StepOutcome::Failed { words, .. } => Some((ground, words.join("; "))),
                StepOutcome::Lost(why) => Some((ground, why)),
            }
        });
        join_all(releases).await.into_iter().flatten().collect()
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, BTreeMap<Ground, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn legs(&self) -> std::sync::MutexGuard<'_, BTreeMap<Ground, Legs>> {
        self.legs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A leg whose steps rely on the lock, and that is noted beside it while it is in flight.
    async fn act_held(&self, ground: &Ground, site: Site<'_>, leg: &[Step], holder: &Holder) -> Vec<StepOutcome> {
        let guard = lock::guard(site, holder);
        let held = |step: &Step| {
            let guards = std::iter::once(guard.clone()).chain(step.guards.iter().cloned()).collect();
            Step { guards, ..step.clone() }
        };
        let Some(node) = site.node() else {
            let guarded: Vec<Step> = leg.iter().map(held).collect();
            let outcomes = self.transport.act(ground, &guarded).await;
            return outcomes.into_iter().map(|outcome| lost_lock(outcome, &guard, ground)).collect();
        };
        let number = self.legs().entry(ground.clone()).or_default().begin();
        let (begin, end) = (lock::begin(node, &holder.id, number, leg), lock::end(node, &holder.id, number));
        let all = std::iter::once(&begin).chain(leg).chain([&end]);
        let guarded: Vec<Step> = all.map(held).collect();
        let mut outcomes = self.transport.act(ground, &guarded).await;
        let is_over = outcomes.len() == guarded.len() && outcomes.last() == Some(&StepOutcome::Done);
        self.legs().entry(ground.clone()).or_default().end(number, !is_over);
        // What came of noting that it is over is nobody's business: the next sign of life says it again.
        outcomes.truncate(1 + leg.len());
        if outcomes.first() == Some(&StepOutcome::Done) {
            outcomes.remove(0);
        }
        if outcomes.is_empty() {
            outcomes.push(StepOutcome::Lost("the connection broke before it was begun".to_owned()));
        }
        outcomes.into_iter().map(|outcome| lost_lock(outcome, &guard, ground)).collect()
    }
}

/// A lock with what this machine knows of its holder's process.
pub(super) fn judged(held: Held) -> Held {
    let process = held.holder.as_ref().and_then(|holder| holder.process.as_ref());
    let life = if process.is_some_and(process::is_over) { Life::Over } else { Life::NotKnown };
    Held { process: life, ..held }
}

/// Says in words that the lock is no longer this run's.
fn lost_lock(outcome: StepOutcome, guard: &Guard, ground: &Ground) -> StepOutcome {
    match outcome {
        StepOutcome::Stale { guard: words, found } if words == guard.words() => {
            let by = lock::found(&found).map(|holder| format!("{} has it now (id {})", holder.who, holder.id));
            let found = by.unwrap_or_else(|| format!("it is gone: {}", found.trim()));
            StepOutcome::Stale { guard: format!("the lock of {ground}"), found }
        }
        outcome => outcome,
    }
}

impl Transport for Locks<'_> {
    fn probe<'a>(&'a self, ground: &'a Ground, asks: &'a [Ask]) -> BoxFuture<'a, Result<Reply, ReachError>> {
        self.transport.probe(ground, asks)
    }

    fn act<'a>(&'a self, ground: &'a Ground, leg: &'a [Step]) -> BoxFuture<'a, Vec<StepOutcome>> {
        async move {
            let slot = self.slots().get(ground).cloned();
            match (slot, self.lab.site(ground)) {
                (Some(Slot::Out(why)), _) => {
                    vec![StepOutcome::Failed { code: 1, words: vec![format!("{ground} could not be locked: {why}")] }]
                }
                // A sign of life would connect by whatever way there is, and pass for the fresh connection.
                (Some(Slot::Held(_, quiet)), _) if matches!(leg, [Step { act: Act::Reconnect { .. }, .. }]) => {
                    let _alone = quiet.write().await;
                    self.transport.act(ground, leg).await
                }
                (Some(Slot::Held(holder, _)), Some(site)) => self.act_held(ground, site, leg, &holder).await,
                _ => self.transport.act(ground, leg).await,
            }
        }
        .boxed()
    }

    fn is_in_real_time(&self) -> bool {
        self.transport.is_in_real_time()
    }
}

/// The grounds that a plan touches, with what it changes there: now, and later where the ground is there already.
fn touched(plan: &Plan) -> BTreeMap<Ground, Vec<Address>> {
    let mut touched: BTreeMap<Ground, Vec<Address>> = BTreeMap::new();
    for change in plan.changes.iter().filter(|change| change.is_due() || change.is_deferred()) {
        touched.entry(change.ground.clone()).or_default().push(change.address.clone());
    }
    touched
}

/// As many addresses as a person reads.
fn few(addresses: &[Address]) -> Vec<Address> {
    addresses.iter().take(20).cloned().collect()
}
