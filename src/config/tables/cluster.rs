//! `[clusters.NAME]`: a Kubernetes API, and the way to it.

use super::{BinaryTable, ClusterNetworkTable, DistributionName};
use crate::config::scalars::Span;
use crate::config::table::{resource_table, table};
use crate::config::{FreeTable, Located};

resource_table! {
    /// A Kubernetes API.
    pub struct ClusterTable {
        /// What labctl makes it with: `k0s`. Where absent, it is made by other hands, and the keys from `version` on don't belong here.
        pub distribution: Option<Located<DistributionName>>,
        /// Where the kubeconfig comes from: `{ file, context }`, `{ command }`, `{ node, path }` or `{ cluster, secret, namespace, key }`. With `distribution` it is that of the controller where absent.
        pub kubeconfig: Option<KubeconfigTable>,
        /// The node through whose SSH connection the API is reached; that of `kubeconfig.node` where one is named there.
        pub via: Option<Located<String>>,
        /// What is there by other hands, in the words of services' needs: `load-balancer`, `namespace:ai`, `storage-class:fast`.
        #[schemars(default)]
        pub provides: Vec<Located<String>>,
        /// The version of Kubernetes and k0s on all its nodes: `1.34.4+k0s.0`.
        pub version: Option<Located<String>>,
        /// The node of the control plane: one.
        #[schemars(default)]
        pub controllers: Vec<Located<String>>,
        /// The nodes that work. A controller that is named here works, too.
        #[schemars(default)]
        pub workers: Vec<Located<String>>,
        /// A cluster of one node that does everything, and that no other node can ever join.
        pub single: Option<Located<bool>>,
        /// The cluster's own network.
        pub network: Option<ClusterNetworkTable>,
        /// Further names and addresses that the API's certificate has.
        #[schemars(default)]
        pub sans: Vec<Located<String>>,
        /// The folder of the kubelet on all nodes; `/var/lib/k0s/kubelet` where absent.
        pub kubelet_root: Option<Located<String>>,
        /// Further keys of k0s's configuration, below its `spec`.
        pub config: Option<FreeTable>,
        /// Where k0s's binary comes from; the one that is there where absent.
        pub binary: Option<BinaryTable>,
        /// How long a start may take until the API answers and a node is ready; `10m` where absent.
        pub ready_timeout: Option<Located<Span>>,
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
