//! Waits: patient with what may pass, and clear when they give up.

use serde_json::{Value, json};

use super::fake::{Backwards, Does, Fake, Seen, no, not_found, ok};
use crate::lab::{ApiKind, ObjectKey};
use crate::plan::{Act, Call, Step};
use crate::transport::contents::Contents;
use crate::transport::outcome::StepOutcome;

async fn act(fake: &Fake, call: Call) -> StepOutcome {
    let mut outcomes =
        super::super::act::act(&fake.link, &[Step::new("wait", Act::Api(call))], &Contents(&Backwards)).await;
    outcomes.remove(0)
}

fn web() -> ObjectKey {
    ObjectKey::new(ApiKind::new("apps/v1", "Deployment"), Some("ns"), "web")
}

fn ready(within: u64) -> Call {
    Call::Ready { object: web(), within }
}

fn gone(within: u64) -> Call {
    Call::Gone { object: web(), within }
}

fn deployment(uid: &str, available: u32) -> Value {
    let status = if available == 2 { "True" } else { "False" };
    json!({ "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "web", "namespace": "ns", "uid": uid, "generation": 1 },
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "web" } } },
        "status": { "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": available, "availableReplicas": available,
            "conditions": [{ "type": "Available", "status": status, "reason": "MinimumReplicasUnavailable", "message": "not enough" }] } })
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ready_is_looked_at_again_even_while_the_server_restarts() {
    let fake = Fake::new(|seen| match (seen.target.ends_with("/web"), seen.before) {
        (true, 0) => not_found(),
        (true, 1) => ok(deployment("u", 1)),
        (true, 2) => Does::Refuses,
        (true, 3) => Does::Breaks,
        (true, 4) => no(503, "ServiceUnavailable", "shutting down"),
        (true, _) => ok(deployment("u", 2)),
        _ => not_found(),
    })
    .await;
    assert_eq!(act(&fake, ready(60)).await, StepOutcome::Done);
}

fn troubled(seen: &Seen) -> Does {
    if seen.target.ends_with("/web") {
        ok(deployment("u", 0))
    } else if seen.target.contains("/events?") && seen.target.contains("involvedObject.uid%3Du&") {
        let event = |time: &str, reason: &str, message: &str| json!({ "lastTimestamp": time, "reason": reason, "message": message });
        ok(
            json!({ "kind": "EventList", "items": [event("2", "FailedCreate", "quota exceeded"), event("1", "Scaled", "scaled up")] }),
        )
    } else if seen.target.contains("/pods?") {
        let pod = |name: &str, status: Value| json!({ "metadata": { "name": name, "namespace": "ns", "uid": name }, "status": status });
        ok(json!({ "kind": "PodList", "items": [
            pod("web-1", json!({ "containerStatuses": [{ "name": "app", "state": { "waiting": { "reason": "ImagePullBackOff", "message": "no such image" } } }] })),
            pod("web-2", json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "message": "0/1 nodes are available" }] })),
            pod("web-3", json!({ "conditions": [{ "type": "Ready", "status": "True" }] })),
        ] }))
    } else {
        not_found()
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_gives_up_tells_the_conditions_the_events_and_the_pods() {
    let fake = Fake::new(troubled).await;
    let StepOutcome::Failed { words, .. } = act(&fake, ready(30)).await else { panic!() };
    assert!(words[0].starts_with("it was not ready within 30 s: "), "{words:?}");
    assert_eq!(
        &words[1..],
        [
            "Available is False (MinimumReplicasUnavailable): not enough",
            "event Scaled: scaled up",
            "event FailedCreate: quota exceeded",
            "pod web-1: container app waits (ImagePullBackOff): no such image",
            "pod web-2: it has no node: 0/1 nodes are available",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_once_where_looking_is_forbidden() {
    let message = "deployments.apps \"web\" is forbidden: User \"u\" cannot get resource";
    let fake =
        Fake::new(move |seen| if seen.target.ends_with("/web") { no(403, "Forbidden", message) } else { not_found() })
            .await;
    let StepOutcome::Failed { code: 403, words } = act(&fake, ready(600)).await else { panic!() };
    assert!(words.iter().any(|line| line.contains("help: ")), "{words:?}");
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_goes_is_waited_for_and_one_made_anew_is_another() {
    let fake = Fake::new(|seen| match (seen.target.ends_with("/web"), seen.before) {
        (true, 0..4) => ok(deployment("u", 2)),
        _ => not_found(),
    })
    .await;
    assert_eq!(act(&fake, gone(60)).await, StepOutcome::Done);
    let fake = Fake::new(|seen| match (seen.target.ends_with("/web"), seen.before) {
        (true, 0) => ok(deployment("u", 2)),
        (true, _) => ok(deployment("another", 2)),
        _ => not_found(),
    })
    .await;
    assert_eq!(act(&fake, gone(60)).await, StepOutcome::Done);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_go_names_who_holds_it() {
    let fake = Fake::new(|seen| {
        let mut object = deployment("u", 2);
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        object["metadata"]["finalizers"] = json!(["x.dev/keep"]);
        if seen.target.ends_with("/web") { ok(object) } else { not_found() }
    })
    .await;
    let StepOutcome::Failed { words, .. } = act(&fake, gone(10)).await else { panic!() };
    assert_eq!(words[0], "it was not gone within 10 s: it waits for what has put a finalizer on it: x.dev/keep");
}
