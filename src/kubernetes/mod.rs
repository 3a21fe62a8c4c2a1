//! What an object of the Kubernetes API means: who owns which of its fields, when two values are the same, when it is
//! ready. Pure: JSON in, values out. The kind `object`, transport and the simulated API server rest on it.

mod compare;
mod conflict;
mod differences;
mod fields;
mod fingerprint;
mod hand_over;
mod hands;
mod immutable;
mod items;
mod keeping;
mod kubeconfig;
pub mod lease;
mod leaves;
mod managed;
mod noise;
mod path;
mod quantity;
mod readiness;
mod references;
mod scope;

pub use compare::{Comparison, compare, desired_paths};
pub use conflict::{Conflict, conflict_words, conflicts};
pub use differences::{FieldDifference, differences};
pub use fields::Fields;
pub use fingerprint::fingerprint;
pub use hand_over::{Owner, owner};
pub use hands::{APPLIED_BY_HAND, applied_by_hand, released, taken_over, would_own};
pub use immutable::{Way, immutable};
pub use keeping::{Holds, holds, kept, kept_by_contents};
pub use kubeconfig::merged as merged_kubeconfig;
pub use leaves::leaves;
pub use managed::{Entry, Operation, applied, entries, owners};
pub use noise::{LAST_APPLIED_ANNOTATION, is_identity, is_mark, is_noise};
pub use path::{FieldPath, Part};
pub use quantity::Quantity;
pub use readiness::{Readiness, readiness};
pub use references::{Needs, Reference, needs, references};
pub use scope::{Scope, defined, is_built_in, scope};

/// The label by which labctl finds its objects; its value is the lab's name.
pub const LAB_LABEL: &str = "labctl.dev/lab";
/// The annotation with the object's address when it was last applied.
pub const ADDRESS_ANNOTATION: &str = "labctl.dev/address";
/// The annotation that says how the object came to be labctl's.
pub const ORIGIN_ANNOTATION: &str = "labctl.dev/origin";
/// The annotation with the digest of what was last applied.
pub const DIGEST_ANNOTATION: &str = "labctl.dev/digest";
/// The annotation that keeps an object from ever being deleted by labctl.
pub const PROTECT_ANNOTATION: &str = "labctl.dev/protect";
/// labctl's field manager.
pub const MANAGER: &str = "labctl";
