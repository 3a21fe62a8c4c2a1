//! The content of a file, as it is asked for and compared; units have such contents, too.

use crate::lab::{Content, File};
use crate::observe::{Ask, Body, FileAnswer, Reply, Stat};
use crate::plan::Value;

/// What to ask for a declared file.
pub(in crate::kinds) fn ask(path: &str, file: &File) -> Ask {
    content_ask(path, &file.content, !file.mode.is_world_readable())
}

/// What to ask for a content: shown ones are read, hidden ones are compared where they are, by transport.
pub(in crate::kinds) fn content_ask(path: &str, content: &Content, hide: bool) -> Ask {
    match Value::content(content, hide) {
        Value::Text(_) => Ask::file(path),
        _ => Ask::Same { path: path.to_owned(), content: content.clone() },
    }
}

/// The observed content, in the form of the desired one.
pub(in crate::kinds) fn observed_content(content: &Content, hide: bool, stat: &Stat, body: &Body) -> Value {
    let is_readable_by_all = stat.mode & 0o004 != 0;
    match body {
        Body::Same(true) => Value::content(content, hide),
        Body::Same(false) | Body::TooLong => Value::Differs,
        Body::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if content.as_text() == Some(text) => Value::content(content, hide),
            Ok(text) if is_readable_by_all => Value::Text(text.to_owned()),
            _ => Value::Differs,
        },
    }
}

/// Whether a declared file has its content; `None` where there is no file. Why, where that can't be known.
pub(in crate::kinds) fn content_is(path: &str, file: &File, reply: &Reply) -> Result<Option<bool>, String> {
    let hide = !file.mode.is_world_readable();
    match reply.file(&ask(path, file))? {
        FileAnswer::Absent => Ok(None),
        FileAnswer::Regular { stat, body } => {
            let observed = observed_content(&file.content, hide, stat, body);
            Ok(Some(observed == Value::content(&file.content, hide)))
        }
        FileAnswer::Other(_) => Ok(Some(false)),
        FileAnswer::Unreadable(why) => Err(why.clone()),
    }
}
