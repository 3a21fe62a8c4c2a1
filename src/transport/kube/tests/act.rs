//! Calls: guarded by the server itself, sent again only where that can't harm.

use serde_json::{Value, json};

use super::fake::{Backwards, Does, Fake, Seen, groups, no, not_found, ok};
use crate::kubernetes::fingerprint;
use crate::lab::{ApiKind, Manifest, ObjectKey};
use crate::plan::{Act, ApiGuard, Call, Guard, Step};
use crate::transport::contents::Contents;
use crate::transport::outcome::StepOutcome;

async fn act(fake: &Fake, steps: &[Step]) -> Vec<StepOutcome> {
    super::super::act::act(&fake.link, steps, &Contents(&Backwards)).await
}

fn key() -> ObjectKey {
    ObjectKey::new(ApiKind::new("v1", "ConfigMap"), Some("ns"), "x")
}

fn apply() -> Step {
    let json = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x", "namespace": "ns" }, "data": { "a": "new" } });
    Step::new("apply", Act::Api(Call::Apply { manifest: Manifest::plain(json), force: false }))
}

fn delete() -> Step {
    Step::new("delete", Act::Api(Call::Delete { object: key() }))
}

fn live(uid: &str, version: &str, value: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": { "a": value }, "metadata": {
        "name": "x", "namespace": "ns", "uid": uid, "resourceVersion": version,
        "managedFields": [{ "manager": "kubectl-edit", "operation": "Update", "time": "2026-01-02T03:04:05Z" }],
    } })
}

fn unchanged() -> Guard {
    Guard::Api(ApiGuard::Unchanged {
        object: key(),
        uid: "u1".to_owned(),
        resource_version: "1".to_owned(),
        fingerprint: fingerprint(&live("u1", "1", "old")),
    })
}

const MODIFIED: &str = "Operation cannot be fulfilled on configmaps \"x\": the object has been modified";

/// A server whose object is at version 2: it takes what is sent for that version.
fn at_version_two(object: Value) -> impl Fn(&Seen) -> Does {
    move |seen| {
        let version = match seen.method.as_str() {
            "PATCH" => &seen.body["metadata"]["resourceVersion"],
            _ => &seen.body["preconditions"]["resourceVersion"],
        };
        match seen.method.as_str() {
            "GET" if seen.target.ends_with("/x") => ok(object.clone()),
            "PATCH" | "DELETE" if version == "2" => ok(live("u1", "3", "new")),
            "PATCH" | "DELETE" => no(409, "Conflict", MODIFIED),
            _ => not_found(),
        }
    }
}

#[tokio::test]
async fn a_version_that_moved_is_no_reason_to_stop_as_long_as_the_object_says_the_same() {
    for step in [apply(), delete()] {
        let fake = Fake::new(at_version_two(live("u1", "2", "old"))).await;
        assert_eq!(act(&fake, &[step.guarded(unchanged())]).await, [StepOutcome::Done]);
        let seen = fake.seen();
        let sent: Vec<&Seen> = seen.iter().filter(|seen| seen.method != "GET").collect();
        assert_eq!(sent.len(), 2);
        let uid = |seen: &Seen| seen.body.pointer("/metadata/uid").or(seen.body.pointer("/preconditions/uid")).cloned();
        assert!(sent.iter().all(|seen| uid(seen) == Some(json!("u1"))), "{sent:?}");
    }
}

#[tokio::test]
async fn an_object_that_is_not_as_the_plan_saw_it_is_stale_and_says_whose_hand_it_was() {
    let words = [
        (
            live("u1", "2", "edited"),
            "its fields are not as they were, last changed by `kubectl-edit` at 2026-01-02T03:04:05Z",
        ),
        (live("u2", "2", "old"), "another one of that name is there: it was deleted and made anew"),
    ];
    for (object, words) in words {
        for step in [apply(), delete()] {
            let fake = Fake::new(at_version_two(object.clone())).await;
            let stale = StepOutcome::Stale { guard: "ConfigMap/ns/x".to_owned(), found: words.to_owned() };
            assert_eq!(act(&fake, &[step.guarded(unchanged()), apply()]).await, [stale]);
        }
    }
    let fake = Fake::new(|seen| if seen.method == "PATCH" { no(409, "Conflict", MODIFIED) } else { not_found() }).await;
    let outcomes = act(&fake, &[apply().guarded(unchanged())]).await;
    assert!(matches!(&outcomes[..], [StepOutcome::Stale { found, .. }] if found == "it is gone"), "{outcomes:?}");
}

