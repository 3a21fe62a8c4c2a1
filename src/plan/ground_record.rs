//! What labctl keeps about a cluster in the cluster itself: a `ConfigMap` in `kube-system`.
//!
//! It holds the name that the file gives the cluster, the cluster's identity, and the API kinds of which labctl made
//! objects: without them, nobody would look for the last object of a kind that left the file.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Act, ApiGuard, Call, Guard, Step, digest};
use crate::lab::{ApiKind, Cluster, Lab, Manifest, ObjectKey};
use crate::observe::{ApiAnswer, ApiAsk, Ask, Reply};

/// Where it lies.
const NAMESPACE: &str = "kube-system";

/// Steps with this key write the record; the first does it for all that are ready for it.
const KEY: &str = "ground-record";

/// A cluster's record, and the identity of the cluster that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroundRecord {
    /// UID of the namespace `kube-system`, now.
    pub uid: String,
    /// The kinds of which labctl made objects here.
    pub kinds: BTreeSet<ApiKind>,
}

/// Whether the object is the record of a lab.
pub fn is_record(key: &ObjectKey) -> bool {
    key.kind.kind == "ConfigMap" && key.namespace.as_deref() == Some(NAMESPACE) && key.name.starts_with("labctl-")
}

/// What to ask for it.
pub fn asks(lab: &Lab) -> Vec<Ask> {
    [key(&lab.name), identity()].into_iter().map(|key| Ask::Api(ApiAsk::Object(key))).collect()
}

/// The record. Why, where it can't be read, or where the cluster is another one than that of the record.
pub fn read(lab: &Lab, cluster: &Cluster, reply: &Reply) -> Result<GroundRecord, String> {
    let uid = match reply.api(&ApiAsk::Object(identity()))? {
        ApiAnswer::Object(namespace) => text(namespace, "/metadata/uid").to_owned(),
        ApiAnswer::Refused(refusal) => return Err(format!("its identity can't be read: {}", refusal.message)),
        _ => return Err("it has no namespace `kube-system`, by which a cluster is known".to_owned()),
    };
    let record = match reply.api(&ApiAsk::Object(key(&lab.name)))? {
        ApiAnswer::Object(record) => record,
        ApiAnswer::Absent => return Ok(GroundRecord { uid, kinds: BTreeSet::new() }),
        ApiAnswer::Refused(refusal) => return Err(format!("labctl's record there can't be read: {}", refusal.message)),
        _ => return Err("labctl's record there can't be read".to_owned()),
    };
    let known = text(record, "/data/uid");
    if known != uid {
        return Err(format!(
            "the kubeconfig leads to another cluster than the one that labctl knows as `{}`: `kube-system` has the UID \
             {uid} there, and had {known}; if a cluster was copied or restored, delete the ConfigMap {NAMESPACE}/{} there",
            cluster.name,
            name(&lab.name)
        ));
    }
    if text(record, "/data/lab") != lab.name {
        return Err(format!("labctl's record there is that of the lab `{}`", text(record, "/data/lab")));
    }
    let kinds = text(record, "/data/kinds").lines().filter_map(|line| {
        let (api_version, kind) = line.split_once(' ')?;
        Some(ApiKind::new(api_version, kind))
    });
    Ok(GroundRecord { uid, kinds: kinds.collect() })
}

impl GroundRecord {
    /// Whether objects of a kind would be found by it.
    pub fn knows(&self, kind: &str) -> bool {
        self.kinds.iter().any(|known| known.qualified() == kind)
    }

    /// What every change of this cluster relies on.
    pub fn guard(&self) -> Guard {
        Guard::Api(ApiGuard::Cluster { uid: self.uid.clone() })
    }

    /// The step that notes all kinds of which there are or will be objects.
    pub fn step(&self, lab: &Lab, cluster: &Cluster) -> Step {
        let declared = lab.objects.iter().filter(|object| object.cluster == cluster.name);
        let kinds: BTreeSet<&ApiKind> = declared.map(|object| &object.key.kind).chain(&self.kinds).collect();
        let lines: Vec<String> = kinds.iter().map(ToString::to_string).collect();
        let json = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": name(&lab.name), "namespace": NAMESPACE },
            "data": { "lab": lab.name, "cluster": cluster.name, "uid": self.uid, "kinds": lines.join("\n") },
        });
        let apply = Act::Api(Call::Apply { manifest: Manifest::plain(json), force: false });
        Step::new("note which kinds labctl has there", apply).shared(KEY)
    }
}

fn key(lab: &str) -> ObjectKey {
    ObjectKey::new(ApiKind::new("v1", "ConfigMap"), Some(NAMESPACE), name(lab))
}

fn identity() -> ObjectKey {
    ObjectKey::new(ApiKind::new("v1", "Namespace"), None, NAMESPACE)
}

/// A lab's name may have capitals and underscores, which the name of an object may not (RFC 1123).
fn name(lab: &str) -> String {
    let is_plain = lab.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if is_plain { format!("labctl-{lab}") } else { format!("labctl-{}", &digest(&lab)[..16]) }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
