//! Questions to a cluster, and what came back. Transport makes requests of them, the simulated lab interprets them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lab::{ApiKind, Manifest, ObjectKey, Slot};

/// A question to a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiAsk {
    /// The objects of a kind that carry labctl's label of this lab, in all namespaces.
    Marked {
        /// The kind.
        kind: ApiKind,
        /// The lab's name, the value of the label [`crate::kubernetes::LAB_LABEL`].
        lab: String,
    },
    /// All objects of a kind, whoever made them: what would go with its definition.
    All(ApiKind),
    /// All objects in a namespace, of every kind that can be listed and deleted: what would go with it. Their metadata
    /// alone; events are left out.
    Contents(String),
    /// One object by its name.
    Object(ObjectKey),
    /// The cluster's lock, and what was last applied: `{"lease": …, "held": …}`, where `held` tells who holds it and for how
    /// long, by the server's own clock, in the words of a node's lock.
    Lease,
    /// What the server would make of this object if it were applied now; nothing is changed.
    DryRun {
        /// The object.
        manifest: Manifest,
        /// Whether fields of other managers are taken.
        force: bool,
    },
    /// What stands in the answers of this run in the place of this value of a Secret. Costs no request.
    Mask(Slot),
}

/// What came back. That it could not be had is no answer: see [`super::Answer::Lost`].
///
/// The values of a Secret's `data` never leave transport: a mask stands in their place, equal for equal values within
/// one run of labctl and good for nothing outside of it. In the annotation in which `kubectl apply` keeps a whole object
/// the values of a Secret are emptied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiAnswer {
    /// To [`ApiAsk::Marked`], [`ApiAsk::All`] and [`ApiAsk::Contents`].
    Objects(Vec<Value>),
    /// To [`ApiAsk::Object`] and [`ApiAsk::DryRun`]: the object as it is, or as it would be.
    Object(Box<Value>),
    /// The kind is served, and there is no such object.
    Absent,
    /// The API serves no such kind.
    NoKind,
    /// The server (or its admission) says no.
    Refused(Refusal),
    /// To [`ApiAsk::Mask`].
    Mask(String),
}

/// A refusal of the API server: the `Status` that it answers with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// `Conflict`, `Invalid`, `Forbidden`.
    pub reason: String,
    /// In the server's words.
    pub message: String,
    /// Its parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
}

/// One part of a refusal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// `FieldManagerConflict`, `FieldValueInvalid`.
    pub reason: String,
    /// In the server's words.
    pub message: String,
    /// The field: `.spec.replicas`.
    pub field: String,
}
