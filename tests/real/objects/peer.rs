//! The peer check: for the same objects, what `kubectl diff --server-side` reports as changed and what labctl reports.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::user::User;
use crate::support::control_plane::{Access, ControlPlane};

/// Objects, their variants, and how many variants of each sort there are.
const OBJECTS: usize = 300;

/// What becomes of an object after it was applied: a change of the file, of the cluster, of both.
type Change = (&'static str, fn(&mut Value), Option<&'static str>);

fn nothing(_: &mut Value) {}

/// For `ConfigMap`s.
const SETTINGS: &[Change] = &[
    ("unchanged", nothing, None),
    ("a value in the file", |o| o["data"]["mode"] = json!("slow"), None),
    ("a new key in the file", |o| o["data"]["more"] = json!("1"), None),
    ("a key less in the file", |o| drop(o["data"].as_object_mut().unwrap().remove("size")), None),
    ("a label in the file", |o| o["metadata"]["labels"]["zone"] = json!("attic"), None),
    ("no labels in the file", |o| drop(o["metadata"].as_object_mut().unwrap().remove("labels")), None),
    ("an empty map in the file", |o| o["binaryData"] = json!({}), None),
    ("an empty text in the file", |o| o["data"]["mode"] = json!(""), None),
    ("another key by hand", nothing, Some(r#"{"data":{"theirs":"1"}}"#)),
    ("a declared key by hand", nothing, Some(r#"{"data":{"mode":"theirs"}}"#)),
    ("a declared key gone by hand", nothing, Some(r#"{"data":{"mode":null}}"#)),
    ("the same value by hand", nothing, Some(r#"{"data":{"mode":"fast"}}"#)),
    ("an annotation by hand", nothing, Some(r#"{"metadata":{"annotations":{"example.com/theirs":"1"}}}"#)),
    ("the same change in both", |o| o["data"]["mode"] = json!("slow"), Some(r#"{"data":{"mode":"slow"}}"#)),
    ("other changes in both", |o| o["data"]["mode"] = json!("slow"), Some(r#"{"data":{"mode":"theirs"}}"#)),
    ("a key that is theirs already", |o| o["data"]["theirs"] = json!("1"), Some(r#"{"data":{"theirs":"1"}}"#)),
];

/// For Deployments.
const WEB: &[Change] = &[
    ("unchanged", nothing, None),
    ("an image in the file", |o| container(o)["image"] = json!("registry.example/app:2"), None),
    ("replicas in the file", |o| o["spec"]["replicas"] = json!(1), None),
    ("another way to write a quantity", |o| container(o)["resources"]["requests"]["cpu"] = json!("1"), None),
    ("another quantity", |o| container(o)["resources"]["requests"]["cpu"] = json!("1001m"), None),
    ("a default in the file", |o| o["spec"]["progressDeadlineSeconds"] = json!(600), None),
    ("another than the default", |o| o["spec"]["progressDeadlineSeconds"] = json!(700), None),
    ("the protocol of a port in the file", |o| container(o)["ports"][0]["protocol"] = json!("TCP"), None),
    ("another protocol", |o| container(o)["ports"][0]["protocol"] = json!("UDP"), None),
    ("another order of env", |o| container(o)["env"].as_array_mut().unwrap().reverse(), None),
    ("an item of env less", |o| drop(container(o)["env"].as_array_mut().unwrap().pop()), None),
    (
        "an item of env more",
        |o| container(o)["env"].as_array_mut().unwrap().push(json!({"name": "C", "value": "3"})),
        None,
    ),
    ("arguments in the file", |o| container(o)["args"] = json!(["-v", "-v"]), None),
    ("no arguments in the file", |o| drop(container(o).as_object_mut().unwrap().remove("args")), None),
    ("an empty map in the file", |o| o["spec"]["template"]["spec"]["nodeSelector"] = json!({}), None),
    ("an empty list in the file", |o| o["spec"]["template"]["spec"]["tolerations"] = json!([]), None),
    ("a null in the file", |o| o["spec"]["template"]["spec"]["hostname"] = Value::Null, None),
    ("a second container in the file", |o| containers(o).push(json!({"name": "aide", "image": "aide:1"})), None),
    (
        "a sidecar by hand",
        nothing,
        Some(r#"{"spec":{"template":{"spec":{"containers":[{"name":"theirs","image":"theirs:1"}]}}}}"#),
    ),
    (
        "an image by hand",
        nothing,
        Some(r#"{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"theirs:1"}]}}}}"#),
    ),
    ("replicas by hand", nothing, Some(r#"{"spec":{"replicas":3}}"#)),
    ("an undeclared field by hand", nothing, Some(r#"{"spec":{"revisionHistoryLimit":3}}"#)),
    ("a probe in the file", |o| container(o)["livenessProbe"] = json!({"httpGet": {"path": "/", "port": 80}}), None),
    (
        "a volume in the file",
        |o| o["spec"]["template"]["spec"]["volumes"] = json!([{"name": "v", "emptyDir": {}}]),
        None,
    ),
    ("a strategy in the file", |o| o["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": 1}}), None),
    (
        "the default strategy in the file",
        |o| o["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": "25%"}}),
        None,
    ),
];

/// For Services.
const SERVICE: &[Change] = &[
    ("unchanged", nothing, None),
    ("a port in the file", |o| o["spec"]["ports"][0]["port"] = json!(81), None),
    (
        "a second port in the file",
        |o| o["spec"]["ports"].as_array_mut().unwrap().push(json!({"name": "b", "port": 82})),
        None,
    ),
    ("the default target in the file", |o| o["spec"]["ports"][0]["targetPort"] = json!(80), None),
    ("another target in the file", |o| o["spec"]["ports"][0]["targetPort"] = json!("http"), None),
    ("the default type in the file", |o| o["spec"]["type"] = json!("ClusterIP"), None),
    ("another type in the file", |o| o["spec"]["type"] = json!("NodePort"), None),
    ("no selector in the file", |o| drop(o["spec"].as_object_mut().unwrap().remove("selector")), None),
    ("affinity by hand", nothing, Some(r#"{"spec":{"sessionAffinity":"ClientIP"}}"#)),
    ("the selector by hand", nothing, Some(r#"{"spec":{"selector":{"app":"theirs"}}}"#)),
    ("more of a selector by hand", nothing, Some(r#"{"spec":{"selector":{"theirs":"1"}}}"#)),
];

/// For Secrets.
const LOGIN: &[Change] = &[
    ("unchanged", nothing, None),
    ("a value in the file", |o| o["stringData"]["user"] = json!("pat"), None),
    ("a key more in the file", |o| o["stringData"]["more"] = json!("1"), None),
    (
        "the same as data",
        |o| {
            o["data"] = json!({"user": "amF4"});
            drop(o.as_object_mut().unwrap().remove("stringData"));
        },
        None,
    ),
    ("the default type in the file", |o| o["type"] = json!("Opaque"), None),
    ("a value by hand", nothing, Some(r#"{"data":{"user":"cGF0"}}"#)),
    ("another key by hand", nothing, Some(r#"{"data":{"theirs":"cGF0"}}"#)),
];

fn containers(object: &mut Value) -> &mut Vec<Value> {
    object["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap()
}

fn container(object: &mut Value) -> &mut Value {
    &mut containers(object)[0]
}

/// The objects of the check by the names that kubectl gives them, as first applied, each with what becomes of it.
fn objects() -> Vec<(Value, &'static Change)> {
    let kinds: [(&str, fn(&str) -> Value, &[Change]); 4] = [
        (
            "cm",
            |name| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "peer", "labels": {"app": name}}, "data": {"mode": "fast", "size": "3"}}),
            SETTINGS,
        ),
        (
            "deploy",
            |name| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "peer"}, "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": "registry.example/app:1", "args": ["-v"], "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}}}]}}}}),
            WEB,
        ),
        (
            "svc",
            |name| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "peer"}, "spec": {"selector": {"app": name}, "ports": [{"name": "a", "port": 80}]}}),
            SERVICE,
        ),
        (
            "secret",
            |name| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "peer"}, "stringData": {"user": "jax"}}),
            LOGIN,
        ),
    ];
    let mut rows: Vec<(&str, fn(&str) -> Value, &'static Change)> = Vec::new();
    for (prefix, make, changes) in kinds {
        rows.extend(changes.iter().map(|change| (prefix, make, change)));
    }
    (0..OBJECTS)
        .map(|number| {
            let (prefix, make, change) = rows[number % rows.len()];
            (make(&format!("{prefix}-{number}")), change)
        })
        .collect()
}

fn documents(objects: &[Value]) -> String {
    objects.iter().map(|object| format!("---\n{object}\n")).collect()
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn labctl_and_kubectl_diff_report_the_same_objects_as_changed() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "peer"]);
    let user = User::of(plane, "peer");
    let all = objects();
    assert_eq!(all.len(), OBJECTS);
    user.has("all", &documents(&all.iter().map(|(object, _)| object.clone()).collect::<Vec<_>>()));
    user.apply();
    user.expect_no_changes();

    let mut now = Vec::new();
    let mut about: BTreeMap<String, &str> = BTreeMap::new();
    for (object, (what, edit, by_hand)) in &all {
        let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        about.insert(format!("{kind}/{name}"), what);
        if let Some(patch) = by_hand {
            plane.kubectl(&["-n", "peer", "patch", kind, name, "--type=strategic", "-p", patch]);
        }
        let mut object = object.clone();
        edit(&mut object);
        now.push(object);
    }
    user.has("all", &documents(&now));

    let by_labctl: BTreeSet<String> = user
        .planned()
        .into_iter()
        .filter(|(_, what)| what != "mark")
        .map(|(name, _)| {
            let (kind, name) = (name.split(['.', '/']).next().unwrap(), name.rsplit('/').next().unwrap());
            format!("{kind}/{name}")
        })
        .collect();
    let by_kubectl = changed(plane, &user, &now);
    let named = |set: &BTreeSet<String>| -> BTreeSet<String> {
        set.iter().map(|name| format!("{name}: {}", about[name])).collect()
    };
    let only_labctl: BTreeSet<String> = named(&by_labctl.difference(&by_kubectl).cloned().collect());
    let only_kubectl: BTreeSet<String> = named(&by_kubectl.difference(&by_labctl).cloned().collect());
    assert!(by_kubectl.len() > OBJECTS / 3 && by_kubectl.len() < OBJECTS, "{}", by_kubectl.len());
    assert!(
        only_labctl.is_empty() && only_kubectl.is_empty(),
        "labctl alone: {only_labctl:#?}\nkubectl alone: {only_kubectl:#?}"
    );
}

/// What `kubectl diff` reports, as labctl's own field manager, so that it compares what labctl would apply; the marks
/// that labctl adds are left as they are.
fn changed(plane: &ControlPlane, user: &User, now: &[Value]) -> BTreeSet<String> {
    let live = plane.kubectl(&["-n", "peer", "get", "cm,deploy,svc,secret", "-l", "labctl.dev/lab=peer", "-o", "json"]);
    let live: Value = serde_json::from_str(&live).expect("JSON");
    let marked: Vec<Value> = now
        .iter()
        .map(|object| {
            let is = |other: &&Value| {
                other["kind"] == object["kind"] && other["metadata"]["name"] == object["metadata"]["name"]
            };
            let live = live["items"].as_array().expect("items").iter().find(is).expect("the object is there");
            let mut object = object.clone();
            object["metadata"]["labels"]["labctl.dev/lab"] = json!("peer");
            for name in ["labctl.dev/address", "labctl.dev/origin", "labctl.dev/digest"] {
                object["metadata"]["annotations"][name] = live["metadata"]["annotations"][name].clone();
            }
            object
        })
        .collect();
    user.write("marked.yaml", &documents(&marked));
    let path = user.path("marked.yaml");
    let arguments = [
        "diff",
        "--server-side",
        "--field-manager=labctl",
        "--force-conflicts",
        "--concurrency=4",
        "-f",
        path.to_str().expect("text"),
    ];
    let output = plane.kubectl_as(Access::Admin, &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    // `diff -u -N /…/LIVE-1/v1.ConfigMap.peer.cm-0 /…/MERGED-1/v1.ConfigMap.peer.cm-0`
    let heads = text.lines().filter(|line| line.starts_with("diff -u -N "));
    heads
        .map(|line| {
            let file = line.rsplit('/').next().expect("a file");
            let (above, name) = file.split_once(".peer.").expect("a namespace");
            format!("{}/{name}", above.rsplit('.').next().expect("a kind"))
        })
        .collect()
}
