//! The engine: a state machine without I/O. Events in, commands out; whoever drives it does the work.
//!
//! It starts what is ready within its limits, stops what depends on a failure and nothing else, follows a failure with
//! the change's put-back, and after an interrupt lets running legs end and starts none.

use std::collections::BTreeMap;
use std::ops::Range;

use super::job::{Job, Reason, State};
use crate::lab::Address;
use crate::plan::{Change, Plan, Step};
use crate::transport::StepOutcome;

/// How much may run at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Changes in all.
    pub parallelism: usize,
    /// Changes on one ground: sshd takes ten channels on a connection by default, and hosts are small.
    pub per_ground: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { parallelism: 10, per_ground: 4 }
    }
}

/// What the engine wants done: one leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The engine's own number of the change.
    pub job: usize,
    /// Its steps, or those of its put-back.
    pub steps: Range<usize>,
    /// Whether they are those of the put-back.
    pub put_back: bool,
}

/// The engine of one apply.
#[derive(Debug)]
pub struct Engine<'a> {
    jobs: Vec<Job<'a>>,
    limits: Limits,
    interrupted: bool,
}

impl<'a> Engine<'a> {
    /// An engine for what is due in the plan.
    pub fn new(plan: &'a Plan, limits: Limits) -> Self {
        let due = plan.changes.iter().filter(|change| change.is_due());
        let mut jobs: Vec<Job> = due.enumerate().map(|(index, change)| Job::new(index, change)).collect();
        let job_of: BTreeMap<&Address, usize> = jobs.iter().map(|job| (&job.change.address, job.index)).collect();
        for job in &mut jobs {
            let needs = job.change.needs.iter().filter_map(|need| job_of.get(need).copied());
            job.needs = needs.filter(|need| *need != job.index).collect();
            job.waits_for = job.change.waits_for.iter().filter_map(|other| job_of.get(other).copied()).collect();
        }
        Self { jobs, limits, interrupted: false }
    }

    /// The change and the steps that a command is about.
    pub fn leg(&self, command: &Command) -> (&'a Change, &'a [Step]) {
        let change = self.jobs[command.job].change;
        let steps = if command.put_back { &change.put_back } else { &change.steps };
        (change, &steps[command.steps.clone()])
    }

    /// What to begin now. Each command is answered by one [`Engine::finished`].
    pub fn begin_ready(&mut self) -> Vec<Command> {
        self.give_up();
        let mut commands = Vec::new();
        for job in 0..self.jobs.len() {
            if self.jobs[job].state == State::Waiting && self.may_start(job) {
                self.jobs[job].state = State::Ready;
            }
            if self.jobs[job].state == State::Ready {
                commands.extend(self.advance(job));
            }
        }
        commands.extend(self.open_gates());
        commands
    }

    /// Takes what came of a command's steps, in order; after the first that is not done there are none.
    pub fn finished(&mut self, command: &Command, outcomes: &[StepOutcome]) {
        let length = command.steps.len();
        for job in &mut self.jobs {
            if job.state == State::Running && (job.index == command.job || job.leader == Some(command.job)) {
                job.take(outcomes, length);
            }
        }
    }

    /// Starts nothing more. A change whose put-back is armed goes on to its end: stopping there would be a put-back.
    pub fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// Gives up everything at once; what was running is in an unknown state.
    pub fn abort(&mut self) {
        for job in self.jobs.iter_mut().filter(|job| !job.state.is_over()) {
            job.stop("it was cut off by the second interrupt");
        }
    }

    /// Whether nothing is left to do or to wait for.
    pub fn is_over(&self) -> bool {
        self.jobs.iter().all(|job| job.state.is_over())
    }

    /// Every due change and how far it came.
    pub fn states(&self) -> impl Iterator<Item = (&'a Change, &State)> {
        self.jobs.iter().map(|job| (job.change, &job.state))
    }

