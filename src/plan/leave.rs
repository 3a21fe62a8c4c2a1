//! What left the file: destroyed where it is harmless, forgotten where it is not.

use super::decide::Scene;
use super::marks::Left;
use super::{Action, Cause, Change, Obstacle, Origin, record};
use crate::kinds::Leaving;
use crate::lab::Ground;
use crate::observe::Observation;

/// The change of a resource that has a mark and is no longer declared.
pub(super) fn leave(scene: &Scene<'_>, left: &Left<'_>) -> Change {
    let leftover = left.leftover(scene.node);
    let ground = Ground::Node(scene.node.name.clone());
    let mut change = Change {
        action: Action::Delete,
        cause: Cause::File,
        ..Change::new(left.mark.address.clone(), left.kind.name(), ground, left.name)
    };
    let observed = match leftover.observe(scene.reply) {
        Observation::Unknown(why) => {
            change.obstacle = Some(Obstacle::Unknown(why));
            return change;
        }
        Observation::Absent => None,
        Observation::Present(observed) => Some(observed),
    };
    let goes = left.mark.origin == Origin::Made && left.kind.leaving() == Leaving::Destroyed;
    change.action = if goes { Action::Delete } else { Action::Forget };
    match (goes, &observed) {
        (true, Some(_)) => {
            let work = leftover.remove(scene.reply);
            change.steps = work.steps;
            change.put_back = work.put_back;
            change.disruption = work.disruption;
            change.notes = work.notes;
            change.obstacle = work.obstacle;
            if change.steps.is_empty() && change.obstacle.is_none() {
                change.action = Action::Forget;
            }
            change.steps.push(record::remove(scene.lab, scene.node, left.kind.name(), left.name));
        }
        (true, None) => {
            change.action = Action::Forget;
            change.notes.push("it is gone already".to_owned());
            change.steps.push(record::remove(scene.lab, scene.node, left.kind.name(), left.name));
        }
        (false, _) => {
            change.notes.push(format!("it stays as it is; to remove it: {}", leftover.by_hand()));
            let released = left.mark.clone().released();
            if left.kind.carries_marks() {
                change.steps = left.kind.mark_steps(scene.node, left.name, &released);
            } else {
                change.steps.push(record::write(scene.lab, scene.node, left.kind.name(), left.name, released));
            }
        }
    }
    change.before = observed;
    change
}
