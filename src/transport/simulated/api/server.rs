//! One simulated API server: objects by name, with versions and owners as a real one keeps them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::clock::BEGINNING;
use super::{apply, controllers};
use crate::kubernetes::{FieldPath, LAB_LABEL, Scope, defined, is_built_in, scope};
use crate::lab::{ApiKind, ObjectKey};
use crate::observe::Refusal;

/// The namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// What a cluster's API holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::transport::simulated) struct ApiServer {
    name: String,
    seed: u64,
    /// The resource version of the last write.
    version: u64,
    /// How many objects were ever made.
    made: u64,
    objects: BTreeMap<String, Value>,
    /// Seconds that have passed by its clock.
    #[serde(default)]
    passed: u64,
}

impl ApiServer {
    /// A cluster that nobody has used yet.
    pub(in crate::transport::simulated) fn new(name: &str, seed: u64) -> Self {
        let mut server = Self { name: name.to_owned(), seed, version: 0, made: 0, objects: BTreeMap::new(), passed: 0 };
        for namespace in NAMESPACES {
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            server.put(&namespace_key(namespace), object);
        }
        server
    }

    /// Lets time pass.
    pub(in crate::transport::simulated) fn pass(&mut self, seconds: u64) {
        self.passed += seconds;
    }

    /// The time by its clock.
    pub(super) fn now(&self) -> Option<Timestamp> {
        let passed = i64::try_from(self.passed).ok()?;
        Timestamp::from_second(BEGINNING.checked_add(passed)?).ok()
    }

    /// Whether it serves a kind, and where such objects are.
    pub(super) fn serves(&self, kind: &ApiKind) -> Option<Scope> {
        self.defined(kind).or_else(|| scope(kind).filter(|_| is_built_in(kind)))
    }

    /// What a definition says of a kind.
    fn defined(&self, kind: &ApiKind) -> Option<Scope> {
        let mut definitions = self.objects.values().filter_map(defined);
        definitions.find(|(kinds, _)| kinds.contains(kind)).map(|(_, scope)| scope)
    }

    pub(in crate::transport::simulated) fn get(&self, key: &ObjectKey) -> Option<&Value> {
        self.objects.get(&key.path())
    }

    /// All objects, by path.
    pub(super) fn all(&self) -> impl Iterator<Item = &Value> {
        self.objects.values()
    }

