//! Services: what they need from each other, and what two of them would both make.

use super::{Rule, Subject};
use crate::config::Diagnostic;
use crate::services::kinds_that_provide;

/// The rules on services.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "LAB601",
        name: "need-unmet",
        about: "A service needs what nothing in its cluster provides: no other service, and not what `provides` of the cluster says is there by other hands.",
        check: need_unmet,
    },
    Rule {
        code: "LAB602",
        name: "object-twice",
        about: "One object would be made by two services of a cluster, or twice by one: each would undo what the other has done.",
        check: object_twice,
    },
];

fn need_unmet(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let unmet = subject.services.unmet.iter();
    unmet
        .map(|unmet| {
            let word = &unmet.need.value;
            let summary = format!("nothing in the cluster `{}` provides `{word}`", unmet.cluster);
            let finding = rule.error(summary, &unmet.need.place, format!("`{}` needs it", unmet.service));
            let kinds: Vec<String> = kinds_that_provide(word).iter().map(|kind| format!("`{kind}`")).collect();
            let there =
                format!("where it is there by other hands, add it to `provides` of `[clusters.{}]`", unmet.cluster);
            finding.help(match kinds.as_slice() {
                [] => there,
                kinds => format!("a service of the kind {} can provide it; {there}", kinds.join(" or ")),
            })
        })
        .collect()
}

fn object_twice(rule: &Rule, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let twice = subject.services.twice.iter();
    twice
        .map(|twice| {
            let ((first, first_place), (second, second_place)) = (&twice.first, &twice.second);
            let who =
                if first == second { format!("twice by `{first}`") } else { format!("by `{first}` and by `{second}`") };
            let summary = format!("`{}` is made {who}", twice.object);
            let finding = rule.error(summary, second_place, format!("`{second}` makes it here"));
            let finding = finding.also(first_place.clone(), format!("`{first}` makes it here"));
            finding.help("remove one of them, or give it another name")
        })
        .collect()
}
