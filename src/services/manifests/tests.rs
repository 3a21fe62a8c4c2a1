//! Manifests in, objects and findings out.

use serde_json::json;

use crate::config::Sources;
use crate::lab::{Content, Lab, Loaded, Object, Part, load};
use crate::report::diagnostics::render;

const ROOT: &str = r#"
[lab]
name = "home"
[clusters.homelab]
kubeconfig = { file = "~/.kube/config" }
[secrets.db]
env = "DB"
[services.web]
kind = "manifests"
cluster = "homelab"
files = ["web"]
"#;

fn loaded(root: &str, files: &[(&str, &str)]) -> (Sources, Loaded) {
    let sources = Sources::memory([("homelab.toml", root)].into_iter().chain(files.iter().copied()));
    let loaded = load(&sources);
    (sources, loaded)
}

fn lab(root: &str, files: &[(&str, &str)]) -> Lab {
    let (sources, loaded) = loaded(root, files);
    assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics, &sources, 100, false));
    loaded.lab.unwrap()
}

fn faults(root: &str, text: &str) -> Vec<(&'static str, String, String)> {
    let (_, loaded) = loaded(root, &[("web/a.yaml", text)]);
    let faults = loaded.diagnostics.into_iter();
    faults.map(|fault| (fault.code, fault.labels[0].place.to_string(), fault.summary)).collect()
}

fn addresses(objects: &[Object]) -> Vec<String> {
    objects.iter().map(|object| object.address.to_string()).collect()
}

#[test]
fn objects_of_all_documents_and_lists_come_in_order_of_their_address() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b, namespace: web}\n---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: web}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n";
    let lab = lab(
        ROOT,
        &[
            ("web/a.yaml", text),
            ("web/b.json", r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"j"}}"#),
            ("web/c.txt", "no manifest"),
        ],
    );
    let expected = [
        "services.web/ConfigMap/default/a",
        "services.web/ConfigMap/default/j",
        "services.web/Deployment.apps/web/b",
        "services.web/Namespace/web",
    ];
    assert_eq!(addresses(&lab.objects), expected);
    assert_eq!(lab.objects[2].meta.place.to_string(), "web/a.yaml:1:1");
}

#[test]
fn a_namespace_is_filled_in_where_a_kind_has_one_and_none_is_said() {
    let root = ROOT.replace("files =", "namespace = \"web\"\nfiles =");
    let crd = |name: &str, scope: &str| {
        format!(
            "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {name}s.example.org}}\nspec: {{group: example.org, scope: {scope}, names: {{kind: {name}}}, versions: [{{name: v1, served: true}}]}}\n"
        )
    };
    let object =
        |version: &str, kind: &str| format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\n");
    let text = crd("Wide", "Cluster")
        + &crd("Near", "Namespaced")
        + &object("example.org/v1", "Wide")
        + &object("example.org/v1", "Near")
        + &object("v1", "Secret")
        + &object("v1", "PersistentVolume")
        + &object("other.org/v1", "Unknown");
    let lab = lab(&root, &[("web/a.yaml", &text)]);
    let keys: Vec<String> =
        lab.objects.iter().map(|object| object.key.path()).filter(|path| !path.starts_with("Custom")).collect();
    assert_eq!(
        keys,
        [
            "Near.example.org/web/x",
            "PersistentVolume/x",
            "Secret/web/x",
            "Unknown.other.org/web/x",
            "Wide.example.org/x"
        ]
    );
}

#[test]
fn every_value_of_a_secret_is_a_slot_and_stands_nowhere_else() {
    let root = ROOT.to_owned() + "slots = { password = { secret = \"db\" } }\n";
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata:\n  a: YWJj\n  b: AAH/\n  both: eA==\nstringData:\n  both: plain\n  password: {{ password }}\n  url: 'postgres://u:{{ password }}@db/{{ other }}'\n";
    let lab = lab(&root, &[("web/a.yaml", text)]);
    let manifest = &lab.objects[0].manifest;
    assert_eq!(
        manifest.json,
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "db", "namespace": "default" },
            "data": { "a": "", "b": "", "both": "", "password": "", "url": "" },
        })
    );
    let slot = |key: &str| {
        let slot = &manifest.slots[&format!("/data/{key}")];
        (slot.content.as_text().map(ToOwned::to_owned), slot.base64)
    };
    assert_eq!(slot("a"), (Some("abc".to_owned()), true));
    assert_eq!(slot("b"), (Some("AAH/".to_owned()), false));
    assert_eq!(slot("both"), (Some("plain".to_owned()), true));
    let Content::Parts(parts) = &manifest.slots["/data/url"].content else { panic!("no text") };
    assert_eq!(parts[0], Part::Text("postgres://u:".to_owned()));
    assert!(matches!(&parts[1], Part::Secret(name) if name.0 == "db"));
    assert_eq!(parts[2], Part::Text("@db/{{ other }}".to_owned()));
    assert!(
        matches!(&manifest.slots["/data/password"].content, Content::Parts(parts) if matches!(&parts[..], [Part::Secret(_)]))
    );
}

