//! `[clusters.NAME]`: a Kubernetes API, and the way to it.

use crate::config::Located;
use crate::config::table::{resource_table, table};

resource_table! {
    /// A Kubernetes API.
    pub struct ClusterTable {
        /// Where the kubeconfig comes from: `{ file, context }`, `{ command }`, `{ node, path }` or `{ cluster, secret, namespace, key }`.
        pub kubeconfig: KubeconfigTable,
        /// The node through whose SSH connection the API is reached; that of `kubeconfig.node` where one is named there.
        pub via: Option<Located<String>>,
        /// What is there by other hands, in the words of services' needs: `load-balancer`, `namespace:ai`, `storage-class:fast`.
        #[schemars(default)]
        pub provides: Vec<Located<String>>,
    }
}

table! {
    /// Where a kubeconfig comes from: exactly one of the four forms. It is kept in memory alone.
    pub struct KubeconfigTable {
        /// A file on the machine that labctl runs on; `~` is your home.
        pub file: Option<Located<String>>,
        /// With `file`: the context; the file's current one where absent.
        pub context: Option<Located<String>>,
        /// The output of this program and its arguments.
        pub command: Option<Vec<Located<String>>>,
        /// The node that has the kubeconfig; the API is reached through it.
        pub node: Option<Located<String>>,
        /// With `node`: the path there, such as `/var/lib/k0s/pki/admin.conf`.
        pub path: Option<Located<String>>,
        /// The cluster that has the kubeconfig in a Secret: the one that hosts this control plane.
        pub cluster: Option<Located<String>>,
        /// With `cluster`: the Secret's name.
        pub secret: Option<Located<String>>,
        /// With `cluster`: the Secret's namespace.
        pub namespace: Option<Located<String>>,
        /// With `cluster`: the key of the Secret's data; `value` where absent.
        pub key: Option<Located<String>>,
    }
}
