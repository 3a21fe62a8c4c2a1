//! The plan as JSON: the very value that the text is rendered from, with its counts.

use serde::Serialize;

use super::Summary;
use crate::plan::Plan;

#[derive(Serialize)]
pub(super) struct Document<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    summary: Summary,
    /// Whether something stands in the way of it.
    errored: bool,
}

impl<'a> Document<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        let summary = Summary::of(plan);
        Self { plan, summary, errored: summary.has_obstacles() || !plan.unreachable.is_empty() }
    }
}

/// One JSON object and a newline.
pub fn json(plan: &Plan) -> String {
    let document = Document::new(plan);
    // Plans are plain data with string keys: they always serialize.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}
