//! A file that declares what is on a node: what the user's own file says of the lab and of how the node is reached, with
//! the tables that the kinds found.

use toml::{Table, Value};

use crate::config::Sources;
use crate::kinds::Surveyed;

/// The tables of a node that declare resources: they are written anew from what was found.
const RESOURCES: [&str; 6] = ["network", "sysctls", "modules", "packages", "files", "units"];

/// The text of `labctl show NODE --as-toml`.
pub fn lab_file(sources: &Sources, node: &str, found: &[Surveyed]) -> String {
    let mut file = declared(sources);
    file.remove("include");
    file.remove("pools");
    if let Some(Value::Table(nodes)) = file.get_mut("nodes") {
        nodes.retain(|name, _| name == node);
        if let Some(Value::Table(table)) = nodes.get_mut(node) {
            table.retain(|key, _| !RESOURCES.contains(&key));
        }
    }
    for entry in found {
        insert(&mut file, entry.address.segments(), &entry.entry);
    }
    // Tables of strings, numbers and tables always serialize.
    toml::to_string_pretty(&file).unwrap_or_default()
}

/// All sources as one table; the checks that the file passed make sure that none says what another one does.
fn declared(sources: &Sources) -> Table {
    let mut file = Table::new();
    for path in sources.paths().filter(|path| path.ends_with(".toml")) {
        if let Some(table) = sources.text(path).and_then(|text| text.parse::<Table>().ok()) {
            merge(&mut file, table);
        }
    }
    file
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn insert(into: &mut Table, path: &[String], entry: &Value) {
    match path {
        [] => {}
        [last] => match (into.get_mut(last), entry) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from.clone()),
            _ => {
                into.insert(last.clone(), entry.clone());
            }
        },
        [first, rest @ ..] => {
            let below = into.entry(first.clone()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(below) = below {
                insert(below, rest, entry);
            }
        }
    }
}