    /// The objects of a kind, of whatever version.
    pub(super) fn of_kind<'a>(&'a self, kind: &ApiKind) -> impl Iterator<Item = &'a Value> {
        let prefix = format!("{}/", kind.qualified());
        self.objects.iter().filter(move |(path, _)| path.starts_with(&prefix)).map(|(_, object)| object)
    }

    /// What would become of an object that is applied.
    pub(super) fn applied(
        &self,
        key: &ObjectKey,
        manifest: &Value,
        manager: &str,
        force: bool,
    ) -> Result<Value, Refusal> {
        if let Some(namespace) = &key.namespace
            && !self.objects.contains_key(&namespace_key(namespace).path())
        {
            return Err(not_found(&format!("namespaces \"{namespace}\" not found")));
        }
        let empty = json!({});
        let live = self.get(key).unwrap_or(&empty);
        let mut object = apply::apply(live, manifest, manager, force)?;
        // The server's own word stands against what a request claims.
        for field in ["uid", "resourceVersion", "generation"] {
            match live.pointer(&format!("/metadata/{field}")) {
                Some(value) => object["metadata"][field] = value.clone(),
                None => drop(object["metadata"].as_object_mut().map(|metadata| metadata.remove(field))),
            }
        }
        Ok(object)
    }

    /// Keeps an object as it is now; a write that changes nothing is none.
    pub(in crate::transport::simulated) fn put(&mut self, key: &ObjectKey, mut object: Value) {
        let path = key.path();
        let before = self.objects.get(&path);
        if before == Some(&object) {
            return;
        }
        if before.is_none() {
            self.made += 1;
            object["metadata"]["uid"] = uid(self.seed, &self.name, self.made).into();
        }
        let is_other = |field: &str| before.is_none_or(|before| before.get(field) != object.get(field));
        let generation = before.and_then(|before| before.pointer("/metadata/generation")?.as_u64()).unwrap_or(0);
        let is_changed = is_other("spec") || is_other("data");
        object["metadata"]["generation"] = (generation + u64::from(is_changed || before.is_none())).into();
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        controllers::settle(&mut object);
        self.objects.insert(path, object);
    }

    /// Removes an object, and what goes with it.
    pub(super) fn delete(&mut self, key: &ObjectKey) {
        let Some(object) = self.objects.remove(&key.path()) else { return };
        self.version += 1;
        match key.kind.qualified().as_str() {
            "Namespace" => {
                let is_in = |object: &Value| object.pointer("/metadata/namespace") == Some(&json!(key.name));
                self.objects.retain(|_, object| !is_in(object));
            }
            "CustomResourceDefinition.apiextensions.k8s.io" => {
                let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                let prefix = format!("{}.{}/", text("/spec/names/kind"), text("/spec/group"));
                self.objects.retain(|path, _| !path.starts_with(&prefix));
            }
            _ => {
                let uid = object.pointer("/metadata/uid");
                self.objects.retain(|_, other| {
                    let owners = other.pointer("/metadata/ownerReferences").and_then(Value::as_array);
                    !owners.is_some_and(|owners| owners.iter().any(|owner| owner.get("uid") == uid))
                });
            }
        }
    }

    /// Somebody changes a field by hand; false where there is no such object.
    pub(in crate::transport::simulated) fn edit(&mut self, path: &str, field: &str, value: Value) -> bool {
        let Some(mut object) = self.objects.get(path).cloned() else { return false };
        let Some(key) = ObjectKey::of(&object) else { return false };
        apply::write(&mut object, &FieldPath::fields(field.split('.')), value, "kubectl-edit");
        self.put(&key, object);
        true
    }

    /// Somebody deletes an object; false where there is none.
    pub(in crate::transport::simulated) fn remove(&mut self, path: &str) -> bool {
        let key = self.objects.get(path).and_then(ObjectKey::of);
        key.iter().for_each(|key| self.delete(key));
        key.is_some()
    }

    /// What the objects are, line by line, without what no two runs share.
    pub(in crate::transport::simulated) fn dump(&self) -> Vec<(String, String)> {
        let lines = self.objects.iter().map(|(path, object)| {
            let mut object = object.clone();
            for field in ["uid", "resourceVersion", "generation"] {
                object["metadata"].as_object_mut().map(|metadata| metadata.remove(field));
            }
            if let Some(data) = object.pointer_mut("/data/uid") {
                *data = Value::Null;
            }
            (path.clone(), object.to_string())
        });
        lines.collect()
    }
}

/// Whether labctl's label of that lab is on an object.
pub(super) fn is_marked(object: &Value, lab: &str) -> bool {
    let labels = object.pointer("/metadata/labels");
    labels.and_then(|labels| labels.get(LAB_LABEL)).and_then(Value::as_str) == Some(lab)
}

fn namespace_key(name: &str) -> ObjectKey {
    ObjectKey::new(ApiKind::new("v1", "Namespace"), None, name)
}

pub(super) fn not_found(message: &str) -> Refusal {
    Refusal { code: 404, reason: "NotFound".to_owned(), message: message.to_owned(), causes: Vec::new() }
}

/// A UID that is the same for the same seed, cluster and number.
fn uid(seed: u64, cluster: &str, number: u64) -> String {
    let hex = crate::plan::digest(&(seed, cluster, number));
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

impl ApiServer {
    /// The cluster's identity: the UID of `kube-system`.
    pub(super) fn uid(&self) -> Option<&str> {
        self.get(&namespace_key("kube-system"))?.pointer("/metadata/uid")?.as_str()
    }
}
