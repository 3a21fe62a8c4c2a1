//! What a file held before labctl writes over it or removes it stays on its node for a while, for whoever wants it back.

use super::{Act, Attributes, Guard, Step, Value};
use crate::lab::{Connection, Lab, Mode, Node, Site};

/// The steps with a copy before each that takes a content away. `is_own`: labctl made what is there; what of that only few
/// may read holds secrets of the file, and is not copied. `observed` is what is there.
pub(super) fn keeping(lab: &Lab, site: Site<'_>, steps: Vec<Step>, is_own: bool, observed: &Attributes) -> Vec<Step> {
    let Some(node) = site.node().filter(|_| !(is_own && is_private(observed))) else { return steps };
    let below = format!("{}/{}", folder(node), lab.name);
    let mut all = Vec::with_capacity(steps.len());
    for step in steps {
        if let Some(path) = taken_away(&step) {
            let act = Act::Keep { path: path.to_owned(), below: below.clone() };
            all.push(Step { guards: step.guards.clone(), ..Step::new(format!("keep what {path} holds"), act) });
        }
        all.push(step);
    }
    all
}

/// The folder of all labs' copies on a node. It is no part of the folder of records, which all may read: whoever may not look
/// into this one still knows what is labctl's.
fn folder(node: &Node) -> &'static str {
    match node.connection {
        Connection::Local => ".labctl/replaced",
        Connection::Ssh(_) => "/var/backups/labctl",
    }
}

/// The file whose content goes, where the plan has seen that it is there.
fn taken_away(step: &Step) -> Option<&str> {
    let (Act::Put { path, .. } | Act::Remove { path }) = &step.act else { return None };
    let is_there = |guard: &Guard| matches!(guard, Guard::File { path: of, state } if of == path && state != "absent");
    step.guards.iter().any(is_there).then_some(path)
}

fn is_private(observed: &Attributes) -> bool {
    let mode = observed.get("mode").and_then(|mode| match mode {
        Value::Plain(serde_json::Value::String(mode)) => u32::from_str_radix(mode, 8).ok(),
        _ => None,
    });
    mode.is_some_and(|mode| !Mode(mode).is_world_readable())
}
