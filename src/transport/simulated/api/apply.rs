//! Server-side apply on one object: fields merged, owners kept, conflicts refused.
//!
//! Src: kubernetes.io, "Server-Side Apply"; structured-merge-diff. Without schemas: defaults and validation are the real
//! server's alone.

use serde_json::{Map, Value, json};

use super::lists;
use crate::kubernetes::{Entry, FieldPath, Fields, Operation, Part, entries};
use crate::observe::{Cause, Refusal};

/// Fields that name an object or that the server alone writes: nobody owns them.
const NOBODYS: [&[&str]; 8] = [
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "uid"],
    &["metadata", "resourceVersion"],
    &["metadata", "managedFields"],
    &["metadata", "creationTimestamp"],
];

/// What becomes of `live` (an empty object where there is none) when `manager` applies `manifest`.
pub(super) fn apply(live: &Value, manifest: &Value, manager: &str, force: bool) -> Result<Value, Refusal> {
    let wanted = fields(manifest);
    let mut owners = entries(live);
    let conflicts = conflicts(live, manifest, manager, &owners, &wanted);
    if !conflicts.is_empty() {
        if !force {
            return Err(refusal(&conflicts));
        }
        for (owner, path) in &conflicts {
            let lost: Fields = [path.clone()].into_iter().collect();
            owners.iter_mut().filter(|entry| entry.manager == *owner).for_each(|entry| entry.fields.remove(&lost));
        }
    }
    let is_own = |entry: &&Entry| entry.manager == manager && entry.operation == Operation::Apply;
    let before = owners.iter().find(is_own).map(|entry| entry.fields.clone()).unwrap_or_default();
    let mut object = live.clone();
    merge(&mut object, manifest, "");
    let mut left = before;
    left.remove(&wanted);
    let mut paths = left.paths();
    // Items go first, while they have the fields that they are known by; then what lies deeper before what it lies in.
    let is_field = |path: &FieldPath| matches!(path.parts().last(), Some(Part::Field(_)));
    paths.sort_by_key(|path| (is_field(path), std::cmp::Reverse(path.parts().len())));
    for path in paths {
        let is_anothers = owners.iter().any(|entry| !is_own(&entry) && entry.fields.has(&path));
        if !is_anothers {
            remove(&mut object, path.parts());
        }
    }
    owners.retain(|entry| !is_own(&entry));
    owners.insert(
        0,
        Entry {
            manager: manager.to_owned(),
            operation: Operation::Apply,
            subresource: String::new(),
            api_version: manifest["apiVersion"].as_str().unwrap_or_default().to_owned(),
            fields: wanted,
        },
    );
    own(&mut object, owners);
    Ok(object)
}

/// Writes a field as somebody who does not apply: it is that manager's from then on, and nobody else's.
pub(super) fn write(object: &mut Value, path: &FieldPath, value: Value, manager: &str) {
    let mut owners = entries(object);
    let field: Fields = [path.clone()].into_iter().collect();
    owners.iter_mut().for_each(|entry| entry.fields.remove(&field));
    let is_own = |entry: &&mut Entry| entry.manager == manager && entry.operation == Operation::Update;
    match owners.iter_mut().find(is_own) {
        Some(entry) => entry.fields.insert(path),
        None => owners.push(Entry {
            manager: manager.to_owned(),
            operation: Operation::Update,
            subresource: String::new(),
            api_version: object["apiVersion"].as_str().unwrap_or_default().to_owned(),
            fields: field,
        }),
    }
    if let Some(place) = place(object, path.parts()) {
        *place = value;
    }
    own(object, owners);
}

/// All fields that a manifest says something of.
fn fields(manifest: &Value) -> Fields {
    let mut found = Vec::new();
    collect(manifest, &FieldPath::default(), "", &mut found);
    let nobodys: Fields = NOBODYS.iter().map(|path| FieldPath::fields(path.iter().copied())).collect();
    let mut fields: Fields = found.into_iter().collect();
    fields.remove(&nobodys);
    fields
}

fn collect(value: &Value, at: &FieldPath, field: &str, found: &mut Vec<FieldPath>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(name, value)| collect(value, &at.field(name), name, found));
        }
        Value::Array(items) => match lists::parts(field, items) {
            Some(parts) => {
                for (part, item) in parts.into_iter().zip(items) {
                    let at = at.child(part);
                    found.push(at.clone());
                    if item.is_object() {
                        collect(item, &at, "", found);
                    }
                }
            }
            None => found.push(at.clone()),
        },
        _ => found.push(at.clone()),
    }
}

/// Who else owns a wanted field, and has another value there.
fn conflicts(
    live: &Value,
    manifest: &Value,
    manager: &str,
    owners: &[Entry],
    wanted: &Fields,
) -> Vec<(String, FieldPath)> {
    let mut found = Vec::new();
    for path in wanted.paths() {
        let differs = path.find(live).is_some() && path.find(live) != path.find(manifest);
        let is_item = path.find(manifest).is_some_and(Value::is_object);
        for entry in owners.iter().filter(|_| differs && !is_item) {
            if entry.manager != manager && entry.fields.has(&path) {
                found.push((entry.manager.clone(), path.clone()));
            }
        }
    }
    found
}

