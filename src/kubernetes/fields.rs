//! Sets of fields, as `managedFields` has them: the format `FieldsV1`.
//!
//! Src: structured-merge-diff `fieldpath/serialize.go` and `serialize-pe.go`: `f:NAME` is a field, `k:{…}` an item of a
//! list by its keys, `v:…` an item of a set, `i:N` an item by its place; `.` says that the thing itself is in the set.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{FieldPath, Part};

/// A set of fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields {
    /// Whether the thing itself is in the set: a leaf, an item of a list, an empty map.
    is_member: bool,
    below: BTreeMap<Part, Self>,
}

impl Fields {
    /// Reads `fieldsV1`; none where it is not in that format.
    pub fn parse(fields: &Value) -> Option<Self> {
        let mut set = Self::default();
        for (key, value) in fields.as_object()? {
            if key == "." {
                set.is_member = true;
                continue;
            }
            let mut below = Self::parse(value)?;
            below.is_member |= value.as_object()?.is_empty();
            set.below.insert(part(key)?, below);
        }
        Some(set)
    }

    /// The set as `fieldsV1` has it.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        if self.is_member && !self.below.is_empty() {
            map.insert(".".to_owned(), Value::Object(Map::new()));
        }
        map.extend(self.below.iter().map(|(part, below)| (key(part), below.to_json())));
        Value::Object(map)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        !self.is_member && self.below.is_empty()
    }

    /// Whether the thing itself is in it.
    pub fn is_member(&self) -> bool {
        self.is_member
    }

    /// Whether nothing lies below: the thing is owned whole, with all that it holds.
    pub fn is_leaf(&self) -> bool {
        self.below.is_empty()
    }

    /// What is in the set one level below.
    pub fn below(&self) -> impl Iterator<Item = (&Part, &Self)> {
        self.below.iter()
    }

    /// What is in the set below this part.
    pub fn at(&self, part: &Part) -> Option<&Self> {
        self.below.get(part)
    }

    /// What is in the set below that path; none where nothing of it is.
    pub fn find(&self, path: &FieldPath) -> Option<&Self> {
        path.parts().iter().try_fold(self, |fields, part| fields.at(part))
    }

    /// Whether the set has this field itself, or one above it that is owned whole.
    pub fn has(&self, path: &FieldPath) -> bool {
        let mut fields = self;
        for part in path.parts() {
            match fields.at(part) {
                Some(below) => fields = below,
                None => return fields.is_member && fields.is_leaf(),
            }
        }
        fields.is_member
    }

    /// Puts a field into the set.
    pub fn insert(&mut self, path: &FieldPath) {
        let mut fields = self;
        for part in path.parts() {
            fields = fields.below.entry(part.clone()).or_default();
        }
        fields.is_member = true;
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &Self) {
        self.is_member |= other.is_member;
        for (part, below) in &other.below {
            self.below.entry(part.clone()).or_default().extend(below);
        }
    }

    /// Takes out all of another set.
    pub fn remove(&mut self, other: &Self) {
        self.is_member &= !other.is_member;
        for (part, taken) in &other.below {
            if let Some(mine) = self.below.get_mut(part) {
                mine.remove(taken);
                if mine.is_empty() {
                    self.below.remove(part);
                }
            }
        }
    }

    /// Every field in the set.
    pub fn paths(&self) -> Vec<FieldPath> {
        let mut paths = Vec::new();
        self.collect(&FieldPath::default(), &mut paths);
        paths
    }

    fn collect(&self, at: &FieldPath, paths: &mut Vec<FieldPath>) {
        if self.is_member {
            paths.push(at.clone());
        }
        for (part, below) in &self.below {
            below.collect(&at.child(part.clone()), paths);
        }
    }
}

impl FromIterator<FieldPath> for Fields {
    fn from_iter<I: IntoIterator<Item = FieldPath>>(paths: I) -> Self {
        let mut fields = Self::default();
        paths.into_iter().for_each(|path| fields.insert(&path));
        fields
    }
}

fn part(key: &str) -> Option<Part> {
    let (kind, text) = key.split_once(':')?;
    match kind {
        "f" => Some(Part::field(text)),
        "k" => {
            let pairs: Map<String, Value> = serde_json::from_str(text).ok()?;
            Some(Part::Key(pairs.into_iter().map(|(name, value)| (name, value.to_string())).collect()))
        }
        "v" => serde_json::from_str::<Value>(text).ok().map(|value| Part::value(&value)),
        "i" => text.parse().ok().map(Part::Index),
        _ => None,
    }
}

fn key(part: &Part) -> String {
    match part {
        Part::Field(name) => format!("f:{name}"),
        Part::Key(key) => {
            let pairs: Vec<String> =
                key.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect();
            format!("k:{{{}}}", pairs.join(","))
        }
        Part::Value(value) => format!("v:{value}"),
        Part::Index(index) => format!("i:{index}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fields;

    #[test]
    fn what_is_read_is_written_back_as_it_was() {
        let fields = json!({
            "f:metadata": {
                "f:annotations": {".": {}, "f:a.example/b:c": {}},
                "f:finalizers": {".": {}, "v:\"kubernetes.io/pvc-protection\"": {}}
            },
            "f:spec": {
                "f:replicas": {},
                "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {
                    ".": {}, "f:name": {}, "f:image": {},
                    "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}
                }}}},
                "f:list": {"i:0": {}}
            }
        });
        let set = Fields::parse(&fields).unwrap();
        assert_eq!(set.to_json(), fields);
        let paths: Vec<String> = set.paths().iter().map(ToString::to_string).collect();
        assert!(paths.contains(&"spec.template.spec.containers[app].ports[80,TCP]".to_owned()), "{paths:#?}");
        assert!(!paths.contains(&"spec.template".to_owned()), "only what is a member: {paths:#?}");
        let again: Fields = set.paths().into_iter().collect();
        assert_eq!(again, set);
    }

    #[test]
    fn what_is_no_set_is_not_taken_for_an_empty_one() {
        for fields in [json!(null), json!("f:spec"), json!({"spec": {}}), json!({"k:name": {}}), json!({"f:spec": 1})] {
            assert_eq!(Fields::parse(&fields), None, "{fields}");
        }
    }

    #[test]
    fn a_map_that_is_owned_whole_owns_what_it_holds() {
        let set = Fields::parse(
            &json!({"f:spec": {"f:nodeSelector": {}, "f:containers": {".": {}, "k:{\"name\":\"a\"}": {}}}}),
        )
        .unwrap();
        let has = |names: &[&str]| set.has(&super::FieldPath::fields(names.iter().copied()));
        assert!(has(&["spec", "nodeSelector", "disk"]));
        assert!(has(&["spec", "containers"]) && !has(&["spec", "containers", "b"]) && !has(&["spec"]));
    }

    #[test]
    fn sets_are_added_and_taken_away() {
        let mut set = Fields::parse(&json!({"f:spec": {"f:a": {}, "f:b": {".": {}, "f:c": {}}}})).unwrap();
        let other = Fields::parse(&json!({"f:spec": {"f:b": {"f:c": {}}, "f:d": {}}})).unwrap();
        let mut sum = set.clone();
        sum.extend(&other);
        assert_eq!(sum.to_json(), json!({"f:spec": {"f:a": {}, "f:b": {".": {}, "f:c": {}}, "f:d": {}}}));
        set.remove(&other);
        assert_eq!(set.to_json(), json!({"f:spec": {"f:a": {}, "f:b": {}}}));
    }
}
