//! What is seen while an apply runs: a line per running change on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::terminal::Terminal;
use crate::apply::State;
use crate::lab::Address;
use crate::plan::{Action, Change, Step};
use crate::transport::StepOutcome;

/// Takes note of what the engine does.
pub trait Progress {
    /// A leg of a change is about to begin.
    fn leg(&mut self, change: &Change, steps: &[Step], put_back: bool);
    /// What came of a leg; after the first step that is not done there are no outcomes.
    fn result(&mut self, _change: &Change, _outcomes: &[StepOutcome], _put_back: bool) {}
    /// Somebody wants the run to end; `at_once`: what runs is cut off.
    fn interrupted(&mut self, _at_once: bool) {}
    /// A change is over; said more than once of the same.
    fn ended(&mut self, change: &Change, state: &State);
    /// Something to say in between.
    fn note(&mut self, words: &str);
}

/// Progress for people.
pub(super) struct Lines {
    terminal: Terminal,
    bars: Option<MultiProgress>,
    running: BTreeMap<Address, (Instant, Option<ProgressBar>)>,
    over: std::collections::BTreeSet<Address>,
}

impl Lines {
    /// Drawn on a terminal; plain lines elsewhere.
    pub(super) fn new(terminal: Terminal) -> Self {
        let bars = terminal.can_draw.then(MultiProgress::new);
        Self { terminal, bars, running: BTreeMap::new(), over: std::collections::BTreeSet::new() }
    }

    fn print(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| self.terminal.say(&format!("{line}\n"))),
            None => self.terminal.say(&format!("{line}\n")),
        }
    }

    fn bar(&self, change: &Change) -> Option<ProgressBar> {
        let bar = self.bars.as_ref()?.add(ProgressBar::new_spinner());
        // The template is a constant; were it wrong, the default style is as good.
        let style = ProgressStyle::with_template("{spinner} {prefix}: {msg} [{elapsed}]");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_prefix(change.address.to_string());
        bar.enable_steady_tick(Duration::from_millis(100));
        Some(bar)
    }
}

impl Progress for Lines {
    fn leg(&mut self, change: &Change, steps: &[Step], put_back: bool) {
        let about = steps.last().map_or("", |step| step.about.as_str());
        if !self.running.contains_key(&change.address) {
            if self.bars.is_none() {
                self.print(&format!("{}: {}...", change.address, doing(change.action)));
            }
            let bar = self.bar(change);
            self.running.insert(change.address.clone(), (Instant::now(), bar));
        }
        if put_back {
            self.print(&format!("{}: putting back: {about}", change.address));
        }
        if let Some((_, Some(bar))) = self.running.get(&change.address) {
            bar.set_message(format!("{about} on {}", change.ground));
        } else if steps.iter().any(|step| step.limit.is_some()) {
            self.print(&format!("{}: {about}", change.address));
        }
    }

    fn ended(&mut self, change: &Change, state: &State) {
        if !self.over.insert(change.address.clone()) {
            return;
        }
        let Some((since, bar)) = self.running.remove(&change.address) else { return };
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        let seconds = since.elapsed().as_secs();
        match state {
            State::Done => self.print(&format!("{}: {} after {seconds}s", change.address, done(change.action))),
            _ => self.print(&format!("{}: failed after {seconds}s", change.address)),
        }
    }

    fn note(&mut self, words: &str) {
        self.print(words);
    }
}

fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "Creating",
        Action::Delete => "Destroying",
        Action::Replace => "Replacing",
        Action::Adopt => "Adopting",
        Action::Forget => "Forgetting",
        Action::Update | Action::Mark | Action::None | Action::Deferred => "Modifying",
    }
}

fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "Creation complete",
        Action::Delete => "Destruction complete",
        Action::Replace => "Replacement complete",
        Action::Adopt => "Adopted",
        Action::Forget => "Forgotten",
        Action::Update | Action::Mark | Action::None | Action::Deferred => "Modifications complete",
    }
}
