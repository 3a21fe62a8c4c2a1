//! The journal's lines: what an apply was about to do and what came of it. Losing them costs history only; what is
//! still to do is told by the lab itself.
//!
//! No line holds what a program printed: that may be a secret.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::lab::{Address, Ground};
use crate::plan::Revision;
use crate::transport::StepOutcome;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Which run.
    pub run: String,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// An apply begins.
    Begin {
        /// The lab.
        lab: String,
        /// `real`, or the simulated one.
        against: String,
        /// `user@host`.
        who: String,
        /// The version of labctl.
        labctl: String,
        /// The Git revision of the file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<Revision>,
        /// How many changes are due.
        changes: usize,
    },
    /// Steps of a change are about to be done in one exec.
    Intent {
        /// The change.
        address: Address,
        /// Where.
        ground: Ground,
        /// The steps in their own words.
        steps: Vec<String>,
        /// Whether they put back what was there before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        put_back: bool,
    },
    /// What came of them.
    Result {
        /// The change.
        address: Address,
        /// How many of the steps are done.
        done: usize,
        /// What came of the next one, where they are not all done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stopped: Option<Stopped>,
        /// Whether they put back what was there before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        put_back: bool,
    },
    /// Somebody wants it to end.
    Interrupt {
        /// Whether running steps are cut off, too.
        at_once: bool,
    },
    /// It is over.
    End {
        /// Changes that are done.
        done: usize,
        /// Changes that failed.
        failed: usize,
        /// Changes that were not started.
        not_started: usize,
        /// What was running when it was cut off.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cut: Vec<Address>,
    },
    /// Something that a newer labctl notes.
    #[serde(other)]
    Other,
}

/// What came of a step that is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stopped {
    /// What it relies on was not as the plan saw it.
    Stale,
    /// It failed with this exit status, or that of HTTP.
    Failed(u32),
    /// Whether it was done is not known.
    Lost,
}

impl Event {
    /// What came of a leg.
    pub fn result(address: &Address, outcomes: &[StepOutcome], put_back: bool) -> Self {
        let done = outcomes.iter().take_while(|outcome| **outcome == StepOutcome::Done).count();
        let stopped = outcomes.get(done).map(|outcome| match outcome {
            StepOutcome::Stale { .. } => Stopped::Stale,
            StepOutcome::Failed { code, .. } => Stopped::Failed(*code),
            StepOutcome::Lost(_) | StepOutcome::Done => Stopped::Lost,
        });
        Self::Result { address: address.clone(), done, stopped, put_back }
    }
}

/// Reads a journal. A line that is no entry (the last one of a run that was cut) is counted and passed over.
pub fn parse(bytes: &[u8]) -> (Vec<Entry>, usize) {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut damaged = 0;
    let entries = lines.filter_map(|line| serde_json::from_slice(line).inspect_err(|_| damaged += 1).ok()).collect();
    (entries, damaged)
}

/// A run that has no end, and what it was in the middle of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Which run.
    pub run: String,
    /// `user@host`.
    pub who: String,
    /// When it began.
    pub since: Timestamp,
    /// Each change that was in flight, with the words of its steps.
    pub in_flight: Vec<(Address, Vec<String>)>,
}

