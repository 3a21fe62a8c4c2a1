//! The JSON schema of `homelab.toml`, made from the tables themselves.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::tables::File;

/// The schema, in the draft that Taplo and Even Better TOML read (draft 7).
pub fn schema() -> Value {
    let root = SchemaSettings::draft07().into_generator().into_root_schema_for::<File>();
    let mut schema = root.to_value();
    schema["title"] = json!("homelab.toml");
    // An included file has the same tables, and no `[lab]`.
    if let Some(root) = schema.as_object_mut() {
        root.remove("required");
    }
    tidy(&mut schema);
    schema
}

/// Leaves out what only serde would mean: the empty values of absent tables, and Rust's names of numbers.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("default").is_some_and(|default| *default == json!([]) || *default == json!({})) {
                object.remove("default");
            }
            if object.get("format").is_some_and(|format| format.as_str().is_some_and(|name| name.starts_with("uint"))) {
                object.remove("format");
            }
            // TOML has no null: what may be absent is what is not required.
            let without_null = object
                .get("type")
                .and_then(Value::as_array)
                .map(|types| types.iter().filter(|name| *name != "null").cloned().collect::<Vec<_>>());
            match without_null.as_deref() {
                Some([one]) => object.insert("type".to_owned(), one.clone()),
                Some(several) => object.insert("type".to_owned(), several.to_vec().into()),
                None => None,
            };
            if let Some(Value::Array(options)) = object.get_mut("anyOf") {
                options.retain(|option| option["type"] != "null");
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
