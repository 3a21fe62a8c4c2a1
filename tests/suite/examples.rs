//! The files that the project ships: readable, and free of findings.

use std::path::{Path, PathBuf};

use labctl::lab::{self, Connection, Lab};
use labctl::local::sources;
use labctl::report::diagnostics::render;

const ROOTS: [&str; 7] = [
    "homelab.toml",
    "examples/this-machine.toml",
    "examples/one-node.toml",
    "examples/one-host.toml",
    "examples/two-clusters.toml",
    "examples/include/homelab.toml",
    "examples/cluster/homelab.toml",
];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn load(name: &str) -> Lab {
    let mut sources = sources::load(&path(name)).unwrap();
    // Tests fetch nothing.
    for pin in labctl::config::pins(&sources) {
        sources.insert_pinned(pin.sha256, pin.stand_in.unwrap().as_bytes());
    }
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

#[test]
fn the_example_of_a_cluster_has_objects_of_all_its_services() {
    let lab = load("examples/cluster/homelab.toml");
    let services: std::collections::BTreeSet<String> =
        lab.objects.iter().map(|object| object.address.table().to_string()).collect();
    let expected = ["services.metallb", "services.photos", "services.router", "services.whoami"];
    assert_eq!(services.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    let whoami = |path: &str| lab.objects.iter().find(|object| object.key.path() == path).unwrap();
    let needs = &whoami("Deployment.apps/whoami/whoami").needs;
    assert!(
        needs.iter().any(|need| need.value.to_string().ends_with("/L2Advertisement.metallb.io/metallb-system/home"))
    );
}
