//! The very commands of a change, as `--show-steps` prints them.

use crate::lab::{Content, Part};
use crate::plan::{Act, ApiGuard, Call, Change, Guard, Step, shell_line};

/// The steps of a change, and those of its put-back, one line each.
pub(super) fn lines(change: &Change) -> String {
    let mut text = String::new();
    for step in &change.steps {
        text += &format!("      {}\n", line(step));
    }
    for step in &change.put_back {
        text += &format!("      if that fails: {}\n", line(step));
    }
    text
}

/// One step on one line.
pub fn line(step: &Step) -> String {
    let guards: Vec<String> = step.guards.iter().map(guard).collect();
    let guards = if guards.is_empty() { String::new() } else { format!("  # only if {}", guards.join(", ")) };
    match &step.act {
        Act::Run { argv, stdin } => {
            let stdin = stdin.as_ref().map(|content| format!(" < {}", describe(content))).unwrap_or_default();
            format!("$ {}{stdin}{guards}", shell_line(argv))
        }
        Act::Put { path, content, mode, .. } => {
            let mode = mode.map(|mode| format!(" {mode}")).unwrap_or_default();
            format!("> {path}{mode} ({}){guards}", describe(content))
        }
        Act::Keep { path, below } => {
            format!("> {below}/{}.TIME 0600 (a copy of {path}){guards}", path.trim_start_matches('/'))
        }
        Act::Remove { path } => format!("$ {}{guards}", shell_line(["rm", "-f", "--", path])),
        Act::Reconnect { within, until, .. } => {
            let until =
                if until.is_empty() { String::new() } else { format!(", until `{}` succeeds", shell_line(until)) };
            format!("@ a fresh connection within {within} s{until}")
        }
        Act::Api(call) => format!("{}{guards}", self::call(call)),
    }
}

fn guard(guard: &Guard) -> String {
    match guard {
        Guard::Output { argv, .. } => format!("`{}` still says the same", shell_line(argv)),
        Guard::File { path, state } if state == "absent" => format!("{path} is still absent"),
        Guard::File { path, .. } => format!("{path} is untouched"),
        Guard::Api(ApiGuard::Cluster { .. }) => "it is still this cluster".to_owned(),
        Guard::Api(ApiGuard::Holder { .. }) => "the cluster is still locked by this run".to_owned(),
        Guard::Api(ApiGuard::Absent(object)) => format!("{object} is still absent"),
        Guard::Api(ApiGuard::Unchanged { object, .. }) => format!("{object} is as it was"),
    }
}

/// A call of a cluster's API: verb and object.
fn call(call: &Call) -> String {
    match call {
        Call::Apply { manifest, force } => {
            let key = manifest.key().map_or_else(|| "an object without a name".to_owned(), |key| key.to_string());
            let force = if *force { ", taking fields of other managers" } else { "" };
            format!("& apply {key}{force}")
        }
        Call::TakeOver { object, managers } => format!("& take the fields of {} in {object}", managers.join(", ")),
        Call::Release { object } => format!("& let go of {object}"),
        Call::Delete { object } => format!("& delete {object}"),
        Call::Lease(_) => "& the cluster's lock".to_owned(),
        Call::Ready { object, within } => format!("@ {object} is ready within {within} s"),
        Call::Gone { object, within } => format!("@ {object} is gone within {within} s"),
    }
}

fn describe(content: &Content) -> String {
    match content {
        Content::Blob { source, length, .. } => format!("{source}, {length} bytes"),
        Content::Parts(parts) => {
            let bytes: usize = parts.iter().map(|part| if let Part::Text(text) = part { text.len() } else { 0 }).sum();
            let secrets = content.secrets().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            if secrets.is_empty() {
                format!("{bytes} bytes")
            } else {
                format!("{bytes} bytes and the secret {secrets}")
            }
        }
    }
}
