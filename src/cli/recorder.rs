//! Notes an apply in the journal. A journal that can't be written is said once and stops nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::drive::Ended;
use super::progress::{Lines, Progress};
use super::terminal::Terminal;
use crate::apply::State;
use crate::apply::journal::Event;
use crate::lab::Address;
use crate::local::journal::Journal;
use crate::plan::{Change, Step};
use crate::transport::StepOutcome;

/// What writes down one run.
pub(super) struct Recorder {
    terminal: Terminal,
    state: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    journal: Option<Journal>,
    in_flight: BTreeSet<Address>,
}

impl Recorder {
    /// Writes beside the lab's files; nowhere where they don't lie on this disk.
    pub(super) fn new(beside: Option<&Path>, run: &str, terminal: Terminal) -> Self {
        let recorder = Self { terminal, state: Mutex::default() };
        match beside.map(|beside| Journal::open(beside, run)) {
            Some(Ok(journal)) => recorder.state().journal = Some(journal),
            Some(Err(error)) => recorder.warn(&error),
            None => {}
        }
        recorder
    }

    /// Writes an event down.
    pub(super) fn add(&self, event: Event) {
        let mut state = self.state();
        match &event {
            Event::Intent { address, .. } => drop(state.in_flight.insert(address.clone())),
            Event::Result { address, .. } => drop(state.in_flight.remove(address)),
            _ => {}
        }
        if let Some(Err(error)) = state.journal.as_mut().map(|journal| journal.add(event)) {
            state.journal = None;
            self.warn(&error);
        }
    }

    /// Writes down how the run ended.
    pub(super) fn end(&self, ended: &Ended) {
        let count = |is: fn(&State) -> bool| ended.changes.iter().filter(|(_, state)| is(state)).count();
        let done = count(|state| *state == State::Done);
        let failed = count(|state| matches!(state, State::Failed(_)));
        let cut = std::mem::take(&mut self.state().in_flight).into_iter().collect();
        self.add(Event::End { done, failed, not_started: ended.changes.len() - done - failed, cut });
    }

    fn warn(&self, error: &std::io::Error) {
        let words = format!("the journal can't be written ({error}): what is done now is not noted in it");
        self.terminal.warn(&words);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Progress for people that is written down, too.
pub(super) struct Recorded<'a> {
    pub(super) lines: Lines,
    pub(super) recorder: &'a Recorder,
}

impl Progress for Recorded<'_> {
    fn leg(&mut self, change: &Change, steps: &[Step], put_back: bool) {
        let steps_words = steps.iter().map(|step| step.about.clone()).collect();
        let (address, ground) = (change.address.clone(), change.ground.clone());
        self.recorder.add(Event::Intent { address, ground, steps: steps_words, put_back });
        self.lines.leg(change, steps, put_back);
    }

    fn result(&mut self, change: &Change, outcomes: &[StepOutcome], put_back: bool) {
        self.recorder.add(Event::result(&change.address, outcomes, put_back));
    }

    fn ended(&mut self, change: &Change, state: &State) {
        self.lines.ended(change, state);
    }

    fn interrupted(&mut self, at_once: bool) {
        self.recorder.add(Event::Interrupt { at_once });
    }

    fn note(&mut self, words: &str) {
        self.lines.note(words);
    }
}
