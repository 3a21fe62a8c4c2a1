//! An object as a flat list of fields.

use serde_json::Value;

use super::{FieldPath, Part, items};

/// Every field of an object that holds no other: scalars, lists of scalars, and what is empty.
pub fn leaves(object: &Value) -> Vec<(FieldPath, &Value)> {
    let mut leaves = Vec::new();
    collect(&FieldPath::default(), object, &mut leaves);
    leaves
}

/// The same, of what is at `path` in an object.
pub(super) fn leaves_at<'a>(path: &FieldPath, value: &'a Value) -> Vec<(FieldPath, &'a Value)> {
    let mut leaves = Vec::new();
    collect(path, value, &mut leaves);
    leaves
}

fn collect<'a>(path: &FieldPath, value: &'a Value, leaves: &mut Vec<(FieldPath, &'a Value)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                collect(&path.field(name), value, leaves);
            }
        }
        Value::Array(list) if has_objects(list) => {
            for (part, item) in items::parts(name_of(path), list, None).into_iter().zip(list) {
                collect(&path.child(part), item, leaves);
            }
        }
        _ => leaves.push((path.clone(), value)),
    }
}

/// Whether the items are told apart; a list of scalars is one value.
pub(super) fn has_objects(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(Value::is_object)
}

/// The name of the field at the end of a path.
pub(super) fn name_of(path: &FieldPath) -> &str {
    match path.parts().last() {
        Some(Part::Field(name)) => name,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::leaves;

    #[test]
    fn an_object_is_flattened_to_named_fields() {
        let object = json!({
            "spec": {
                "replicas": 2,
                "ports": [{"port": 80}, {"port": 53, "protocol": "UDP", "targetPort": "dns"}],
                "template": {"spec": {"containers": [{"name": "app", "args": ["--a", "b"]}], "volumes": []}},
                "rules": [{"verbs": ["get"]}, {}]
            },
            "metadata": {"annotations": {"a.example/b": "x"}}
        });
        let flat: Vec<String> = leaves(&object).iter().map(|(path, value)| format!("{path} = {value}")).collect();
        assert_eq!(
            flat,
            [
                "metadata.annotations.\"a.example/b\" = \"x\"",
                "spec.ports[80,TCP].port = 80",
                "spec.ports[53,UDP].port = 53",
                "spec.ports[53,UDP].protocol = \"UDP\"",
                "spec.ports[53,UDP].targetPort = \"dns\"",
                "spec.replicas = 2",
                "spec.rules[0].verbs = [\"get\"]",
                "spec.rules[1] = {}",
                "spec.template.spec.containers[app].args = [\"--a\",\"b\"]",
                "spec.template.spec.containers[app].name = \"app\"",
                "spec.template.spec.volumes = []",
            ]
        );
    }
}
