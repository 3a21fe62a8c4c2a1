//! What the parser promises for every text, and what joins several files.

use std::net::Ipv4Addr;

use labctl::config::Sources;
use labctl::lab::{self, Connection, Loaded, Ssh};
use labctl::report::diagnostics::{json, render};
use proptest::prelude::*;

const ROOT: &str = r#"
include = ["nodes/*.toml"]
[lab]
name = "home"
[defaults.nodes]
ssh = { user = "jax", sudo = true }
sysctls."vm.swappiness" = 10
"#;

fn load(files: &[(&str, &str)]) -> (Sources, Loaded) {
    let sources = Sources::memory(files.iter().copied());
    let loaded = lab::load(&sources);
    (sources, loaded)
}

fn ssh<'a>(loaded: &'a Loaded, node: &str) -> &'a Ssh {
    match &loaded.lab.as_ref().unwrap().nodes[node].connection {
        Connection::Ssh(ssh) => ssh,
        Connection::Local => panic!("`{node}` is local"),
    }
}

#[test]
fn included_files_and_defaults_make_one_lab() {
    let (sources, loaded) = load(&[
        ("homelab.toml", ROOT),
        ("nodes/a.toml", "[nodes.a]\naddress = '192.168.4.5'\nssh.user = 'root'"),
        ("nodes/b.toml", "[nodes.b]\naddress = '192.168.4.6'\nsysctls.'vm.swappiness' = 60"),
        ("other/c.toml", "[nodes.c]\nnot = 'included'"),
    ]);
    assert_eq!(render(&loaded.diagnostics, &sources, 80, false), "");
    assert_eq!((ssh(&loaded, "a").user.as_deref(), ssh(&loaded, "a").sudo), (Some("root"), true));
    assert_eq!(ssh(&loaded, "b").user.as_deref(), Some("jax"));
    let nodes = &loaded.lab.as_ref().unwrap().nodes;
    assert_eq!(nodes["a"].sysctls["vm.swappiness"].value, "10");
    assert_eq!(nodes["b"].sysctls["vm.swappiness"].value, "60");
    assert_eq!(nodes.len(), 2);
}

#[test]
fn a_value_from_the_defaults_stands_in_the_defaults() {
    let (_, loaded) = load(&[("homelab.toml", ROOT), ("nodes/a.toml", "[nodes.a]\naddress = '192.168.4.5'")]);
    let place = &loaded.lab.as_ref().unwrap().nodes["a"].sysctls["vm.swappiness"].meta.place;
    assert_eq!(place.to_string(), "homelab.toml:7:27");
}

#[test]
fn a_fault_in_the_defaults_is_told_once() {
    let root = ROOT.replace("user = \"jax\"", "user = 5");
    let a = "[nodes.a]\naddress = '192.168.4.5'\n[nodes.b]\naddress = '192.168.4.6'";
    let (_, loaded) = load(&[("homelab.toml", &root), ("nodes/a.toml", a)]);
    assert_eq!(loaded.diagnostics.len(), 1, "{:#?}", loaded.diagnostics);
}

#[test]
fn every_fault_of_every_table_is_told_in_one_run() {
    let text = "[lab]\nname = 'home'\ndomian = 'x'\n[vlans.a]\nid = 'x'\nsubnet = '1.2.3.4/8'\n[nodes.n]\n\
                address = '1.2.3'\nfiles.'/a' = {}\n[pools.p]\nnode = 'm'\nlayout = 'mirrors'\nvolumes.v.size = '1G'";
    let (_, loaded) = load(&[("homelab.toml", text)]);
    let codes: Vec<&str> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, ["LAB002", "LAB004", "LAB013", "LAB005", "LAB005", "LAB005"]);
}

#[test]
fn findings_come_in_the_order_of_the_text() {
    let (_, loaded) = load(&[("homelab.toml", include_str!("bad/wrong-types.toml"))]);
    let lines: Vec<u32> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.labels[0].place.line).collect();
    assert!(lines.is_sorted() && lines.len() > 5, "{lines:?}");
}

#[test]
fn findings_as_json_have_a_range_and_a_snippet() {
    let (sources, loaded) = load(&[("homelab.toml", "[lab]\nname = 'home'\ncolour = \"grün\"\n")]);
    let json = json(&loaded.diagnostics, &sources);
    assert_eq!(
        (&json["format_version"], &json["valid"], &json["error_count"]),
        (&"1.0".into(), &false.into(), &1.into())
    );
    let finding = &json["diagnostics"][0];
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["range"]["filename"], "homelab.toml");
    assert_eq!(finding["range"]["start"], serde_json::json!({ "line": 3, "column": 1, "byte": 20 }));
    assert_eq!(finding["range"]["end"]["column"], 7);
    assert_eq!(finding["snippet"]["code"], "colour = \"grün\"");
    assert_eq!(finding["snippet"]["highlight_end_offset"], 6);
}

