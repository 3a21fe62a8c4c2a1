//! Where a field of an object is: `spec.template.spec.containers[app].image`.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// One level of a path, as the API server counts levels in `managedFields`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A field of an object, or a key of a map.
    Field(String),
    /// An item of a list that is found by some of its fields, whose values are kept as JSON text.
    Key(BTreeMap<String, String>),
    /// An item of a list that is a set, as JSON text.
    Value(String),
    /// An item of a list by its place.
    Index(usize),
}

/// A path from the top of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FieldPath(Vec<Part>);

impl Part {
    /// The field of that name.
    pub fn field(name: impl Into<String>) -> Self {
        Self::Field(name.into())
    }

    /// The item of a list whose `names` have the values that `item` has there; none where it lacks one of them.
    pub fn key_of<S: AsRef<str>>(item: &Value, names: impl IntoIterator<Item = S>) -> Option<Self> {
        let pair = |name: S| Some((name.as_ref().to_owned(), item.get(name.as_ref())?.to_string()));
        names.into_iter().map(pair).collect::<Option<BTreeMap<_, _>>>().map(Self::Key)
    }

    /// The item of a set.
    pub fn value(value: &Value) -> Self {
        Self::Value(value.to_string())
    }

    /// Whether this is the item of a list that this part names.
    pub fn is_item(&self, item: &Value) -> bool {
        match self {
            Self::Key(key) => key.iter().all(|(name, value)| {
                item.get(name).map(Value::to_string).as_ref() == Some(value)
                    // The server finds items by the defaults of their keys, which are not written out.
                    || (item.get(name).is_none() && is_default_key(name, value))
            }),
            Self::Value(value) => Some(value) == Some(&item.to_string()),
            Self::Field(_) | Self::Index(_) => false,
        }
    }
}

/// Keys of lists that have a default, so that an item needn't have them: a port is TCP (Kubernetes API conventions;
/// `+default="TCP"` in `k8s.io/api/core/v1`).
fn is_default_key(name: &str, value: &str) -> bool {
    name == "protocol" && value == "\"TCP\""
}

impl FieldPath {
    /// The path of these levels.
    pub fn new(parts: impl IntoIterator<Item = Part>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// The path of these fields.
    pub fn fields<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self(names.into_iter().map(Part::field).collect())
    }

    /// The path one level below.
    #[must_use]
    pub fn child(&self, part: Part) -> Self {
        let mut parts = self.0.clone();
        parts.push(part);
        Self(parts)
    }

    /// The field one level below.
    #[must_use]
    pub fn field(&self, name: impl Into<String>) -> Self {
        self.child(Part::field(name))
    }

    /// Its levels.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Whether `other` is this field or lies below it.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// Whether `text` names this field or one that it lies below, as labctl or as the API server writes it.
    pub fn is_below(&self, text: &str) -> bool {
        let text = text.trim().trim_start_matches('.');
        (1..=self.0.len()).any(|length| {
            let above = Self(self.0[..length].to_vec());
            above.to_string() == text || above.as_server_writes().trim_start_matches('.') == text
        })
    }

    /// The path as the API server writes it in the causes of a conflict: `.spec.ports[port=80,protocol="TCP"].nodePort`.
    /// Keys with dots are not quoted there. Src: structured-merge-diff `fieldpath.Path.String`.
    pub fn as_server_writes(&self) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Field(name) => text.push_str(&format!(".{name}")),
                Part::Key(key) => {
                    let pairs: Vec<String> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
                    text.push_str(&format!("[{}]", pairs.join(",")));
                }
                Part::Value(value) => text.push_str(&format!("[={value}]")),
                Part::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }

    /// What is there in an object.
    pub fn find<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(object, |value, part| match part {
            Part::Field(name) => value.get(name),
            Part::Index(index) => value.get(index),
            Part::Key(_) | Part::Value(_) => value.as_array()?.iter().find(|item| part.is_item(item)),
        })
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            match part {
                Part::Field(name) => {
                    if i > 0 {
                        f.write_str(".")?;
                    }
                    if is_bare(name) { f.write_str(name)? } else { write!(f, "{}", Value::from(name.as_str()))? }
                }
                Part::Key(key) => {
                    let values: Vec<String> = key.values().map(|value| shown(value)).collect();
                    write!(f, "[{}]", values.join(","))?;
                }
                Part::Value(value) => write!(f, "[{}]", shown(value))?,
                Part::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

fn is_bare(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'))
}

/// A key's value without its quotes, where they tell nothing.
fn shown(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(Value::String(text)) if !text.is_empty() && !text.contains(['[', ']', ',', '"']) => text,
        _ => json.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FieldPath, Part};

    fn image() -> FieldPath {
        let app = Part::key_of(&json!({"name": "app"}), ["name"]).unwrap();
        FieldPath::fields(["spec", "template", "spec", "containers"]).child(app).field("image")
    }

    #[test]
    fn a_path_names_an_item_by_its_key_and_quotes_what_has_dots() {
        assert_eq!(image().to_string(), "spec.template.spec.containers[app].image");
        let port = Part::key_of(&json!({"port": 80, "protocol": "TCP"}), ["port", "protocol"]).unwrap();
        assert_eq!(FieldPath::fields(["spec", "ports"]).child(port).to_string(), "spec.ports[80,TCP]");
        let annotation = FieldPath::fields(["metadata", "annotations", "a.example/b"]);
        assert_eq!(annotation.to_string(), r#"metadata.annotations."a.example/b""#);
        let finalizer = FieldPath::fields(["metadata", "finalizers"]).child(Part::value(&json!("a/b")));
        assert_eq!(finalizer.to_string(), "metadata.finalizers[a/b]");
    }

    #[test]
    fn a_path_is_written_as_the_server_writes_it() {
        assert_eq!(image().as_server_writes(), r#".spec.template.spec.containers[name="app"].image"#);
    }

    #[test]
    fn a_text_names_a_field_and_all_below_it_in_both_ways_of_writing() {
        for text in [
            "spec.template.spec.containers[app].image",
            r#".spec.template.spec.containers[name="app"].image"#,
            "spec.template",
            "spec.template.spec.containers[app]",
        ] {
            assert!(image().is_below(text), "{text}");
        }
        for text in ["spec.temp", "spec.template.spec.containers[web].image", "image", ""] {
            assert!(!image().is_below(text), "{text}");
        }
    }

    #[test]
    fn a_port_without_a_protocol_is_the_tcp_port() {
        let object = json!({"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "name": "tcp"}]});
        let tcp = Part::key_of(&json!({"port": 53, "protocol": "TCP"}), ["port", "protocol"]).unwrap();
        assert_eq!(FieldPath::fields(["ports"]).child(tcp).field("name").find(&object), Some(&json!("tcp")));
    }
}
