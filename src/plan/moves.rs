//! What the file says has moved: the thing itself stays, unless its real name goes with its address.

use super::{Action, Change, Obstacle};
use crate::kinds::{self, Leaving};
use crate::lab::Lab;

/// Keeps what moved from being made anew while the old one is let go of, where it is data: labctl does not rename it.
/// What is no data is removed under its old name and made under its new one, and both say so.
pub(super) fn keep(lab: &Lab, changes: &mut [Change]) {
    for at in 0..changes.len() {
        let new = &changes[at];
        if new.action != Action::Create {
            continue;
        }
        let Some(former) = lab.formerly(&new.address) else { continue };
        let is_it = |old: &Change| {
            old.after.is_none() && old.address == former && old.kind == new.kind && old.ground == new.ground
        };
        let Some(old) = changes.iter().position(is_it) else { continue };
        let words = renamed(&changes[old], &changes[at]);
        changes[at].previous_address = Some(former);
        if is_data(&changes[at].kind) {
            let address = changes[at].address.clone();
            changes[at].obstacle = Some(Obstacle::Protected(words));
            changes[old].obstacle = Some(Obstacle::Blocked(address));
            for change in [at, old] {
                changes[change].steps.clear();
                changes[change].put_back.clear();
            }
        } else {
            changes[at].notes.push(words);
        }
    }
}

/// Whether what has left the file stays, because it is data or others may need it.
pub(super) fn is_data(kind: &str) -> bool {
    kinds::kind(kind).is_some_and(|kind| kind.leaving() == Leaving::Forgotten)
}

/// What there is to know of a thing whose address and real name change.
pub(super) fn renamed(old: &Change, new: &Change) -> String {
    let (from, to) = (&old.name, &new.name);
    if !is_data(&new.kind) {
        return format!("its real name changes with its address: `{from}` goes and `{to}` comes");
    }
    let by_hand = kinds::kind(&new.kind).and_then(|kind| kind.renaming(from, to));
    let by_hand = by_hand.map_or("give it its new name by hand".to_owned(), |command| format!("`{command}`"));
    format!(
        "its real name would change from `{from}` to `{to}`, and labctl renames no data: {by_hand} (its mark goes along), \
         then plan again; without `moved` an empty one is made beside it"
    )
}