fn refusal(conflicts: &[(String, FieldPath)]) -> Refusal {
    let causes = conflicts.iter().map(|(manager, path)| Cause {
        reason: "FieldManagerConflict".to_owned(),
        message: format!("conflict with \"{manager}\""),
        field: path.as_server_writes(),
    });
    let message = format!("Apply failed with {} conflicts", conflicts.len());
    Refusal { code: 409, reason: "Conflict".to_owned(), message, causes: causes.collect() }
}

fn merge(into: &mut Value, from: &Value, field: &str) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                match into.get_mut(name) {
                    Some(there) => merge(there, value, name),
                    None => drop(into.insert(name.clone(), value.clone())),
                }
            }
        }
        (Value::Array(into), Value::Array(from)) if lists::parts(field, from).is_some() => {
            let parts = lists::parts(field, from).unwrap_or_default();
            for (part, item) in parts.iter().zip(from) {
                match into.iter_mut().find(|there| part.is_item(there)) {
                    Some(there) => merge(there, item, ""),
                    None => into.push(item.clone()),
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn remove(object: &mut Value, path: &[Part]) {
    let Some((last, above)) = path.split_last() else { return };
    match (place_that_is(object, above), last) {
        (Some(Value::Object(map)), Part::Field(name)) => drop(map.remove(name)),
        (Some(Value::Array(items)), part) => items.retain(|item| !part.is_item(item)),
        _ => {}
    }
}

fn place_that_is<'a>(object: &'a mut Value, path: &[Part]) -> Option<&'a mut Value> {
    path.iter().try_fold(object, |value, part| match part {
        Part::Field(name) => value.get_mut(name),
        Part::Index(index) => value.get_mut(index),
        part => value.as_array_mut()?.iter_mut().find(|item| part.is_item(item)),
    })
}

/// The place of a path; maps on the way are made.
fn place<'a>(object: &'a mut Value, path: &[Part]) -> Option<&'a mut Value> {
    path.iter().try_fold(object, |value, part| match part {
        Part::Field(name) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            Some(value.as_object_mut()?.entry(name).or_insert(Value::Null))
        }
        part => place_that_is(value, std::slice::from_ref(part)),
    })
}

fn own(object: &mut Value, owners: Vec<Entry>) {
    let entries = owners.into_iter().filter(|entry| !entry.fields.is_empty()).map(|entry| {
        let operation = match entry.operation {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        };
        let mut json = json!({
            "manager": entry.manager, "operation": operation, "apiVersion": entry.api_version,
            "fieldsType": "FieldsV1", "fieldsV1": entry.fields.to_json(),
        });
        if !entry.subresource.is_empty() {
            json["subresource"] = entry.subresource.into();
        }
        json
    });
    object["metadata"]["managedFields"] = entries.collect();
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{apply, write};
    use crate::kubernetes::FieldPath;

    fn deployment(replicas: u32, image: &str) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "apps"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [
                {"name": "web", "image": image, "ports": [{"containerPort": 80}]}
            ]}}}
        })
    }

    #[test]
    fn what_is_applied_twice_is_as_it_was() {
        let once = apply(&json!({}), &deployment(1, "nginx:1"), "labctl", false).unwrap();
        assert_eq!(apply(&once, &deployment(1, "nginx:1"), "labctl", false).unwrap(), once);
    }

    #[test]
    fn a_field_that_is_no_longer_applied_goes_and_what_others_own_stays() {
        let once = apply(&json!({}), &deployment(1, "nginx:1"), "labctl", false).unwrap();
        let other = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"labels": {"team": "a"}},
            "spec": {"template": {"spec": {"containers": [{"name": "proxy", "image": "envoy"}]}}}
        });
        let both = apply(&once, &other, "other", false).unwrap();
        let mut less = deployment(1, "nginx:2");
        less["spec"].as_object_mut().unwrap().remove("replicas");
        let after = apply(&both, &less, "labctl", false).unwrap();
        assert_eq!(after["spec"].get("replicas"), None);
        let containers = after.pointer("/spec/template/spec/containers").unwrap();
        assert_eq!(containers[0]["image"], "nginx:2");
        assert_eq!(containers[1], json!({"name": "proxy", "image": "envoy"}));
        assert_eq!(after["metadata"]["labels"], json!({"team": "a"}));
    }

    #[test]
    fn a_field_of_another_manager_is_a_conflict_until_it_is_taken() {
        let mut object = apply(&json!({}), &deployment(1, "nginx:1"), "labctl", false).unwrap();
        let replicas = FieldPath::fields(["spec", "replicas"]);
        write(&mut object, &replicas, json!(3), "kubectl-edit");
        let refusal = apply(&object, &deployment(1, "nginx:1"), "labctl", false).unwrap_err();
        assert_eq!((refusal.code, refusal.causes[0].field.as_str()), (409, ".spec.replicas"));
        let taken = apply(&object, &deployment(1, "nginx:1"), "labctl", true).unwrap();
        assert_eq!(taken["spec"]["replicas"], 1);
        assert_eq!(crate::kubernetes::owners(&taken, &replicas), ["labctl"]);
    }

    #[test]
    fn an_item_that_leaves_a_list_goes_with_all_its_fields() {
        let mut two = deployment(1, "nginx:1");
        two["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "b", "image": "c"}));
        let object = apply(&json!({}), &two, "labctl", false).unwrap();
        let after = apply(&object, &deployment(1, "nginx:1"), "labctl", false).unwrap();
        assert_eq!(after.pointer("/spec/template/spec/containers").unwrap().as_array().unwrap().len(), 1);
    }
}
