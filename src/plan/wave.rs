//! Waves: what can't be planned before its ground, or its kind, is there is deferred to a later one.
//!
//! What was approved of a deferred change is that it may be made as the file says. When its wave is planned for real,
//! more than that was not approved.

use std::collections::{BTreeMap, BTreeSet};

use super::build::block;
use super::{Action, Change, Obstacle, Plan};
use crate::kinds::Declared;
use crate::lab::Address;

/// Numbers the waves: a deferred change comes one wave after what it is planned after; what needs a deferred change is
/// deferred with it.
pub(super) fn number(changes: &mut [Change], declared: &[Declared]) {
    let planned_after: BTreeMap<&Address, &[Address]> =
        declared.iter().map(|d| (&d.resource.address, d.resource.planned_after.as_slice())).collect();
    // The waves of what is still to be done; what stands already is in none.
    let mut waves: BTreeMap<Address, u32> = BTreeMap::new();
    for change in changes {
        let before = planned_after.get(&change.address).copied().unwrap_or_default();
        // What makes its ground is about to be changed: what keeps it from being reached now may be what is mended then.
        if let Some(Obstacle::Unreachable(why)) = &change.obstacle
            && before.iter().any(|address| waves.contains_key(address))
        {
            change.notes.push(why.clone());
            change.action = Action::Deferred;
            change.obstacle = None;
        }
        let later = change.needs.iter().filter_map(|need| waves.get(need).copied()).max().unwrap_or(0);
        if change.is_due() && later > 0 {
            change.later = Some(std::mem::replace(&mut change.action, Action::Deferred));
            change.steps.clear();
            change.put_back.clear();
            change.notes.push("what it waits for comes in a later wave".to_owned());
        }
        if change.action == Action::Deferred && change.obstacle.is_none() {
            let after = before.iter().filter_map(|address| waves.get(address)).map(|wave| wave + 1).max();
            change.wave = later.max(after.unwrap_or(1)).max(1);
        }
        if change.is_due() || (change.action == Action::Deferred && change.obstacle.is_none()) {
            waves.insert(change.address.clone(), change.wave);
        }
    }
}

/// What of a plan made anew is the next wave: the changes that were deferred in the plan before it. All else of it was
/// planned already, and is as the wave before left it.
pub fn next_wave(before: &Plan, mut now: Plan) -> Plan {
    let deferred: BTreeSet<&Address> = before
        .changes
        .iter()
        .filter(|change| change.action == Action::Deferred)
        .map(|change| &change.address)
        .collect();
    now.changes.retain(|change| deferred.contains(&change.address));
    now
}

/// What is left of a plan after something cut off the changes `cut` in the middle, by a plan made anew: they as they are to
/// be done now, and what was deferred, which comes later as before. What is more than was approved gets an obstacle.
pub fn resumed(before: &Plan, now: Plan, cut: &BTreeSet<Address>) -> Plan {
    let shown: BTreeMap<&Address, &Change> = before.changes.iter().map(|change| (&change.address, change)).collect();
    let is_within = |change: &Change| {
        let Some(shown) = shown.get(&change.address) else { return false };
        let is_shown = |after: &super::Difference| {
            shown.differences.iter().any(|it| it.attribute == after.attribute && it.after == after.after)
        };
        match change.action {
            Action::None | Action::Mark | Action::Deferred | Action::Create => true,
            Action::Update | Action::Adopt => change.differences.iter().all(is_shown),
            action => action == shown.action,
        }
    };
    let mut changes: Vec<Change> = now.changes.into_iter().filter(|change| cut.contains(&change.address)).collect();
    for change in changes.iter_mut().filter(|change| change.obstacle.is_none()) {
        if !is_within(change) {
            change.obstacle = Some(Obstacle::Unapproved);
        }
    }
    changes.extend(before.changes.iter().filter(|change| change.is_deferred()).cloned());
    block(&mut changes);
    Plan { changes, ..before.clone() }
}

/// Whether somebody made, after a change was deferred, what the file wants to make, and made it otherwise.
pub fn is_in_the_way(change: &Change) -> bool {
    change.action == Action::Adopt && matches!(change.obstacle, Some(Obstacle::Refused(_)))
}

/// The changes of a wave that are more than was approved when they were deferred in `before`: anything but making what
/// the file says, or doing just what was shown. They get an obstacle, and so does what needs them. What somebody made
/// meanwhile where the file wants to make it is among them, too: it has one already.
pub fn beyond(before: &Plan, wave: &mut Plan) -> Vec<Address> {
    let shown: BTreeMap<&Address, &Change> = before.changes.iter().map(|change| (&change.address, change)).collect();
    let mut found = Vec::new();
    for change in &mut wave.changes {
        let is_as_shown = shown
            .get(&change.address)
            .is_some_and(|shown| shown.later == Some(change.action) && shown.differences == change.differences);
        // What came to be by itself, as a kubelet's node does, and is as the file says, only gets its mark.
        let is_as_wanted = change.action == Action::Adopt && change.differences.is_empty();
        let is_made = matches!(change.action, Action::Create | Action::None | Action::Deferred);
        let is_approved = is_as_shown || is_as_wanted || is_made;
        match change.obstacle {
            None if !is_approved => {
                change.obstacle = Some(Obstacle::Unapproved);
                found.push(change.address.clone());
            }
            Some(_) if is_in_the_way(change) => found.push(change.address.clone()),
            _ => {}
        }
    }
    if !found.is_empty() {
        block(&mut wave.changes);
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Obstacle, Plan, beyond};

    /// A plan with one change.
    fn plan(action: &str, obstacle: &Value) -> Plan {
        let change = json!({
            "address": "services.web/Service/default/web", "kind": "object", "ground": { "cluster": "homelab" },
            "name": "Service/default/web", "action": action, "cause": "file", "before": null, "after": null,
            "differences": [], "needs": [], "wave": 1, "steps": [], "obstacle": obstacle,
        });
        serde_json::from_value(json!({
            "format_version": "1.0", "labctl_version": "0", "lab": "mobius", "unreachable": {}, "changes": [change], "partial": false,
        }))
        .unwrap()
    }

    #[test]
    fn making_what_the_file_says_was_approved_and_anything_else_was_not() {
        let before = plan("deferred", &Value::Null);
        for (action, is_beyond) in
            [("create", false), ("adopt", false), ("none", false), ("update", true), ("delete", true)]
        {
            let mut wave = plan(action, &Value::Null);
            assert_eq!(!beyond(&before, &mut wave).is_empty(), is_beyond, "{action}");
            assert_eq!(wave.changes[0].obstacle == Some(Obstacle::Unapproved), is_beyond, "{action}");
        }
    }

    #[test]
    fn what_somebody_made_meanwhile_was_not_approved_and_keeps_what_is_said_of_it() {
        let before = plan("deferred", &Value::Null);
        // Refused for what the file says, and not for what is there.
        assert!(beyond(&before, &mut plan("create", &json!({ "refused": "no such field" }))).is_empty());
        let mut wave = plan("adopt", &json!({ "refused": "it exists" }));
        assert_eq!(beyond(&before, &mut wave).len(), 1);
        assert_eq!(wave.changes[0].obstacle, Some(Obstacle::Refused("it exists".to_owned())));
    }
}
