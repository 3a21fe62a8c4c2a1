//! What resources stand on and are reached through.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Cluster, Lab, Node};

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
        match self {
            Self::Node(name) => f.write_str(name),
            Self::Cluster(name) => write!(f, "cluster {name}"),
        }
    }
}

/// A ground with what the file says of it.
#[derive(Debug, Clone, Copy)]
pub enum Site<'a> {
    /// `[nodes.NAME]`.
    Node(&'a Node),
    /// `[clusters.NAME]`.
    Cluster(&'a Cluster),
}

impl<'a> Site<'a> {
    /// Which ground it is.
    pub fn ground(self) -> Ground {
        match self {
            Self::Node(node) => Ground::Node(node.name.clone()),
            Self::Cluster(cluster) => Ground::Cluster(cluster.name.clone()),
        }
    }

    /// Its name in the file.
    pub fn name(self) -> &'a str {
        match self {
            Self::Node(node) => &node.name,
            Self::Cluster(cluster) => &cluster.name,
        }
    }

    /// The node, where it is one.
    pub fn node(self) -> Option<&'a Node> {
        match self {
            Self::Node(node) => Some(node),
            Self::Cluster(_) => None,
        }
    }

    /// The cluster, where it is one.
    pub fn cluster(self) -> Option<&'a Cluster> {
        match self {
            Self::Node(_) => None,
            Self::Cluster(cluster) => Some(cluster),
        }
    }
}

impl Lab {
    /// All grounds, nodes first.
    pub fn sites(&self) -> impl Iterator<Item = Site<'_>> {
        self.nodes.values().map(Site::Node).chain(self.clusters.values().map(Site::Cluster))
    }

    /// What the file says of a ground.
    pub fn site(&self, ground: &Ground) -> Option<Site<'_>> {
        match ground {
            Ground::Node(name) => self.nodes.get(name).map(Site::Node),
            Ground::Cluster(name) => self.clusters.get(name).map(Site::Cluster),
        }
    }
}
