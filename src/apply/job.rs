//! One change on its way through apply.

use std::ops::Range;

use crate::plan::{Act, Action, Change, Step};
use crate::transport::StepOutcome;

/// How far a change has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Not begun.
    Waiting,
    /// Begun; its next leg can be run.
    Ready,
    /// A leg of it is at work.
    Running,
    /// It has come to a step that others run with it, and waits for them.
    Parked,
    /// All done.
    Done,
    /// A step was not done.
    Failed(Failure),
    /// It was never begun.
    NotStarted(Reason),
}

/// Why a change was never begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// This address failed, or was itself not begun.
    Needs(String),
    /// The run was interrupted.
    Interrupted,
    /// It was deferred, and when its wave came it could not be done: why.
    NotPlanned(String),
}

/// What failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The step, in its own words.
    pub step: String,
    /// What came of it.
    pub outcome: StepOutcome,
    /// Whether the put-back that followed was done; `None` where there is none.
    pub put_back: Option<bool>,
}

impl State {
    /// Whether nothing more will become of it.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::Failed(_) | Self::NotStarted(_))
    }

    /// Whether it has begun and is not over.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Ready | Self::Running | Self::Parked)
    }
}

/// A change, how far it came, and whether it is at its own steps or at those of its put-back.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) index: usize,
    pub(super) change: &'a Change,
    pub(super) state: State,
    /// Jobs that must be done before it.
    pub(super) needs: Vec<usize>,
    /// Jobs that must be over before it, whatever came of them.
    pub(super) waits_for: Vec<usize>,
    /// The job that runs the shared step for this one.
    pub(super) leader: Option<usize>,
    /// The next step.
    at: usize,
    /// The failure that the put-back follows, once there is one.
    failure: Option<Failure>,
}

impl<'a> Job<'a> {
    pub(super) fn new(index: usize, change: &'a Change) -> Self {
        Self {
            index,
            change,
            state: State::Waiting,
            needs: Vec::new(),
            waits_for: Vec::new(),
            leader: None,
            at: 0,
            failure: None,
        }
    }

    fn steps(&self) -> &'a [Step] {
        if self.is_putting_back() { &self.change.put_back } else { &self.change.steps }
    }

    pub(super) fn is_putting_back(&self) -> bool {
        self.failure.is_some()
    }

    /// The next leg: steps that run in one exec. A reconnection and a shared step stand alone; a key that excludes
    /// others is held for a whole leg.
    pub(super) fn leg(&self) -> Range<usize> {
        let steps = self.steps();
        let Some(first) = steps.get(self.at) else { return self.at..self.at };
        let joins = |next: &Step| !stands_alone(next) && next.exclusive == first.exclusive && next.limit == first.limit;
        let more = if stands_alone(first) { 0 } else { steps[self.at + 1..].iter().take_while(|s| joins(s)).count() };
        self.at..self.at + 1 + more
    }

    fn first(&self) -> Option<&'a Step> {
        self.steps().get(self.at)
    }

    /// The key that the next leg excludes others by.
    pub(super) fn exclusive(&self) -> Option<&'a str> {
        self.first().and_then(|step| step.exclusive.as_deref())
    }

    /// The key of the shared step that comes next.
    pub(super) fn shared(&self) -> Option<&'a str> {
        self.first().and_then(|step| step.shared.as_deref())
    }

    /// Whether a shared step with this key is still before it.
    pub(super) fn will_share(&self, key: &str) -> bool {
        !self.is_putting_back() && self.change.steps.iter().skip(self.at).any(|s| s.shared.as_deref() == Some(key))
    }

    /// Whether it cuts the connection or removes something: then nothing else runs on its ground.
    pub(super) fn is_alone(&self) -> bool {
        self.is_departure() || self.change.steps.iter().any(|step| matches!(step.act, Act::Reconnect { .. }))
    }

    /// Whether it removes what left the file: that waits until all that may have taken its place is over.
    pub(super) fn is_departure(&self) -> bool {
        self.change.action == Action::Delete
    }

    /// Whether stopping it here would leave an armed put-back to fire.
    pub(super) fn is_armed(&self) -> bool {
        self.is_putting_back() || (self.at > 0 && !self.change.put_back.is_empty())
    }

    /// Takes what came of the leg of `length` steps.
    pub(super) fn take(&mut self, outcomes: &[StepOutcome], length: usize) {
        let done = outcomes.iter().take_while(|outcome| **outcome == StepOutcome::Done).count();
        self.leader = None;
        if done >= length {
            self.at += length;
            self.state = State::Ready;
            if self.at >= self.steps().len() {
                self.state = self.end(true);
            }
            return;
        }
        let outcome = outcomes.get(done).cloned();
        let outcome = outcome.unwrap_or_else(|| StepOutcome::Lost("nothing is known of it".to_owned()));
        self.fail(self.at + done, outcome);
    }

    /// The step `at` was not done.
    pub(super) fn fail(&mut self, at: usize, outcome: StepOutcome) {
        if self.is_putting_back() {
            self.state = self.end(false);
            return;
        }
        let step = self.change.steps.get(at).map_or_else(String::new, |step| step.about.clone());
        let needs_put_back = !self.change.put_back.is_empty() && (at > 0 || matches!(outcome, StepOutcome::Lost(_)));
        let failure = Failure { step, outcome, put_back: None };
        if needs_put_back {
            self.failure = Some(failure);
            self.at = 0;
            self.state = State::Ready;
        } else {
            self.state = State::Failed(failure);
        }
    }

    /// Stops it where it stands.
    pub(super) fn stop(&mut self, why: &str) {
        self.state = if self.state == State::Waiting {
            State::NotStarted(Reason::Interrupted)
        } else {
            let step = self.first().map_or_else(String::new, |step| step.about.clone());
            let put_back = self.is_putting_back().then_some(false);
            State::Failed(Failure { step, outcome: StepOutcome::Lost(why.to_owned()), put_back })
        };
    }

    fn end(&mut self, done: bool) -> State {
        match self.failure.take() {
            None => State::Done,
            Some(failure) => State::Failed(Failure { put_back: Some(done), ..failure }),
        }
    }
}

fn stands_alone(step: &Step) -> bool {
    step.shared.is_some() || matches!(step.act, Act::Reconnect { .. })
}
