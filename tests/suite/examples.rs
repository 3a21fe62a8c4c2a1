//! The files that the project ships: readable, and free of findings.

use std::path::{Path, PathBuf};

use labctl::lab::{self, Connection, Lab};
use labctl::local::sources;
use labctl::report::diagnostics::render;

const ROOTS: [&str; 4] =
    ["homelab.toml", "examples/this-machine.toml", "examples/one-node.toml", "examples/include/homelab.toml"];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn load(name: &str) -> Lab {
    let sources = sources::load(&path(name)).unwrap();
    let loaded = lab::load(&sources);
    assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics, &sources, 100, false));
    loaded.lab.unwrap()
}

fn toml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            toml_files(&entry, found);
        } else if entry.extension().is_some_and(|end| end == "toml") {
            found.push(entry);
        }
    }
}

#[test]
fn nothing_is_found_in_the_files_that_we_ship() {
    for name in ROOTS {
        load(name);
    }
}

#[test]
fn every_file_that_we_ship_is_looked_at_and_names_its_schema() {
    let mut files = vec![path("homelab.toml")];
    toml_files(&path("examples"), &mut files);
    let looked_at: Vec<PathBuf> = ROOTS
        .iter()
        .flat_map(|root| {
            let root = path(root);
            let sources = sources::load(&root).unwrap();
            sources.paths().map(|name| root.parent().unwrap().join(&**name)).collect::<Vec<_>>()
        })
        .collect();
    for file in files {
        assert!(looked_at.contains(&file), "{} is part of no example", file.display());
        let text = std::fs::read_to_string(&file).unwrap();
        let schema = text.lines().next().and_then(|line| line.strip_prefix("#:schema ")).unwrap_or_default();
        assert!(file.parent().unwrap().join(schema).is_file(), "{}: `{schema}` is no schema", file.display());
    }
}

#[test]
fn the_example_of_this_machine_writes_below_the_current_folder_alone() {
    let lab = load("examples/this-machine.toml");
    let node = &lab.nodes["here"];
    assert!(matches!(node.connection, Connection::Local));
    assert!(node.files.keys().all(|path| path.starts_with("labctl-demo/")));
}

#[test]
fn the_network_of_the_owners_host_is_the_one_that_it_has() {
    let lab = load("homelab.toml");
    let ports = &lab.nodes["n5"].network.as_ref().unwrap().ports;
    let addresses: Vec<String> = ports
        .values()
        .flat_map(|port| port.attachments().map(|at| format!("{} {}", at.device(port), at.address.unwrap())))
        .collect();
    let expected = [
        "bridge64 192.168.64.3/20",
        "enp197s0 192.168.4.5/24",
        "enp197s0.8 192.168.8.254/24",
        "enp197s0.16 192.168.16.254/20",
    ];
    assert_eq!(addresses, expected);
    assert_eq!(ports["enp197s0"].routes.len(), 1);
    assert_eq!(ports["eno1"].routes, []);
}
