//! Objects that left the file.

use super::*;

const CLAIM: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: apps}\nspec: {storageClassName: zfs}\n";
const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: old}\n";

/// The change of what is in the cluster as `before` says, and no longer in the file.
fn left(before: &str, more: Vec<Json>, record: Vec<&'static str>) -> Vec<Change> {
    let mut cluster = Cluster::new(as_applied(&lab(before)).into_iter().chain(as_applied(&lab(WEB))).chain(more));
    cluster.record = record;
    let mut changes = cluster.plan(&lab(WEB));
    assert_eq!(changes.remove(0).action, Action::None);
    changes
}

#[test]
fn what_labctl_made_goes_when_it_leaves_the_file() {
    let changes = left(&WEB.replace("name: web", "name: old"), vec![], vec![]);
    assert_eq!((changes.len(), changes[0].action), (1, Action::Delete));
    assert_eq!(told(&changes[0].steps), ["delete ConfigMap/apps/old", "wait until ConfigMap/apps/old is gone"]);
    assert!(is_guarded(&changes[0].steps, |guard| matches!(guard, ApiGuard::Unchanged { .. })));
    assert_eq!(changes[0].address.to_string(), "services.web/ConfigMap/apps/old");
}

#[test]
fn the_last_object_of_a_kind_is_found_by_the_record() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: old, namespace: apps}\nspec: {clusterIP: None}\n";
    assert!(left(service, vec![], vec![]).is_empty(), "nobody asks for it");
    let changes = left(service, vec![], vec!["v1 Service"]);
    assert_eq!(told(&changes[0].steps)[0], "delete Service/apps/old");
}

#[test]
fn data_is_let_go_of_and_stays() {
    let changes = left(CLAIM, vec![], vec!["v1 PersistentVolumeClaim"]);
    assert_eq!(changes[0].action, Action::Forget);
    assert_eq!(told(&changes[0].steps), ["release PersistentVolumeClaim/apps/data"]);
    assert_eq!(
        changes[0].notes,
        [
            "a PersistentVolumeClaim is data",
            "it stays as it is; to remove it: kubectl delete PersistentVolumeClaim data --namespace apps",
        ]
    );
}

#[test]
fn what_is_annotated_stays() {
    let manifest = WEB.replace(
        "{name: web, namespace: apps}",
        "{name: old, namespace: apps, annotations: {labctl.dev/protect: 'true'}}",
    );
    let changes = left(&manifest, vec![], vec![]);
    assert_eq!(
        (changes[0].action, told(&changes[0].steps)),
        (Action::Forget, vec!["release ConfigMap/apps/old".to_owned()])
    );
}

#[test]
fn what_was_adopted_is_let_go_of() {
    let mut object = as_applied(&lab(&WEB.replace("name: web", "name: old"))).remove(0);
    object["metadata"]["annotations"]["labctl.dev/origin"] = "adopted".into();
    let changes = Cluster::new(as_applied(&lab(WEB)).into_iter().chain([object])).plan(&lab(WEB));
    assert_eq!(
        (changes[1].action, told(&changes[1].steps)),
        (Action::Forget, vec!["release ConfigMap/apps/old".to_owned()])
    );
}

#[test]
fn a_namespace_goes_last_and_only_with_what_leaves_too() {
    let before = format!("{NAMESPACE}---{}", WEB.replace("name: web, namespace: apps", "name: inside, namespace: old"));
    let changes = left(&before, vec![], vec!["v1 Namespace"]);
    let names: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
    assert_eq!(names, ["ConfigMap/old/inside", "Namespace/old"]);
    assert!(changes.iter().all(|change| change.action == Action::Delete), "{changes:#?}");
    let foreign =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "by-hand", "namespace": "old", "uid": "s"}});
    let changes = left(&before, vec![foreign], vec!["v1 Namespace"]);
    assert_eq!((changes[1].name.as_str(), changes[1].action), ("Namespace/old", Action::Forget));
    assert_eq!(changes[1].notes[0], "it holds `Secret/old/by-hand`, which would go with it");
}

#[test]
fn a_namespace_whose_objects_are_still_declared_stays() {
    let before = NAMESPACE.replace("old", "apps");
    let changes = left(&before, vec![], vec!["v1 Namespace"]);
    assert_eq!(changes[0].action, Action::Forget, "{changes:#?}");
    assert!(changes[0].notes[0].contains("`ConfigMap/apps/web`"), "{:?}", changes[0].notes);
}

#[test]
fn a_definition_with_objects_stays() {
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.org}\nspec: {group: example.org, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: [{name: v1, served: true, storage: true}]}\n";
    let record = || vec!["apiextensions.k8s.io/v1 CustomResourceDefinition"];
    assert_eq!(left(definition, vec![], record())[0].action, Action::Delete);
    let widget = json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "apps", "uid": "w"}});
    let changes = left(definition, vec![widget], record());
    assert_eq!(changes[0].action, Action::Forget);
    assert!(changes[0].notes[0].contains("`Widget.example.org/apps/w`"), "{:?}", changes[0].notes);
}
