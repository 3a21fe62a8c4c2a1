//! Objects that are there and labctl's.

use super::*;

#[test]
fn what_was_applied_is_unchanged_and_costs_no_dry_run() {
    let lab = lab(WEB);
    let cluster = Cluster::new(as_applied(&lab));
    assert_eq!(cluster.change(&lab).action, Action::None);
    assert_eq!(cluster.read(&lab).1, 0);
}

#[test]
fn an_edit_of_the_file_is_shown_as_the_server_would_do_it() {
    let live = as_applied(&lab(WEB));
    let edited = lab(&WEB.replace("{a: '1', b: '2'}", "{a: '3'}"));
    let change = Cluster::new(live).change(&edited);
    assert_eq!((change.action, change.cause), (Action::Update, crate::plan::Cause::File));
    assert_eq!(attributes(&change), ["data.a", "data.b"], "what left the file goes");
    assert_eq!(change.differences[1].after, None);
    assert_eq!(told(&change.steps), ["apply ConfigMap/apps/web"]);
    assert!(is_guarded(&change.steps, |guard| matches!(guard, ApiGuard::Unchanged { uid, .. } if uid == "u1")));
}

#[test]
fn a_change_that_the_server_undoes_is_none_and_renews_the_mark() {
    let live = as_applied(&lab(WEB));
    let edited = lab(&WEB.replace("'1'", "'one'"));
    let mut cluster = Cluster::new(live);
    cluster.dry_run = Box::new(|_, _, live| ApiAnswer::Object(Box::new(live.unwrap().clone())));
    let change = cluster.change(&edited);
    assert_eq!((change.action, change.differences.len()), (Action::Mark, 0));
    assert_eq!(told(&change.steps), ["apply ConfigMap/apps/web"]);
}

fn taken_by(manager: &str, mut object: Json, value: Option<&str>) -> Json {
    object["metadata"]["managedFields"][0]["fieldsV1"]["f:data"].as_object_mut().unwrap().remove("f:a");
    let entry =
        json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:a": {}}}});
    object["metadata"]["managedFields"].as_array_mut().unwrap().push(entry);
    if let Some(value) = value {
        object["data"]["a"] = value.into();
    }
    object
}

fn conflict(field: &str, manager: &str) -> Refusal {
    let mut refusal = refusal(409, "Conflict", "Apply failed with 1 conflict");
    refusal.causes = vec![Cause {
        reason: "FieldManagerConflict".to_owned(),
        message: format!("conflict with \"{manager}\" using v1"),
        field: field.to_owned(),
    }];
    refusal
}

/// A cluster that lets fields be taken by force alone.
fn conflicting(objects: Vec<Json>, field: &'static str, manager: &'static str) -> Cluster {
    let mut cluster = Cluster::new(objects);
    cluster.dry_run = Box::new(move |manifest, force, live| {
        if force {
            ApiAnswer::Object(Box::new(applied(&manifest.json, live)))
        } else {
            ApiAnswer::Refused(conflict(field, manager))
        }
    });
    cluster
}

#[test]
fn a_field_that_another_manager_changed_is_a_conflict_with_two_ways_out() {
    let object = taken_by("kubectl-edit", as_applied(&lab(WEB)).remove(0), Some("9"));
    let change = conflicting(vec![object], ".data.a", "kubectl-edit").change(&lab(WEB));
    assert_eq!((change.action, attributes(&change)), (Action::Update, vec!["data.a"]));
    assert_eq!(
        why(&change),
        "`kubectl-edit` owns `data.a`; to take it say `take = [\"data.a\"]` in the service's table, to leave it to them \
         remove it from the file"
    );
    assert!(change.steps.is_empty());
}

#[test]
fn a_field_that_the_file_takes_is_taken_and_no_other() {
    let object = taken_by("kubectl-edit", as_applied(&lab(WEB)).remove(0), Some("9"));
    let change =
        conflicting(vec![object.clone()], ".data.a", "kubectl-edit").change(&lab_with(WEB, "take = [\"data.a\"]\n"));
    assert_eq!(told(&change.steps), ["apply ConfigMap/apps/web by force"]);
    assert!(change.notes.iter().any(|note| note == "`data.a` is taken from `kubectl-edit`"), "{:?}", change.notes);
    let other = conflicting(vec![object], ".data.a", "kubectl-edit").change(&lab_with(WEB, "take = [\"data.b\"]\n"));
    assert!(why(&other).contains("kubectl-edit"));
}

#[test]
fn a_field_that_changed_hands_and_not_its_value_is_owned_again() {
    let object = taken_by("kubectl-edit", as_applied(&lab(WEB)).remove(0), None);
    let cluster = Cluster::new([object]);
    let change = cluster.change(&lab(WEB));
    assert_eq!((change.action, attributes(&change)), (Action::Update, vec!["owner of data.a"]));
    assert_eq!(change.differences[0].before, Some("kubectl-edit".into()));
    assert_eq!(told(&change.steps), ["apply ConfigMap/apps/web"]);
}

