//! Certificates, rights, servers that stop and connections that break.

use std::thread;

use labctl::lab::{ApiKind, ObjectKey};
use labctl::observe::{Answer, ApiAnswer, ApiAsk};
use labctl::plan::Call;
use labctl::transport::ReachError;
use serde_json::json;

use super::bench::{Bench, apply, config_map, identity, key, step};
use crate::support::control_plane::{Access, ControlPlane};
use crate::support::wire::Wire;

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn certificates_that_do_not_hold_are_named_with_the_remedy() {
    let plane = ControlPlane::shared();
    let direct = format!("https://127.0.0.1:{}", plane.port());
    let unreachable = |access: Access, server: &str, words: &str| {
        let error = Bench::file(&plane.kubeconfig(access)).unreachable(server);
        assert!(error.contains(words) && error.contains("help: "), "{words:?} is not in {error}");
    };
    unreachable(Access::WrongAuthority, &direct, "the server's certificate is not from the CA of the kubeconfig (x509");
    unreachable(Access::ExpiredServer, "https://localhost:", "the server's certificate has expired (x509)");
    unreachable(Access::ExpiredClient, &direct, "the client certificate of the kubeconfig expired at 2021-01-01");
    let bench = Bench::file(&plane.kubeconfig(Access::ExpiredClient));
    assert!(matches!(bench.try_ask(identity()), Err(ReachError::Denied(_))));
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_server_that_dies_in_the_middle_of_a_list_leaves_no_short_one() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-cut"]);
    let value = "x".repeat(1_000);
    let documents: Vec<String> =
        (0..600).map(|n| config_map("kube-cut", &format!("m{n}"), &value).to_string()).collect();
    plane.apply(&documents.join("\n---\n"));
    let wire = Wire::to(plane.port());
    let bench = Bench::file(&plane.kubeconfig_through(Access::Admin, wire.port()));
    let list = || ApiAsk::All(ApiKind::new("v1", "ConfigMap"));
    // Only this test's own are counted: namespaces that other tests left are still being emptied, and each new one is
    // given the cluster's certificate by the server.
    let listed = || match bench.try_ask(list()) {
        Ok(Answer::Api(ApiAnswer::Objects(objects))) => {
            objects.iter().filter(|object| object["data"]["a"] == value.as_str()).count()
        }
        other => panic!("{other:?}"),
    };
    let all = listed();
    assert_eq!(all, 600);

    // Cut once: the page is asked for again.
    wire.cut_after_received(100_000);
    assert_eq!(listed(), all);

    // Cut for good: lost.
    wire.cut_after_received(100_000);
    let before = wire.received();
    thread::scope(|scope| {
        scope.spawn(|| {
            while wire.received() < before + 100_000 {
                thread::yield_now();
            }
            wire.refuse(true);
        });
        let answer = bench.try_ask(list());
        assert!(matches!(&answer, Ok(Answer::Lost(_)) | Err(ReachError::Unreachable(_))), "{answer:?}");
    });
    wire.refuse(false);
    assert_eq!(listed(), all);
    plane.kubectl(&["delete", "namespace", "kube-cut", "--wait=false"]);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_server_that_is_stopped_is_refused_at_once_and_a_wait_outlives_its_restart() {
    let mut plane = ControlPlane::start();
    let kubeconfig = plane.kubeconfig(Access::Admin);
    let bench = Bench::file(&kubeconfig);
    bench.done(&[apply(config_map("default", "x", "1"))]);
    plane.stop_server();
    let error = Bench::file(&kubeconfig).unreachable("https://127.0.0.1:");
    assert!(error.contains("it refused the connection") && error.contains("help: "), "{error}");
    let words = bench.fails(apply(config_map("default", "x", "2")));
    assert!(words.contains("it refused the connection"), "{words}");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let web = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "kube-restart" } });
            bench.act(&[step(Call::Ready { object: ObjectKey::of(&web).unwrap(), within: 120 })])
        });
        plane.start_server();
        plane.kubectl(&["create", "namespace", "kube-restart"]);
        let outcomes = waiting.join().unwrap();
        assert_eq!(outcomes, [labctl::transport::StepOutcome::Done]);
    });
    bench.done(&[apply(config_map("default", "x", "3"))]);
    assert_eq!(bench.object(&key("v1", "ConfigMap", "default", "x"))["data"]["a"], "3");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn an_apply_that_was_cut_off_is_carried_out_once_and_known_to_be() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-cut-apply"]);
    let wire = Wire::to(plane.port());
    let bench = Bench::file(&plane.kubeconfig_through(Access::Admin, wire.port()));
    bench.done(&[apply(config_map("kube-cut-apply", "x", "1"))]);
    let seen = bench.object(&key("v1", "ConfigMap", "kube-cut-apply", "x"));
    // The answer's first bytes are its last: the server has done it by then.
    wire.cut_after_received(1);
    bench.done(&[apply(config_map("kube-cut-apply", "x", "2")).guarded(super::bench::unchanged(&seen))]);
    assert_eq!(bench.object(&key("v1", "ConfigMap", "kube-cut-apply", "x"))["data"]["a"], "2");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_silent_server_takes_no_longer_than_its_limit() {
    let plane = ControlPlane::shared();
    let wire = Wire::to(plane.port());
    let bench = Bench::file(&plane.kubeconfig_through(Access::Admin, wire.port()));
    bench.ask(identity());
    wire.stall(true);
    let answer = bench.try_ask(identity());
    assert!(matches!(&answer, Ok(Answer::Lost(why)) if why.contains("did not answer within 30 s")), "{answer:?}");
    wire.stall(false);
    bench.ask(identity());
}
