//! The counts at the end of a plan. Terraform's first line, exactly; what it has no words for stands on a second one.

use serde::Serialize;

use super::Symbol;
use crate::plan::{Change, Obstacle, Plan};

/// How many changes of which sort a plan has. A replacement counts as added and as destroyed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// To adopt.
    pub adopt: usize,
    /// To add.
    pub add: usize,
    /// To change.
    pub change: usize,
    /// To destroy.
    pub destroy: usize,
    /// To forget.
    pub forget: usize,
    /// Marks to renew.
    pub mark: usize,
    /// To do later.
    pub deferred: usize,
    /// Held by the file.
    pub held: usize,
    /// Not readable, on grounds that answered.
    pub unknown: usize,
    /// On grounds that could not be reached.
    pub unreachable: usize,
    /// Refused, to protect data or for want of a leave.
    pub refused: usize,
    /// Blocked by another one.
    pub blocked: usize,
}

impl Summary {
    /// The counts of a plan.
    pub fn of(plan: &Plan) -> Self {
        Self::of_changes(&plan.changes)
    }

    /// The counts of some changes.
    pub fn of_changes<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Self {
        let mut summary = Self::default();
        for change in changes {
            let count = match (Symbol::of(change), &change.obstacle) {
                (_, Some(Obstacle::Unreachable(_))) => &mut summary.unreachable,
                (_, Some(Obstacle::Blocked(_))) => &mut summary.blocked,
                (Symbol::None, _) => continue,
                (Symbol::Create, _) => &mut summary.add,
                (Symbol::Update, _) => &mut summary.change,
                (Symbol::Replace, _) => {
                    summary.destroy += 1;
                    &mut summary.add
                }
                (Symbol::Delete, _) => &mut summary.destroy,
                (Symbol::Adopt, _) => &mut summary.adopt,
                (Symbol::AdoptAndUpdate, _) => {
                    summary.change += 1;
                    &mut summary.adopt
                }
                (Symbol::Forget, _) => &mut summary.forget,
                (Symbol::Mark, _) => &mut summary.mark,
                (Symbol::Deferred, _) => &mut summary.deferred,
                (Symbol::Held, _) => &mut summary.held,
                (Symbol::Unknown, _) => &mut summary.unknown,
                (Symbol::Refused, _) => &mut summary.refused,
            };
            *count += 1;
        }
        summary
    }

    /// Whether apply has anything to do.
    pub fn is_due(&self) -> bool {
        self.adopt + self.add + self.change + self.destroy + self.forget + self.mark > 0
    }

    /// Whether something stands in the way of a plan that is whole.
    pub fn has_obstacles(&self) -> bool {
        self.unknown + self.unreachable + self.refused + self.blocked > 0
    }

    /// `Plan: 3 to add, 1 to change, 0 to destroy.`
    pub fn line(&self) -> String {
        let mut line = "Plan: ".to_owned();
        if self.adopt > 0 {
            line += &format!("{} to adopt, ", self.adopt);
        }
        line += &format!("{} to add, {} to change, {} to destroy", self.add, self.change, self.destroy);
        if self.forget > 0 {
            line += &format!(", {} to forget", self.forget);
        }
        line + "."
    }

    /// Every count that is not nothing: `1 to add, 2 refused`.
    pub fn words(&self) -> String {
        let first = [
            (self.adopt, "to adopt"),
            (self.add, "to add"),
            (self.change, "to change"),
            (self.destroy, "to destroy"),
            (self.forget, "to forget"),
        ];
        let all = first.into_iter().chain(self.others()).filter(|(count, _)| *count > 0);
        all.map(|(count, words)| format!("{count} {words}")).collect::<Vec<_>>().join(", ")
    }

    /// What Terraform's line has no words for; empty where there is nothing of it.
    pub fn rest(&self) -> String {
        let parts = self.others();
        let parts: Vec<String> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
        if parts.is_empty() { String::new() } else { format!("Besides: {}.", parts.join(", ")) }
    }

    fn others(&self) -> [(usize, &'static str); 7] {
        [
            (self.mark, "marks to renew"),
            (self.deferred, "deferred"),
            (self.held, "held"),
            (self.unknown, "unknown"),
            (self.unreachable, "on grounds that could not be reached"),
            (self.refused, "refused"),
            (self.blocked, "blocked by those"),
        ]
    }

    /// Every count, by the name of its field.
    pub fn named(&self) -> [(&'static str, usize); 12] {
        [
            ("adopt", self.adopt),
            ("add", self.add),
            ("change", self.change),
            ("destroy", self.destroy),
            ("forget", self.forget),
            ("mark", self.mark),
            ("deferred", self.deferred),
            ("held", self.held),
            ("unknown", self.unknown),
            ("unreachable", self.unreachable),
            ("refused", self.refused),
            ("blocked", self.blocked),
        ]
    }
}
