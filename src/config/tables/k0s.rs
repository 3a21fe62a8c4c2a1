//! What a `[clusters.NAME]` table says of a cluster that labctl makes with k0s.

use super::words;
use crate::config::Located;
use crate::config::scalars::Subnet;
use crate::config::table::table;

words! {
    /// What a cluster is made with.
    pub enum DistributionName {
        /// k0s, on nodes of this lab.
        K0s = "k0s",
    }
}

table! {
    /// The cluster's own network. None of it can be changed once the cluster lives.
    pub struct ClusterNetworkTable {
        /// What connects pods; `kuberouter` where absent, `custom` where you bring your own.
        pub provider: Option<Located<ProviderName>>,
        /// The addresses of pods; `10.244.0.0/16` where absent.
        pub pods: Option<Located<Subnet>>,
        /// The addresses of Services; `10.96.0.0/12` where absent.
        pub services: Option<Located<Subnet>>,
    }
}

words! {
    /// What connects pods.
    pub enum ProviderName {
        /// kube-router.
        Kuberouter = "kuberouter",
        /// Calico.
        Calico = "calico",
        /// None: you bring your own.
        Custom = "custom",
    }
}

table! {
    /// Where k0s's binary comes from: `url` with `sha256`, or `path`; or that for each architecture.
    pub struct BinaryTable {
        /// Where each node fetches it; `+` is written `%2B`.
        pub url: Option<Located<String>>,
        /// SHA-256 of what is there, in hex.
        pub sha256: Option<Located<String>>,
        /// A file beside this one.
        pub path: Option<Located<String>>,
        /// For nodes with an x86-64 processor.
        pub amd64: Option<BinarySourceTable>,
        /// For nodes with a 64-bit ARM processor.
        pub arm64: Option<BinarySourceTable>,
    }
}

table! {
    /// Where k0s's binary for one architecture comes from: `url` with `sha256`, or `path`.
    pub struct BinarySourceTable {
        /// Where each node fetches it; `+` is written `%2B`.
        pub url: Option<Located<String>>,
        /// SHA-256 of what is there, in hex.
        pub sha256: Option<Located<String>>,
        /// A file beside this one.
        pub path: Option<Located<String>>,
    }
}
