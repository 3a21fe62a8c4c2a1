//! Trees into one tree: included files join the root's tables, `[defaults.nodes]` fills what a node does not say.

use super::codes::Code;
use super::tree::{Data, Table, Value};
use super::{Diagnostic, Located};

/// Adds the entries of an included file; what both declare is a fault with both places.
pub(super) fn join(into: &mut Table, other: Table, faults: &mut Vec<Diagnostic>) {
    // Only the first two levels are shared (`nodes`, and `defaults.nodes` below `defaults`): a thing is one table in
    // one file, so that its reader finds all of it in one place.
    for (key, value) in other.0 {
        let Some((first, present)) = into.0.iter_mut().find(|(name, _)| name.value == key.value) else {
            into.0.push((key, value));
            continue;
        };
        match (&mut present.data, value.data) {
            (Data::Table(present), Data::Table(added)) if is_shelf(&key) => join_things(present, added, faults),
            _ => faults.push(twice(first, &key)),
        }
    }
}

fn is_shelf(key: &str) -> bool {
    ["defaults", "vlans", "nodes", "pools", "clusters", "services", "secrets"].contains(&key)
}

fn join_things(into: &mut Table, other: Table, faults: &mut Vec<Diagnostic>) {
    for (key, value) in other.0 {
        match into.entry(&key) {
            Some((first, _)) => faults.push(twice(first, &key)),
            None => into.0.push((key, value)),
        }
    }
}

fn twice(first: &Located<String>, second: &Located<String>) -> Diagnostic {
    let summary = format!("`{}` is declared in two files", second.value);
    Diagnostic::error(Code::Twice.as_str(), summary, second.place.clone(), "declared again here")
        .also(first.place.clone(), "declared first here")
        .help("keep one of them")
}

/// Fills every node's table with what `[defaults.nodes]` says and the node does not.
pub(super) fn apply_defaults(root: &mut Table) {
    let defaults = root.get("defaults").and_then(Value::as_table).and_then(|table| table.get("nodes"));
    let Some(defaults) = defaults.and_then(Value::as_table).cloned() else { return };
    let Some((_, nodes)) = root.0.iter_mut().find(|(key, _)| key.value == "nodes") else { return };
    let Data::Table(nodes) = &mut nodes.data else { return };
    for (_, node) in &mut nodes.0 {
        if let Data::Table(node) = &mut node.data {
            let fitting = fitting(&defaults, node);
            fill(node, &fitting);
        }
    }
}

/// The defaults that the node can have: what needs Linux and root would be a fault that it did not make.
fn fitting(defaults: &Table, node: &Table) -> Table {
    let says = |key: &str, word: &str| {
        let value = node.get(key).or_else(|| defaults.get(key)).map(|value| &value.data);
        matches!(value, Some(Data::Text(text)) if text == word)
    };
    let (local, macos) = (says("connection", "local"), says("os", "macos"));
    let fits = |key: &str| match key {
        "ssh" => !local,
        "network" | "sysctls" | "modules" | "packages" | "units" => !local && !macos,
        _ => true,
    };
    Table(defaults.0.iter().filter(|(key, _)| fits(key)).cloned().collect())
}

fn fill(table: &mut Table, defaults: &Table) {
    for (key, value) in &defaults.0 {
        match table.0.iter_mut().find(|(name, _)| name.value == key.value) {
            None => table.0.push((key.clone(), value.clone())),
            Some((_, present)) => {
                if let (Data::Table(present), Data::Table(value)) = (&mut present.data, &value.data) {
                    fill(present, value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{apply_defaults, join};
    use crate::config::tree::{Data, Table, parse};

    fn tree(text: &str) -> Table {
        match parse(&Arc::from("a.toml"), text).unwrap().data {
            Data::Table(table) => table,
            _ => Table::default(),
        }
    }

    #[test]
    fn files_share_shelves_and_nothing_below() {
        let mut faults = Vec::new();
        let mut root = tree("[lab]\nname = 'x'\n[nodes.a]\ncores = 1");
        join(&mut root, tree("[nodes.b]\n[secrets.s]\nenv = 'S'"), &mut faults);
        assert_eq!(faults, []);
        assert!(root.get("nodes").unwrap().as_table().unwrap().get("b").is_some());
        join(&mut root, tree("[lab]\ndomain = 'y'\n[nodes.a]\nmemory = '1GiB'"), &mut faults);
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn a_node_gets_no_defaults_that_it_can_not_have() {
        let mut root = tree(
            "[defaults.nodes]\nssh.user = 'jax'\nsysctls.a = 1\n[nodes.here]\nconnection = 'local'\n[nodes.mac]\nos = 'macos'",
        );
        apply_defaults(&mut root);
        let nodes = root.get("nodes").unwrap().as_table().unwrap();
        let keys = |node: &str| -> Vec<String> {
            nodes.get(node).unwrap().as_table().unwrap().0.iter().map(|(key, _)| key.value.clone()).collect()
        };
        assert_eq!(keys("here"), ["connection"]);
        assert_eq!(keys("mac"), ["os", "ssh"]);
    }

    #[test]
    fn defaults_fill_tables_key_by_key_and_lists_not_at_all() {
        let mut root = tree(
            "[defaults.nodes]\nssh = { user = 'jax', sudo = true }\nlist = [1]\n[nodes.a]\nssh.user = 'root'\nlist = []",
        );
        apply_defaults(&mut root);
        let node = root.get("nodes").unwrap().as_table().unwrap().get("a").unwrap().as_table().unwrap();
        let ssh = node.get("ssh").unwrap().as_table().unwrap();
        assert_eq!(ssh.get("user").unwrap().data, Data::Text("root".into()));
        assert_eq!(ssh.get("sudo").unwrap().data, Data::Boolean(true));
        assert_eq!(node.get("list").unwrap().data, Data::Array(vec![]));
    }
}
