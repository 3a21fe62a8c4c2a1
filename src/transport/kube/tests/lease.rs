//! The lock of a cluster: created or not, replaced at its version or looked at again, told by the server's own clock.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::fake::{Backwards, Does, Fake, Seen, no, ok};
use crate::kubernetes::lease::{LEASE, LEASES, LeaseAct};
use crate::observe::{Answer, ApiAnswer, ApiAsk};
use crate::plan::{Act, ApiGuard, Call, Guard, Step};
use crate::transport::contents::Contents;
use crate::transport::outcome::StepOutcome;

/// A server that keeps the Lease as a real one does: one creates it, and every write must name the version that it is at.
/// `lost`: it carries out what is sent for the n-th time and answers nothing.
fn keeping(lost: Option<usize>) -> impl Fn(&Seen) -> Does + Send + Sync {
    let (kept, writes) = (Mutex::new(None::<Value>), Mutex::new(0));
    move |seen| {
        let mut kept = kept.lock().unwrap();
        let version = kept.as_ref().map(|lease| lease["metadata"]["resourceVersion"].clone());
        let is_write = match (seen.method.as_str(), seen.target.as_str()) {
            ("GET", LEASE) => {
                return kept.clone().map_or_else(|| no(404, "NotFound", "leases \"labctl\" not found"), ok);
            }
            ("POST", LEASES) if version.is_some() => {
                return no(409, "AlreadyExists", "leases \"labctl\" already exists");
            }
            ("PUT", LEASE) if Some(&seen.body["metadata"]["resourceVersion"]) != version.as_ref() => {
                return no(409, "Conflict", "the object has been modified");
            }
            ("POST", LEASES) | ("PUT", LEASE) => true,
            _ => false,
        };
        assert!(is_write, "{} {}", seen.method, seen.target);
        let mut writes = writes.lock().unwrap();
        *writes += 1;
        let mut lease = seen.body.clone();
        lease["metadata"]["resourceVersion"] = writes.to_string().into();
        *kept = Some(lease.clone());
        if lost == Some(*writes) { Does::Breaks } else { ok(lease) }
    }
}

fn take(id: &str) -> Step {
    let holder = format!("{{\"who\":\"{id}\"}}");
    let (id, applied) = (id.to_owned(), Some(("t".to_owned(), "{}".to_owned())));
    Step::new("lock", Act::Api(Call::Lease(LeaseAct::Take { id, holder, dead_after: 300, over: None, applied })))
}

fn release(id: &str) -> Step {
    Step::new("unlock", Act::Api(Call::Lease(LeaseAct::Release { id: id.to_owned() })))
}

async fn act(fake: &Fake, step: Step) -> StepOutcome {
    let mut outcomes = super::super::act::act(&fake.link, &[step], &Contents(&Backwards)).await;
    outcomes.remove(0)
}

#[tokio::test]
async fn one_has_it_and_the_next_is_told_who_until_it_is_given_up() {
    let fake = Fake::new(keeping(None)).await;
    assert_eq!(act(&fake, take("aa")).await, StepOutcome::Done);
    let StepOutcome::Failed { code: 75, words } = act(&fake, take("bb")).await else { panic!("both have it") };
    assert_eq!(words[1..], ["aa", "{\"who\":\"aa\"}"]);
    let Answer::Api(ApiAnswer::Object(told)) = fake.ask(ApiAsk::Lease).await else { panic!("not told") };
    assert!(told["held"].as_str().unwrap().ends_with("\naa\n{\"who\":\"aa\"}\n"), "{told}");
    assert_eq!(act(&fake, release("aa")).await, StepOutcome::Done);
    assert_eq!(act(&fake, take("bb")).await, StepOutcome::Done);
}

#[tokio::test]
async fn of_two_who_create_it_at_once_one_is_refused_and_looks_again() {
    // It is created by another between the look and the request.
    let other = Arc::new(keeping(None));
    let server = Arc::clone(&other);
    let fake = Fake::new(move |seen| {
        if seen.method == "POST" && seen.before == 0 {
            let mut theirs = seen.clone();
            theirs.body["spec"]["holderIdentity"] = "cc".into();
            server(&theirs);
        }
        server(seen)
    })
    .await;
    let StepOutcome::Failed { code: 75, words } = act(&fake, take("aa")).await else { panic!("both have it") };
    assert_eq!(words[1], "cc");
}

#[tokio::test]
async fn a_take_whose_answer_was_lost_is_not_taken_for_anothers() {
    for lost in [1, 2] {
        let fake = Fake::new(keeping(Some(lost))).await;
        for _ in 0..2 {
            assert_eq!(act(&fake, take("aa")).await, StepOutcome::Done, "lost {lost}");
        }
    }
}

#[tokio::test]
async fn a_step_of_who_has_lost_it_does_nothing_and_one_look_is_enough_for_many_steps() {
    let fake = Fake::new(keeping(None)).await;
    act(&fake, take("aa")).await;
    let guarded = |id: &str| {
        let guard = Guard::Api(ApiGuard::Holder { id: id.to_owned() });
        Step::new("beat", Act::Api(Call::Lease(LeaseAct::Beat { id: "nobody".to_owned() }))).guarded(guard)
    };
    let StepOutcome::Stale { guard, found } = act(&fake, guarded("bb")).await else { panic!("it was done") };
    assert_eq!((guard.as_str(), found.as_str()), ("the lock of the cluster", "aa\n{\"who\":\"aa\"}"));
    let looks = |fake: &Fake| fake.requests().iter().filter(|line| line.starts_with("GET")).count();
    let before = looks(&fake);
    for _ in 0..3 {
        assert!(matches!(act(&fake, guarded("aa")).await, StepOutcome::Failed { code: 75, .. }));
    }
    // One for the guard, and one for each act itself.
    assert_eq!(looks(&fake) - before, 4);
}
