//! What differs between an object and what is desired of it: as the server says it, or field by field where it doesn't.

use serde_json::Value as Json;

use super::attributes::{is_secret, is_value, plain, slot};
use super::check::Check;
use super::wanted::{Wanted, is_shown};
use crate::kubernetes::{
    FieldDifference, FieldPath, MANAGER, applied, applied_by_hand, compare, differences, owner, owners, would_own,
};
use crate::observe::Reply;
use crate::plan::{Difference, Value};

/// Said of a difference that no dry run has confirmed.
const UNCHECKED: &str = "not checked by the server";

impl Wanted {
    /// What differs.
    pub(super) fn differences(&self, masked: &Json, live: &Json, reply: &Reply) -> Vec<Difference> {
        if let Some(other) = self.in_other_hands(live) {
            return vec![other];
        }
        let is_marked = self.mark_of(live).is_some();
        let comparison = self.comparison(masked, live);
        if is_marked && comparison.is_equal() {
            return Vec::new();
        }
        let mut found = match self.check(Some(live), reply) {
            Check::Passed { after, .. } => {
                let mut found = self.shown(&differences(live, after), None);
                if found.is_empty() && self.is_as_applied(live) {
                    found = ownership(live, after);
                }
                found
            }
            Check::Refused { .. } | Check::NoKind | Check::Open(_) | Check::Unknown(_) => {
                let fields: Vec<FieldDifference> = comparison.differs.into_iter().chain(comparison.removed).collect();
                let found = self.shown(&fields, Some(UNCHECKED));
                // The server refuses what is equal: what it says is the difference.
                if found.is_empty() { vec![word("accepted by the server", None, "yes")] } else { found }
            }
        };
        if !is_marked {
            let known: Vec<String> = found.iter().map(|difference| difference.attribute.clone()).collect();
            let more = self.shown(&left_by_hand(masked, live), None);
            found.extend(more.into_iter().filter(|difference| !known.contains(&difference.attribute)));
        }
        found
    }

    /// That it belongs to something else, or is on its way out.
    fn in_other_hands(&self, live: &Json) -> Option<Difference> {
        if let Some(time) = live.pointer("/metadata/deletionTimestamp").and_then(Json::as_str) {
            let before = Some(Value::plain(time));
            return Some(Difference {
                attribute: "metadata.deletionTimestamp".to_owned(),
                before,
                after: None,
                note: None,
            });
        }
        let owner = owner(live).filter(|_| self.mark_of(live).is_none())?;
        Some(word("belongs to", Some(owner.name), MANAGER))
    }

    fn shown(&self, fields: &[FieldDifference], note: Option<&str>) -> Vec<Difference> {
        let is_secret = is_secret(&self.manifest.json);
        let shown = fields.iter().filter(|field| is_shown(&field.path)).map(|field| {
            let is_value = is_secret && is_value(&field.path);
            let before = field.before.as_ref().map(|value| if is_value { Value::Differs } else { plain(value) });
            let after = field.after.as_ref().map(|value| match slot(&self.manifest.slots, &field.path) {
                Some(slot) => Value::hidden(&slot.content),
                None if is_value => Value::Differs,
                None => plain(value),
            });
            Difference { attribute: field.path.to_string(), before, after, note: note.map(ToOwned::to_owned) }
        });
        shown.collect()
    }
}

fn word(attribute: &str, before: Option<String>, after: &str) -> Difference {
    Difference {
        attribute: attribute.to_owned(),
        before: before.map(Value::plain),
        after: Some(Value::plain(after)),
        note: None,
    }
}

/// Fields that change hands and not their value: another manager took them, or set them to what is desired.
fn ownership(live: &Json, after: &Json) -> Vec<Difference> {
    let fields = |object: &Json| applied(object).map(|entry| entry.fields).unwrap_or_default();
    let (old, new) = (fields(live), fields(after));
    let differ = new.paths().into_iter().filter(|path| !old.has(path)).filter(is_shown);
    let owners = |path: &FieldPath| Some(owners(live, path).join(", ")).filter(|names| !names.is_empty());
    differ.map(|path| word(&format!("owner of {path}"), owners(&path), MANAGER)).collect()
}

/// What a person applied and the file doesn't have: it goes when labctl takes over, unless somebody else has it too.
fn left_by_hand(masked: &Json, live: &Json) -> Vec<FieldDifference> {
    let hands = applied_by_hand(live);
    let Some(owned) = would_own(live, &hands).filter(|_| !hands.is_empty()) else { return Vec::new() };
    let removed = compare(masked, live, Some(&owned), false).removed;
    let stays = |path: &FieldPath| owners(live, path).iter().any(|owner| !hands.contains(owner) && owner != MANAGER);
    removed.into_iter().filter(|difference| !stays(&difference.path)).collect()
}
