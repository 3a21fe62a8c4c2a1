//! Attributes of a resource, as they are compared, shown and saved.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::lab::{Address, Content};

/// The attributes of a resource by name. Of a desired resource: the declared ones alone.
pub type Attributes = BTreeMap<String, Value>;

/// One attribute's value. Two values are the same attribute state exactly when they are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// A string, number, boolean, list or table.
    Plain(serde_json::Value),
    /// A text whose changes are shown line by line.
    Text(String),
    /// Something that is never shown, by the digest of what the file says of it (secrets in it by name, not by value).
    Hidden(String),
    /// What stands in the lab is another thing than the hidden value that is desired.
    Differs,
    /// Known when `attribute` of `address` is.
    From {
        /// The resource that it comes from.
        address: Address,
        /// That resource's attribute.
        attribute: String,
    },
}

impl Value {
    /// A plain value.
    pub fn plain(value: impl Into<serde_json::Value>) -> Self {
        Self::Plain(value.into())
    }

    /// A content that is never shown.
    pub fn hidden(content: &Content) -> Self {
        Self::Hidden(digest(content))
    }

    /// A file's content: a text that is shown, or a hidden value (secrets, blobs, `hide`).
    pub fn content(content: &Content, hide: bool) -> Self {
        match content.as_text() {
            Some(text) if !hide => Self::Text(text.to_owned()),
            _ => Self::hidden(content),
        }
    }
}

impl<T: Into<serde_json::Value>> From<T> for Value {
    fn from(value: T) -> Self {
        Self::Plain(value.into())
    }
}

/// SHA-256 of a value's JSON, in lower-case hex.
pub fn digest<T: Serialize>(value: &T) -> String {
    // Maps with string keys and plain enums, which is all that is digested, always serialize.
    let json = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(json).iter().fold(String::with_capacity(64), |mut hex, byte| {
        use std::fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// One attribute that is not as the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The attribute's name.
    pub attribute: String,
    /// As it is in the lab; `None` where it is not set.
    pub before: Option<Value>,
    /// As the file says; `None` where it is to go.
    pub after: Option<Value>,
    /// What there is to know about this very change: `only new writes follow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Every desired attribute that the observed ones don't equal, in order of name.
pub fn differences(desired: &Attributes, observed: &Attributes) -> Vec<Difference> {
    desired
        .iter()
        .filter(|(name, value)| observed.get(*name) != Some(value))
        .map(|(name, value)| Difference {
            attribute: name.clone(),
            before: observed.get(name).cloned(),
            after: Some(value.clone()),
            note: None,
        })
        .collect()
}
