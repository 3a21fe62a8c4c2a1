//! Two states of the files held against each other, as people and programs read it.

use serde::Serialize;

use super::json::Document;
use super::plan_text::changes;
use super::{Detail, Paint, Summary};
use crate::config::{Diagnostic, Severity};
use crate::plan::{Action, Comparison, Plan};

/// What is said at the end of every comparison.
pub(super) const NOT_LOOKED_AT: &str =
    "The lab was not looked at: this is what the files say. `labctl plan` says what is due.";

/// The whole text, with a newline at its end.
pub fn comparison(comparison: &Comparison, detail: Detail, paint: Paint) -> String {
    let mut text = String::new();
    if let Some(plan) = comparison.plan.as_ref().filter(|plan| is_shown(plan)) {
        text += &changes(plan, detail, paint);
    }
    let findings = &comparison.findings;
    text += &listed("Findings that are new:", findings.new.iter().map(finding), paint);
    text += &listed("Findings that are gone:", findings.gone.iter().map(finding), paint);
    text += &listed("What labctl itself would do otherwise:", comparison.ways.iter().cloned(), paint);
    text += &format!("{} against {}\n", comparison.head, comparison.base);
    text += &format!("{}\n", paint.bold(headline(comparison)));
    let rest = comparison.plan.as_ref().map(|plan| Summary::of(plan).rest()).unwrap_or_default();
    if !rest.is_empty() {
        text += &format!("{rest}\n");
    }
    if comparison.plan.as_ref().is_some_and(destroys) {
        text += "What labctl adopted is forgotten in the place of destroyed.\n";
    }
    text + NOT_LOOKED_AT + "\n"
}

/// The line that says it all.
pub(super) fn headline(comparison: &Comparison) -> String {
    match &comparison.plan {
        None => comparison.obstacle.clone().unwrap_or_else(|| "Nothing can be compared.".to_owned()),
        Some(plan) if is_shown(plan) => Summary::of(plan).line(),
        Some(_) if comparison.ways.is_empty() => "No changes. Both declare the same.".to_owned(),
        Some(_) => "No changes of resources.".to_owned(),
    }
}

fn is_shown(plan: &Plan) -> bool {
    plan.changes.iter().any(|change| change.action != Action::None || change.is_error())
}

fn destroys(plan: &Plan) -> bool {
    plan.changes.iter().any(|change| change.action == Action::Delete && change.is_due())
}

fn listed(title: &str, lines: impl Iterator<Item = String>, paint: Paint) -> String {
    let lines: Vec<String> = lines.map(|line| format!("  {line}\n")).collect();
    if lines.is_empty() { String::new() } else { format!("{}\n{}\n", paint.bold(title), lines.concat()) }
}

/// A finding on one line: weight, code, place, words.
pub(super) fn finding(finding: &Diagnostic) -> String {
    let weight = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = finding.labels.first().map(|label| format!(" {}:", label.place)).unwrap_or_default();
    let help = finding.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{weight} {}{place} {}{help}", finding.code, finding.summary)
}

#[derive(Serialize)]
struct Whole<'a> {
    format_version: &'static str,
    base: &'a str,
    head: &'a str,
    /// The lab was not looked at.
    observed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    obstacle: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Document<'a>>,
    ways: &'a [String],
    findings: &'a crate::plan::Findings,
}

/// One JSON object and a newline; the plan in it is as `plan --json` has it, without steps.
pub fn comparison_json(comparison: &Comparison) -> String {
    let whole = Whole {
        format_version: "1.0",
        base: &comparison.base,
        head: &comparison.head,
        observed: false,
        obstacle: comparison.obstacle.as_deref(),
        plan: comparison.plan.as_ref().map(Document::new),
        ways: &comparison.ways,
        findings: &comparison.findings,
    };
    // Plain data with string keys always serializes.
    serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n"
}