/// Pieces that labs are made of, in any order: random characters alone would never get behind the syntax.
fn pieces() -> impl Strategy<Value = String> {
    let words = prop_oneof![
        Just("[lab]\nname = \"home\"\n".to_owned()),
        Just("include = ['*.toml']\n".to_owned()),
        Just("[defaults.nodes]\nssh.user = 'x'\n".to_owned()),
        Just("[nodes.a]\naddress = '192.168.4.5'\n".to_owned()),
        Just("network.eno1.native = 'v'\n".to_owned()),
        Just("network.eno1.tagged = { w = {}, v = '192.168.8.4' }\n".to_owned()),
        Just("files.'/x' = { content = 'ä{{ a }}', slots = { a = { secret = 's' } } }\n".to_owned()),
        Just("[vlans.v]\nid = 4\nsubnet = '192.168.4.0/24'\n".to_owned()),
        Just("[pools.p]\nnode = 'a'\nvolumes.v.size = '1GiB'\n".to_owned()),
        Just("[secrets.s]\nenv = 'S'\n".to_owned()),
        Just("[clusters.c]\nkubeconfig = { node = 'a', path = '/k' }\nprovides = ['namespace:n']\n".to_owned()),
        Just(
            "[services.m]\nkind = 'manifests'\ncluster = 'c'\nfiles = ['*.yaml', 'x']\nslots.s.secret = 's'\n"
                .to_owned()
        ),
        Just(
            "[services.b]\nkind = 'metallb'\ncluster = 'c'\npools.p = { vlan = 'v', range = '192.168.4.9-20' }\n"
                .to_owned()
        ),
        Just("[services.e]\nkind = 'external'\ncluster = 'c'\nnamespace = 'n'\nnode = 'a'\nports.p = 5\n".to_owned()),
        Just(
            "[services.v]\nkind = 'static-volume'\ncluster = 'c'\nnamespace = 'n'\nvolume = 'pools.p.volumes.v'\n"
                .to_owned()
        ),
        Just("[[nodes]]\n".to_owned()),
        Just("after = ['nodes.a', 5]\n".to_owned()),
        "[a-z]{1,8}(\\.[a-z\"]{1,4})? = ([0-9]{1,30}|\"[^\\n]{0,6}|true|\\{.{0,6}\\}|\\[.{0,4}\\]|1979-05-27)\n",
        "\\PC{0,12}\n",
    ];
    prop::collection::vec(words, 0..12).prop_map(|words| words.concat())
}

/// Pieces that manifests are made of, in any order.
fn manifest_pieces() -> impl Strategy<Value = String> {
    let words = prop_oneof![
        Just("apiVersion: v1\n".to_owned()),
        Just("kind: Secret\n".to_owned()),
        Just("kind: List\n".to_owned()),
        Just("items:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n- [x]\n".to_owned()),
        Just("metadata: {name: x}\n".to_owned()),
        Just("metadata:\n  name: ä\n  namespace: 5\n".to_owned()),
        Just("stringData:\n  a: '{{ s }}'\n  b: {{ s }}\n".to_owned()),
        Just("data: {a: YQ==, b: ENC[AES256_GCM,data:x]}\n".to_owned()),
        Just("sops: {mac: x, version: y}\n".to_owned()),
        Just("---\n".to_owned()),
        Just("--- # ä\r\n".to_owned()),
        Just("\u{feff}".to_owned()),
        "[a-z]{1,4}: ([0-9]{1,4}|'[^\\n]{0,4}|\\{.{0,4}\\}|\\[.{0,4}\\])\n",
        "\\PC{0,12}\n",
    ];
    prop::collection::vec(words, 0..10).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic_and_every_place_lies_in_its_file(root in pieces(), other in pieces()) {
        let (sources, loaded) = load(&[("homelab.toml", &root), ("other.toml", &other)]);
        for label in loaded.diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
            let text = sources.text(&label.place.file).unwrap();
            prop_assert!(text.get(label.place.span()).is_some(), "{} outside of {text:?}", label.place);
        }
        let errors = loaded.diagnostics.iter().any(|diagnostic| diagnostic.severity == labctl::config::Severity::Error);
        prop_assert_eq!(loaded.lab.is_none(), errors);
        render(&loaded.diagnostics, &sources, 80, false);
        json(&loaded.diagnostics, &sources);
    }

    #[test]
    fn no_manifest_makes_the_reader_panic_and_every_place_lies_in_its_file(text in manifest_pieces()) {
        let root = "[lab]\nname = 'x'\n[clusters.c]\nkubeconfig.file = 'k'\n[secrets.s]\nenv = 'S'\n[services.m]\n\
                    kind = 'manifests'\ncluster = 'c'\nfiles = ['m.yaml']\nslots.s.secret = 's'\n";
        let (sources, loaded) = load(&[("homelab.toml", root), ("m.yaml", &text)]);
        for label in loaded.diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
            let text = sources.text(&label.place.file).unwrap();
            prop_assert!(text.get(label.place.span()).is_some(), "{} outside of {text:?}", label.place);
        }
        let objects = loaded.lab.map(|lab| lab.objects).unwrap_or_default();
        // What is a secret in the cluster stands in slots alone.
        for object in objects.iter().filter(|object| object.key.kind.kind == "Secret") {
            let data = object.manifest.json.get("data").and_then(serde_json::Value::as_object);
            prop_assert!(data.is_none_or(|data| data.values().all(|value| value == "")), "{object:?}");
        }
        render(&loaded.diagnostics, &sources, 80, false);
    }

    #[test]
    fn an_address_that_is_read_is_the_one_that_was_written(address: Ipv4Addr) {
        let text = format!("[lab]\nname = 'x'\n[nodes.a]\naddress = '{address}'\n");
        let (_, loaded) = load(&[("homelab.toml", &text)]);
        prop_assert_eq!(loaded.lab.unwrap().nodes["a"].address, Some(address));
    }
}
