//! What is owned whole: maps and lists that the schema calls atomic.

use serde_json::Value;

use super::super::Part;
use super::{At, Walk, is_empty};

impl Walk {
    /// Compares a value that is owned whole. Whoever changes a part of it owns all of it then; so what is in it and not
    /// desired was put there by the server, if this very desire was applied. Otherwise the file may have dropped it.
    pub(super) fn whole(&mut self, desired: &Value, live: &Value, at: &At<'_>) {
        if !self.holds(desired, Some(live), at) {
            self.differs(desired, Some(live), &at.path);
        } else if !at.is_owned() {
            self.found.unowned.push(at.path.clone());
        }
    }

    fn holds(&self, desired: &Value, live: Option<&Value>, at: &At<'_>) -> bool {
        let live = live.filter(|live| !live.is_null());
        match (desired, live) {
            (desired, None) => self.is_as_applied && is_empty(desired),
            (Value::Object(fields), Some(Value::Object(found))) => {
                (self.is_as_applied || found.keys().all(|name| fields.contains_key(name)))
                    && fields
                        .iter()
                        .all(|(name, value)| self.holds(value, found.get(name), &at.below(Part::field(name))))
            }
            (Value::Array(items), Some(Value::Array(found))) => {
                items.len() == found.len()
                    && items
                        .iter()
                        .zip(found)
                        .enumerate()
                        .all(|(i, (item, found))| self.holds(item, Some(found), &at.below(Part::Index(i))))
            }
            (desired, Some(live)) => self.is_same(desired, live, &at.path),
        }
    }
}
