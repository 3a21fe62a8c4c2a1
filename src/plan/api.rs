//! What a step does in a cluster, as data.

use serde::{Deserialize, Serialize};

use crate::kubernetes::lease::LeaseAct;
use crate::lab::{Manifest, ObjectKey};

/// One call of the Kubernetes API, or one wait for an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// Server-side apply as labctl's field manager, with strict validation.
    Apply {
        /// The whole of what labctl wants of the object, marks included.
        manifest: Manifest,
        /// Whether fields of other managers are taken: only where the plan has seen which.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        force: bool,
    },
    /// Makes the fields that these managers own labctl's own: those of `kubectl apply`, which keeps no list of its own
    /// of what it applied. What labctl then does not apply goes.
    TakeOver {
        /// The object.
        object: ObjectKey,
        /// Names of field managers.
        managers: Vec<String>,
    },
    /// Takes labctl's marks and its entry in `managedFields` off; nothing else of the object is touched.
    Release {
        /// The object.
        object: ObjectKey,
    },
    /// Deletes the object. One that is gone already is no failure.
    Delete {
        /// The object.
        object: ObjectKey,
    },
    /// Takes, keeps or gives up the cluster's lock.
    Lease(LeaseAct),
    /// Waits until the object is as ready as its kind can be ([`crate::kubernetes::readiness`]).
    Ready {
        /// The object.
        object: ObjectKey,
        /// Seconds.
        within: u64,
    },
    /// Waits until the object is gone.
    Gone {
        /// The object.
        object: ObjectKey,
        /// Seconds.
        within: u64,
    },
}

/// What a step in a cluster relies on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiGuard {
    /// The API is still that of this cluster.
    Cluster {
        /// UID of the namespace `kube-system`.
        uid: String,
    },
    /// The run with this id holds the cluster's lock.
    Holder {
        /// The run.
        id: String,
    },
    /// There is no such object.
    Absent(ObjectKey),
    /// The object is still as the plan saw it.
    Unchanged {
        /// The object.
        object: ObjectKey,
        /// Its `metadata.uid`.
        uid: String,
        /// Its `metadata.resourceVersion` when the plan saw it. Another one is no reason to stop (a status moves it):
        /// the fingerprint decides then.
        resource_version: String,
        /// [`crate::kubernetes::fingerprint`] of the object.
        fingerprint: String,
    },
}

impl ApiGuard {
    /// What it looks at, in a few words.
    pub fn words(&self) -> String {
        match self {
            Self::Cluster { .. } => "the cluster's identity".to_owned(),
            Self::Holder { .. } => "the lock of the cluster".to_owned(),
            Self::Absent(object) | Self::Unchanged { object, .. } => object.to_string(),
        }
    }
}
