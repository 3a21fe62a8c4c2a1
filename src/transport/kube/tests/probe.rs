//! Answers: whole or lost, never short.

use serde_json::{Value, json};

use super::fake::{Does, Fake, Seen, groups, no, not_found, ok, slot};
use crate::lab::{ApiKind, Manifest, ObjectKey};
use crate::observe::{Answer, ApiAnswer, ApiAsk, Ask};
use crate::transport::outcome::ReachError;

fn config_map() -> ApiKind {
    ApiKind::new("v1", "ConfigMap")
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(config_map(), Some("ns"), name)
}

fn marked() -> ApiAsk {
    ApiAsk::Marked { kind: config_map(), lab: "home".to_owned() }
}

fn page(names: &[&str], next: &str) -> Does {
    let items: Vec<_> = names.iter().map(|name| json!({ "metadata": { "name": name } })).collect();
    ok(json!({ "kind": "ConfigMapList", "apiVersion": "v1", "metadata": { "continue": next }, "items": items }))
}

fn names(answer: &Answer) -> Vec<String> {
    let Answer::Api(ApiAnswer::Objects(objects)) = answer else { panic!("{answer:?}") };
    objects.iter().map(|object| ObjectKey::of(object).unwrap().path()).collect()
}

fn lost(answer: Answer) -> String {
    let Answer::Lost(why) = answer else { panic!("{answer:?}") };
    why
}

#[tokio::test]
async fn a_list_is_read_page_by_page_and_its_objects_know_their_kind() {
    let fake = Fake::new(|seen| match seen.target.split_once("continue=") {
        None => page(&["a", "b"], "more"),
        Some((_, "more")) => page(&["c"], ""),
        Some(_) => not_found(),
    })
    .await;
    assert_eq!(names(&fake.ask(marked()).await), ["ConfigMap/a", "ConfigMap/b", "ConfigMap/c"]);
    let first = "GET /api/v1/configmaps?labelSelector=labctl.dev%2Flab%3Dhome&limit=500";
    assert_eq!(fake.requests(), [first.to_owned(), format!("{first}&continue=more")]);
}