#[tokio::test]
async fn a_field_of_another_manager_is_a_conflict_and_not_a_version() {
    let fake = Fake::new(|seen| match seen.method.as_str() {
        "PATCH" => Does::Answers(409, json!({ "kind": "Status", "reason": "Conflict", "message": "Apply failed with 1 conflict",
            "details": { "causes": [{ "reason": "FieldManagerConflict", "message": "conflict with \"kubectl\"", "field": ".data.a" }] } })),
        _ => not_found(),
    })
    .await;
    let outcomes = act(&fake, &[apply().guarded(unchanged()), delete()]).await;
    let words = vec!["Apply failed with 1 conflict".to_owned(), ".data.a: conflict with \"kubectl\"".to_owned()];
    assert_eq!(outcomes, [StepOutcome::Failed { code: 409, words }]);
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn what_must_be_absent_is_looked_for_before_it_is_made() {
    let step = || apply().guarded(Guard::Api(ApiGuard::Absent(key())));
    let fake = Fake::new(|seen| if seen.method == "PATCH" { ok(live("u1", "1", "new")) } else { not_found() }).await;
    assert_eq!(act(&fake, &[step()]).await, [StepOutcome::Done]);
    let fake =
        Fake::new(|seen| if seen.target.ends_with("/x") { ok(live("u1", "1", "old")) } else { not_found() }).await;
    let outcomes = act(&fake, &[step()]).await;
    assert!(
        matches!(&outcomes[..], [StepOutcome::Stale { found, .. }] if found.starts_with("it is there, last changed by")),
        "{outcomes:?}"
    );
    assert_eq!(fake.requests(), ["GET /api/v1/namespaces/ns/configmaps/x"]);
}

#[tokio::test]
async fn another_cluster_under_the_same_name_is_not_touched() {
    let fake = Fake::new(|seen| match (seen.method.as_str(), seen.target.as_str()) {
        (_, "/api/v1/namespaces/kube-system") => ok(json!({ "metadata": { "uid": "here" } })),
        ("PATCH", _) => ok(live("u1", "1", "new")),
        _ => not_found(),
    })
    .await;
    let step = |uid: &str| apply().guarded(Guard::Api(ApiGuard::Cluster { uid: uid.to_owned() }));
    assert_eq!(act(&fake, &[step("here"), step("here")]).await, [StepOutcome::Done, StepOutcome::Done]);
    assert_eq!(fake.requests().len(), 3, "looked at once in a leg");
    let outcomes = act(&fake, &[step("elsewhere")]).await;
    assert!(
        matches!(&outcomes[..], [StepOutcome::Stale { found, .. }] if found.contains("another cluster")),
        "{outcomes:?}"
    );
    assert_eq!(fake.requests().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_whose_service_starts_is_waited_for_and_an_admission_that_says_no_is_not() {
    let away =
        "Internal error occurred: failed calling webhook \"w\": dial tcp 10.0.0.1:443: connect: connection refused";
    let fake = Fake::new(move |seen| match (seen.method.as_str(), seen.before) {
        ("PATCH", 0..3) => no(500, "InternalError", away),
        ("PATCH", _) => ok(live("u1", "1", "new")),
        _ => not_found(),
    })
    .await;
    assert_eq!(act(&fake, &[apply()]).await, [StepOutcome::Done]);
    let fake = Fake::new(|seen| match seen.method.as_str() {
        "PATCH" => no(403, "Forbidden", "admission webhook \"w\" denied the request: no"),
        _ => not_found(),
    })
    .await;
    let outcomes = act(&fake, &[apply(), apply()]).await;
    let [StepOutcome::Failed { code: 403, words }] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(words[0].contains("denied the request"), "{words:?}");
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_apply_whose_answer_was_lost_is_done_if_the_same_once_more_changes_nothing() {
    let fake = Fake::new(|seen| match (seen.method.as_str(), seen.before) {
        ("PATCH", _) if seen.target.contains("dryRun") => ok(live("u1", "2", "new")),
        ("PATCH", 0) => Does::Breaks,
        ("PATCH", _) => no(409, "Conflict", MODIFIED),
        ("GET", _) if seen.target.ends_with("/x") => ok(live("u1", "2", "new")),
        _ => not_found(),
    })
    .await;
    assert_eq!(act(&fake, &[apply().guarded(unchanged())]).await, [StepOutcome::Done]);
    let fake = Fake::new(|seen| if seen.method == "PATCH" { Does::Breaks } else { not_found() }).await;
    let outcomes = act(&fake, &[apply().guarded(unchanged())]).await;
    assert!(matches!(&outcomes[..], [StepOutcome::Lost(_)]), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_server_may_have_done_before_its_own_error_is_looked_at_and_not_called_stale() {
    let fake = Fake::new(|seen| match (seen.method.as_str(), seen.before) {
        ("PATCH", _) if seen.target.contains("dryRun") => ok(live("u1", "2", "new")),
        ("PATCH", 0) => no(500, "InternalError", "etcdserver: request timed out"),
        ("PATCH", _) => no(409, "Conflict", MODIFIED),
        ("GET", _) if seen.target.ends_with("/x") => ok(live("u1", "2", "new")),
        _ => not_found(),
    })
    .await;
    assert_eq!(act(&fake, &[apply().guarded(unchanged())]).await, [StepOutcome::Done]);
    for code in [500, 502, 504] {
        let fake = Fake::new(move |seen| if seen.method == "PATCH" { no(code, "", "etcd") } else { not_found() }).await;
        let outcomes = act(&fake, &[apply().guarded(unchanged())]).await;
        assert!(matches!(&outcomes[..], [StepOutcome::Lost(_)]), "{code}: {outcomes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_after_as_long_as_it_wants() {
    let fake = Fake::new(|seen| match (seen.method.as_str(), seen.before) {
        ("PATCH", 0) => Does::AsksToWait(429, 7),
        ("PATCH", 1) => no(503, "ServiceUnavailable", "shutting down"),
        ("PATCH", _) => ok(live("u1", "1", "new")),
        _ => not_found(),
    })
    .await;
    let began = tokio::time::Instant::now();
    assert_eq!(act(&fake, &[apply()]).await, [StepOutcome::Done]);
    // The clock of the test: nobody waits.
    assert!(began.elapsed() >= std::time::Duration::from_secs(7));
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_refuses_is_sent_once() {
    for (code, reason) in [(403, "Forbidden"), (409, "AlreadyExists"), (422, "Invalid"), (400, "BadRequest")] {
        let fake =
            Fake::new(move |seen| if seen.method == "PATCH" { no(code, reason, "no") } else { not_found() }).await;
        let outcomes = act(&fake, &[apply(), apply()]).await;
        let expected = u32::from(code);
        assert!(matches!(&outcomes[..], [StepOutcome::Failed { code, .. }] if *code == expected), "{outcomes:?}");
        assert_eq!(fake.requests().len(), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_whose_answer_was_lost_is_done_if_the_object_is_gone() {
    let fake = Fake::new(|seen| match (seen.method.as_str(), seen.before) {
        ("DELETE", 0) => Does::Breaks,
        ("GET", _) if seen.target.ends_with("/x") => ok(live("u1", "1", "old")),
        _ => not_found(),
    })
    .await;
    assert_eq!(act(&fake, &[delete().guarded(unchanged())]).await, [StepOutcome::Done]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_left_has_failed_and_is_not_lost() {
    let fake = Fake::new(|seen| if seen.method == "PATCH" { Does::Refuses } else { not_found() }).await;
    let outcomes = act(&fake, &[apply()]).await;
    assert!(
        matches!(&outcomes[..], [StepOutcome::Failed { words, .. }] if words[0].contains("refused the connection")),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn what_is_gone_already_is_deleted() {
    let fake = Fake::new(|_| not_found()).await;
    assert_eq!(act(&fake, &[delete().guarded(unchanged())]).await, [StepOutcome::Done]);
    let thing = ObjectKey::new(ApiKind::new("x.dev/v1", "Thing"), Some("ns"), "t");
    let step = Step::new("delete", Act::Api(Call::Delete { object: thing }));
    assert_eq!(act(&fake, &[step]).await, [StepOutcome::Done]);
    let sent = fake.seen().into_iter().find(|seen| seen.method == "DELETE").unwrap();
    assert_eq!(sent.body["propagationPolicy"], "Background");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_was_defined_just_now_is_waited_for() {
    let thing = json!({ "apiVersion": "x.dev/v1", "kind": "Thing", "metadata": { "name": "t", "namespace": "ns" } });
    let step = Step::new("apply", Act::Api(Call::Apply { manifest: Manifest::plain(thing.clone()), force: false }));
    let made = thing.clone();
    let fake = Fake::serving(move |seen| match (seen.target.as_str(), seen.before) {
        ("/apis", 0..3) => ok(groups(&["apps"])),
        ("/apis", _) => ok(groups(&["apps", "x.dev"])),
        (target, _) if target.contains("things") => ok(made.clone()),
        _ => not_found(),
    })
    .await;
    assert_eq!(act(&fake, std::slice::from_ref(&step)).await, [StepOutcome::Done]);
    let fake = Fake::new(|_| not_found()).await;
    let outcomes = act(&fake, &[step]).await;
    assert!(
        matches!(&outcomes[..], [StepOutcome::Failed { words, .. }] if words[0].contains("x.dev/v1 Thing")),
        "{outcomes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_path_that_lags_behind_its_kind_is_waited_for() {
    let fake = Fake::new(|seen| match (seen.method.as_str(), seen.before) {
        ("PATCH", 0..3) => Does::Says(404, "404 page not found\n".to_owned()),
        ("PATCH", _) => ok(live("u1", "1", "new")),
        _ => not_found(),
    })
    .await;
    assert_eq!(act(&fake, &[apply()]).await, [StepOutcome::Done]);
}

#[tokio::test]
async fn fields_of_kubectl_change_hands_and_the_next_step_knows_the_version_that_this_made() {
    let mut object = live("u1", "1", "old");
    object["metadata"]["managedFields"] = json!([{ "manager": "kubectl-client-side-apply", "operation": "Update",
        "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": { "f:data": { "f:a": {} } } }]);
    let fake = Fake::new(move |seen| match seen.method.as_str() {
        "GET" if seen.target.ends_with("/x") => ok(object.clone()),
        "PATCH" if seen.body.is_array() => ok(live("u1", "5", "old")),
        "PATCH" if seen.body["metadata"]["resourceVersion"] == "5" => ok(live("u1", "6", "new")),
        "PATCH" => no(409, "Conflict", MODIFIED),
        _ => not_found(),
    })
    .await;
    let managers = vec!["kubectl-client-side-apply".to_owned()];
    let take = Step::new("take over", Act::Api(Call::TakeOver { object: key(), managers })).guarded(unchanged());
    assert_eq!(act(&fake, &[take, apply().guarded(unchanged())]).await, [StepOutcome::Done, StepOutcome::Done]);
    let patch = fake.seen().into_iter().find(|seen| seen.body.is_array()).unwrap();
    assert_eq!(patch.target, "/api/v1/namespaces/ns/configmaps/x?fieldManager=labctl&fieldValidation=Strict");
    assert!(patch.body.to_string().contains("resourceVersion"), "{}", patch.body);
}

#[tokio::test]
async fn a_program_is_not_run_in_a_cluster() {
    let fake = Fake::new(|_| not_found()).await;
    let outcomes = act(&fake, &[Step::run("run", ["true"]), apply()]).await;
    assert!(matches!(&outcomes[..], [StepOutcome::Failed { .. }]), "{outcomes:?}");
}
