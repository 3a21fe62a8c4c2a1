//! The symbols of the plan, three columns wide, as Terraform has them; adoption and obstacles have their own.

use super::Paint;
use crate::plan::{Action, Change, Obstacle};

/// What is shown of a change at one glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symbol {
    /// It will be made.
    Create,
    /// It will be changed in place.
    Update,
    /// It will be removed and made anew.
    Replace,
    /// It will be removed.
    Delete,
    /// It is as declared and becomes labctl's.
    Adopt,
    /// It becomes labctl's and is changed.
    AdoptAndUpdate,
    /// labctl lets go of it.
    Forget,
    /// Only its mark is renewed.
    Mark,
    /// It waits for its ground.
    Deferred,
    /// It is held.
    Held,
    /// It could not be read.
    Unknown,
    /// It can't be done.
    Refused,
    /// Nothing.
    None,
}

impl Symbol {
    /// The symbol of a change.
    pub fn of(change: &Change) -> Self {
        match (&change.obstacle, change.action) {
            (Some(Obstacle::Unknown(_) | Obstacle::Unreachable(_)), _) => Self::Unknown,
            (Some(Obstacle::Refused(_) | Obstacle::Protected(_) | Obstacle::Blocked(_) | Obstacle::Unapproved), _) => {
                Self::Refused
            }
            (Some(Obstacle::Held(_)), _) => Self::Held,
            (None, Action::None) => Self::None,
            (None, Action::Create) => Self::Create,
            (None, Action::Update) => Self::Update,
            (None, Action::Replace) => Self::Replace,
            (None, Action::Delete) => Self::Delete,
            (None, Action::Adopt) if change.differences.is_empty() => Self::Adopt,
            (None, Action::Adopt) => Self::AdoptAndUpdate,
            (None, Action::Forget) => Self::Forget,
            (None, Action::Mark) => Self::Mark,
            (None, Action::Deferred) => Self::Deferred,
        }
    }

    /// Three characters.
    pub fn text(self) -> &'static str {
        match self {
            Self::Create => "  +",
            Self::Update => "  ~",
            Self::Replace => "-/+",
            Self::Delete => "  -",
            Self::Adopt => "  =",
            Self::AdoptAndUpdate => " =~",
            Self::Forget => "  .",
            Self::Mark => "  >",
            Self::Deferred => "  *",
            Self::Held => "  |",
            Self::Unknown => "  ?",
            Self::Refused => "  !",
            Self::None => "   ",
        }
    }

    /// What it means, for the legend.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update in-place",
            Self::Replace => "destroy and then create replacement",
            Self::Delete => "destroy",
            Self::Adopt => "adopt as it is (only a mark is set)",
            Self::AdoptAndUpdate => "adopt and update in-place",
            Self::Forget => "forget (it stays as it is)",
            Self::Mark => "renew the mark",
            Self::Deferred => "later, when its ground exists",
            Self::Held => "held (shown, not applied)",
            Self::Unknown => "unknown (could not be read)",
            Self::Refused => "refused",
            Self::None => "nothing",
        }
    }

    /// The three characters in their colour.
    pub fn painted(self, paint: Paint) -> String {
        match self {
            Self::Create => paint.green(self.text()),
            Self::Update | Self::AdoptAndUpdate => paint.yellow(self.text()),
            Self::Delete | Self::Replace | Self::Unknown | Self::Refused => paint.red(self.text()),
            Self::Adopt | Self::Forget | Self::Mark | Self::Deferred | Self::Held => paint.cyan(self.text()),
            Self::None => self.text().to_owned(),
        }
    }
}
