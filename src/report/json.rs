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
        Self { plan, summary, errored: is_errored(plan, &summary) }
    }
}

/// Whether something stands in the way that the file does not allow for.
fn is_errored(plan: &Plan, summary: &Summary) -> bool {
    let besides = Summary { unreachable: 0, ..*summary };
    besides.has_obstacles() || plan.unreachable.keys().any(|ground| !plan.may_be_away(ground))
}

/// One JSON object and a newline.
pub fn json(plan: &Plan) -> String {
    let document = Document::new(plan);
    // Plans are plain data with string keys: they always serialize.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}
