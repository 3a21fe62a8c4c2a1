//! What a refusal of a dry run means for the plan: that nothing can be said yet, or that it can't be done.

use super::wanted::Wanted;
use crate::kubernetes::{Conflict, conflict_words};
use crate::observe::Refusal;

/// What follows from a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The plan goes on, unchecked: why.
    Note(String),
    /// It can't be done: why, and what helps.
    Refused(String),
}

impl Wanted {
    /// What a refusal means. `conflicts` are those that nothing settles.
    pub(super) fn verdict(&self, refusal: &Refusal, conflicts: &[Conflict]) -> Verdict {
        let message = refusal.message.as_str();
        let unchecked = |why: &str| Verdict::Note(format!("not checked by the server: {why}"));
        if !conflicts.is_empty() {
            return Verdict::Refused(conflict_words(conflicts));
        }
        match refusal.code {
            404 if message.contains("namespaces \"") => match (&self.namespace, &self.key.namespace) {
                (Some(_), _) => unchecked("its namespace comes with this plan"),
                (None, namespace) => Verdict::Refused(format!(
                    "the cluster has no namespace `{}`; declare it, or say another one",
                    namespace.as_deref().unwrap_or_default()
                )),
            },
            // Authorization says who may not do what; everything else of this code is admission.
            403 if is_about_rights(message) => unchecked(message),
            // What is no object of its kind, by the server's schema.
            500.. if message.starts_with("failed to create typed patch object") => {
                Verdict::Refused(format!("the server refuses it: {}", words(refusal)))
            }
            // A webhook that can't say what it would do, or that nobody answers for yet.
            400 if message.contains("does not support dry run") => unchecked(message),
            500.. if message.contains("webhook") => unchecked(message),
            _ => Verdict::Refused(format!("the server refuses it: {}", words(refusal))),
        }
    }
}

/// Src: apiserver `pkg/endpoints/handlers/responsewriters/errors.go`, `forbiddenMessage`.
fn is_about_rights(message: &str) -> bool {
    message.contains(" cannot patch resource ") || message.contains(" cannot create resource ")
}

/// A refusal in its parts, where it has some that name a field.
fn words(refusal: &Refusal) -> String {
    let parts: Vec<String> = refusal
        .causes
        .iter()
        .filter(|cause| !cause.field.is_empty() && !cause.message.is_empty())
        .map(|cause| format!("`{}`: {}", cause.field.trim_start_matches('.'), cause.message))
        .collect();
    if parts.is_empty() { refusal.message.clone() } else { parts.join("; ") }
}
