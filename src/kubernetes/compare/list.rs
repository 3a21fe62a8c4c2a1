//! Lists: their items are found by their keys, or they are sets, or they are owned whole.

use serde_json::Value;

use super::super::{Fields, Part};
use super::{At, Walk};

impl Walk {
    pub(super) fn list(&mut self, desired: &[Value], live: &[Value], at: &At<'_>) {
        let has = |is: fn(&Part) -> bool| at.shape.is_some_and(|shape| shape.below().any(|(part, _)| is(part)));
        if at.is_within {
            self.whole(&Value::from(desired), &Value::from(live), at);
        } else if has(|part| matches!(part, Part::Key(_) | Part::Value(_))) {
            self.items(desired, live, at);
        } else {
            self.whole(&Value::from(desired), &Value::from(live), at);
        }
    }

    fn items(&mut self, desired: &[Value], live: &[Value], at: &At<'_>) {
        let shape: Vec<&Part> = at.shape.into_iter().flat_map(Fields::below).map(|(part, _)| part).collect();
        let mut named: Vec<&Part> = Vec::new();
        let mut places = Vec::new();
        for item in desired {
            let part = shape.iter().copied().find(|part| part.is_item(item)).filter(|part| !named.contains(part));
            let place = part.and_then(|part| live.iter().position(|found| part.is_item(found)));
            match (part, place) {
                (Some(part), Some(place)) => {
                    named.push(part);
                    places.push(place);
                    let below = at.below(part.clone());
                    match part {
                        Part::Value(_) => self.owner(&below),
                        _ => self.value(item, live.get(place), &below),
                    }
                }
                // Nobody has it: it is new, or it is there without an owner, or it is desired twice.
                (part, _) => {
                    named.extend(part);
                    let part = part.cloned().unwrap_or_else(|| new_item(item, &shape, desired));
                    self.differs(item, None, &at.path.child(part));
                }
            }
        }
        for (part, owned) in at.owned.into_iter().flat_map(Fields::below).filter(|(part, _)| !named.contains(part)) {
            self.gone(owned, live.iter().find(|item| part.is_item(item)), &at.path.child(part.clone()));
        }
        if !places.is_sorted() {
            self.differs(&Value::from(desired), Some(&Value::from(live)), &at.path);
        }
    }
}

/// What an item that nobody owns is called: by the keys of the others, or by its place.
fn new_item(item: &Value, shape: &[&Part], desired: &[Value]) -> Part {
    let keys = shape.iter().find_map(|part| match part {
        Part::Key(key) => Some(key.keys()),
        _ => None,
    });
    match keys.and_then(|keys| Part::key_of(item, keys)) {
        Some(part) => part,
        None if item.is_object() => Part::Index(desired.iter().position(|other| other == item).unwrap_or(0)),
        None => Part::value(item),
    }
}
