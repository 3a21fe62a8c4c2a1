//! A refusal of server-side apply because another manager owns a field: which manager, and the ways out.

use std::collections::BTreeMap;

use super::FieldPath;
use crate::observe::Refusal;

/// A field that another manager owns and that labctl would change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The field, as labctl writes it where it is a desired one; as the server wrote it otherwise.
    pub field: String,
    /// Who owns it.
    pub manager: String,
}

/// What every cause of such a refusal has as its reason. Src: apimachinery `CauseTypeFieldManagerConflict`.
const CAUSE: &str = "FieldManagerConflict";

/// The conflicts that a refusal tells of, in the order of the fields; empty where it is another refusal.
/// `desired` are the fields of what was applied: the server names a field without quotes around keys with dots.
pub fn conflicts(refusal: &Refusal, desired: &[FieldPath]) -> Vec<Conflict> {
    let mut found: Vec<Conflict> = refusal
        .causes
        .iter()
        .filter(|cause| cause.reason == CAUSE)
        .map(|cause| Conflict { field: field(&cause.field, desired), manager: manager(&cause.message) })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The field as labctl writes it: the desired one that is meant, or the part of a desired path that is.
fn field(written: &str, desired: &[FieldPath]) -> String {
    let above = |path: &FieldPath| {
        (1..=path.parts().len())
            .map(|length| FieldPath::new(path.parts()[..length].iter().cloned()))
            .collect::<Vec<_>>()
    };
    let meant = desired.iter().flat_map(above).find(|path| path.as_server_writes() == written);
    meant.map_or_else(|| written.trim_start_matches('.').to_owned(), |path| path.to_string())
}

/// The manager in `conflict with "kubectl-edit" using apps/v1` or `conflict with "x" with subresource "scale" using …`.
/// Src: apimachinery `pkg/util/managedfields/internal/conflict.go`.
fn manager(message: &str) -> String {
    let quoted = message
        .split_once('"')
        .and_then(|(_, rest)| serde_json::Deserializer::from_str(&format!("\"{rest}")).into_iter::<String>().next());
    match quoted {
        Some(Ok(name)) => name,
        _ => message.trim_start_matches("conflict with ").to_owned(),
    }
}

impl Conflict {
    /// Whether the file says that the field is taken: `take = ["spec.replicas"]`.
    pub fn is_taken(&self, take: &str) -> bool {
        let bare = |text: &str| text.trim().trim_start_matches('.').to_owned();
        let (take, field) = (bare(take), bare(&self.field));
        field == take || field.strip_prefix(&take).is_some_and(|rest| rest.starts_with(['.', '[']) && !take.is_empty())
    }
}

/// What stands in the way and what can be done about it, of the conflicts that nothing settles.
pub fn conflict_words(conflicts: &[Conflict]) -> String {
    let mut by_manager: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for conflict in conflicts {
        by_manager.entry(&conflict.manager).or_default().push(&conflict.field);
    }
    let owners: Vec<String> = by_manager
        .iter()
        .map(|(manager, fields)| {
            let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
            format!("`{manager}` owns {}", fields.join(", "))
        })
        .collect();
    let take: Vec<String> =
        conflicts.iter().map(|conflict| serde_json::Value::from(conflict.field.as_str()).to_string()).collect();
    format!(
        "{}; to take it say `take = [{}]` in the service's table, to leave it to them remove it from the file",
        owners.join(" and "),
        take.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kubernetes::desired_paths;
    use crate::observe::Cause;

    fn refusal(causes: &[(&str, &str)]) -> Refusal {
        let cause = |(field, message): &(&str, &str)| Cause {
            reason: "FieldManagerConflict".to_owned(),
            message: (*message).to_owned(),
            field: (*field).to_owned(),
        };
        Refusal {
            code: 409,
            reason: "Conflict".to_owned(),
            message: "Apply failed with 2 conflicts".to_owned(),
            causes: causes.iter().map(cause).collect(),
        }
    }

    #[test]
    fn a_conflict_names_the_manager_and_the_field_and_both_ways_out() {
        let desired = desired_paths(&json!({
            "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "app", "image": "web:2"}]}}},
            "metadata": {"annotations": {"a.example/b": "x"}}
        }));
        let refusal = refusal(&[
            (".spec.template.spec.containers[name=\"app\"].image", "conflict with \"kubectl-edit\" using apps/v1"),
            (".spec.replicas", "conflict with \"horizontal-pod-autoscaler\" with subresource \"scale\" using apps/v1"),
            (".metadata.annotations.a.example/b", "conflict with \"kubectl-edit\" using apps/v1"),
        ]);
        let found = conflicts(&refusal, &desired);
        assert_eq!(
            conflict_words(&found),
            "`horizontal-pod-autoscaler` owns `spec.replicas` and `kubectl-edit` owns \
             `metadata.annotations.\"a.example/b\"`, `spec.template.spec.containers[app].image`; to take it say `take = \
             [\"metadata.annotations.\\\"a.example/b\\\"\", \"spec.replicas\", \
             \"spec.template.spec.containers[app].image\"]` in the service's table, to leave it to them remove it from \
             the file"
        );
    }

    #[test]
    fn what_the_file_takes_covers_what_lies_below_and_no_neighbour() {
        let conflict =
            Conflict { field: "spec.template.spec.containers[app].image".to_owned(), manager: "x".to_owned() };
        for take in ["spec.template", ".spec.template.spec.containers[app]", "spec.template.spec.containers[app].image"]
        {
            assert!(conflict.is_taken(take), "{take}");
        }
        for take in ["spec.temp", "", "image", "spec.template.spec.containers[web]"] {
            assert!(!conflict.is_taken(take), "{take}");
        }
    }

    #[test]
    fn a_conflict_of_versions_is_none_of_managers() {
        let stale = Refusal { code: 409, reason: "Conflict".to_owned(), ..Refusal::default() };
        assert!(conflicts(&stale, &[]).is_empty());
    }
}
