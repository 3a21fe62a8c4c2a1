//! The journal as people read it.

use crate::apply::journal::{Entry, Event, Stopped};

/// One line an entry, a gap before every run.
pub fn journal(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        let words = match &entry.event {
            Event::Begin { lab, against, who, labctl, revision, changes } => {
                text += if text.is_empty() { "" } else { "\n" };
                let against = if against == "real" { String::new() } else { format!(", against `{against}`") };
                let revision = revision.as_ref().map(|revision| format!(", Git revision {}", revision.commit));
                let revision = revision.unwrap_or_default();
                format!("{who} applies {changes} changes to `{lab}`{against}{revision} (labctl {labctl})")
            }
            Event::Intent { address, ground, steps, put_back } => {
                let back = if *put_back { "put back: " } else { "" };
                format!("{address} on {ground}: {back}{}", steps.join(", "))
            }
            Event::Result { address, done, stopped, .. } => match stopped {
                None => format!("{address}: done"),
                Some(Stopped::Stale) => format!("{address}: stale after {done} steps"),
                Some(Stopped::Failed(code)) => format!("{address}: failed after {done} steps (status {code})"),
                Some(Stopped::Lost) => format!("{address}: lost after {done} steps"),
            },
            Event::Interrupt { at_once: false } => "interrupted: what runs ends".to_owned(),
            Event::Interrupt { at_once: true } => "interrupted: what runs is cut off".to_owned(),
            Event::End { done, failed, not_started, cut } => {
                let cut: Vec<String> = cut.iter().map(ToString::to_string).collect();
                let cut = if cut.is_empty() { String::new() } else { format!("; cut off: {}", cut.join(", ")) };
                format!("end: {done} done, {failed} failed, {not_started} not started{cut}")
            }
            Event::Other => "something that a newer labctl noted".to_owned(),
        };
        text += &format!("{:.0} {} {words}\n", entry.at, entry.run);
    }
    text
}