#[test]
fn what_is_no_object_is_refused_with_its_line() {
    let name = "metadata: {name: x}\n";
    let cases = [
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n\na: 1\n".to_owned(), "web/a.yaml:6:1"),
        (format!("apiVersion: v1\n{name}"), "web/a.yaml:1:1"),
        (format!("kind: ConfigMap\n{name}"), "web/a.yaml:1:1"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n".to_owned(), "web/a.yaml:1:1"),
        ("- a\n- b\n".to_owned(), "web/a.yaml:1:1"),
        ("resources: [a.yaml]\n".to_owned(), "web/a.yaml:1:1"),
        (format!("apiVersion: v1\nkind: ConfigMap\n{name}data:\n  a: b\n  a: c\n"), "web/a.yaml:6:1"),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, uid: 1, resourceVersion: '5'}\n".to_owned(),
            "web/a.yaml:1:1",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}'}}\n"
                .to_owned(),
            "web/a.yaml:1:1",
        ),
        (format!("apiVersion: v1\nkind: Secret\n{name}data: {{a: '%'}}\n"), "web/a.yaml:1:1"),
        (format!("apiVersion: v1\nkind: Secret\n{name}stringData: {{a: 5}}\n"), "web/a.yaml:1:1"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: x, namespace: y}\n".to_owned(), "web/a.yaml:1:1"),
    ];
    for (text, place) in cases {
        let found = faults(ROOT, &text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].0, found[0].1.as_str()), ("LAB014", place), "{text}: {found:?}");
    }
}

#[test]
fn a_timestamp_of_null_means_nothing() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x, creationTimestamp: null}\nspec: {template: {metadata: {creationTimestamp: null, labels: {a: b}}}}\n";
    let lab = lab(ROOT, &[("web/a.yaml", text)]);
    assert_eq!(lab.objects[0].manifest.json["spec"], json!({ "template": { "metadata": { "labels": { "a": "b" } } } }));
}

#[test]
fn a_slot_outside_of_the_values_of_a_secret_is_refused() {
    let root = ROOT.to_owned() + "slots = { p = { secret = \"db\" } }\n";
    for text in [
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: '{{ p }}'}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: x, labels: {a: '{{ p }}'}}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: '{{ p }}'}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {'{{ p }}': a}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {a: '{{ q }}'}\n",
    ] {
        let found = faults(&root, text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].0, "LAB012", "{text}: {found:?}");
    }
}

const ENCRYPTED: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n    name: db\nstringData:\n    password: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\n    plain: text\nsops:\n    mac: ENC[AES256_GCM,data:m,iv:y,tag:z,type:str]\n    version: 3.9.0\n";

#[test]
fn values_that_sops_has_encrypted_are_secrets_of_their_own() {
    let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: first}}\n---\n{ENCRYPTED}");
    let lab = lab(ROOT, &[("web/a.yaml", &text)]);
    let secret = lab.objects.iter().find(|object| object.key.kind.kind == "Secret").unwrap();
    assert!(secret.manifest.json.get("sops").is_none());
    assert_eq!(secret.manifest.slots["/data/plain"].content.as_text(), Some("text"));
    let names: Vec<_> = secret.manifest.slots["/data/password"].content.secrets().collect();
    assert_eq!(names[0].0, "sops:web/a.yaml#1/stringData/password");
    assert_eq!(
        format!("{:?}", lab.secrets[names[0]]),
        r#"Sops { file: "web/a.yaml", document: 1, pointer: Some("/stringData/password") }"#
    );
}

#[test]
fn what_is_encrypted_where_it_must_be_read_is_refused() {
    for text in [
        ENCRYPTED.replace("name: db", "name: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"),
        ENCRYPTED.replace("kind: Secret", "kind: ConfigMap"),
        ENCRYPTED.split("sops:").next().unwrap().to_owned(),
    ] {
        let found = faults(ROOT, &text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].0, "LAB016", "{text}: {found:?}");
    }
}

#[test]
fn a_pinned_file_that_is_not_there_is_a_warning_and_one_that_is_there_is_read() {
    let digest = "a".repeat(64);
    let root = ROOT.replace(
        "files = [\"web\"]",
        &format!("urls = [{{ url = \"https://example.org/a.yaml\", sha256 = \"{digest}\" }}]"),
    );
    let (mut sources, loaded) = loaded(&root, &[]);
    assert_eq!(loaded.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), ["LAB015"]);
    assert_eq!(loaded.lab.unwrap().objects.len(), 0);
    sources.insert_pinned(digest, b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n".as_slice());
    let loaded = load(&sources);
    assert_eq!(addresses(&loaded.lab.unwrap().objects), ["services.web/ConfigMap/default/x"]);
}

#[test]
fn a_need_is_met_within_the_cluster_and_becomes_an_edge() {
    let need = ROOT.to_owned() + "needs = [\"namespace:web\"]\n";
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: web}\n";
    let (_, unmet) = loaded(&need, &[("web/a.yaml", text)]);
    assert_eq!(unmet.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), ["LAB601"]);

    let there = need.replace("[secrets.db]", "provides = [\"namespace:web\"]\n[secrets.db]");
    assert_eq!(lab(&there, &[("web/a.yaml", text)]).objects[0].needs.len(), 0);

    let other = need + "[services.base]\nkind = \"manifests\"\ncluster = \"homelab\"\nfiles = [\"base/*.yaml\"]\n";
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n";
    let lab = lab(&other, &[("web/a.yaml", text), ("base/b.yaml", namespace)]);
    assert_eq!(addresses(&lab.objects), ["services.base/Namespace/web", "services.web/ConfigMap/web/x"]);
    assert_eq!(lab.objects[1].needs[0].value, lab.objects[0].address);
}

#[test]
fn two_services_that_make_one_object_are_both_named() {
    let root =
        ROOT.to_owned() + "[services.other]\nkind = \"manifests\"\ncluster = \"homelab\"\nfiles = [\"web/a.yaml\"]\n";
    let found = faults(&root, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0, found[0].2.as_str()), ("LAB602", "`ConfigMap/default/x` is made by `web` and by `other`"));
}
