//! Two states of the files held against each other: what `labctl diff` shows.

use serde::Serialize;

use super::{Action, Plan};
use crate::config::Diagnostic;

/// Two states of the files held against each other.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Comparison {
    /// What it is compared with: a file, or a revision.
    pub base: String,
    /// What is compared.
    pub head: String,
    /// What is declared otherwise; none where one of the two can't be used.
    pub plan: Option<Plan>,
    /// Why there is no plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
    /// What labctl itself would do or read otherwise, which no resource tells of: each a sentence.
    pub ways: Vec<String>,
    /// The findings that are there in one of them alone.
    pub findings: Findings,
}

/// Findings that came and went.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Findings {
    /// What the head has and the base had not.
    pub new: Vec<Diagnostic>,
    /// What the base had and the head has not.
    pub gone: Vec<Diagnostic>,
}

impl Findings {
    /// What came and went. A finding that only stands elsewhere than before is the same one.
    pub fn between(base: &[Diagnostic], head: &[Diagnostic]) -> Self {
        let only = |of: &[Diagnostic], other: &[Diagnostic]| {
            let mut left: Vec<(&str, &str)> = other.iter().map(|it| (it.code, it.summary.as_str())).collect();
            let is_other = |it: &&Diagnostic| {
                let same = left.iter().position(|other| *other == (it.code, it.summary.as_str()));
                same.map(|at| left.swap_remove(at)).is_none()
            };
            of.iter().filter(is_other).cloned().collect()
        };
        Self { new: only(head, base), gone: only(base, head) }
    }
}

impl Comparison {
    /// Whether anything differs, or may.
    pub fn is_due(&self) -> bool {
        let is_changed = |plan: &Plan| plan.changes.iter().any(|it| it.action != Action::None || it.is_error());
        self.plan.as_ref().is_none_or(is_changed) || !self.ways.is_empty()
    }
}
