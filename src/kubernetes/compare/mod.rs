//! What is desired of an object against the object as it is, by the fields that labctl owns.
//!
//! The server adds defaults and keeps what others own, so an object is never equal to what was applied. What labctl
//! applied last is known by its entry in `managedFields`: a desired field that it owns and that has the desired value is
//! as desired, one that it owns and no longer desires is to go. Where this can't be sure, it says that there is a
//! difference: that costs a dry-run, by which the server itself decides.

mod list;
mod whole;

use serde_json::{Map, Value};

use super::leaves::{leaves, leaves_at};
use super::quantity::{Quantity, is_quantity};
use super::{Entry, FieldDifference, FieldPath, Fields, Part, entries, is_built_in, is_identity, is_mark};
use crate::lab::ApiKind;

/// How an object compares with what is desired of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comparison {
    /// Desired fields that have another value, or may have.
    pub differs: Vec<FieldDifference>,
    /// Fields that labctl owns and no longer desires.
    pub removed: Vec<FieldDifference>,
    /// Desired fields that have the desired value and aren't labctl's: another manager took them, or labctl has never
    /// applied them.
    pub unowned: Vec<FieldPath>,
}

impl Comparison {
    /// Whether the object is as desired, and labctl's.
    pub fn is_equal(&self) -> bool {
        self.differs.is_empty() && self.removed.is_empty() && self.unowned.is_empty()
    }
}

/// Compares an object with what is desired of it, both without slots (a mask stands for a Secret's value in both).
///
/// `is_as_applied` says that labctl last applied this very desire (by the digest in its mark). Then what is in a value
/// that is owned whole and that nobody desired was put there by the server.
pub fn compare(desired: &Value, live: &Value, owned: Option<&Entry>, is_as_applied: bool) -> Comparison {
    let kind = ApiKind::new(text(desired, "apiVersion"), text(desired, "kind"));
    // Fields that were named in another version of the kind can be others in this one.
    let owned = owned.filter(|entry| entry.api_version == kind.api_version).map(|entry| &entry.fields);
    let mut shape = Fields::default();
    for entry in entries(live) {
        shape.extend(&entry.fields);
    }
    let mut walk = Walk { kind, is_as_applied, found: Comparison::default() };
    let at = At { path: FieldPath::default(), owned, shape: Some(&shape), is_within: false };
    walk.value(desired, Some(live), &at);
    walk.found
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

struct Walk {
    kind: ApiKind,
    is_as_applied: bool,
    found: Comparison,
}

/// A place in both objects.
struct At<'a> {
    path: FieldPath,
    /// What labctl owns there and below.
    owned: Option<&'a Fields>,
    /// What anybody owns there and below.
    shape: Option<&'a Fields>,
    /// Whether it lies within something that labctl owns whole.
    is_within: bool,
}

impl<'a> At<'a> {
    fn below(&self, part: Part) -> Self {
        let at = |fields: Option<&'a Fields>| fields.and_then(|fields| fields.at(&part));
        Self {
            owned: at(self.owned),
            shape: at(self.shape),
            is_within: self.is_within || self.owned.is_some_and(is_owned_whole),
            path: self.path.child(part),
        }
    }

    fn is_owned(&self) -> bool {
        self.is_within || self.owned.is_some_and(Fields::is_member)
    }
}

fn is_owned_whole(fields: &Fields) -> bool {
    fields.is_member() && fields.is_leaf()
}

impl Walk {
    fn value(&mut self, desired: &Value, live: Option<&Value>, at: &At<'_>) {
        if is_identity(&at.path) || is_mark(&at.path) || self.is_status_of_others(at) {
            return;
        }
        match (desired, live) {
            (desired, live) if is_empty(desired) => self.empty(desired, live, at),
            (Value::Object(fields), Some(Value::Object(found))) => self.object(fields, found, at),
            (Value::Array(items), Some(Value::Array(found))) => self.list(items, found, at),
            (desired, Some(live)) if self.is_same(desired, live, &at.path) => self.owner(at),
            (desired, live) => self.differs(desired, live, &at.path),
        }
    }

    /// A status is desired only of a kind that has none of its own; the server passes over it otherwise.
    fn is_status_of_others(&self, at: &At<'_>) -> bool {
        self.is_as_applied && at.owned.is_none() && at.path == FieldPath::fields(["status"])
    }

