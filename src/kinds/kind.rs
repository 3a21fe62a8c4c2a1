//! What a kind of resource is: five questions, no I/O.

use std::fmt::Debug;

use crate::config::Located;
use crate::lab::{Address, Connection, Ground, Lab, Meta, Node, Os, Site};
use crate::observe::{Ask, Observation, Reply};
use crate::plan::{Attributes, Difference, Guard, Mark, Obstacle, Step, differences};

/// A kind of resource: one file in `src/kinds/`, one line in [`super::KINDS`].
pub trait Kind: Sync {
    /// Its name in plans, marks and docs: `zfs-volume`.
    fn name(&self) -> &'static str;

    /// One sentence for the reference.
    fn about(&self) -> &'static str;

    /// What the lab desires of this kind, in order of address.
    fn declare(&self, lab: &Lab) -> Vec<Resource>;

    /// Whether a ground can have resources of this kind: most need root on a node with Linux.
    fn fits(&self, site: Site<'_>) -> bool {
        site.node().is_some_and(|node| node.os == Os::Linux && matches!(node.connection, Connection::Ssh(_)))
    }

    /// What happens to a resource that labctl made and that left the file.
    fn leaving(&self) -> Leaving {
        Leaving::Destroyed
    }

    /// Whether a thing of this kind is at work for somebody, who notices when what it needs is interrupted.
    fn runs(&self) -> bool {
        false
    }

    /// What is interrupted with a thing of this kind besides what needs it.
    fn carries(&self) -> Carries {
        Carries::Nothing
    }

    /// Whether the things themselves carry the mark (then [`Kind::marked`] reads it and the steps write it);
    /// otherwise it lies in a record on the node, which the plan reads and writes.
    fn carries_marks(&self) -> bool {
        false
    }

    /// What must be read of a ground whatever is declared on it: where the marks of a kind that carries its own lie.
    fn asks(&self, _site: Site<'_>) -> Vec<Ask> {
        Vec::new()
    }

    /// The same, now that the ground's first answers are known. Asked again until it asks nothing new.
    fn further_asks(&self, _lab: &Lab, _site: Site<'_>, _reply: &Reply) -> Vec<Ask> {
        Vec::new()
    }

    /// The marks that the things of this kind carry on a ground, by real name; of any lab. Why, where they can't be
    /// read.
    fn marked(&self, _site: Site<'_>, _reply: &Reply) -> Result<Vec<(String, Mark)>, String> {
        Ok(Vec::new())
    }

    /// Steps that write `mark` on a thing that exists, for a kind that carries its own.
    fn mark_steps(&self, _site: Site<'_>, _name: &str, _mark: &Mark) -> Vec<Step> {
        Vec::new()
    }

    /// The command that gives a thing of this kind another real name, for a kind that is data and that labctl doesn't
    /// rename by itself.
    fn renaming(&self, _from: &str, _to: &str) -> Option<String> {
        None
    }

    /// A resource that has a mark and is no longer in the file.
    fn leftover(&self, site: Site<'_>, name: &str) -> Box<dyn Leftover>;

    /// What to ask for a survey: all of this kind on the node, declared or not.
    fn survey_asks(&self, _node: &Node) -> Vec<Ask> {
        Vec::new()
    }

    /// The tables that would declare what is on the node: `show NODE --as-toml`.
    /// The lab is what is declared already: it gives the names.
    fn survey(&self, _lab: &Lab, _node: &Node, _reply: &Reply) -> Result<Vec<Surveyed>, String> {
        Ok(Vec::new())
    }
}

/// A desired resource.
#[derive(Debug)]
pub struct Resource {
    /// Its name in the file.
    pub address: Address,
    /// What it stands on.
    pub ground: Ground,
    /// Its real name there; with ground and kind, its identity.
    pub name: String,
    /// What the table says of it: place, `after`, `adopt`, `hold`.
    pub meta: Meta,
    /// Other resources that must be as desired before it; `meta.after` is added to them.
    pub needs: Vec<Located<Address>>,
    /// Those of its needs without which it can't even be planned: what makes its ground, or the kind that it is of.
    pub planned_after: Vec<Address>,
    /// What is desired.
    pub body: Box<dyn Body>,
}

/// What is desired of one resource, and how it is read, compared and changed.
pub trait Body: Debug + Send + Sync {
    /// What to read.
    fn asks(&self) -> Vec<Ask>;