#[test]
fn fields_of_others_are_left_alone() {
    let mut object = as_applied(&lab(WEB)).remove(0);
    object["data"]["theirs"] = "x".into();
    object["metadata"]["managedFields"].as_array_mut().unwrap().push(
        json!({"manager": "controller", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:theirs": {}}}}),
    );
    assert_eq!(Cluster::new([object]).change(&lab(WEB)).action, Action::None);
}

#[test]
fn without_the_right_to_write_what_differs_is_compared_field_by_field() {
    let mut object = as_applied(&lab(WEB)).remove(0);
    object["data"]["a"] = "9".into();
    let words =
        "configmaps \"web\" is forbidden: User \"viewer\" cannot patch resource \"configmaps\" in API group \"\"";
    let change = Cluster::new([object]).refusing(refusal(403, "Forbidden", words)).change(&lab(WEB));
    assert_eq!((change.action, &change.obstacle, attributes(&change)), (Action::Update, &None, vec!["data.a"]));
    assert_eq!(change.differences[0].note.as_deref(), Some("not checked by the server"));
}

fn fixed(message: &str) -> Refusal {
    let mut refusal = refusal(422, "Invalid", message);
    refusal.causes = vec![Cause {
        reason: "FieldValueForbidden".to_owned(),
        message: message.to_owned(),
        field: "parameters".to_owned(),
    }];
    refusal
}

#[test]
fn what_can_not_be_changed_is_made_anew_where_it_holds_nothing() {
    let class = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: zfs}\nprovisioner: zfs.csi.openebs.io\nparameters: {poolname: vms}\n";
    let live = as_applied(&lab(class));
    let change = Cluster::new(live)
        .refusing(fixed("updates to parameters are forbidden."))
        .change(&lab(&class.replace("vms", "tank")));
    assert_eq!(change.action, Action::Replace);
    assert_eq!(
        told(&change.steps),
        [
            "delete StorageClass.storage.k8s.io/zfs",
            "wait until StorageClass.storage.k8s.io/zfs is gone",
            "apply StorageClass.storage.k8s.io/zfs",
        ]
    );
}

#[test]
fn the_role_of_a_binding_is_made_anew_although_the_server_does_not_call_it_immutable() {
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: view, namespace: apps}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\n";
    let change = Cluster::new(as_applied(&lab(binding)))
        .refusing(fixed("Invalid value: {\"Kind\":\"ClusterRole\",\"Name\":\"edit\"}: cannot change roleRef"))
        .change(&lab(&binding.replace("name: view}\n", "name: edit}\n")));
    assert_eq!(change.action, Action::Replace, "{change:#?}");
}

#[test]
fn data_that_can_not_be_changed_is_protected() {
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: apps}\nspec: {storageClassName: zfs}\n";
    let live = as_applied(&lab(claim));
    let change = Cluster::new(live)
        .refusing(fixed("spec is immutable after creation"))
        .change(&lab(&claim.replace("zfs", "other")));
    assert!(
        matches!(&change.obstacle, Some(Obstacle::Protected(why)) if why.contains("`spec.storageClassName`")),
        "{change:#?}"
    );
    assert!(change.steps.is_empty());
}

#[test]
fn what_is_being_deleted_is_waited_for_by_a_person() {
    let mut object = as_applied(&lab(WEB)).remove(0);
    object["metadata"]["deletionTimestamp"] = "2026-02-01T00:00:00Z".into();
    object["metadata"]["finalizers"] = json!(["guard/keep"]);
    let change = Cluster::new([object]).change(&lab(WEB));
    assert!(why(&change).contains("waits for `guard/keep`"), "{}", why(&change));
}

#[test]
fn an_object_of_another_lab_is_refused() {
    let mut object = as_applied(&lab(WEB)).remove(0);
    object["metadata"]["labels"]["labctl.dev/lab"] = "other".into();
    let change = Cluster::new([object]).change(&lab(WEB));
    assert!(why(&change).contains("belongs to the lab `other`"), "{}", why(&change));
}

#[test]
fn a_label_that_a_controller_copied_is_no_mark() {
    let mut slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                           "metadata": {"name": "web-x", "namespace": "apps", "labels": {"labctl.dev/lab": "mobius"}}});
    slice["metadata"]["managedFields"] = json!([{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "discovery.k8s.io/v1",
                                                "fieldsV1": {"f:metadata": {"f:labels": {"f:labctl.dev/lab": {}}}}}]);
    let lab = lab(WEB);
    let mut cluster = Cluster::new(as_applied(&lab).into_iter().chain([slice]));
    cluster.record = vec!["discovery.k8s.io/v1 EndpointSlice", "v1 ConfigMap"];
    assert_eq!(cluster.change(&lab).action, Action::None);
}
