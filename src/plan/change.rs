//! Observation against desire: one resource of the plan.

use serde::{Deserialize, Serialize};

use super::{Attributes, Difference, Step};
use crate::config::Place;
use crate::lab::{Address, Ground, Hold};

/// One resource of the plan, changed or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The resource's name in the file.
    pub address: Address,
    /// Its name in the mark, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_address: Option<Address>,
    /// Its kind.
    pub kind: String,
    /// What it stands on.
    pub ground: Ground,
    /// Its real name there: `/etc/x.conf`, `vms/HomeAssistant`.
    pub name: String,
    /// What is to be done.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// What keeps it from being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
    /// As it is in the lab; `None` where it is not there or not known.
    pub before: Option<Attributes>,
    /// As the file declares it; `None` where it left the file.
    pub after: Option<Attributes>,
    /// What differs.
    pub differences: Vec<Difference>,
    /// Owned attributes that left the file: their values stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<String>,
    /// What else there is to know: what will be done by hand, what follows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What it interrupts: `restarts networking on n5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disruption: Option<String>,
    /// What stands behind it and is interrupted with it: units, clusters, services, each by the address of its table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Address>,
    /// The grounds to which labctl's own way may be cut by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<Ground>,
    /// The changes that must be done before it.
    pub needs: Vec<Address>,
    /// The changes that must be over before it, whatever comes of them: they lie on a way that it may cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<Address>,
    /// When it can be planned for real: 0 is now.
    pub wave: u32,
    /// What is to be done in its wave, where it is deferred only because what it needs is: that was shown and approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Action>,
    /// What apply will do.
    pub steps: Vec<Step>,
    /// What apply will do when one of the steps fails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub put_back: Vec<Step>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// What is to be done about a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing.
    None,
    /// It is not there and will be.
    Create,
    /// It is there and will be changed where it stands.
    Update,
    /// It will be removed and made anew.
    Replace,
    /// It left the file and will be removed.
    Delete,
    /// It is there, unmarked, and becomes labctl's; differences are changed along.
    Adopt,
    /// It left the file (or attributes of it did) and stays as it is; labctl lets go of it.
    Forget,
    /// Only its mark is renewed: its address changed, or the last apply was cut off before the mark was.
    Mark,
    /// Its ground does not exist yet.
    Deferred,
}

/// Why a change is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It is not.
    None,
    /// The file says something else than when it was last applied.
    File,
    /// The lab is no longer as it was last applied.
    Lab,
    /// Both.
    Both,
    /// The last apply was cut off in the middle of it.
    Unfinished,
}

/// What keeps a change from being done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// It could not be read, so nothing is known to be due.
    Unknown(String),
    /// Its ground could not be reached.
    Unreachable(String),
    /// It would need a leave that the file doesn't give: what, and how to give it.
    Refused(String),
    /// It would endanger data.
    Protected(String),
    /// `hold` in the file.
    Held(Hold),
    /// What it needs has an obstacle.
    Blocked(Address),
    /// It was deferred when the plan was approved, and is more now than was approved then.
    Unapproved,
}

impl Change {
    /// Nothing to do about this resource, yet.
    pub fn new(address: Address, kind: impl Into<String>, ground: Ground, name: impl Into<String>) -> Self {
        Self {
            address,
            previous_address: None,
            kind: kind.into(),
            ground,
            name: name.into(),
            action: Action::None,
            cause: Cause::None,
            obstacle: None,
            before: None,
            after: None,
            differences: Vec::new(),
            released: Vec::new(),
            notes: Vec::new(),
            disruption: None,
            behind: Vec::new(),
            cuts: Vec::new(),
            needs: Vec::new(),
            waits_for: Vec::new(),
            wave: 0,
            later: None,
            steps: Vec::new(),
            put_back: Vec::new(),
            place: None,
        }
    }

    /// Whether apply has something to do.
    pub fn is_due(&self) -> bool {
        self.obstacle.is_none() && !matches!(self.action, Action::None | Action::Deferred)
    }

    /// Whether it is to be planned, and done, in a later wave.
    pub fn is_deferred(&self) -> bool {
        self.obstacle.is_none() && self.action == Action::Deferred
    }

    /// Whether it must not be passed over in silence: unknown, refused, protected, blocked.
    pub fn is_error(&self) -> bool {
        self.obstacle.as_ref().is_some_and(|obstacle| !matches!(obstacle, Obstacle::Held(_)))
    }
}
