//! What a plan interrupts, and what stands behind that.

use std::collections::{BTreeMap, BTreeSet};

use crate::lab::{Address, Ground};
use crate::plan::{Change, Plan};

/// As many names as a person reads; a plan as JSON has all of them.
const SHOWN: usize = 8;

/// What stands behind a change, in words.
pub(super) fn behind(change: &Change) -> Option<String> {
    names(&change.behind.iter().collect()).map(|names| format!("behind it: {names}"))
}

/// To what labctl's own way may be cut by a change, in words.
pub(super) fn own_way(change: &Change) -> Option<String> {
    ways(&change.cuts.iter().collect())
}

/// All that the changes of a plan interrupt, each once, with what stands behind it.
pub(super) fn interruptions(plan: &Plan) -> Vec<String> {
    let mut found: BTreeMap<&str, (BTreeSet<&Address>, BTreeSet<&Ground>)> = BTreeMap::new();
    for change in plan.changes.iter().filter(|change| change.is_due()) {
        if let Some(words) = &change.disruption {
            let (behind, cuts) = found.entry(words).or_default();
            behind.extend(&change.behind);
            cuts.extend(&change.cuts);
        }
    }
    let line = |(words, (behind, cuts)): (&str, (BTreeSet<&Address>, BTreeSet<&Ground>))| {
        let behind = names(&behind).map(|names| format!("behind it: {names}"));
        [Some(words.to_owned()), behind, ways(&cuts)].into_iter().flatten().collect::<Vec<_>>().join("; ")
    };
    found.into_iter().map(line).collect()
}

fn ways(grounds: &BTreeSet<&Ground>) -> Option<String> {
    let grounds: Vec<String> = grounds.iter().map(ToString::to_string).collect();
    let (last, others) = grounds.split_last()?;
    let grounds = if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) };
    Some(format!("it may cut labctl's own way to {grounds}, and comes last there"))
}

fn names(addresses: &BTreeSet<&Address>) -> Option<String> {
    let shown: Vec<String> = addresses.iter().take(SHOWN).map(|address| format!("`{address}`")).collect();
    match addresses.len().saturating_sub(SHOWN) {
        _ if shown.is_empty() => None,
        0 => Some(shown.join(", ")),
        more => Some(format!("{} and {more} more", shown.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::{behind, interruptions, own_way};
    use crate::lab::{Address, Ground};
    use crate::plan::{Action, Change, Plan};

    fn change(name: &str, disruption: Option<&str>, behind: usize) -> Change {
        let address = Address::new(["nodes", "a", "units", name]);
        let behind = (0..behind).map(|number| Address::new(["services", &format!("s{number:02}")])).collect();
        let disruption = disruption.map(str::to_owned);
        let change = Change::new(address, "unit", Ground::Node("a".to_owned()), name);
        Change { action: Action::Update, disruption, behind, ..change }
    }

    #[test]
    fn as_many_names_are_shown_as_a_person_reads_and_the_rest_is_counted() {
        assert_eq!(behind(&change("x", None, 0)), None);
        assert_eq!(behind(&change("x", None, 2)), Some("behind it: `services.s00`, `services.s01`".to_owned()));
        let many = behind(&change("x", None, 11)).unwrap();
        assert!(many.ends_with("`services.s07` and 3 more"), "{many}");
    }

    #[test]
    fn what_may_cut_labctls_own_way_says_to_what() {
        let node = |name: &str| Ground::Node(name.to_owned());
        let cutting = |cuts: Vec<Ground>| Change { cuts, ..change("x", Some("restarts networking on a"), 0) };
        let changes = vec![cutting(vec![node("a")]), cutting(vec![node("b"), Ground::Cluster("c".to_owned())])];
        assert_eq!(own_way(&changes[0]).unwrap(), "it may cut labctl's own way to a, and comes last there");
        let said = interruptions(&Plan { changes, ..Plan::default() });
        let words = "restarts networking on a; it may cut labctl's own way to a, b and cluster c, and comes last there";
        assert_eq!(said, [words]);
        assert_eq!(own_way(&change("x", Some("restarts x"), 0)), None);
    }

    #[test]
    fn what_several_changes_interrupt_is_said_once_with_all_that_is_behind_it() {
        let held = Change { action: Action::None, ..change("z", Some("stops z"), 1) };
        let changes = vec![change("x", Some("restarts a"), 1), change("y", Some("restarts a"), 2), held];
        let said = interruptions(&Plan { changes, ..Plan::default() });
        assert_eq!(said, ["restarts a; behind it: `services.s00`, `services.s01`"]);
    }
}
