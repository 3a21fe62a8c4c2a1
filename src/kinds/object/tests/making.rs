//! Objects that are not there.

use super::*;

const POOL: &str = "
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: vips, namespace: metallb-system}
spec: {addresses: [192.168.8.0/24]}
";

const DEFINITION: &str = "
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ipaddresspools.metallb.io}
spec:
  group: metallb.io
  scope: Namespaced
  names: {kind: IPAddressPool, plural: ipaddresspools}
  versions:
  - {name: v1beta1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";

#[test]
fn what_is_not_there_is_made_and_its_kind_noted_first() {
    let change = Cluster::new([]).change(&lab(WEB));
    assert_eq!((change.action, &change.obstacle), (Action::Create, &None));
    assert_eq!(told(&change.steps), ["apply ConfigMap/apps/web"]);
    assert_eq!(change.steps[0].shared.as_deref(), Some("ground-record"));
    assert!(is_guarded(&change.steps, |guard| matches!(guard, ApiGuard::Absent(_))));
    assert!(is_guarded(&change.steps, |guard| matches!(guard, ApiGuard::Cluster { .. })));
    let Act::Api(Call::Apply { manifest, .. }) = &change.steps[1].act else { panic!() };
    assert_eq!(manifest.json["metadata"]["labels"]["labctl.dev/lab"], "mobius");
    assert_eq!(manifest.json["metadata"]["annotations"]["labctl.dev/address"], "services.web/ConfigMap/apps/web");
    assert_eq!(manifest.json["metadata"]["annotations"]["labctl.dev/origin"], "made");
}

#[test]
fn a_kind_that_has_to_become_ready_is_waited_for() {
    let lab =
        lab("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: apps}\nspec: {replicas: 1}\n");
    let change = Cluster::new([]).change(&lab);
    assert_eq!(told(&change.steps), ["apply Deployment.apps/apps/web", "wait for Deployment.apps/apps/web"]);
    let wait = change.steps.last().unwrap();
    assert!(matches!(&wait.act, Act::Api(Call::Ready { within, .. }) if wait.limit > Some(*within)));
}

#[test]
fn an_object_whose_kind_comes_with_the_plan_is_deferred() {
    let lab = lab(&format!("{POOL}{DEFINITION}"));
    let cluster = Cluster { unserved: vec!["IPAddressPool"], ..Cluster::new([]) };
    let changes = cluster.plan(&lab);
    assert_eq!((changes[0].kind.as_str(), changes[0].action, changes[0].wave), ("object", Action::Create, 0));
    assert_eq!((changes[1].action, changes[1].wave, &changes[1].obstacle), (Action::Deferred, 1, &None));
    assert!(
        changes[1].notes[0].contains("CustomResourceDefinition.apiextensions.k8s.io/ipaddresspools.metallb.io"),
        "{:?}",
        changes[1].notes
    );
}

#[test]
fn an_object_whose_kind_nothing_defines_is_refused_and_named() {
    let cluster = Cluster { unserved: vec!["IPAddressPool"], ..Cluster::new([]) };
    let change = cluster.change(&lab(POOL));
    assert!(why(&change).contains("serves no metallb.io/v1beta1 IPAddressPool"), "{}", why(&change));
}

#[test]
fn an_object_is_made_after_its_namespace_without_asking_the_server() {
    let lab = lab(&format!("{WEB}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: apps}}\n"));
    let cluster = Cluster::new([]);
    let changes = cluster.plan(&lab);
    assert_eq!(changes[0].name, "Namespace/apps");
    assert_eq!((changes[1].action, changes[1].needs.len()), (Action::Create, 1));
    assert!(changes[1].notes[0].contains("its namespace comes with this plan"), "{:?}", changes[1].notes);
    assert_eq!(cluster.read(&lab).1, 1, "the namespace alone");
}

#[test]
fn a_namespace_that_nobody_declares_is_asked_for() {
    let change = Cluster::new([]).refusing(refusal(404, "NotFound", "namespaces \"apps\" not found")).change(&lab(WEB));
    assert!(why(&change).contains("no namespace `apps`"), "{}", why(&change));
}

#[test]
fn what_the_server_finds_wrong_is_said_by_field() {
    let mut invalid = refusal(422, "Invalid", "Deployment.apps \"web\" is invalid");
    invalid.causes = vec![Cause {
        reason: "FieldValueInvalid".to_owned(),
        message: "Invalid value: -1: must be greater than or equal to 0".to_owned(),
        field: "spec.replicas".to_owned(),
    }];
    let change = Cluster::new([]).refusing(invalid).change(&lab(WEB));
    assert_eq!(
        why(&change),
        "the server refuses it: `spec.replicas`: Invalid value: -1: must be greater than or equal to 0"
    );
    let strict = refusal(
        400,
        "BadRequest",
        "failed to create typed patch object (apps/web; /v1, Kind=ConfigMap): .dat: field not declared in schema",
    );
    let change = Cluster::new([]).refusing(strict).change(&lab(WEB));
    assert!(why(&change).contains(".dat: field not declared in schema"));
    let denied = refusal(403, "Forbidden", "admission webhook \"guard.example.org\" denied the request: no");
    assert!(why(&Cluster::new([]).refusing(denied).change(&lab(WEB))).contains("denied the request"));
}

#[test]
fn without_the_right_to_write_the_plan_says_that_it_is_unchecked() {
    let words = "configmaps \"web\" is forbidden: User \"viewer\" cannot patch resource \"configmaps\" in API group \"\" in the namespace \"apps\"";
    let change = Cluster::new([]).refusing(refusal(403, "Forbidden", words)).change(&lab(WEB));
    assert_eq!((change.action, &change.obstacle), (Action::Create, &None));
    assert!(change.notes[0].starts_with("not checked by the server: "), "{:?}", change.notes);
}

#[test]
fn what_can_not_be_read_is_unknown_and_not_absent() {
    let mut cluster = Cluster::new(as_applied(&lab(WEB)));
    cluster.lists.insert("ConfigMap", Answer::Lost("the connection broke".to_owned()));
    let changes = cluster.plan(&lab(WEB));
    assert_eq!(changes[0].action, Action::None, "it was looked up by its name: {changes:#?}");
    assert!(
        why(&changes[1]).contains("what left the file of ConfigMap isn't known: the connection broke"),
        "{changes:#?}"
    );
}

#[test]
fn a_secret_is_hidden_and_compared_by_its_mask() {
    let manifest = "apiVersion: v1\nkind: Secret\nmetadata: {name: dns, namespace: apps}\nstringData: {token: '{{ token }}', zone: home.arpa}\n";
    let lab = lab_with(manifest, "[services.web.slots]\ntoken = { secret = \"dns\" }\n");
    let change = Cluster::new([]).change(&lab);
    assert!(!format!("{:?}", change.after).contains("home.arpa"), "{:?}", change.after);
    let mut live = as_applied(&lab);
    assert_eq!(Cluster::new(live.clone()).change(&lab).action, Action::None);
    live[0]["data"]["token"] = "masked:other".into();
    let mut cluster = Cluster::new(live);
    cluster.dry_run = Box::new(|manifest, _, live| {
        let mut after = applied(&manifest.json, live);
        for (pointer, slot) in &manifest.slots {
            *after.pointer_mut(pointer).unwrap() = format!("masked:{:?}", slot.content).into();
        }
        ApiAnswer::Object(Box::new(after))
    });
    let change = cluster.change(&lab);
    assert_eq!((change.action, attributes(&change)), (Action::Update, vec!["data.token"]));
    assert_eq!(change.differences[0].before, Some(crate::plan::Value::Differs));
    assert!(matches!(change.differences[0].after, Some(crate::plan::Value::Hidden(_))));
}