#[tokio::test]
async fn a_list_whose_next_page_is_forgotten_begins_anew_and_nothing_is_in_it_twice() {
    let fake = Fake::new(|seen| match (seen.target.contains("continue="), seen.before) {
        (false, _) => page(&["a"], "more"),
        (true, 0) => no(410, "Expired", "the provided continue parameter is too old"),
        (true, _) => page(&["b"], ""),
    })
    .await;
    assert_eq!(names(&fake.ask(marked()).await), ["ConfigMap/a", "ConfigMap/b"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_breaks_in_the_middle_is_lost_and_not_short() {
    let breaks: [fn() -> Does; 4] = [
        || Does::Says(200, r#"{"kind":"ConfigMapList","items":[{"metadata":{"name":"b"}},{"meta"#.to_owned()),
        || Does::Breaks,
        || Does::Says(200, String::new()),
        || Does::Answers(200, json!({ "kind": "Something" })),
    ];
    for does in breaks {
        let fake = Fake::new(move |seen| if seen.target.contains("continue=") { does() } else { page(&["a"], "more") });
        let why = lost(fake.await.ask(marked()).await);
        assert!(why.contains("cluster `lab` at https://api.lab:6443 (kubeconfig `lab.yaml`)"), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again() {
    let fake = Fake::new(|seen| match seen.before {
        0 => Does::AsksToWait(429, 2),
        1 => no(503, "ServiceUnavailable", "apiserver is shutting down"),
        2 => Does::Breaks,
        _ => page(&["a"], ""),
    })
    .await;
    assert_eq!(names(&fake.ask(marked()).await), ["ConfigMap/a"]);
    assert_eq!(fake.requests().len(), 4);
    let fake =
        Fake::new(|seen| if seen.target.starts_with("/api/") { Does::AsksToWait(429, 2) } else { not_found() }).await;
    assert!(lost(fake.ask(marked()).await).contains("429"));
    assert_eq!(fake.requests().len(), 5);
}

#[tokio::test]
async fn an_object_that_is_not_there_a_kind_that_is_not_served_and_a_no_are_three_answers() {
    let fake = Fake::new(|seen| match seen.target.rsplit('/').next() {
        Some("unserved") => Does::Says(404, "404 page not found\n".to_owned()),
        Some("forbidden") => {
            no(403, "Forbidden", "configmaps \"forbidden\" is forbidden: User \"u\" cannot get resource")
        }
        _ => not_found(),
    })
    .await;
    let ask = async |name: &str| fake.ask(ApiAsk::Object(key(name))).await;
    assert_eq!(ask("gone").await, Answer::Api(ApiAnswer::Absent));
    assert_eq!(ask("unserved").await, Answer::Api(ApiAnswer::NoKind));
    let Answer::Api(ApiAnswer::Refused(refusal)) = ask("forbidden").await else { panic!() };
    assert_eq!((refusal.code, refusal.reason.as_str()), (403, "Forbidden"));
    let thing = ObjectKey::new(ApiKind::new("x.dev/v1", "Thing"), Some("ns"), "t");
    assert_eq!(fake.ask(ApiAsk::Object(thing)).await, Answer::Api(ApiAnswer::NoKind));
}

#[tokio::test]
async fn a_namespace_that_the_kind_has_not_or_wants_is_said_before_anything_is_sent() {
    let fake = Fake::new(|_| not_found()).await;
    let without = ObjectKey::new(config_map(), None, "x");
    let with = ObjectKey::new(ApiKind::new("v1", "Namespace"), Some("ns"), "x");
    for (key, words) in
        [(without, "a ConfigMap lies in a namespace"), (with, "a Namespace belongs to the whole cluster")]
    {
        let Answer::Api(ApiAnswer::Refused(refusal)) = fake.ask(ApiAsk::Object(key)).await else { panic!() };
        assert!(refusal.message.contains(words), "{refusal:?}");
    }
    assert!(fake.requests().is_empty());
}

fn secret(seen: &Seen) -> Does {
    let object = |name: &str| json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "data": { "token": "bmVrb3Q=" } });
    match seen.method.as_str() {
        "PATCH" => ok(object("s")),
        _ if seen.target.contains('?') => ok(json!({ "kind": "SecretList", "items": [object("s")] })),
        _ if seen.target.ends_with("/s") => ok(object("s")),
        _ => not_found(),
    }
}

#[tokio::test]
async fn the_value_of_a_secret_is_a_mask_in_every_answer_and_the_same_for_what_is_desired() {
    let fake = Fake::new(secret).await;
    let kind = ApiKind::new("v1", "Secret");
    let manifest = Manifest {
        json: json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s", "namespace": "ns" }, "data": { "token": "" } }),
        slots: [("/data/token".to_owned(), slot("token"))].into(),
    };
    let Answer::Api(ApiAnswer::Mask(mask)) = fake.ask(ApiAsk::Mask(slot("token"))).await else { panic!() };
    let asks = [
        ApiAsk::All(kind.clone()),
        ApiAsk::Object(ObjectKey::new(kind, Some("ns"), "s")),
        ApiAsk::DryRun { manifest, force: false },
    ];
    for ask in asks {
        let answer = fake.ask(ask.clone()).await;
        let (Answer::Api(ApiAnswer::Object(_) | ApiAnswer::Objects(_)), text) = (&answer, format!("{answer:?}")) else {
            panic!("{answer:?}")
        };
        assert!(text.contains(&mask) && !text.contains("bmVrb3Q") && !text.contains("nekot"), "{text}");
    }
    let sent = fake.seen().into_iter().find(|seen| seen.method == "PATCH").unwrap();
    assert_eq!(sent.body["data"]["token"], "bmVrb3Q=");
    let Answer::Api(ApiAnswer::Mask(other)) = fake.ask(ApiAsk::Mask(slot("another"))).await else { panic!() };
    assert_ne!(mask, other);
}

#[tokio::test]
async fn a_dry_run_is_a_strict_server_side_apply_that_changes_nothing() {
    let fake = Fake::new(|seen| match seen.method.as_str() {
        "PATCH" => Does::Answers(
            409,
            json!({ "kind": "Status", "reason": "Conflict", "message": "Apply failed with 1 conflict: conflict with \"kubectl\": .data.a",
                "details": { "causes": [{ "reason": "FieldManagerConflict", "message": "conflict with \"kubectl\"", "field": ".data.a" }] } }),
        ),
        _ => not_found(),
    })
    .await;
    let manifest = Manifest::plain(
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x", "namespace": "ns" } }),
    );
    let answer = fake.ask(ApiAsk::DryRun { manifest, force: false }).await;
    let Answer::Api(ApiAnswer::Refused(refusal)) = answer else { panic!("{answer:?}") };
    assert_eq!((refusal.code, refusal.causes[0].field.as_str()), (409, ".data.a"));
    let target = "/api/v1/namespaces/ns/configmaps/x?fieldManager=labctl&force=false&fieldValidation=Strict&dryRun=All";
    assert_eq!(fake.requests(), [format!("PATCH {target}")]);
}

#[tokio::test]
async fn a_refusal_does_not_repeat_a_secret_and_a_missing_secret_costs_one_answer() {
    let fake = Fake::new(|seen| match seen.method.as_str() {
        "PATCH" => no(422, "Invalid", "spec.password: Invalid value: \"nekot\" (bmVrb3Q=)"),
        _ => not_found(),
    })
    .await;
    let manifest = |name: &str| Manifest {
        json: json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s", "namespace": "ns" }, "data": { "a": "" } }),
        slots: [("/data/a".to_owned(), slot(name))].into(),
    };
    let answer = fake.ask(ApiAsk::DryRun { manifest: manifest("token"), force: false }).await;
    let Answer::Api(ApiAnswer::Refused(refusal)) = answer else { panic!("{answer:?}") };
    assert_eq!(refusal.message, "spec.password: Invalid value: \"(hidden)\" ((hidden))");
    let asks =
        [Ask::Api(ApiAsk::DryRun { manifest: manifest("missing"), force: false }), Ask::Api(ApiAsk::Object(key("x")))];
    let reply = fake.probe(&asks).await.unwrap();
    assert!(lost(reply.answer(&asks[0])).contains("`missing`"));
    assert_eq!(reply.answer(&asks[1]), Answer::Api(ApiAnswer::Absent));
}

#[tokio::test]
async fn what_is_served_is_asked_once_and_anew_when_a_kind_is_missing_after_a_change() {
    let fake = Fake::serving(|seen| match (seen.target.as_str(), seen.before) {
        ("/apis", 0) => ok(groups(&["apps"])),
        ("/apis", _) => ok(groups(&["apps", "x.dev"])),
        (target, _) if target.contains("things") => ok(json!({ "kind": "ThingList", "items": [] })),
        _ => not_found(),
    })
    .await;
    let things = ApiAsk::All(ApiKind::new("x.dev/v1", "Thing"));
    let asked = |fake: &Fake| fake.seen().iter().filter(|seen| seen.target == "/apis").count();
    assert_eq!(fake.ask(things.clone()).await, Answer::Api(ApiAnswer::NoKind));
    assert_eq!(asked(&fake), 1);
    fake.link.has_changed();
    let missing = ["a", "b", "c"].map(|kind| Ask::Api(ApiAsk::All(ApiKind::new("x.dev/v1", kind))));
    fake.probe(&missing).await.unwrap();
    assert_eq!(asked(&fake), 2, "once for all that is missing in one probe");
    assert_eq!(names(&fake.ask(things).await), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_is_unreachable_and_one_that_refuses_the_credentials_says_so() {
    let fake = Fake::new(|seen| if seen.target.starts_with("/api/") { Does::Refuses } else { not_found() }).await;
    let asks = [Ask::Api(ApiAsk::Object(key("x"))), Ask::Api(ApiAsk::Mask(slot("token")))];
    let Err(ReachError::Unreachable(why)) = fake.probe(&asks).await else { panic!() };
    assert!(why.contains("refused the connection") && why.contains("help: "), "{why}");
    let Err(ReachError::Denied(why)) = Fake::try_new(|_| no(401, "Unauthorized", "Unauthorized")).await.map(|_| ())
    else {
        panic!()
    };
    assert!(why.contains("does not take the credentials") && why.contains("fresh kubeconfig"), "{why}");
    let error = Fake::try_new(|_| Does::Refuses).await.map(|fake| fake.requests()).unwrap_err();
    assert!(matches!(error, ReachError::Unreachable(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_went_away_is_not_asked_for_everything_else() {
    let fake = Fake::new(|_| Does::Refuses).await;
    let asks: Vec<_> = (0..100).map(|n| Ask::Api(ApiAsk::Object(key(&format!("x{n}"))))).collect();
    assert!(matches!(fake.probe(&asks).await, Err(ReachError::Unreachable(_))));
    assert!(fake.requests().len() <= 8 * 5, "{}", fake.requests().len());
}

#[tokio::test]
async fn a_field_that_a_kind_has_not_is_a_refusal_although_the_server_calls_it_its_own_error() {
    let message = "failed to create typed patch object (ns/x; /v1, Kind=ConfigMap): .dta: field not declared in schema";
    let fake = Fake::new(move |_| no(500, "", message)).await;
    let manifest = Manifest::plain(
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x", "namespace": "ns" } }),
    );
    let answer = fake.ask(ApiAsk::DryRun { manifest, force: false }).await;
    assert!(matches!(&answer, Answer::Api(ApiAnswer::Refused(refusal)) if refusal.message == message), "{answer:?}");
    let fake = Fake::new(|_| no(500, "InternalError", "etcdserver: request timed out")).await;
    assert!(lost(fake.ask(ApiAsk::Object(key("x"))).await).contains("etcdserver: request timed out (500)"));
}

#[tokio::test]
async fn what_lies_in_a_namespace_is_all_of_it_or_nothing() {
    let list = |seen: &Seen| -> Value {
        let kind = if seen.target.contains("pods") { "Pod" } else { "x" };
        let items = if kind == "Pod" { json!([{ "metadata": { "name": "p", "namespace": "ns" } }]) } else { json!([]) };
        json!({ "kind": "PartialObjectMetadataList", "items": items })
    };
    let fake = Fake::new(move |seen| if seen.target.contains("/ns/") { ok(list(seen)) } else { not_found() }).await;
    assert_eq!(names(&fake.ask(ApiAsk::Contents("ns".to_owned())).await), ["Pod/ns/p"]);
    assert!(!fake.requests().iter().any(|request| request.contains("events")));
    let fake = Fake::new(move |seen| match seen.target.as_str() {
        target if target.contains("/ns/secrets") => no(403, "Forbidden", "secrets is forbidden"),
        target if target.contains("/ns/") => ok(list(seen)),
        _ => not_found(),
    })
    .await;
    let answer = fake.ask(ApiAsk::Contents("ns".to_owned())).await;
    assert!(matches!(answer, Answer::Api(ApiAnswer::Refused(_))), "{answer:?}");
}
