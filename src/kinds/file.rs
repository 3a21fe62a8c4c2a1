//! Files: content, mode, owner, group.
//!
//! Observed by the file's state and bytes (or by whether they are the desired ones, where they are not to be shown).
//! Written beside and renamed. A file whose mode keeps others from reading it shows only that it differs.

use crate::lab::{Address, File, Ground, Lab, Node};
use crate::observe::{self, Ask, FileAnswer, Observation, Reply, Stat};
use crate::plan::{Act, Attributes, Step, Value};

use super::{Body, Kind, Leftover, Resource, Surveyed, Task, Work, file_guard};

/// `[nodes.NAME.files]`.
pub(super) struct Files;

impl Kind for Files {
    fn name(&self) -> &'static str {
        "file"
    }

    fn about(&self) -> &'static str {
        "A file: its content, mode, owner and group."
    }

    fn declare(&self, lab: &Lab) -> Vec<Resource> {
        lab.nodes.values().flat_map(|node| node.files.iter().map(|(path, file)| resource(node, path, file))).collect()
    }

    fn leftover(&self, _node: &Node, name: &str) -> Box<dyn Leftover> {
        Box::new(Gone(name.to_owned()))
    }

    fn survey(&self, _lab: &Lab, _node: &Node, _reply: &Reply) -> Result<Vec<Surveyed>, String> {
        // A host has thousands of files and none of them says that it is configuration: only declared ones are shown.
        Ok(Vec::new())
    }
}

fn resource(node: &Node, path: &str, file: &File) -> Resource {
    Resource {
        address: Address::new(["nodes", &node.name, "files", path]),
        ground: Ground::Node(node.name.clone()),
        name: path.to_owned(),
        meta: file.meta.clone(),
        needs: Vec::new(),
        body: Box::new(Wanted { path: path.to_owned(), file: file.clone() }),
    }
}

#[derive(Debug)]
struct Wanted {
    path: String,
    file: File,
}

impl Wanted {
    fn is_hidden(&self) -> bool {
        !self.file.mode.is_world_readable()
    }

    fn content(&self) -> Value {
        Value::content(&self.file.content, self.is_hidden())
    }

    /// Shown contents are read; hidden ones are compared where they are, by transport.
    fn ask(&self) -> Ask {
        match self.content() {
            Value::Text(_) => Ask::file(&self.path),
            _ => Ask::Same { path: self.path.clone(), content: self.file.content.clone() },
        }
    }

    fn observed_content(&self, stat: &Stat, body: &observe::Body) -> Value {
        let readable_by_all = stat.mode & 0o004 != 0;
        match body {
            observe::Body::Same(true) => self.content(),
            observe::Body::Same(false) | observe::Body::TooLong => Value::Differs,
            observe::Body::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if self.file.content.as_text() == Some(text) => self.content(),
                Ok(text) if readable_by_all => Value::Text(text.to_owned()),
                _ => Value::Differs,
            },
        }
    }
}

impl Body for Wanted {
    fn asks(&self) -> Vec<Ask> {
        vec![self.ask()]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match reply.file(&self.ask()) {
            Err(why) => Observation::Unknown(why),
            Ok(FileAnswer::Absent) => Observation::Absent,
            Ok(FileAnswer::Regular { stat, body }) => {
                let mut attributes = stat_attributes(stat);
                attributes.insert("content".to_owned(), self.observed_content(stat, body));
                Observation::Present(attributes)
            }
            Ok(FileAnswer::Other(what) | FileAnswer::Unreadable(what)) => {
                Observation::Unknown(format!("`{}` is no regular file: {what}", self.path))
            }
        }
    }

    fn desired(&self) -> Attributes {
        let mut attributes = Attributes::new();
        attributes.insert("content".to_owned(), self.content());
        attributes.insert("mode".to_owned(), self.file.mode.to_string().into());
        for (name, value) in [("owner", &self.file.owner), ("group", &self.file.group)] {
            if let Some(value) = value {
                attributes.insert(name.to_owned(), value.as_str().into());
            }
        }
        attributes
    }

    fn work(&self, task: &Task<'_>) -> Work {
        let put = Act::Put {
            path: self.path.clone(),
            content: self.file.content.clone(),
            mode: Some(self.file.mode),
            owner: self.file.owner.clone(),
            group: self.file.group.clone(),
        };
        let mut step = Step::new(format!("write {}", self.path), put);
        step.guards.extend(file_guard(task.reply, &self.ask(), &self.path));
        Work::steps(vec![step])
    }
}

/// A file that left `homelab.toml`.
#[derive(Debug)]
struct Gone(String);

impl Leftover for Gone {
    fn asks(&self) -> Vec<Ask> {
        vec![Ask::File { path: self.0.clone(), limit: 0 }]
    }

    fn observe(&self, reply: &Reply) -> Observation {
        match reply.file(&Ask::File { path: self.0.clone(), limit: 0 }) {
            Err(why) => Observation::Unknown(why),
            Ok(FileAnswer::Absent) => Observation::Absent,
            Ok(FileAnswer::Regular { stat, .. }) => Observation::Present(stat_attributes(stat)),
            Ok(FileAnswer::Other(what) | FileAnswer::Unreadable(what)) => {
                Observation::Unknown(format!("`{}` is no regular file: {what}", self.0))
            }
        }
    }

    fn remove(&self, _reply: &Reply) -> Work {
        Work::steps(vec![Step::new(format!("remove {}", self.0), Act::Remove { path: self.0.clone() })])
    }

    fn by_hand(&self) -> String {
        crate::plan::shell_line(["rm", "--", &self.0])
    }
}

fn stat_attributes(stat: &Stat) -> Attributes {
    [("mode", format!("{:04o}", stat.mode)), ("owner", stat.owner.clone()), ("group", stat.group.clone())]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}
