//! Fields that say nothing of what anybody desires.

use super::{ADDRESS_ANNOTATION, DIGEST_ANNOTATION, FieldPath, LAB_LABEL, ORIGIN_ANNOTATION, Part};

/// Where `kubectl apply` keeps the whole of what it last applied.
pub const LAST_APPLIED_ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Fields that the server writes into `metadata` by itself.
const OF_THE_SERVER: &[&str] =
    &["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];

/// Whether a field is none that a difference is shown of: the server's own, the status, labctl's marks.
pub fn is_noise(path: &FieldPath) -> bool {
    let field = |part: &Part, names: &[&str]| matches!(part, Part::Field(name) if names.contains(&name.as_str()));
    match path.parts() {
        [status] => field(status, &["status"]),
        [metadata, name] => field(metadata, &["metadata"]) && field(name, OF_THE_SERVER),
        _ => is_mark(path),
    }
}

/// Whether a field is one of labctl's marks, or kubectl's own memory, which goes when labctl takes over.
pub fn is_mark(path: &FieldPath) -> bool {
    let field = |part: &Part, names: &[&str]| matches!(part, Part::Field(name) if names.contains(&name.as_str()));
    let [metadata, map, name, ..] = path.parts() else { return false };
    field(metadata, &["metadata"])
        && ((field(map, &["labels"]) && field(name, &[LAB_LABEL]))
            || (field(map, &["annotations"])
                && field(name, &[ADDRESS_ANNOTATION, ORIGIN_ANNOTATION, DIGEST_ANNOTATION, LAST_APPLIED_ANNOTATION])))
}

/// Whether a field is what the object is, which nobody owns and nothing changes.
pub fn is_identity(path: &FieldPath) -> bool {
    let names: Vec<&str> = path
        .parts()
        .iter()
        .map(|part| match part {
            Part::Field(name) => name.as_str(),
            _ => "",
        })
        .collect();
    match names.as_slice() {
        ["apiVersion" | "kind"] | ["metadata", "name" | "namespace"] => true,
        ["metadata", name] => OF_THE_SERVER.contains(name),
        _ => false,
    }
}
