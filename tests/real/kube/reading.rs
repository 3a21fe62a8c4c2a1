//! Lists, objects, dry runs, and what they cost.

use labctl::lab::{ApiKind, Content, Manifest, ObjectKey, Slot};
use labctl::observe::{ApiAnswer, ApiAsk, Ask};
use serde_json::{Value, json};

use super::bench::{Bench, config_map, key};
use crate::support::control_plane::{Access, ControlPlane};

fn marked(kind: &str) -> ApiAsk {
    ApiAsk::Marked { kind: ApiKind::new("v1", kind), lab: "kube-pages".to_owned() }
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_long_list_comes_in_pages_and_discovery_costs_two_requests_in_all() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-pages"]);
    let documents: Vec<String> = (0..1_050)
        .map(|n| {
            let mut object = config_map("kube-pages", &format!("m{n}"), "x");
            object["metadata"]["labels"] = json!({ "labctl.dev/lab": "kube-pages" });
            object.to_string()
        })
        .collect();
    plane.apply(&documents.join("\n---\n"));
    let bench = Bench::file(&plane.kubeconfig(Access::Admin));
    let mark = plane.mark();
    let asks = [Ask::Api(marked("ConfigMap")), Ask::Api(marked("Secret"))];
    let reply = bench.probe(&asks).unwrap();
    let Ok(ApiAnswer::Objects(objects)) = reply.api(&marked("ConfigMap")) else { panic!("{reply:?}") };
    let names: std::collections::BTreeSet<_> = objects.iter().filter_map(ObjectKey::of).map(|key| key.path()).collect();
    assert_eq!((objects.len(), names.len()), (1_050, 1_050));
    assert_eq!(reply.api(&marked("Secret")), Ok(&ApiAnswer::Objects(Vec::new())));
    let requests: Vec<_> = mark.requests().into_iter().map(|request| request.uri).collect();
    let count = |part: &str| requests.iter().filter(|uri| uri.contains(part)).count();
    assert_eq!((count("configmaps"), count("secrets"), requests.len()), (3, 1, 6), "{requests:#?}");
    plane.kubectl(&["delete", "namespace", "kube-pages", "--wait=false"]);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_dry_run_gives_the_defaults_and_says_what_the_server_would_refuse() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-dry"]);
    let bench = Bench::file(&plane.kubeconfig(Access::Admin));
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "kube-dry" },
        "spec": { "ports": [{ "port": 80 }] } });
    let ApiAnswer::Object(object) = bench.dry_run(service.clone()) else { panic!() };
    assert_eq!(object["spec"]["ports"][0]["protocol"], "TCP");
    let web = ObjectKey::of(&service).unwrap();
    assert_eq!(bench.ask(ApiAsk::Object(web)), ApiAnswer::Absent, "nothing was changed");

    let mut misspelt = service.clone();
    misspelt["spec"]["prots"] = json!([]);
    let refused = |json: Value| match bench.dry_run(json) {
        ApiAnswer::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    };
    let refusal = refused(misspelt);
    assert!(
        refusal.message.contains(".spec.prots: field not declared in schema")
            || refusal.message.contains("unknown field"),
        "{refusal:?}"
    );

    let mut impossible = service;
    impossible["spec"]["ports"][0]["port"] = json!(70_000);
    let refusal = refused(impossible);
    assert_eq!((refusal.code, refusal.causes[0].field.as_str()), (422, "spec.ports[0].port"), "{refusal:?}");

    let refusal = refused(config_map("kube-nowhere", "x", "1"));
    assert_eq!((refusal.code, refusal.message.as_str()), (404, "namespaces \"kube-nowhere\" not found"));

    let thing =
        json!({ "apiVersion": "x.dev/v1", "kind": "Thing", "metadata": { "name": "t", "namespace": "kube-dry" } });
    assert_eq!(bench.dry_run(thing), ApiAnswer::NoKind);
    let mut without = config_map("", "x", "1");
    without["metadata"].as_object_mut().unwrap().remove("namespace");
    assert!(refused(without).message.contains("lies in a namespace"));
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_conflict_names_the_other_manager_and_the_field() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-conflict"]);
    plane.apply(&config_map("kube-conflict", "x", "theirs").to_string());
    let bench = Bench::file(&plane.kubeconfig(Access::Admin));
    let ours = config_map("kube-conflict", "x", "ours");
    let ApiAnswer::Refused(refusal) = bench.dry_run(ours.clone()) else { panic!() };
    assert_eq!((refusal.code, refusal.reason.as_str()), (409, "Conflict"));
    let cause = &refusal.causes[0];
    assert_eq!((cause.reason.as_str(), cause.field.as_str()), ("FieldManagerConflict", ".data.a"));
    assert!(cause.message.contains("\"harness\""), "{cause:?}");
    let ask = ApiAsk::DryRun { manifest: Manifest::plain(ours), force: true };
    assert!(matches!(bench.ask(ask), ApiAnswer::Object(object) if object["data"]["a"] == "ours"));
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn no_value_of_a_secret_leaves_the_transport() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-secret"]);
    // Client-side apply, which keeps a copy of everything in an annotation.
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    let text =
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: kube-secret}, stringData: {token: geheim}}";
    std::fs::write(file.path(), text).unwrap();
    plane.kubectl(&["apply", "-f", file.path().to_str().unwrap()]);
    let bench = Bench::file(&plane.kubeconfig(Access::Admin));
    let slot = |value: &str| Slot { content: Content::text(value), base64: true };
    let ApiAnswer::Mask(mask) = bench.ask(ApiAsk::Mask(slot("geheim"))) else { panic!() };
    let manifest = Manifest {
        json: json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s", "namespace": "kube-secret" }, "data": { "token": "" } }),
        slots: [("/data/token".to_owned(), slot("geheim"))].into(),
    };
    let key = key("v1", "Secret", "kube-secret", "s");
    for ask in [ApiAsk::Object(key.clone()), ApiAsk::All(key.kind), ApiAsk::DryRun { manifest, force: true }] {
        let text = format!("{:?}", bench.ask(ask));
        assert!(text.contains(&mask), "{text}");
        assert!(!text.contains("geheim") && !text.contains("Z2VoZWlt"), "{text}");
    }
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_lies_in_a_namespace_is_listed_of_every_kind() {
    let plane = ControlPlane::shared().with_crds();
    plane.kubectl(&["create", "namespace", "kube-full"]);
    plane.apply(&config_map("kube-full", "mine", "x").to_string());
    plane.apply("{apiVersion: metallb.io/v1beta1, kind: IPAddressPool, metadata: {name: pool, namespace: kube-full}, spec: {addresses: [10.9.0.0/24]}}");
    plane.kubectl(&[
        "-n",
        "kube-full",
        "wait",
        "--for=create",
        "serviceaccount/default",
        "configmap/kube-root-ca.crt",
        "--timeout=60s",
    ]);
    let bench = Bench::file(&plane.kubeconfig(Access::Reader));
    let ApiAnswer::Objects(objects) = bench.ask(ApiAsk::Contents("kube-full".to_owned())) else { panic!() };
    let mut paths: Vec<_> = objects.iter().map(|object| ObjectKey::of(object).unwrap().path()).collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "ConfigMap/kube-full/kube-root-ca.crt",
            "ConfigMap/kube-full/mine",
            "IPAddressPool.metallb.io/kube-full/pool",
            "ServiceAccount/kube-full/default",
        ]
    );
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn who_may_only_read_reads_and_is_told_what_else_is_missing() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-rights"]);
    let reader = Bench::file(&plane.kubeconfig(Access::Reader));
    assert!(
        matches!(reader.ask(ApiAsk::All(ApiKind::new("v1", "Namespace"))), ApiAnswer::Objects(all) if !all.is_empty())
    );
    let ApiAnswer::Refused(refusal) = reader.dry_run(config_map("kube-rights", "x", "1")) else { panic!() };
    assert_eq!(refusal.code, 403);
    assert!(refusal.message.contains("cannot patch resource \"configmaps\""), "{refusal:?}");
    let nobody = Bench::file(&plane.kubeconfig(Access::Nobody));
    let ApiAnswer::Refused(refusal) = nobody.ask(ApiAsk::All(ApiKind::new("v1", "Secret"))) else { panic!() };
    assert!(refusal.message.contains("User \"nobody\" cannot list resource \"secrets\""), "{refusal:?}");
}
