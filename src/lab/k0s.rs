//! A cluster that labctl makes with k0s.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Content;
use crate::config::Located;

/// What a `[clusters.NAME]` table with `distribution = "k0s"` says.
#[derive(Debug, Clone)]
pub struct K0s {
    /// The version that all its nodes have; whatever is there where absent.
    pub version: Option<K0sVersion>,
    /// The node of the control plane.
    pub controller: Located<String>,
    /// The nodes that work; the controller may be among them.
    pub workers: Vec<Located<String>>,
    /// Whether it is a cluster of one node that no other can ever join.
    pub single: bool,
    /// The kubelet's folder; k0s's own choice where absent.
    pub kubelet_root: Option<String>,
    /// What is declared of the `ClusterConfig`: an object with the declared keys alone.
    pub config: serde_json::Value,
    /// Where the binary comes from, by the machine name that the kernel has (`x86_64`), or for all of them under the
    /// empty name. Without any, the one that is there is used.
    pub binary: BTreeMap<String, Binary>,
    /// How long a start may take until the API answers and a node is ready, in seconds.
    pub ready_within: u64,
}

impl K0s {
    /// The nodes that run k0s, the controller first.
    pub fn nodes(&self) -> impl Iterator<Item = &Located<String>> {
        [&self.controller].into_iter().chain(self.joining())
    }

    /// The workers that join the controller.
    pub fn joining(&self) -> impl Iterator<Item = &Located<String>> {
        self.workers.iter().filter(|worker| worker.value != self.controller.value)
    }

    /// Whether the controller works, too.
    pub fn controller_works(&self) -> bool {
        self.single || self.workers.iter().any(|worker| worker.value == self.controller.value)
    }

    /// Where the binary for a machine comes from.
    pub fn binary_for(&self, machine: &str) -> Option<&Binary> {
        self.binary.get(machine).or_else(|| self.binary.get(""))
    }
}

/// Where k0s's binary comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binary {
    /// The node fetches it.
    Fetched {
        /// From where.
        url: String,
        /// SHA-256 of what is there, in lower-case hex.
        sha256: String,
    },
    /// A file of the source tree.
    Here(Content),
}

/// A version of k0s: `v1.34.4+k0s.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct K0sVersion {
    /// Kubernetes's major version.
    pub major: u16,
    /// Its minor version.
    pub minor: u16,
    /// Its patch.
    pub patch: u16,
    /// Which k0s of that Kubernetes.
    pub build: u16,
}

impl fmt::Display for K0sVersion {
    /// As k0s itself writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}.{}+k0s.{}", self.major, self.minor, self.patch, self.build)
    }
}

impl FromStr for K0sVersion {
    type Err = ();

    /// With or without `v`; with a dash for the plus sign, as image tags have it.
    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (kubernetes, build) = text.split_once("+k0s.").or_else(|| text.split_once("-k0s.")).ok_or(())?;
        let number = |text: &str| if text.starts_with('+') { Err(()) } else { text.parse().map_err(|_| ()) };
        let [major, minor, patch] = kubernetes.split('.').collect::<Vec<_>>()[..] else { return Err(()) };
        Ok(Self { major: number(major)?, minor: number(minor)?, patch: number(patch)?, build: number(build)? })
    }
}

#[cfg(test)]
mod tests {
    use super::K0sVersion;

    #[test]
    fn a_version_is_read_in_each_tools_syntax_and_written_as_k0s_does() {
        for text in ["1.34.4+k0s.0", "v1.34.4+k0s.0", "v1.34.4-k0s.0"] {
            assert_eq!(text.parse::<K0sVersion>().unwrap().to_string(), "v1.34.4+k0s.0");
        }
        for text in ["1.34.4", "1.34+k0s.0", "1.34.4+k0s", "latest", "1.34.4+k0s.x", "1.34.4.1+k0s.0", "1.+3.4+k0s.0"] {
            assert!(text.parse::<K0sVersion>().is_err(), "{text}");
        }
        let version = |text: &str| text.parse::<K0sVersion>().unwrap();
        assert!(version("1.34.4+k0s.0") < version("1.34.4+k0s.1") && version("1.9.9+k0s.0") < version("1.10.0+k0s.0"));
    }
}
