//! Sources in, the tables of the whole lab out, with every fault of shape that they have.

use std::sync::Arc;

use super::codes::Code;
use super::merge::{apply_defaults, join};
use super::read::Read;
use super::sources::{Sources, pattern, stays_below};
use super::tables::ServiceTable;
use super::tree::{self, Data, Table, Value};
use super::{Diagnostic, File, Located, Named, Place};
use crate::services::Pin;

/// What could be read of the sources.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The tables; `None` where the text is not TOML or `[lab]` can't be read. Tables with faults are left out of it.
    pub file: Option<File>,
    /// Every fault, in no particular order.
    pub faults: Vec<Diagnostic>,
}

/// Reads the root file and what it includes.
pub fn parse(sources: &Sources) -> Parsed {
    let mut faults = Vec::new();
    let Some(mut root) = join_all(sources, &mut faults) else { return Parsed { file: None, faults } };
    if let Data::Table(table) = &mut root.data {
        apply_defaults(table);
    }
    let file = File::read(&root, &mut faults);
    Parsed { file, faults }
}

/// The `include` patterns of the root file: what a reader of a folder has to look for.
pub fn includes(sources: &Sources) -> Vec<String> {
    let Ok(Value { data: Data::Table(root), .. }) = tree_of(sources, sources.root()) else { return Vec::new() };
    let texts = included(&root).filter_map(|value| match &value.data {
        Data::Text(text) => Some(text.clone()),
        _ => None,
    });
    texts.collect()
}