    /// Ends what will never be begun: what it needs is not done, or the run was interrupted.
    fn give_up(&mut self) {
        if self.interrupted {
            for job in
                self.jobs.iter_mut().filter(|job| matches!(job.state, State::Waiting | State::Ready | State::Parked))
            {
                if !job.is_armed() {
                    job.stop("the run was interrupted before it");
                }
            }
        }
        // Plan order: what is needed stands before what needs it, so one pass is enough.
        for job in 0..self.jobs.len() {
            if self.jobs[job].state != State::Waiting {
                continue;
            }
            let failed = self.jobs[job]
                .needs
                .iter()
                .find(|need| matches!(self.jobs[**need].state, State::Failed(_) | State::NotStarted(_)));
            if let Some(failed) = failed {
                self.jobs[job].state = State::NotStarted(Reason::Needs(self.jobs[*failed].change.address.to_string()));
            }
        }
    }

    fn may_start(&self, job: usize) -> bool {
        self.is_its_turn(job) && self.has_room(job)
    }

    fn is_its_turn(&self, job: usize) -> bool {
        let job = &self.jobs[job];
        job.needs.iter().all(|need| self.jobs[*need].state == State::Done)
            && job.waits_for.iter().all(|other| self.jobs[*other].state.is_over())
    }

    fn has_room(&self, job: usize) -> bool {
        let job = &self.jobs[job];
        let here = |other: &&Job<'_>| other.index != job.index && other.change.ground == job.change.ground;
        let active = self.jobs.iter().filter(|other| other.state.is_active());
        let at_work = active.clone().filter(|other| other.state != State::Parked);
        let arrivals_are_over =
            || self.jobs.iter().filter(here).all(|other| other.is_departure() || other.state.is_over());
        at_work.clone().count() < self.limits.parallelism
            && at_work.filter(here).count() < self.limits.per_ground
            && !active.clone().filter(here).any(|other| other.is_alone() || job.is_alone())
            && (!job.is_departure() || arrivals_are_over())
    }

    /// Begins the next leg of a job that is ready, parks it at a shared step, or leaves it ready where a key is taken.
    fn advance(&mut self, job: usize) -> Option<Command> {
        if self.jobs[job].shared().is_some() {
            self.jobs[job].state = State::Parked;
            return None;
        }
        let key = self.jobs[job].exclusive();
        let ground = &self.jobs[job].change.ground;
        let is_taken = self
            .jobs
            .iter()
            .any(|other| other.state == State::Running && other.change.ground == *ground && other.exclusive() == key);
        if key.is_some() && is_taken {
            return None;
        }
        Some(self.begin(job))
    }

    fn begin(&mut self, job: usize) -> Command {
        let job = &mut self.jobs[job];
        job.state = State::Running;
        Command { job: job.index, steps: job.leg(), put_back: job.is_putting_back() }
    }

    /// Runs each shared step that nobody else is on the way to, once for all that wait at it.
    fn open_gates(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        for leader in 0..self.jobs.len() {
            let Some(key) = self.jobs[leader].shared().filter(|_| self.jobs[leader].state == State::Parked) else {
                continue;
            };
            let ground = &self.jobs[leader].change.ground;
            let is_on_the_way = |other: &Job<'_>| {
                matches!(other.state, State::Ready | State::Running)
                    || (other.state == State::Waiting && self.is_its_turn(other.index) && !other.is_alone())
            };
            let same_ground = |other: &&Job<'_>| other.change.ground == *ground;
            if self.jobs.iter().filter(same_ground).any(|other| is_on_the_way(other) && other.will_share(key)) {
                continue;
            }
            let waits = |other: &&Job<'_>| other.state == State::Parked && other.shared() == Some(key);
            let company: Vec<usize> =
                self.jobs.iter().filter(same_ground).filter(waits).map(|other| other.index).collect();
            for follower in company {
                self.jobs[follower].state = State::Running;
                self.jobs[follower].leader = Some(leader).filter(|leader| *leader != follower);
            }
            commands.push(self.begin(leader));
        }
        commands
    }
}
