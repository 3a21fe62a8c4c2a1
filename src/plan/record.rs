//! The marks of what can't carry one: small JSON files on the node.
//!
//! `/var/lib/labctl/LAB/KIND-HASH.json`, readable by all: a plan without sudo still knows what is labctl's.

use serde::{Deserialize, Serialize};

use super::{Act, Mark, Step, digest};
use crate::lab::{Connection, Content, Lab, Mode, Node};
use crate::observe::{Ask, Body, FileAnswer, Reply};

/// A record file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version of this form.
    pub format: u32,
    /// The resource's kind.
    pub kind: String,
    /// Its real name.
    pub name: String,
    /// Its mark.
    pub mark: Mark,
}

const FORMAT: u32 = 1;

/// The folder of all labs' records on a node: below the current folder where labctl runs on the machine itself.
pub fn folder(node: &Node) -> String {
    match node.connection {
        Connection::Local => ".labctl/records".to_owned(),
        Connection::Ssh(_) => "/var/lib/labctl".to_owned(),
    }
}

/// What to ask for all records of a node.
pub fn ask(node: &Node) -> Ask {
    Ask::Folder { path: folder(node), suffix: ".json".to_owned() }
}

/// The records of a node, of all labs. Why, where they can't be read: then nothing is known to be unmarked.
pub fn read(node: &Node, reply: &Reply) -> Result<Vec<Record>, String> {
    let files = reply.folder(&ask(node))?;
    files
        .iter()
        .filter(|(name, _)| name.contains('/'))
        .map(|(name, file)| parse(&format!("{}/{name}", folder(node)), file))
        .collect()
}

fn parse(path: &str, file: &FileAnswer) -> Result<Record, String> {
    let FileAnswer::Regular { body: Body::Bytes(bytes), .. } = file else {
        return Err(format!("the record `{path}` can't be read"));
    };
    let record: Record =
        serde_json::from_slice(bytes).map_err(|error| format!("the record `{path}` is damaged ({error})"))?;
    if record.format > FORMAT {
        return Err(format!("the record `{path}` was written by a newer labctl"));
    }
    Ok(record)
}

fn path(lab: &Lab, node: &Node, kind: &str, name: &str) -> String {
    format!("{}/{}/{kind}-{}.json", folder(node), lab.name, &digest(&name)[..16])
}

/// The step that writes a record.
pub fn write(lab: &Lab, node: &Node, kind: &str, name: &str, mark: Mark) -> Step {
    let record = Record { format: FORMAT, kind: kind.to_owned(), name: name.to_owned(), mark };
    let words = if record.mark.pending { "note what is about to be done" } else { "note what is done" };
    let json = serde_json::to_string(&record).unwrap_or_default();
    Step::new(
        words,
        Act::Put {
            path: path(lab, node, kind, name),
            content: Content::text(json + "\n"),
            mode: Some(Mode(0o644)),
            owner: None,
            group: None,
        },
    )
}

/// The step that removes a record.
pub fn remove(lab: &Lab, node: &Node, kind: &str, name: &str) -> Step {
    Step::new("remove the note", Act::Remove { path: path(lab, node, kind, name) })
}
