//! What left the file: destroyed where it is harmless, forgotten where it is not.

use super::decide::Scene;
use super::keep::keeping;
use super::marks::Left;
use super::{Action, Cause, Change, Obstacle, Origin, Step, record};
use crate::kinds::Leaving;
use crate::observe::Observation;

/// The change of a resource that has a mark and is no longer declared.
pub(super) fn leave(scene: &Scene<'_>, left: &Left<'_>) -> Change {
    let leftover = left.leftover(scene.site);
    let mut change = Change {
        action: Action::Delete,
        cause: Cause::File,
        ..Change::new(left.mark.address.clone(), left.kind.name(), scene.site.ground(), left.name)
    };
    let observed = match leftover.observe(scene.reply) {
        Observation::Unknown(why) => {
            change.obstacle = Some(Obstacle::Unknown(why));
            return change;
        }
        Observation::Absent => None,
        Observation::Present(observed) => Some(observed),
    };
    let stays = leftover.stays(scene.lab, scene.reply);
    let may_go = match left.kind.leaving() {
        Leaving::Destroyed => left.mark.origin == Origin::Made,
        Leaving::Ended => true,
        Leaving::Forgotten => false,
    };
    let goes = may_go && stays.is_none();
    change.action = if goes { Action::Delete } else { Action::Forget };
    change.notes.extend(stays);
    match (goes, &observed) {
        (true, Some(observed)) => {
            let work = leftover.remove(scene.reply);
            change.steps = keeping(scene.lab, scene.site, work.steps, true, observed);
            change.put_back = work.put_back;
            change.disruption = work.disruption;
            change.notes = work.notes;
            change.obstacle = work.obstacle;
            if change.steps.is_empty() && change.obstacle.is_none() {
                change.action = Action::Forget;
            }
            change.steps.extend(remove_record(scene, left));
        }
        (true, None) => {
            change.action = Action::Forget;
            change.notes.push("it is gone already".to_owned());
            change.steps.extend(remove_record(scene, left));
        }
        (false, _) => {
            change.notes.push(format!("it stays as it is; to remove it: {}", leftover.by_hand()));
            let released = left.mark.clone().released();
            let write = |node| record::write(scene.lab, node, left.kind.name(), left.name, released.clone());
            change.steps = match scene.site.node() {
                Some(node) if !left.kind.carries_marks() => vec![write(node)],
                _ => leftover
                    .release(&released, scene.reply)
                    .unwrap_or_else(|| left.kind.mark_steps(scene.site, left.name, &released)),
            };
        }
    }
    change.steps = scene.on_ground(left.name, std::mem::take(&mut change.steps));
    change.before = observed;
    change
}

/// The step that removes the record of what is gone; what carries its mark takes it along.
fn remove_record(scene: &Scene<'_>, left: &Left<'_>) -> Option<Step> {
    let node = scene.site.node().filter(|_| !left.kind.carries_marks())?;
    Some(record::remove(scene.lab, node, left.kind.name(), left.name))
}
