//! What differs between two objects that the API server gave: as it is, and as a dry-run says it would be.

use std::collections::BTreeSet;

use serde_json::Value;

use super::leaves::{has_objects, leaves_at, name_of};
use super::{FieldPath, Fields, Part, applied, entries, is_noise, items};

/// One field that is not the same in two objects.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDifference {
    /// Where.
    pub path: FieldPath,
    /// As it is; `None` where it isn't there.
    pub before: Option<Value>,
    /// As it is to be; `None` where it goes.
    pub after: Option<Value>,
}

/// Every field that differs, without what the server moves by itself and without labctl's marks.
pub fn differences(before: &Value, after: &Value) -> Vec<FieldDifference> {
    let mut shape = Fields::default();
    for entry in entries(before).into_iter().chain(entries(after)) {
        shape.extend(&entry.fields);
    }
    let mut found = Vec::new();
    differ(&FieldPath::default(), Some(before), Some(after), Some(&shape), &mut found);
    // A status counts where it can be desired: where the kind has no status of its own and labctl applies it.
    let status = Part::field("status");
    if applied(after).is_some_and(|entry| entry.fields.at(&status).is_some()) {
        let fields = |object: &Value| object.get("status").and_then(Value::as_object).cloned().unwrap_or_default();
        let (old, new, shape) = (fields(before), fields(after), shape.at(&status));
        for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let part = Part::field(name);
            let below = shape.and_then(|shape| shape.at(&part));
            let path = FieldPath::fields(["status", name.as_str()]);
            differ(&path, old.get(name), new.get(name), below, &mut found);
        }
    }
    found
}

