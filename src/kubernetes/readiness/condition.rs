//! `status.conditions`.

use serde_json::Value;

use super::Readiness;

/// One condition that speaks of the newest desire.
pub(super) struct Condition<'a> {
    pub(super) status: &'a str,
    reason: &'a str,
    message: &'a str,
}

/// The condition of that type; none where there is none, or where it speaks of an older desire.
pub(super) fn find<'a>(object: &'a Value, name: &str) -> Option<Condition<'a>> {
    let all = object.pointer("/status/conditions").and_then(Value::as_array)?;
    let found = all.iter().find(|condition| condition.get("type").and_then(Value::as_str) == Some(name))?;
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
    let observed = found.get("observedGeneration").and_then(Value::as_i64);
    if observed.zip(generation).is_some_and(|(observed, generation)| observed < generation) {
        return None;
    }
    let text = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default();
    Some(Condition { status: text("status"), reason: text("reason"), message: text("message") })
}

impl Condition<'_> {
    /// Whether it is `True`.
    pub(super) fn is_true(&self) -> bool {
        self.status == "True"
    }

    /// In a few words: the message, or the reason where it has none.
    pub(super) fn words(&self) -> String {
        let line = self.message.trim().lines().next().unwrap_or_default();
        match (self.reason, line) {
            ("", "") => "no reason is given".to_owned(),
            (reason, "") => reason.to_owned(),
            ("", line) => line.to_owned(),
            (reason, line) => format!("{reason}: {line}"),
        }
    }
}

/// Ready when each of these conditions has that status.
pub(super) fn all(object: &Value, wanted: &[(&str, bool)]) -> Readiness {
    let missing = wanted.iter().find_map(|(name, value)| {
        let condition = find(object, name);
        match condition {
            None => Some(format!("it has no condition `{name}` yet")),
            Some(condition) if condition.is_true() == *value => None,
            Some(condition) => Some(format!("`{name}` is {}: {}", condition.status, condition.words())),
        }
    });
    missing.map_or(Readiness::Ready, Readiness::NotYet)
}
