//! The file parser: `homelab.toml`, what it includes and names; all that needs no lab.

use std::path::{Path, PathBuf};

use labctl::config::Sources;
use labctl::graph::Graph;
use labctl::kinds;
use labctl::lab::load;
use labctl::report::{self, diagnostics};

use super::super::hunt::Target;

/// Stands before the name of each further file of an input.
const NEXT: &str = "\n=== ";

pub(super) struct File;

impl Target for File {
    fn name(&self) -> &'static str {
        "file"
    }

    fn seeds(&self) -> Vec<(String, Vec<u8>)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut seeds = vec![seed(root, &[root.join("homelab.toml")])];
        for folder in [root.join("tests/suite/bad"), root.join("examples")] {
            for path in entries(&folder) {
                let mut files = Vec::new();
                collect(&path, &mut files);
                files.sort_by_key(|path| (!path.ends_with("homelab.toml"), path.clone()));
                if files.first().is_some_and(|path| path.extension().is_some_and(|extension| extension == "toml")) {
                    seeds.push(seed(if path.is_dir() { &path } else { &folder }, &files));
                }
            }
        }
        seeds
    }

    fn words(&self) -> &'static [&'static str] {
        &[
            "[lab]\n",
            "[nodes.a]\n",
            "[[nodes]]\n",
            "[nodes.a.network.eth0]\n",
            "[pools.p.volumes.v]\n",
            "[vlans.v]\n",
            "[clusters.c]\n",
            "[services.s]\n",
            "[secrets.s]\n",
            "[defaults.nodes]\n",
            "[nodes.a.files.'/x']\n",
            "address = ",
            "size = ",
            "subnet = ",
            "kind = \"manifests\"\n",
            "kind = \"metallb\"\n",
            "include = ['**']\n",
            "after = ",
            "slots = ",
            "source = ",
            "content = '{{ a }}'\n",
            "192.168.4.5",
            "::1",
            "0.0.0.0/0",
            "1TiB",
            "{{ ",
            " }}",
            "\"\"\"",
            "ENC[AES256_GCM,data:",
            "---\n",
            "&a [*a, *a]\n",
            "<<: *a\n",
            "!!binary ",
            "? ",
            "apiVersion: v1\nkind: List\nitems:\n- ",
            "\n=== nodes/a.toml\n",
            "\n=== x.yaml\n",
        ]
    }

    fn run(&self, input: &[u8]) -> String {
        let sources = sources(input);
        labctl::config::includes(&sources);
        labctl::config::references(&sources);
        labctl::config::manifests(&sources);
        let loaded = load(&sources);
        let _ = (
            diagnostics::render(&loaded.diagnostics, &sources, 80, false),
            diagnostics::json(&loaded.diagnostics, &sources),
        );
        let mut codes: Vec<&str> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        codes.dedup();
        codes.truncate(6);
        let mut way = codes.join(" ");
        if let Some(lab) = loaded.lab {
            let graph = Graph::new(&kinds::declare(&lab));
            diagnostics::render(&graph.cycles(), &sources, 80, false);
            let _ = (report::graph::text(&graph), report::graph::dot(&graph), report::graph::mermaid(&graph));
            way += &format!(" lab of {}", graph.addresses().count());
        }
        way
    }
}

/// The files of an input.
fn sources(input: &[u8]) -> Sources {
    let mut parts = Vec::new();
    let (mut name, mut rest) = ("homelab.toml".to_owned(), input);
    loop {
        let end = rest.windows(NEXT.len()).position(|window| window == NEXT.as_bytes());
        let (bytes, after) = rest.split_at(end.unwrap_or(rest.len()));
        parts.push((name, bytes));
        let Some(after) = after.get(NEXT.len()..).filter(|after| !after.is_empty()) else { break };
        let line = after.iter().position(|byte| *byte == b'\n').unwrap_or(after.len());
        name = String::from_utf8_lossy(&after[..line]).into_owned();
        rest = &after[(line + 1).min(after.len())..];
    }
    let mut parts = parts.into_iter();
    let (name, bytes) = parts.next().expect("there is always a first");
    let mut sources = Sources::new(name, bytes);
    parts.for_each(|(name, bytes)| sources.insert(name, Ok(bytes.into())));
    sources
}

fn seed(folder: &Path, files: &[PathBuf]) -> (String, Vec<u8>) {
    let mut input = Vec::new();
    for path in files {
        if !input.is_empty() {
            let name = path.strip_prefix(folder).unwrap_or(path);
            input.extend_from_slice(format!("{NEXT}{}\n", name.display()).as_bytes());
        }
        input.extend(std::fs::read(path).unwrap());
    }
    (files[0].display().to_string(), input)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for path in entries(path) {
            collect(&path, files);
        }
    } else {
        files.push(path.to_owned());
    }
}