    /// What to read besides, now that the first answers are known: what only a change needs. Mostly nothing. It is asked
    /// again, with all answers so far, until it asks nothing new.
    fn further_asks(&self, _reply: &Reply) -> Vec<Ask> {
        Vec::new()
    }

    /// What the answers mean.
    fn observe(&self, reply: &Reply) -> Observation;

    /// The declared attributes, in the form that [`Body::observe`] gives the observed ones.
    fn desired(&self) -> Attributes;

    /// What differs. The reply is for a kind that has the other side say what would become of it.
    fn compare(&self, observed: &Attributes, _reply: &Reply) -> Vec<Difference> {
        differences(&self.desired(), observed)
    }

    /// What there is to know of it as it is, whether or not something is due: a pool that is degraded, a key that is
    /// not loaded.
    fn remarks(&self, _reply: &Reply) -> Vec<String> {
        Vec::new()
    }

    /// Digest of what it takes in when it is applied and the lab can't tell afterwards; the mark remembers it.
    fn inputs(&self) -> Option<String> {
        None
    }

    /// What differs, beside `found`, because the mark says that it may not have taken in its inputs.
    fn outdated(&self, _observed: &Attributes, _found: &[Difference]) -> Option<Difference> {
        None
    }

    /// What to do about it.
    fn work(&self, task: &Task<'_>) -> Work;

    /// What the files alone tell of a change from what an earlier one declared: what it would interrupt, what it would
    /// endanger. No steps: the lab is not known.
    fn foresee(&self, _differences: &[Difference]) -> Work {
        Work::default()
    }

    /// Whether an attribute that leaves the file goes from the lab with it. Otherwise its value stays, and labctl lets go
    /// of it.
    fn takes_away(&self) -> bool {
        false
    }

    /// Steps that write `mark` on the thing as it is, where that takes knowing what is desired;
    /// [`Kind::mark_steps`] otherwise.
    fn mark_steps(&self, _mark: &Mark, _reply: &Reply) -> Option<Vec<Step>> {
        None
    }
}

/// What is asked of [`Body::work`].
#[derive(Debug)]
pub struct Task<'a> {
    /// What is to be done.
    pub goal: Goal<'a>,
    /// The mark that the resource has when it is done; a kind that carries its own writes it.
    pub mark: &'a Mark,
    /// All that was read of the ground, for the guards.
    pub reply: &'a Reply,
}

/// What is to be done.
#[derive(Debug)]
pub enum Goal<'a> {
    /// It is absent and is to be there.
    Create,
    /// It is present and is to be changed in these attributes.
    Update {
        /// As it is.
        observed: &'a Attributes,
        /// What is to be changed.
        differences: &'a [Difference],
    },
}

/// What a kind does about a change.
#[derive(Debug, Default)]
pub struct Work {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The steps that follow a failure of one of them.
    pub put_back: Vec<Step>,
    /// Whether `put_back` only tidies up: what was begun stays begun, and is noted as such.
    pub tidies: bool,
    /// What it interrupts.
    pub disruption: Option<String>,
    /// What else there is to know.
    pub notes: Vec<String>,
    /// Why it can't be done; the steps are then not run.
    pub obstacle: Option<Obstacle>,
    /// Whether it is removed and made anew.
    pub replaces: bool,
    /// Why it can't be planned yet, where something that the same plan makes must be there first.
    pub deferred: Option<String>,
}

impl Work {
    /// Steps and nothing to say.
    pub fn steps(steps: Vec<Step>) -> Self {
        Self { steps, ..Self::default() }
    }

