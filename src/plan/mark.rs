//! What labctl leaves on a resource that it made or adopted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Attributes, digest};
use crate::lab::Address;

/// A mark. ZFS carries it in user properties; what can't carry one has a record, a JSON file on its node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The lab that the resource belongs to.
    pub lab: String,
    /// Its address when it was last applied.
    pub address: Address,
    /// How it came to be labctl's.
    pub origin: Origin,
    /// The attributes that labctl owns; empty where the mark keeps no list of them (the digest knows their names, too).
    pub owns: BTreeSet<String>,
    /// Digest of the attributes that were last applied.
    pub digest: String,
    /// Digest of what it took in from elsewhere and the lab can't tell: [`crate::kinds::Body::inputs`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// Set before the act and taken off after it: a kill in between leaves it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
}

/// How a resource came to be labctl's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// labctl made it.
    Made,
    /// It was there before.
    Adopted,
    /// It was labctl's once; nothing is changed any more.
    Released,
}

impl Mark {
    /// The mark of a resource whose `desired` attributes are applied.
    pub fn new(lab: &str, address: &Address, origin: Origin, desired: &Attributes) -> Self {
        Self {
            lab: lab.to_owned(),
            address: address.clone(),
            origin,
            owns: desired.keys().cloned().collect(),
            digest: digest(desired),
            inputs: None,
            pending: false,
        }
    }

    /// Whether it says what `new` says, so that it needs no renewal.
    pub fn is_as(&self, new: &Self) -> bool {
        let owns = if self.owns.is_empty() { &self.owns } else { &new.owns };
        *self == Self { owns: owns.clone(), ..new.clone() }
    }

    /// The same, for a resource that has taken these in.
    #[must_use]
    pub fn taking(mut self, inputs: Option<String>) -> Self {
        self.inputs = inputs;
        self
    }

    /// Whether the resource may not have taken in what it should have: it took in something else, or its last apply was
    /// cut off.
    pub fn may_lack(&self, inputs: Option<&str>) -> bool {
        self.pending || (self.inputs.is_some() && self.inputs.as_deref() != inputs)
    }

    /// The same, as it is written before the act.
    #[must_use]
    pub fn pending(mut self) -> Self {
        self.pending = true;
        self
    }

    /// The same, for a resource that labctl leaves alone from now on.
    #[must_use]
    pub fn released(mut self) -> Self {
        self.origin = Origin::Released;
        self.pending = false;
        self
    }
}
