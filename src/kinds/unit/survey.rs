//! The units that people made: every regular file in `/etc/systemd/system`, as the table that would declare it.

use std::collections::BTreeMap;

use crate::kinds::Surveyed;
use crate::lab::Node;
use crate::observe::{Ask, Body, FileAnswer, Reply};

use super::reads::is_template;
use super::{FOLDER, address};

fn folder_ask() -> Ask {
    Ask::Folder { path: FOLDER.to_owned(), suffix: String::new() }
}

fn files_ask() -> Ask {
    Ask::run(["systemctl", "list-unit-files", "--no-pager", "--no-legend", "--full"])
}

fn units_ask() -> Ask {
    Ask::run(["systemctl", "list-units", "--all", "--plain", "--no-pager", "--no-legend", "--full"])
}

pub(super) fn asks() -> Vec<Ask> {
    vec![folder_ask(), files_ask(), units_ask()]
}

pub(super) fn read(node: &Node, reply: &Reply) -> Result<Vec<Surveyed>, String> {
    let files = words(reply, &files_ask())?;
    let units = words(reply, &units_ask())?;
    let is_unit =
        |name: &str| !name.contains('/') && name.rsplit_once('.').is_some_and(|(_, suffix)| SUFFIXES.contains(&suffix));
    let state = |name: &str| {
        let enabled = files.get(name).and_then(|words| words.get(1)).map(String::as_str);
        let active = units.get(name).and_then(|words| words.get(2)).map(String::as_str);
        (enabled.map(str::to_owned), active == Some("active"))
    };
    let own = reply.folder(&folder_ask())?.iter().filter(|(name, _)| is_unit(name));
    let mut found: BTreeMap<String, toml::Table> =
        own.map(|(name, file)| (name.clone(), table(name, Some(file), &state(name)))).collect();
    for name in node.units.keys().filter(|name| files.contains_key(*name)) {
        found.entry(name.clone()).or_insert_with(|| table(name, None, &state(name)));
    }
    Ok(found
        .into_iter()
        .filter(|(_, table)| !table.is_empty())
        .map(|(name, table)| Surveyed { address: address(node, &name), name, entry: toml::Value::Table(table) })
        .collect())
}

/// The types of units that a file can make (systemd.unit(5)).
const SUFFIXES: &[&str] = &["service", "socket", "mount", "automount", "swap", "target", "path", "timer", "slice"];

fn table(name: &str, file: Option<&FileAnswer>, (enabled, is_active): &(Option<String>, bool)) -> toml::Table {
    let mut table = toml::Table::new();
    if let Some(FileAnswer::Regular { stat, body: Body::Bytes(bytes) }) = file {
        // What not everybody may read there must not stand in a file here.
        if let (true, Ok(text)) = (stat.mode & 0o004 != 0, std::str::from_utf8(bytes)) {
            table.insert("content".to_owned(), text.into());
        }
    }
    let enabled = match enabled.as_deref() {
        Some("enabled") => Some(true),
        Some("disabled") => Some(false),
        _ => None,
    };
    if let Some(enabled) = enabled.filter(|_| !is_template(name)) {
        table.insert("enabled".to_owned(), enabled.into());
    }
    // That a unit is down right now may be as little meant as that a oneshot service is up.
    let is_oneshot = table.get("content").and_then(|content| content.as_str()).is_some_and(super::wanted::is_oneshot);
    if *is_active && !is_oneshot {
        table.insert("running".to_owned(), true.into());
    }
    table
}

/// Lines of a table by their first word.
fn words(reply: &Reply, ask: &Ask) -> Result<BTreeMap<String, Vec<String>>, String> {
    let output = reply.output(ask)?;
    if output.is_missing_program() {
        return Ok(BTreeMap::new());
    }
    if output.code != 0 {
        return Err(output.complaint());
    }
    let text = output.text();
    let lines = text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    Ok(lines.filter_map(|words| Some((words.first()?.clone(), words))).collect())
}
