//! A Kubernetes object that the lab desires, and what such an object is called.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Address, Content, Meta};
use crate::config::Located;

/// A kind of object as an API server serves it: group, version and kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ApiKind {
    /// `apps/v1`; the core group has none: `v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
}

impl ApiKind {
    /// That kind of that version.
    pub fn new(api_version: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { api_version: api_version.into(), kind: kind.into() }
    }

    /// `apps`; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// `v1`.
    pub fn version(&self) -> &str {
        self.api_version.split_once('/').map_or(&self.api_version, |(_, version)| version)
    }

    /// Kind and group without the version: `Deployment.apps`, `ConfigMap`. Versions of one kind are the same objects.
    pub fn qualified(&self) -> String {
        match self.group() {
            "" => self.kind.clone(),
            group => format!("{}.{group}", self.kind),
        }
    }
}

impl fmt::Display for ApiKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version, self.kind)
    }
}

/// One object of a cluster: its kind, and its name there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// Its kind.
    #[serde(flatten)]
    pub kind: ApiKind,
    /// Its namespace; none for an object of the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectKey {
    /// The object of that kind, namespace and name.
    pub fn new(kind: ApiKind, namespace: Option<&str>, name: impl Into<String>) -> Self {
        Self { kind, namespace: namespace.map(ToOwned::to_owned), name: name.into() }
    }

    /// The key of an object as the API server gives it.
    pub fn of(object: &serde_json::Value) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(serde_json::Value::as_str);
        let kind = ApiKind::new(text("/apiVersion")?, text("/kind")?);
        Some(Self::new(kind, text("/metadata/namespace"), text("/metadata/name")?))
    }

    /// Whether both name the same object, whatever the version of its kind.
    pub fn is_same(&self, other: &Self) -> bool {
        self.path() == other.path()
    }

    /// What tells it from all other objects of its cluster, `kind.group/namespace/name`: its real name in a plan.
    pub fn path(&self) -> String {
        let kind = self.kind.qualified();
        match &self.namespace {
            Some(namespace) => format!("{kind}/{namespace}/{}", self.name),
            None => format!("{kind}/{}", self.name),
        }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// An object as it is sent: JSON with slots for secrets, which are filled in `transport` alone.
///
/// A Secret has all its values in `data` (never in `stringData`, whose fields the server renames), and every one of
/// them is a slot: a value that is a secret in the cluster is not shown either where the file has it in the open.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Manifest {
    /// The object; an empty text stands where a slot is.
    pub json: serde_json::Value,
    /// What is filled in, by JSON pointer (RFC 6901).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slots: BTreeMap<String, Slot>,
}

/// A place in a manifest that is filled when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// What is filled in.
    pub content: Content,
    /// Whether it is encoded as base64 first, as in a Secret's `data`.
    pub base64: bool,
}

impl Manifest {
    /// A manifest without slots.
    pub fn plain(json: serde_json::Value) -> Self {
        Self { json, slots: BTreeMap::new() }
    }

    /// The key of the object; none where it has no kind or name.
    pub fn key(&self) -> Option<ObjectKey> {
        ObjectKey::of(&self.json)
    }
}

/// A desired object of a cluster: what a service expands to.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its name in the file: that of its service, then `/kind.group/namespace/name`.
    pub address: Address,
    /// The cluster that it is in, by name.
    pub cluster: String,
    /// Its name there.
    pub key: ObjectKey,
    /// What is desired, without labctl's own marks.
    pub manifest: Manifest,
    /// Other resources that must be as desired before it, beside those that its fields name.
    pub needs: Vec<Located<Address>>,
    /// Fields that are taken from another manager: `spec.replicas`.
    pub take: Vec<Located<String>>,
    /// What the service's table says of it.
    pub meta: Meta,
}
