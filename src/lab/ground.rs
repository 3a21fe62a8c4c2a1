//! What resources stand on and are reached through.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A node, or a cluster reached through a node or another cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ground {
    /// `[nodes.NAME]`.
    Node(String),
    /// `[clusters.NAME]`.
    Cluster(String),
}

impl Ground {
    /// Its name in the file, without what it is.
    pub fn name(&self) -> &str {
        match self {
            Self::Node(name) | Self::Cluster(name) => name,
        }
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
