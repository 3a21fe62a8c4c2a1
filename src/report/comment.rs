//! What is told to a forge about a plan or a comparison: rendered as Markdown and as annotations.

use super::comparison::{NOT_LOOKED_AT, headline as of_comparison};
use super::interruption::interruptions;
use super::plan_text::headline as of_plan;
use super::{Summary, Symbol};
use crate::config::Diagnostic;
use crate::plan::{Action, Change, Comparison, Plan};

/// What is told.
#[derive(Debug)]
pub struct Comment<'a> {
    /// `plan` or `diff`.
    pub(super) command: &'a str,
    /// The lab's file, by its path in the repository.
    pub(super) file: &'a str,
    /// The line that says it all.
    pub(super) headline: String,
    /// What else there is to know first.
    pub(super) lead: Vec<String>,
    /// The grounds that could not be read, and why.
    pub(super) unread: Vec<String>,
    pub(super) plan: Option<&'a Plan>,
    pub(super) new: &'a [Diagnostic],
    pub(super) gone: &'a [Diagnostic],
    pub(super) ways: &'a [String],
    /// What stands at the end.
    pub(super) end: String,
}

impl<'a> Comment<'a> {
    /// Of a plan, with the findings about its file.
    pub fn of_plan(file: &'a str, plan: &'a Plan, findings: &'a [Diagnostic], end: impl Into<String>) -> Self {
        let lead = vec![Summary::of(plan).rest()];
        let unread = plan.unreachable.iter().map(|(ground, why)| format!("`{ground}`: {why}")).collect();
        let headline = of_plan(plan, &Summary::of(plan));
        let (gone, ways) = (&[], &[]);
        Self {
            command: "plan",
            file,
            headline,
            lead,
            unread,
            plan: Some(plan),
            new: findings,
            gone,
            ways,
            end: end.into(),
        }
    }

    /// Of a comparison.
    pub fn of_comparison(file: &'a str, comparison: &'a Comparison) -> Self {
        let mut lead = vec![format!("{} against {}", comparison.head, comparison.base)];
        lead.extend(comparison.plan.as_ref().map(|plan| Summary::of(plan).rest()));
        Self {
            command: "diff",
            file,
            headline: of_comparison(comparison),
            lead,
            unread: Vec::new(),
            plan: comparison.plan.as_ref(),
            new: &comparison.findings.new,
            gone: &comparison.findings.gone,
            ways: &comparison.ways,
            end: NOT_LOOKED_AT.to_owned(),
        }
    }

    /// What must not be overlooked: what goes, what is let go of, what is refused or not known.
    pub(super) fn grave(&self) -> Vec<&'a Change> {
        let changes = self.plan.into_iter().flat_map(|plan| &plan.changes);
        let is_grave = |change: &&Change| {
            let goes = matches!(change.action, Action::Delete | Action::Replace)
                || (change.action == Action::Forget && change.after.is_none());
            Symbol::of(change) != Symbol::None && (goes || change.is_error())
        };
        changes.filter(is_grave).collect()
    }

    /// What would be interrupted, each once, and what stands behind it.
    pub(super) fn disruptions(&self) -> Vec<String> {
        self.plan.map(interruptions).unwrap_or_default()
    }
}
