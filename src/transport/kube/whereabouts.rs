//! Which API is talked to and by what means, for messages.

use std::fmt;

use jiff::Timestamp;

/// Which API is talked to and by what means. It holds nothing secret.
#[derive(Debug, Clone, Default)]
pub(super) struct Whereabouts {
    /// The cluster's name in the file.
    pub(super) cluster: String,
    /// The server's URL.
    pub(super) server: String,
    /// Where the kubeconfig came from: `the kubeconfig ~/.kube/config`.
    pub(super) origin: String,
    /// The node through which it is reached.
    pub(super) via: Option<String>,
    /// The name that the server's certificate must have.
    pub(super) server_name: String,
    /// Whether the kubeconfig names a CA; this machine's own trust decides where it doesn't.
    pub(super) has_authority: bool,
    /// The end of the client certificate's life, where there is one.
    pub(super) certificate_end: Option<Timestamp>,
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cluster `{}` at {}", self.cluster, self.server)?;
        match &self.via {
            Some(node) => write!(f, " through node `{node}` ({})", self.origin),
            None => write!(f, " ({})", self.origin),
        }
    }
}

impl Whereabouts {
    /// What went wrong there, with the remedy on a line of its own.
    pub(super) fn words(&self, why: &str, help: Option<&str>) -> String {
        match help {
            Some(help) => format!("{self}: {why}\n    help: {help}"),
            None => format!("{self}: {why}"),
        }
    }
}