/// Null is the same as nothing.
fn some(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

fn differ(
    path: &FieldPath,
    before: Option<&Value>,
    after: Option<&Value>,
    shape: Option<&Fields>,
    found: &mut Vec<FieldDifference>,
) {
    let (before, after) = (some(before), some(after));
    if before == after || is_noise(path) {
        return;
    }
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let part = Part::field(name);
                let below = shape.and_then(|shape| shape.at(&part));
                differ(&path.child(part), old.get(name), new.get(name), below, found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if has_objects(old) && has_objects(new) => {
            differ_items(path, old, new, shape, found);
        }
        _ => whole(path, before, after, found),
    }
}

fn differ_items(
    path: &FieldPath,
    old: &[Value],
    new: &[Value],
    shape: Option<&Fields>,
    found: &mut Vec<FieldDifference>,
) {
    let parts = |list| items::parts(name_of(path), list, shape);
    let (old_parts, new_parts) = (parts(old), parts(new));
    let length = found.len();
    let at = |parts: &[Part], part: &Part| parts.iter().position(|other| other == part);
    for part in new_parts.iter().chain(old_parts.iter().filter(|part| at(&new_parts, part).is_none())) {
        let item = |list: &'_ [Value], parts: &[Part]| at(parts, part).and_then(|i| list.get(i).cloned());
        let (before, after) = (item(old, &old_parts), item(new, &new_parts));
        let below = shape.and_then(|shape| shape.at(part));
        differ(&path.child(part.clone()), before.as_ref(), after.as_ref(), below, found);
    }
    if found.len() == length {
        // The same items in another order: it counts where later ones rest on earlier ones, as in `env`.
        whole_value(path, Some(&Value::from(old)), Some(&Value::from(new)), found);
    }
}

/// What comes, goes or is replaced as a whole, field by field where it holds others.
fn whole(path: &FieldPath, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<FieldDifference>) {
    match (before, after) {
        (None, Some(new)) => {
            for (path, value) in leaves_at(path, new).into_iter().filter(|(path, _)| !is_noise(path)) {
                whole_value(&path, None, Some(value), found);
            }
        }
        (Some(old), None) => {
            for (path, value) in leaves_at(path, old).into_iter().filter(|(path, _)| !is_noise(path)) {
                whole_value(&path, Some(value), None, found);
            }
        }
        _ => whole_value(path, before, after, found),
    }
}

fn whole_value(path: &FieldPath, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<FieldDifference>) {
    found.push(FieldDifference { path: path.clone(), before: before.cloned(), after: after.cloned() });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(before: &Value, after: &Value) -> Vec<String> {
        let word = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), ToString::to_string);
        let found = differences(before, after);
        found.iter().map(|d| format!("{}: {} -> {}", d.path, word(&d.before), word(&d.after))).collect()
    }

    #[test]
    fn what_the_server_moves_by_itself_is_no_difference() {
        let before = json!({
            "metadata": {"name": "web", "uid": "1", "resourceVersion": "7", "generation": 1,
                         "creationTimestamp": "2026-02-01T00:00:00Z", "managedFields": [],
                         "annotations": {"labctl.dev/digest": "a"}},
            "spec": {"replicas": 1}, "status": {"replicas": 1}
        });
        let after = json!({
            "metadata": {"name": "web", "uid": "1", "resourceVersion": "8", "generation": 2,
                         "managedFields": [{"manager": "labctl"}], "labels": {"labctl.dev/lab": "mobius"}},
            "spec": {"replicas": 1, "paused": null}
        });
        assert_eq!(told(&before, &after), Vec::<String>::new());
    }

    #[test]
    fn a_status_counts_where_labctl_applies_it() {
        let object = |state: &str, applied: &Value| {
            json!({"metadata": {"managedFields": [{"manager": "labctl", "operation": "Apply", "fieldsV1": applied}]},
                   "status": {"state": state}})
        };
        let (with, without) = (json!({"f:status": {"f:state": {}}}), json!({"f:spec": {"f:capacity": {}}}));
        assert_eq!(
            told(&object("Pending", &without), &object("Ready", &with)),
            ["status.state: \"Pending\" -> \"Ready\""]
        );
        assert!(told(&object("Pending", &without), &object("Ready", &without)).is_empty());
    }

    #[test]
    fn items_are_matched_by_their_keys_and_not_by_their_places() {
        let before = json!({"spec": {"containers": [
            {"name": "proxy", "image": "a:1"}, {"name": "app", "image": "b:1", "env": [{"name": "A", "value": "1"}]}
        ]}});
        let after = json!({"spec": {"containers": [
            {"name": "app", "image": "b:2", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"name": "sidecar", "image": "c:1"}
        ]}});
        assert_eq!(
            told(&before, &after),
            [
                "spec.containers[app].env[B].name: - -> \"B\"",
                "spec.containers[app].env[B].value: - -> \"2\"",
                "spec.containers[app].image: \"b:1\" -> \"b:2\"",
                "spec.containers[sidecar].image: - -> \"c:1\"",
                "spec.containers[sidecar].name: - -> \"sidecar\"",
                "spec.containers[proxy].image: \"a:1\" -> -",
                "spec.containers[proxy].name: \"proxy\" -> -",
            ]
        );
    }

    #[test]
    fn the_managers_say_how_the_items_of_an_unknown_list_are_told_apart() {
        let managed = json!([{"manager": "labctl", "operation": "Apply", "fieldsV1":
            {"f:spec": {"f:peers": {"k:{\"asn\":1}": {".": {}, "f:asn": {}, "f:up": {}}}}}}]);
        let before =
            json!({"metadata": {"managedFields": managed}, "spec": {"peers": [{"asn": 1, "up": true}, {"asn": 2}]}});
        let after =
            json!({"metadata": {"managedFields": managed}, "spec": {"peers": [{"asn": 2}, {"asn": 1, "up": false}]}});
        assert_eq!(told(&before, &after), ["spec.peers[1].up: true -> false"]);
    }

    #[test]
    fn another_order_alone_is_a_difference() {
        let list = |names: [&str; 2]| json!({"env": names.map(|name| json!({"name": name}))});
        assert_eq!(told(&list(["A", "B"]), &list(["B", "A"])).len(), 1);
    }

    #[test]
    fn a_list_of_scalars_is_one_value() {
        assert_eq!(told(&json!({"args": ["a", "b"]}), &json!({"args": ["a"]})), ["args: [\"a\",\"b\"] -> [\"a\"]"]);
    }
}