/// The files that `source` keys name, in the root file and those that it includes: what a reader has to read.
pub fn references(sources: &Sources) -> Vec<String> {
    let Some(root) = join_all(sources, &mut Vec::new()) else { return Vec::new() };
    let mut found = Vec::new();
    let Some(root) = root.as_table() else { return found };
    let defaults = root.get("defaults").and_then(Value::as_table).and_then(|table| table.get("nodes"));
    let nodes = root.get("nodes").and_then(Value::as_table);
    let nodes = nodes.into_iter().flat_map(|table| table.0.iter().map(|(_, node)| node));
    for node in nodes.chain(defaults).filter_map(Value::as_table) {
        for shelf in ["files", "units"].iter().filter_map(|shelf| node.get(shelf)?.as_table()) {
            for (_, thing) in &shelf.0 {
                if let Some(Data::Text(path)) = thing.as_table().and_then(|table| table.get("source")).map(|v| &v.data)
                {
                    found.push(path.clone());
                }
            }
        }
    }
    let clusters = root.get("clusters").and_then(Value::as_table);
    for binary in
        clusters.iter().flat_map(|table| &table.0).filter_map(|(_, cluster)| cluster.as_table()?.get("binary"))
    {
        let Some(binary) = binary.as_table() else { continue };
        let each = ["amd64", "arm64"].into_iter().filter_map(|key| binary.get(key)?.as_table()).chain([binary]);
        found.extend(each.filter_map(|table| match &table.get("path")?.data {
            Data::Text(path) => Some(path.clone()),
            _ => None,
        }));
    }
    let secrets = root.get("secrets").and_then(Value::as_table);
    for (_, secret) in secrets.iter().flat_map(|table| &table.0) {
        let file = secret.as_table().and_then(|secret| secret.get("sops")?.as_table()?.get("file"));
        if let Some(Data::Text(path)) = file.map(|file| &file.data) {
            found.push(path.clone());
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The files, folders and patterns that services read their manifests from.
pub fn manifests(sources: &Sources) -> Vec<String> {
    let services = services(sources);
    let files = services.iter().flat_map(|(_, table)| table.service.files());
    files.map(|said| said.value.clone()).collect()
}

/// The files from elsewhere that services read.
pub fn pins(sources: &Sources) -> Vec<Pin> {
    services(sources).iter().flat_map(|(_, table)| table.service.pins()).collect()
}

/// The services whose tables have no fault.
fn services(sources: &Sources) -> Named<ServiceTable> {
    let root = join_all(sources, &mut Vec::new());
    let services = root.as_ref().and_then(|root| root.as_table()?.get("services"));
    services.and_then(|services| Named::read(services, &mut Vec::new())).unwrap_or_default()
}

fn tree_of(sources: &Sources, path: &Arc<str>) -> Result<Value, Vec<Diagnostic>> {
    let bytes = sources.bytes(path).unwrap_or_default();
    match std::str::from_utf8(bytes) {
        Ok(text) => tree::parse(path, text),
        Err(error) => {
            let text = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
            let end = text.len();
            let place = Place::new(path, &text, end..end);
            let fault = Diagnostic::error(Code::Syntax.as_str(), "the file is not UTF-8", place, "up to here it is");
            Err(vec![fault.help("save it as UTF-8")])
        }
    }
}

/// The root's tree joined with those of all included files; `None` where any of them is not TOML.
fn join_all(sources: &Sources, faults: &mut Vec<Diagnostic>) -> Option<Value> {
    let mut keep = |tree: Result<Value, Vec<Diagnostic>>| tree.map_err(|found| faults.extend(found)).ok();
    let root = keep(tree_of(sources, sources.root()));
    let patterns: Vec<Value> = root.iter().filter_map(Value::as_table).flat_map(included).cloned().collect();
    let mut paths: Vec<Arc<str>> = Vec::new();
    let mut misses = Vec::new();
    for value in &patterns {
        match matching(sources, value) {
            Ok(found) => paths.extend(found.into_iter().filter(|path| !paths.contains(path)).collect::<Vec<_>>()),
            Err(fault) => misses.push(*fault),
        }
    }
    let others: Vec<Option<Value>> = paths.iter().map(|path| keep(tree_of(sources, path))).collect();
    faults.extend(misses);
    let mut root = root?;
    for other in others.into_iter().collect::<Option<Vec<_>>>()? {
        if let (Data::Table(into), Data::Table(mut table)) = (&mut root.data, other.data) {
            faults.extend(nested_include(&mut table));
            join(into, table, faults);
        }
    }
    Some(root)
}

fn included(root: &Table) -> impl Iterator<Item = &Value> {
    let items = root.get("include").map(|value| match &value.data {
        Data::Array(items) => items.as_slice(),
        _ => &[],
    });
    items.unwrap_or_default().iter()
}

fn matching(sources: &Sources, value: &Value) -> Result<Vec<Arc<str>>, Box<Diagnostic>> {
    // What is no text is told by the reader of the table.
    let Data::Text(text) = &value.data else { return Ok(Vec::new()) };
    let fault = |summary: String, words: &str, help: &str| {
        Box::new(Diagnostic::error(Code::Include.as_str(), summary, value.place.clone(), words).help(help))
    };
    if !stays_below(text) {
        let help = "files of a lab lie beside or below its homelab.toml; write a relative path without `..`";
        return Err(fault(format!("`{text}` leads out of the folder of {}", sources.root()), "outside", help));
    }
    let pattern = pattern(text).map_err(|error| {
        fault(format!("`{text}` is no pattern: {error}"), "this pattern", "write a path with `*`: `nodes/*.toml`")
    })?;
    let found: Vec<Arc<str>> = sources.matching(&pattern).cloned().collect();
    if found.is_empty() {
        let unreadable = sources.get(text).and_then(|bytes| bytes.as_ref().err());
        let summary = match unreadable {
            Some(reason) => format!("`{text}` can't be read: {reason}"),
            None => format!("`{text}` matches no file"),
        };
        let help = format!("patterns are relative to the folder of {}", sources.root());
        return Err(fault(summary, "nothing there", &help));
    }
    Ok(found)
}

fn nested_include(table: &mut Table) -> Option<Diagnostic> {
    let at = table.0.iter().position(|(key, _)| key.value == "include")?;
    let (Located { place, .. }, _) = table.0.remove(at);
    let summary = "an included file can't include others";
    let fault = Diagnostic::error(Code::Include.as_str(), summary, place, "in an included file");
    Some(fault.help("name all files in the `include` of homelab.toml"))
}
