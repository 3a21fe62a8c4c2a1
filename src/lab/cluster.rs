//! A Kubernetes API, and how it is reached.

use super::{K0s, Meta};
use crate::config::{Located, Place};

/// `[clusters.NAME]`.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its name in the file.
    pub name: String,
    /// Where the table stands.
    pub place: Place,
    /// How labctl makes it, where it does.
    pub k0s: Option<K0s>,
    /// Where the kubeconfig comes from that leads to it.
    pub kubeconfig: Kubeconfig,
    /// The node through whose SSH connection the API is reached; none where labctl reaches it by itself.
    pub via: Option<Located<String>>,
    /// What is there by other hands, in the words of services' needs: `load-balancer`, `storage-class:zfs`.
    pub provides: Vec<Located<String>>,
    /// What the table says of the resource.
    pub meta: Meta,
}

impl Cluster {
    /// The node without which its API is out of reach, where there is one.
    pub fn gate(&self) -> Option<&str> {
        match (&self.via, &self.kubeconfig) {
            (Some(node), _) | (None, Kubeconfig::Node { node, .. }) => Some(&node.value),
            (None, _) => None,
        }
    }
}

/// Where a kubeconfig comes from. It is kept in memory alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kubeconfig {
    /// A file on the machine that labctl runs on; the file's current context where none is named.
    File {
        /// Its path; `~` is the user's home.
        path: String,
        /// The context.
        context: Option<String>,
    },
    /// What this program prints.
    Command(Vec<String>),
    /// A file on a node, read over SSH; the API is reached through that node.
    Node {
        /// The node.
        node: Located<String>,
        /// The path there.
        path: String,
    },
    /// A Secret of another cluster: that of a control plane that is hosted there.
    Secret {
        /// The cluster that has the Secret.
        cluster: Located<String>,
        /// Its namespace.
        namespace: String,
        /// Its name.
        secret: String,
        /// The key of its data that holds the kubeconfig.
        key: String,
    },
}
