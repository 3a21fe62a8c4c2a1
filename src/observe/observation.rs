//! What was read of one resource.

use crate::plan::Attributes;

/// Three answers, never two. Unknown never becomes a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// It is there, with these attributes.
    Present(Attributes),
    /// It is not there.
    Absent,
    /// It could not be read: why.
    Unknown(String),
}
