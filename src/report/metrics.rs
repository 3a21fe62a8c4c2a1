//! What came of a plan, for Prometheus: the text format that `node_exporter`'s textfile collector reads.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>

use super::Summary;
use crate::config::{Diagnostic, Severity};
use crate::plan::Plan;

const LAST_SUCCESS: &str = "labctl_plan_last_success_timestamp_seconds";

/// What came of one run.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// The plan; none where the run failed before there was one.
    pub plan: Option<&'a Plan>,
    /// What there is to say about the file.
    pub findings: &'a [Diagnostic],
    /// Whether the plan is whole: nothing unknown, nothing out of reach.
    pub is_success: bool,
    /// When it ended, in seconds since 1970.
    pub now: i64,
    /// How long it took, in seconds.
    pub duration: f64,
}

/// The whole file. `before` is the one of the last run: when a plan last succeeded is kept in it.
pub fn metrics(measured: Measured<'_>, before: &str) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, samples: Vec<(String, String)>| {
        if !samples.is_empty() {
            text += &format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
        }
        for (labels, value) in samples {
            text += &format!("{name}{labels} {value}\n");
        }
    };
    let one = |value: String| vec![(String::new(), value)];
    gauge("labctl_plan_success", "Whether the last plan is whole.", one(u8::from(measured.is_success).to_string()));
    gauge("labctl_plan_last_run_timestamp_seconds", "When the last plan ended.", one(measured.now.to_string()));
    let success = if measured.is_success { Some(measured.now.to_string()) } else { last_success(before) };
    gauge(LAST_SUCCESS, "When a plan was last whole.", success.into_iter().flat_map(one).collect());
    gauge("labctl_plan_duration_seconds", "How long the last plan took.", one(format!("{:.3}", measured.duration)));
    // Of a run that failed before there was a plan, neither is known.
    if let Some(plan) = measured.plan {
        let of = |severity| measured.findings.iter().filter(|finding| finding.severity == severity).count();
        let findings = [("error", of(Severity::Error)), ("warning", of(Severity::Warning))];
        let findings = findings.map(|(severity, count)| (labels("severity", severity), count.to_string()));
        gauge("labctl_plan_findings", "Findings about the file.", findings.to_vec());
        let kinds = Summary::of(plan).named();
        let kinds = kinds.map(|(kind, count)| (labels("kind", kind), count.to_string()));
        gauge("labctl_plan_changes", "Changes of the last plan by kind; unreachable ones are unknown.", kinds.to_vec());
        let unreachable = plan.unreachable.keys().map(|ground| (labels("ground", ground), "1".to_owned()));
        gauge("labctl_plan_unreachable", "Nodes and clusters that could not be read.", unreachable.collect());
    }
    text
}

fn labels(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{{{name}=\"{value}\"}}")
}

fn last_success(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(LAST_SUCCESS)?.strip_prefix(' '))?;
    value.parse::<i64>().ok().map(|seconds| seconds.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Measured, metrics};
    use crate::lab::{Address, Ground};
    use crate::plan::{Action, Change, Plan};

    fn plan() -> Plan {
        let change = Change::new(Address::new(["a"]), "file", Ground::Node("n".into()), "/a");
        let changes = vec![Change { action: Action::Create, ..change }];
        Plan { changes, unreachable: [("m \"1\"".to_owned(), "off".to_owned())].into(), ..Plan::default() }
    }

    #[test]
    fn a_run_that_failed_keeps_when_the_last_one_succeeded() {
        let plan = plan();
        let good = Measured { plan: Some(&plan), findings: &[], is_success: true, now: 100, duration: 1.5 };
        let first = metrics(good, "");
        assert!(first.contains("\nlabctl_plan_last_success_timestamp_seconds 100\n"), "{first}");
        let bad = Measured { plan: None, is_success: false, now: 200, ..good };
        let second = metrics(bad, &first);
        assert!(second.starts_with("# HELP labctl_plan_success "), "{second}");
        assert!(second.contains("\nlabctl_plan_success 0\n"), "{second}");
        assert!(second.contains("\nlabctl_plan_last_run_timestamp_seconds 200\n"), "{second}");
        assert!(second.contains("\nlabctl_plan_last_success_timestamp_seconds 100\n"), "{second}");
        assert!(!metrics(bad, "garbage").contains("last_success"));
    }

    #[test]
    fn changes_are_counted_by_kind_and_labels_are_escaped() {
        let plan = plan();
        let text =
            metrics(Measured { plan: Some(&plan), findings: &[], is_success: false, now: 1, duration: 0.25 }, "");
        for line in [
            "labctl_plan_changes{kind=\"add\"} 1\n",
            "labctl_plan_changes{kind=\"destroy\"} 0\n",
            "labctl_plan_unreachable{ground=\"m \\\"1\\\"\"} 1\n",
            "labctl_plan_duration_seconds 0.250\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