    fn object(&mut self, desired: &Map<String, Value>, live: &Map<String, Value>, at: &At<'_>) {
        if at.is_within || at.shape.is_some_and(is_owned_whole) {
            let (desired, live) = (Value::Object(desired.clone()), Value::Object(live.clone()));
            self.whole(&desired, &live, at);
            return;
        }
        for (name, value) in desired {
            self.value(value, live.get(name), &at.below(Part::field(name)));
        }
        for (part, owned) in at.owned.into_iter().flat_map(Fields::below) {
            if let Part::Field(name) = part
                && !desired.contains_key(name)
            {
                self.gone(owned, live.get(name), &at.path.field(name));
            }
        }
    }

    /// Something empty is often not kept. That it is as desired is known where labctl owns it all the same.
    fn empty(&mut self, desired: &Value, live: Option<&Value>, at: &At<'_>) {
        let live = live.filter(|live| !live.is_null());
        match live {
            None if desired.is_null() || at.is_owned() || (self.is_as_applied && !desired.is_string()) => {}
            None => self.differs(desired, live, &at.path),
            Some(live) if live == desired => self.owner(at),
            Some(live) if is_empty(live) && self.is_as_applied => {}
            Some(Value::Object(found)) if desired.is_object() && !at.owned.is_some_and(is_owned_whole) => {
                self.object(&Map::new(), found, at);
                // labctl's own marks may be in it: then the fields are owned, and not the map. Nor does the server note who
                // applied nothing: applied once more, what others fill wouldn't be labctl's either.
                if at.owned.is_none() && !self.is_as_applied {
                    self.owner(at);
                }
            }
            // A built-in kind has a default in the place of an empty text; had anybody else put it there, labctl would
            // not own it any more.
            Some(_) if desired.is_string() && self.is_as_applied && at.is_owned() && is_built_in(&self.kind) => {}
            // What fills it was put there by the server, or is somebody else's.
            Some(live) if self.is_as_applied && desired.is_object() && live.is_object() => self.owner(at),
            Some(Value::Array(found)) if desired.is_array() && at.shape.is_some_and(|shape| !shape.is_leaf()) => {
                self.list(&[], found, at);
            }
            Some(live) => self.differs(desired, Some(live), &at.path),
        }
    }

    /// Owned fields that are not desired any more.
    fn gone(&mut self, owned: &Fields, live: Option<&Value>, path: &FieldPath) {
        let Some(live) = live.filter(|_| !is_mark(path) && !is_identity(path)) else { return };
        if owned.is_leaf() {
            let fields = leaves_at(path, live).into_iter().filter(|(path, _)| !is_mark(path));
            let fields = fields.map(|(path, value)| FieldDifference { path, before: Some(value.clone()), after: None });
            self.found.removed.extend(fields);
            return;
        }
        for (part, below) in owned.below() {
            let path = path.child(part.clone());
            let found = match part {
                Part::Field(name) => live.get(name),
                Part::Index(index) => live.get(index),
                Part::Key(_) | Part::Value(_) => {
                    live.as_array().and_then(|items| items.iter().find(|item| part.is_item(item)))
                }
            };
            self.gone(below, found, &path);
        }
    }

    fn is_same(&self, desired: &Value, live: &Value, path: &FieldPath) -> bool {
        if desired == live {
            return true;
        }
        if let (Value::Number(left), Value::Number(right)) = (desired, live) {
            return left.as_f64() == right.as_f64() && left.is_f64() != right.is_f64();
        }
        is_quantity(&self.kind, path)
            && Quantity::of(desired).is_some_and(|desired| Some(desired) == Quantity::of(live))
    }

    /// A field has the desired value: is it labctl's?
    fn owner(&mut self, at: &At<'_>) {
        if !at.is_owned() {
            self.found.unowned.push(at.path.clone());
        }
    }

    fn differs(&mut self, desired: &Value, live: Option<&Value>, path: &FieldPath) {
        let live = live.filter(|live| !live.is_null());
        let has_fields = |value: &Value| value.is_object() || value.is_array();
        if live.is_none() && has_fields(desired) {
            let fields = leaves_at(path, desired).into_iter();
            let fields = fields.map(|(path, value)| FieldDifference { path, before: None, after: Some(value.clone()) });
            self.found.differs.extend(fields);
        } else {
            let (before, after) = (live.cloned(), Some(desired.clone()).filter(|value| !value.is_null()));
            self.found.differs.push(FieldDifference { path: path.clone(), before, after });
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The fields that a desire names, as the server would count them: for what is not known of a list, its leaves.
pub fn desired_paths(desired: &Value) -> Vec<FieldPath> {
    leaves(desired).into_iter().map(|(path, _)| path).filter(|path| !is_identity(path)).collect()
}

#[cfg(test)]
mod tests;
