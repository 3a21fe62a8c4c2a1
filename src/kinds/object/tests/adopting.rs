//! Objects that are there and not labctl's.

use super::*;

const KUBECTL: &str = "kubectl-client-side-apply";

fn by_kubectl(manifests: &str) -> Json {
    let mut object = unmarked(as_applied(&lab(manifests)).remove(0), KUBECTL, "Update");
    let memory = json!({"data": object["data"]}).to_string();
    object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = memory.into();
    object["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]["f:annotations"] =
        json!({".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {}});
    object
}

#[test]
fn what_a_person_applied_and_is_as_declared_is_adopted_with_its_fields() {
    let change = Cluster::new([by_kubectl(WEB)]).change(&lab(WEB));
    assert_eq!((change.action, attributes(&change), &change.obstacle), (Action::Adopt, vec![], &None));
    assert_eq!(
        told(&change.steps),
        ["take over ConfigMap/apps/web from kubectl-client-side-apply", "apply ConfigMap/apps/web"]
    );
    let Some(Act::Api(Call::Apply { manifest, .. })) = change.steps.last().map(|step| &step.act) else { panic!() };
    assert_eq!(manifest.json["metadata"]["annotations"]["labctl.dev/origin"], "adopted");
}

#[test]
fn what_a_person_applied_and_differs_needs_leave() {
    let object = by_kubectl(&WEB.replace("'1'", "'9'"));
    let cluster = || {
        let mut cluster = Cluster::new([object.clone()]);
        cluster.dry_run = Box::new(|manifest, force, live| {
            if force {
                return ApiAnswer::Object(Box::new(applied(&manifest.json, live)));
            }
            let mut refusal = refusal(409, "Conflict", "Apply failed with 1 conflict");
            refusal.causes = vec![Cause {
                reason: "FieldManagerConflict".to_owned(),
                message: format!("conflict with \"{KUBECTL}\" using v1"),
                field: ".data.a".to_owned(),
            }];
            ApiAnswer::Refused(refusal)
        });
        cluster
    };
    let change = cluster().change(&lab(WEB));
    assert_eq!(attributes(&change), ["data.a"]);
    assert!(why(&change).contains("--adopt"), "{}", why(&change));
    let change = cluster().change(&lab_with(WEB, "adopt = true\n"));
    assert_eq!(
        told(&change.steps),
        ["take over ConfigMap/apps/web from kubectl-client-side-apply", "apply ConfigMap/apps/web by force",]
    );
}

#[test]
fn what_a_person_applied_beyond_the_file_is_shown_to_go() {
    let object = by_kubectl(&WEB.replace("b: '2'", "b: '2', c: '3'"));
    let change = Cluster::new([object]).change(&lab_with(WEB, "adopt = true\n"));
    assert_eq!((change.action, attributes(&change)), (Action::Adopt, vec!["data.c"]));
    assert_eq!((&change.differences[0].before, &change.differences[0].after), (&Some("3".into()), &None));
}

#[test]
fn what_nobody_applied_is_adopted_without_taking_over() {
    let change =
        Cluster::new([unmarked(as_applied(&lab(WEB)).remove(0), "kubectl-create", "Update")]).change(&lab(WEB));
    assert_eq!((change.action, told(&change.steps)), (Action::Adopt, vec!["apply ConfigMap/apps/web".to_owned()]));
}

#[test]
fn what_is_in_other_hands_is_refused_with_the_steps_of_the_hand_over_even_if_it_is_equal() {
    let mut object = unmarked(as_applied(&lab(WEB)).remove(0), "helm", "Update");
    object["metadata"]["annotations"]["meta.helm.sh/release-name"] = "web".into();
    object["metadata"]["annotations"]["meta.helm.sh/release-namespace"] = "apps".into();
    let cluster = Cluster::new([object]);
    let change = cluster.change(&lab_with(WEB, "adopt = true\n"));
    assert!(why(&change).starts_with("it belongs to the Helm release apps/web; "), "{}", why(&change));
    assert!(why(&change).contains("kubectl delete secret -n apps -l owner=helm,name=web"));
    assert_eq!(cluster.read(&lab(WEB)).1, 0, "the server need not be asked");
}