/// The runs against this lab that have no end, and that no later run has seen.
pub fn unfinished(entries: &[Entry], lab: &str, against: &str) -> Vec<Unfinished> {
    let mut open: BTreeMap<&str, Unfinished> = BTreeMap::new();
    for entry in entries {
        match &entry.event {
            Event::Begin { lab: its, against: which, who, .. } if its == lab && which == against => {
                // Whoever begins after it has been told of it.
                open.clear();
                let (run, who, since) = (entry.run.clone(), who.clone(), entry.at);
                open.insert(&entry.run, Unfinished { run, who, since, in_flight: Vec::new() });
            }
            Event::Intent { address, steps, .. } => {
                if let Some(run) = open.get_mut(entry.run.as_str()) {
                    run.in_flight.push((address.clone(), steps.clone()));
                }
            }
            Event::Result { address, .. } => {
                if let Some(run) = open.get_mut(entry.run.as_str()) {
                    run.in_flight.retain(|(known, _)| known != address);
                }
            }
            Event::End { .. } => drop(open.remove(entry.run.as_str())),
            Event::Begin { .. } | Event::Interrupt { .. } | Event::Other => {}
        }
    }
    open.into_values().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert, proptest};

    use super::{Entry, Event, Stopped, parse, unfinished};
    use crate::lab::Ground;
    use crate::transport::StepOutcome;

    fn entry(run: &str, event: Event) -> Entry {
        Entry { at: "2026-01-02T03:04:05Z".parse().unwrap(), run: run.to_owned(), event }
    }

    fn begin(run: &str) -> Entry {
        let (lab, against) = ("t".to_owned(), "real".to_owned());
        let (who, labctl) = ("jax@laptop".to_owned(), "0".to_owned());
        entry(run, Event::Begin { lab, against, who, labctl, revision: None, changes: 2 })
    }

    fn intent(run: &str, address: &str) -> Entry {
        let ground = Ground::Node("n5".to_owned());
        let steps = vec!["write /etc/x".to_owned()];
        entry(run, Event::Intent { address: address.parse().unwrap(), ground, steps, put_back: false })
    }

    fn result(run: &str, address: &str) -> Entry {
        let failed = StepOutcome::Failed { code: 3, words: vec!["a secret".to_owned()] };
        entry(run, Event::result(&address.parse().unwrap(), &[StepOutcome::Done, failed], false))
    }

    fn end(run: &str) -> Entry {
        entry(run, Event::End { done: 1, failed: 1, not_started: 0, cut: Vec::new() })
    }

    fn text(entries: &[Entry]) -> String {
        entries.iter().map(|entry| serde_json::to_string(entry).unwrap() + "\n").collect::<Vec<_>>().concat()
    }

    #[test]
    fn entries_are_read_as_they_were_written_and_hold_nothing_that_was_printed() {
        let all = [begin("1"), intent("1", "a"), result("1", "a"), end("1")];
        let text = text(&all);
        assert_eq!(parse(text.as_bytes()), (all.to_vec(), 0));
        assert!(!text.contains("a secret"));
        assert!(matches!(all[2].event, Event::Result { done: 1, stopped: Some(Stopped::Failed(3)), .. }));
    }

    #[test]
    fn a_journal_that_is_cut_at_any_byte_loses_at_most_the_line_that_was_cut() {
        let all = [begin("1"), intent("1", "a"), result("1", "a"), intent("1", "b")];
        let text = text(&all);
        for end in 0..=text.len() {
            let (entries, damaged) = parse(&text.as_bytes()[..end]);
            let whole = text[..end].matches('\n').count();
            // A line without its newline may be whole all the same.
            assert!(entries.len() == whole || (entries.len() == whole + 1 && damaged == 0), "cut at {end}");
            assert_eq!(entries, all[..entries.len()]);
        }
    }

    #[test]
    fn what_a_killed_run_had_in_flight_is_told_to_the_next_and_to_no_later_one() {
        let killed = [begin("1"), intent("1", "a"), result("1", "a"), intent("1", "b")];
        let found = unfinished(&killed, "t", "real");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].in_flight[0].0.to_string(), "b");
        assert_eq!(found[0].in_flight.len(), 1);
        assert!(unfinished(&killed, "t", "simulated").is_empty() && unfinished(&killed, "u", "real").is_empty());
        let mut later = killed.to_vec();
        later.extend([begin("2"), end("2")]);
        assert!(unfinished(&later, "t", "real").is_empty());
    }

    #[test]
    fn what_a_newer_labctl_notes_is_no_damage() {
        let line = br#"{"at":"2026-01-02T03:04:05Z","run":"1","event":"dance","with":"joy"}"#;
        let (entries, damaged) = parse(line);
        assert_eq!((entries[0].event.clone(), damaged), (Event::Other, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let (entries, _) = parse(&bytes);
            prop_assert!(unfinished(&entries, "t", "real").is_empty());
        }
    }
}
