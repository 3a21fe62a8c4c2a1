//! What was last applied to a node: the Git revision and digest of the files, beside the records.
//!
//! An old checkout would look like a hundred deletions. With this an operator learns that the file in hand is not what
//! the lab was last made from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Act, Guard, Revision, Step, digest, record};
use crate::config::Sources;
use crate::kubernetes::lease;
use crate::lab::{Content, Lab, Mode, Node};
use crate::observe::{ApiAnswer, ApiAsk, Ask, Body, FileAnswer, Reply};

const FORMAT: u32 = 1;

/// Where a plan comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Digest of all files that the lab is read from.
    pub sources: String,
    /// Their Git revision, where they lie in a checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
}

impl Origin {
    /// The origin of these files.
    pub fn new(sources: &Sources, revision: Option<Revision>) -> Self {
        Self { sources: digest(&sources.digests()), revision }
    }
}

/// What was last applied to a node, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    format: u32,
    /// From what.
    #[serde(flatten)]
    pub origin: Origin,
    /// `user@host`.
    pub who: String,
    /// When the apply began, by the clock of its own machine.
    pub at: Timestamp,
    /// The node's `/etc/machine-id`, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
}

impl Applied {
    /// An apply that begins now.
    pub fn new(origin: Origin, who: String, at: Timestamp, machine: Option<String>) -> Self {
        Self { format: FORMAT, origin, who, at, machine }
    }
}

impl Applied {
    /// As it is kept.
    pub fn to_json(&self) -> String {
        // Strings and a time always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What was last applied to a cluster: it stands in the cluster's Lease.
pub fn of_cluster(lab: &Lab, reply: &Reply) -> Option<Applied> {
    let Ok(ApiAnswer::Object(answer)) = reply.api(&ApiAsk::Lease) else { return None };
    let applied = lease::applied(&answer["lease"], &lab.name)?;
    serde_json::from_value(applied).ok().filter(|applied: &Applied| applied.format == FORMAT)
}

/// Where it lies. Its name does not end as that of a record.
fn path(lab: &Lab, node: &Node) -> String {
    format!("{}/{}/applied", record::folder(node), lab.name)
}

/// What to ask for it.
pub fn ask(lab: &Lab, node: &Node) -> Ask {
    Ask::file(path(lab, node))
}

/// What was last applied; nothing where nothing was, or where a newer labctl wrote it in another form.
pub fn read(lab: &Lab, node: &Node, reply: &Reply) -> Option<Applied> {
    match reply.file(&ask(lab, node)).ok()? {
        FileAnswer::Regular { body: Body::Bytes(bytes), .. } => {
            serde_json::from_slice(bytes).ok().filter(|applied: &Applied| applied.format == FORMAT)
        }
        _ => None,
    }
}

/// The step that writes it.
pub fn write(lab: &Lab, node: &Node, applied: &Applied, guard: Guard) -> Step {
    let json = applied.to_json() + "\n";
    let put = Act::Put {
        path: path(lab, node),
        content: Content::text(json),
        mode: Some(Mode(0o644)),
        owner: None,
        group: None,
    };
    Step::new("note what is applied", put).guarded(guard)
}
