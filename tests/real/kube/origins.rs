//! Where kubeconfigs come from, and the way through a host on which alone the API listens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use labctl::lab::ApiKind;
use labctl::observe::{ApiAnswer, ApiAsk};
use labctl::plan::Call;
use labctl::transport::ReachError;
use serde_json::json;

use super::bench::{Bench, apply, config_map, identity, key, step};
use crate::support::apart::Apart;
use crate::support::control_plane::{Access, ControlPlane};
use crate::support::sshd::Sshd;

/// `[nodes.box]`: that server, whose host key is pinned.
fn node(sshd: &Sshd) -> String {
    format!(
        "[nodes.box]\naddress = \"127.0.0.1\"\nssh = {{ port = {}, user = {:?}, identity = {:?}, host_key = {:?}, sudo = false }}\n",
        sshd.port(),
        Sshd::user(),
        sshd.key().to_str().unwrap(),
        sshd.host_fingerprint()
    )
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn an_api_that_listens_on_a_host_apart_is_reached_through_its_ssh_with_its_kubeconfig() {
    let host = Apart::new();
    let sshd = Sshd::on(&host);
    let plane = ControlPlane::on(&host);
    let kubeconfig = plane.kubeconfig(Access::Admin);
    let path = kubeconfig.to_str().unwrap();
    let error = Bench::file(&kubeconfig).unreachable("https://127.0.0.1:");
    assert!(error.contains("refused the connection"), "nobody reaches it from outside: {error}");

    let of_node = format!("{}[clusters.lab]\nkubeconfig = {{ node = \"box\", path = {path:?} }}\n", node(&sshd));
    let of_file = format!("{}[clusters.lab]\nkubeconfig = {{ file = {path:?} }}\nvia = \"box\"\n", node(&sshd));
    for tables in [of_node, of_file] {
        let bench = Bench::new(&tables);
        bench.ask(identity());
        bench.done(&[apply(config_map("default", "x", "1"))]);
        let ApiAnswer::Objects(all) = bench.ask(ApiAsk::All(ApiKind::new("apps/v1", "Deployment"))) else { panic!() };
        assert!(all.is_empty());
        let large = "x".repeat(900_000);
        let steps: Vec<_> = (0..8).map(|n| apply(config_map("default", &format!("large{n}"), &large))).collect();
        bench.done(&steps);
        let ApiAnswer::Objects(all) = bench.ask(ApiAsk::All(ApiKind::new("v1", "ConfigMap"))) else { panic!() };
        assert!(all.iter().filter(|object| object["data"]["a"] == large.as_str()).count() == 8);
        let words = bench.fails(step(Call::Ready { object: key("v1", "ConfigMap", "default", "none"), within: 1 }));
        assert!(words.contains("there is no such object"), "{words}");
    }

    let error = Bench::new(&format!(
        "{}[clusters.lab]\nkubeconfig = {{ node = \"box\", path = \"/nowhere/admin.conf\" }}\n",
        node(&sshd)
    ));
    let error = error.try_ask(identity()).unwrap_err();
    assert!(matches!(&error, ReachError::NotYet(why) if why.contains("`/nowhere/admin.conf`")), "{error:?}");
    let wrong = plane.kubeconfig(Access::WrongAuthority);
    let tables = format!(
        "{}[clusters.lab]\nkubeconfig = {{ node = \"box\", path = {:?} }}\n",
        node(&sshd),
        wrong.to_str().unwrap()
    );
    let error = Bench::new(&tables).unreachable("through node `box`");
    assert!(error.contains("not from the CA"), "{error}");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_host_that_forwards_nothing_and_a_server_that_is_away_behind_it_are_told_apart() {
    let plane = ControlPlane::shared();
    let path = plane.kubeconfig(Access::Admin);
    let tables = |sshd: &Sshd, path: &str| {
        format!("{}[clusters.lab]\nkubeconfig = {{ node = \"box\", path = {path:?} }}\n", node(sshd))
    };
    let deaf = Sshd::with("AllowTcpForwarding no");
    let error = Bench::new(&tables(&deaf, path.to_str().unwrap())).unreachable("through node `box`");
    assert!(error.contains("AllowTcpForwarding yes"), "{error}");
    let sshd = Sshd::start();
    let away = plane.kubeconfig_through(Access::Admin, crate::support::sshd::free_port());
    let error = Bench::new(&tables(&sshd, away.to_str().unwrap())).unreachable("through node `box`");
    assert!(error.contains("look whether the API server runs"), "{error}");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_kubeconfig_in_a_secret_of_another_cluster_leads_on_once_it_is_there() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "kube-hosted"]);
    let outer = plane.kubeconfig(Access::Reader);
    let bench = Bench::new(&format!(
        "[clusters.outer]\nkubeconfig = {{ file = {:?} }}\n[clusters.lab]\nkubeconfig = {{ cluster = \"outer\", namespace = \"kube-hosted\", secret = \"admin\" }}\n",
        outer.to_str().unwrap()
    ));
    let error = bench.try_ask(identity()).unwrap_err();
    assert!(matches!(&error, ReachError::NotYet(why) if why.contains("Secret/kube-hosted/admin")), "{error:?}");
    let text = std::fs::read_to_string(plane.kubeconfig(Access::Admin)).unwrap();
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "admin", "namespace": "kube-hosted" },
        "data": { "value": STANDARD.encode(text) } });
    plane.apply(&secret.to_string());
    bench.done(&[apply(config_map("kube-hosted", "x", "1"))]);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_kubeconfig_that_a_program_prints_is_taken() {
    let plane = ControlPlane::shared();
    let path = plane.kubeconfig(Access::Admin);
    let bench =
        Bench::new(&format!("[clusters.lab]\nkubeconfig = {{ command = [\"cat\", {:?}] }}\n", path.to_str().unwrap()));
    bench.ask(identity());
    let bench = Bench::new("[clusters.lab]\nkubeconfig = { command = [\"false\"] }\n");
    let error = bench.try_ask(identity()).unwrap_err().to_string();
    assert!(error.contains("kubeconfig that `false` prints"), "{error}");
}
