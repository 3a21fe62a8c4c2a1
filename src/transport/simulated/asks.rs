//! A probe on a simulated node.

use super::super::contents::Contents;
use super::super::outcome::ReachError;
use super::files::What;
use super::machine::Machine;
use super::programs::Stdin;
use crate::lab::Content;
use crate::observe::{Answer, Ask, Body, FileAnswer, Stat};

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// Whether as root.
    pub(super) is_root: bool,
    /// The login.
    pub(super) user: &'a str,
}

/// What a node answers to one ask.
pub(super) fn answer(
    machine: &mut Machine,
    ask: &Ask,
    reader: Reader<'_>,
    contents: &Contents<'_>,
) -> Result<Answer, ReachError> {
    Ok(match ask {
        Ask::Run(argv) => match machine.run(argv, &mut Stdin::default()) {
            Ok(output) => Answer::Output(output),
            Err(gap) => Answer::Lost(gap.to_string()),
        },
        Ask::Fed { argv, stdin } => match machine.run(argv, &mut Stdin::new(contents.bytes(stdin)?.to_vec())) {
            Ok(output) => Answer::Output(output),
            Err(gap) => Answer::Lost(gap.to_string()),
        },
        Ask::File { path, limit } => Answer::File(file(machine, path, *limit, reader)),
        Ask::Folder { path, suffix } => folder(machine, path, suffix, reader),
        Ask::Same { path, content } => {
            let wanted = match content {
                Content::Blob { .. } | Content::Parts(_) => contents.bytes(content)?,
            };
            Answer::File(match file(machine, path, u64::MAX, reader) {
                FileAnswer::Regular { stat, body } => {
                    let is_same = matches!(&body, Body::Bytes(bytes) if bytes == &*wanted);
                    FileAnswer::Regular { stat, body: Body::Same(is_same) }
                }
                other => other,
            })
        }
        Ask::Api(_) | Ask::Elsewhere { .. } => Answer::Lost("a node can't answer for another ground".to_owned()),
    })
}

fn file(machine: &Machine, path: &str, limit: u64, reader: Reader<'_>) -> FileAnswer {
    // As `stat` without `-L`: a link is a link, wherever it leads.
    let Some(entry) = machine.files.entry(path) else { return FileAnswer::Absent };
    let bytes = match &entry.what {
        What::File(bytes) => bytes,
        What::Folder => return FileAnswer::Other("directory".to_owned()),
        What::Link(_) => return FileAnswer::Other("symbolic link".to_owned()),
        What::Device => return FileAnswer::Other("block special file".to_owned()),
    };
    if !reader.is_root && entry.mode & 0o004 == 0 && entry.owner != reader.user {
        return FileAnswer::Unreadable(format!("cat: {path}: Permission denied"));
    }
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let stat =
        Stat { mode: entry.mode, owner: entry.owner.clone(), group: entry.group.clone(), length, state: entry.state() };
    let body = if length > limit { Body::TooLong } else { Body::Bytes(bytes.clone()) };
    FileAnswer::Regular { stat, body }
}

fn folder(machine: &Machine, path: &str, suffix: &str, reader: Reader<'_>) -> Answer {
    let place = super::files::absolute(path);
    let files = machine.files.below(path).filter(|(path, entry)| entry.bytes().is_some() && path.ends_with(suffix));
    let name = |path: &str| path[place.len()..].trim_start_matches('/').to_owned();
    Answer::Folder(files.map(|(path, _)| (name(path), file(machine, path, 1 << 20, reader))).collect())
}