    /// It is refused to protect data.
    pub fn protected(why: impl Into<String>) -> Self {
        Self { obstacle: Some(Obstacle::Protected(why.into())), ..Self::default() }
    }

    /// It can't be done: why, and what would help.
    pub fn refused(why: impl Into<String>) -> Self {
        Self { obstacle: Some(Obstacle::Refused(why.into())), ..Self::default() }
    }
}

/// A resource that has a mark and is no longer in the file.
pub trait Leftover: Debug + Send + Sync {
    /// What to read.
    fn asks(&self) -> Vec<Ask>;

    /// What to read besides, now that the first answers are known. It is asked again until it asks nothing new.
    fn further_asks(&self, _reply: &Reply) -> Vec<Ask> {
        Vec::new()
    }

    /// What the answers mean.
    fn observe(&self, reply: &Reply) -> Observation;

    /// Why it stays although things of its kind are destroyed: it is protected, or holds what isn't labctl's.
    /// The lab says what is still declared of what it holds.
    fn stays(&self, _lab: &Lab, _reply: &Reply) -> Option<String> {
        None
    }

    /// When it is removed among all that left a ground: what has a lower number goes first.
    fn turn(&self, _reply: &Reply) -> u32 {
        0
    }

    /// Steps that write the mark of what labctl lets go of, where that takes knowing what is there;
    /// [`Kind::mark_steps`] otherwise.
    fn release(&self, _mark: &Mark, _reply: &Reply) -> Option<Vec<Step>> {
        None
    }

    /// Steps that remove it; they suppose that it is there. The reply is for the guards.
    fn remove(&self, reply: &Reply) -> Work;

    /// What to read besides before it may be destroyed by its address. It is asked again until it asks nothing new.
    fn destruction_asks(&self, _reply: &Reply) -> Vec<Ask> {
        Vec::new()
    }

    /// Steps that destroy it because a person named it; the notes say all that goes with it. Data is moved aside; `stamp` is
    /// unlike that of any other moment.
    fn destroy(&self, reply: &Reply, _stamp: &str) -> Work {
        self.remove(reply)
    }

    /// It as it is, in a form that makes it anew, where it would be lost otherwise.
    fn backup(&self, _reply: &Reply) -> Option<serde_json::Value> {
        None
    }

    /// The command that would remove it, where labctl leaves it.
    fn by_hand(&self) -> String;
}

/// What becomes of a resource that labctl made and that left the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// It is harmless to remove: it is removed.
    Destroyed,
    /// The same, also where it was there before labctl: it comes about by itself, and who saw it first means nothing.
    Ended,
    /// It is data, or others may have come to need it: it stays, and its mark is released.
    Forgotten,
}

/// What is interrupted with a thing although no edge leads there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// Nothing.
    Nothing,
    /// All that is at work on its node.
    Node,
    /// All that is at work in the cluster whose table it hangs below.
    Cluster,
}

/// One thing that a survey found, as the table that would declare it.
#[derive(Debug, Clone, PartialEq)]
pub struct Surveyed {
    /// Its address if it were declared.
    pub address: Address,
    /// Its real name.
    pub name: String,
    /// Its table, or its value where an entry says enough: `"vm.swappiness" = "10"`.
    pub entry: toml::Value,
}

impl Resource {
    /// The addresses that it needs, inferred and declared, with the place that says so.
    pub fn edges(&self) -> impl Iterator<Item = &Located<Address>> {
        self.needs.iter().chain(&self.meta.after)
    }
}

/// The guard that a file is as the probe saw it; none where the probe couldn't tell.
pub fn file_guard(reply: &Reply, ask: &Ask, path: &str) -> Option<Guard> {
    use crate::observe::FileAnswer;
    let state = match reply.file(ask).ok()? {
        FileAnswer::Absent => "absent".to_owned(),
        FileAnswer::Regular { stat, .. } => stat.state.clone(),
        FileAnswer::Other(_) | FileAnswer::Unreadable(_) => return None,
    };
    Some(Guard::File { path: path.to_owned(), state })
}
