use std::process::Command;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::support::apart::Apart;
use crate::support::control_plane::Access;
use crate::support::control_plane::ControlPlane;
use crate::support::control_plane::crds;
use crate::support::sshd::Sshd;
use crate::support::sshd::free_port;
use crate::support::tied::Tied;
use crate::support::wait::wait_until;
use crate::support::wire::Wire;

mod end;

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn it_is_kubernetes_1_34_with_two_nodes_that_are_ready() {
    let plane = ControlPlane::shared();
    let version: Value = serde_json::from_str(&plane.kubectl(&["version", "-o", "json"])).expect("JSON");
    for part in ["serverVersion", "clientVersion"] {
        assert_eq!(version[part]["gitVersion"], "v1.34.4", "{version}");
        assert_eq!((&version[part]["major"], &version[part]["minor"]), (&"1".into(), &"34".into()), "{version}");
    }
    let nodes = plane.kubectl(&["get", "nodes", "--no-headers"]);
    let mut nodes: Vec<_> = nodes.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>()).collect();
    nodes.sort();
    assert_eq!(nodes, [["m1-vm", "Ready"], ["n5", "Ready"]]);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn every_crd_is_accepted_and_established() {
    let plane = ControlPlane::shared().with_crds();
    let files = std::fs::read_dir(crds()).expect("the folder").flatten();
    let files = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "yaml")).count();
    assert_eq!(files, 71);
    let path = r#"jsonpath={.items[?(@.metadata.managedFields[0].manager=="harness")].metadata.name}"#;
    assert_eq!(plane.kubectl(&["get", "crd", "-o", path]).split_whitespace().count(), files);
    plane.kubectl(&["get", "clusters.k0smotron.io,helmreleases.helm.toolkit.fluxcd.io", "--all-namespaces"]);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_deployment_is_rolled_out_and_its_namespace_is_emptied_with_its_end() {
    let plane = ControlPlane::shared();
    plane.kubectl(&["create", "namespace", "rollout"]);
    plane.kubectl(&["-n", "rollout", "create", "deployment", "web", "--image=none", "--replicas=2"]);
    plane.kubectl(&["-n", "rollout", "rollout", "status", "deployment/web", "--timeout=60s"]);
    let pods = plane.kubectl(&["-n", "rollout", "get", "pods", "-o", "jsonpath={.items[*].status.phase}"]);
    assert_eq!(pods, "Running Running");
    plane.kubectl(&["-n", "rollout", "create", "job", "once", "--image=none"]);
    plane.kubectl(&["-n", "rollout", "wait", "--for=condition=Complete", "job/once", "--timeout=60s"]);
    plane.kubectl(&["delete", "namespace", "rollout", "--timeout=60s"]);
    assert_eq!(plane.kubectl(&["get", "pods,namespaces", "-A", "-o", "name"]).matches("rollout").count(), 0);
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn the_audit_log_counts_every_request_since_a_mark_once() {
    let plane = ControlPlane::shared();
    let path = "/api/v1/namespaces/default/configmaps?limit=7";
    assert!(plane.kubectl_as(Access::Admin, &["get", "--raw", path]).status.success());

    let mark = plane.mark();
    assert_eq!(mark.requests(), []);
    for _ in 0..5 {
        assert!(plane.kubectl_as(Access::Admin, &["get", "--raw", path]).status.success());
    }
    assert!(!plane.kubectl_as(Access::Reader, &["delete", "--raw", "/api/v1/namespaces/default"]).status.success());
    plane.kubectl(&["get", "--raw", path]);

    let expected = [("delete /api/v1/namespaces/default".to_owned(), 1), (format!("list {path}"), 5)];
    assert_eq!(mark.counts(), expected.into());
    let requests = mark.requests();
    let list = &requests[0];
    assert_eq!((list.user.as_str(), list.code), ("admin", 200));
    assert!(list.agent.starts_with("kubectl/v1.34.4"), "{list:?}");
    assert_eq!((requests[5].user.as_str(), requests[5].code), ("reader", 403));
    assert_eq!(plane.mark().counts(), [].into());
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn rights_are_those_of_the_certificate() {
    let plane = ControlPlane::shared();
    let may = |access, verb| said(&plane.kubectl_as(access, &["auth", "can-i", verb, "secrets", "-A"]));
    for verb in ["list", "patch"] {
        assert_eq!(may(Access::Admin, verb), "yes");
        assert_eq!(may(Access::Reader, verb), if verb == "list" { "yes" } else { "no" });
        assert_eq!(may(Access::Nobody, verb), "no");
    }
    let output = plane.kubectl_as(Access::Nobody, &["get", "pods"]);
    assert!(complaint(&output).contains(r#"pods is forbidden: User "nobody" cannot list"#), "{output:?}");
    let output = plane.kubectl_as(Access::Reader, &["create", "namespace", "by-the-reader"]);
    assert!(complaint(&output).contains(r#"User "reader" cannot create"#), "{output:?}");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_certificate_that_is_not_good_is_refused_by_whom_it_is_shown_to() {
    let plane = ControlPlane::shared();
    let mark = plane.mark();
    let output = plane.kubectl_as(Access::ExpiredServer, &["get", "--raw", "/version"]);
    assert!(complaint(&output).contains("certificate has expired"), "{output:?}");
    let output = plane.kubectl_as(Access::WrongAuthority, &["get", "--raw", "/version"]);
    assert!(complaint(&output).contains("certificate signed by unknown authority"), "{output:?}");
    assert_eq!(mark.requests(), [], "the client found both out before it asked");

    let output = plane.kubectl_as(Access::ExpiredClient, &["get", "--raw", "/version"]);
    assert!(complaint(&output).contains("Unauthorized"), "{output:?}");
    let requests = mark.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!((requests[0].user.as_str(), requests[0].code), ("", 401));
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_wire_to_the_server_is_cut_in_the_middle_of_a_list() {
    let plane = ControlPlane::shared().with_crds();
    let wire = Wire::to(plane.port());
    let through = plane.kubeconfig_through(Access::Admin, wire.port());
    let list = ["get", "--raw", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "--kubeconfig"];
    let list = [&list[..], &[through.to_str().expect("text")]].concat();
    let whole = said(&plane.kubectl_as(Access::Admin, &list));
    assert!(wire.received() > 100_000, "{}", wire.received());

    wire.cut_after_received(100_000);
    let output = plane.kubectl_as(Access::Admin, &list);
    assert!(!output.status.success() && output.stdout.len() < whole.len(), "{}", output.stdout.len());
    assert!(complaint(&output).contains("EOF"), "{}", complaint(&output));
    assert_eq!(said(&plane.kubectl_as(Access::Admin, &list)).len(), whole.len(), "cut once");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn helm_makes_a_release_that_it_owns() {
    let plane = ControlPlane::shared();
    let chart = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| std::fs::write(chart.path().join(name), text).expect("a file of the chart");
    std::fs::create_dir(chart.path().join("templates")).expect("a folder");
    write("Chart.yaml", "apiVersion: v2\nname: greeter\nversion: 0.1.0\n");
    write(
        "templates/web.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: web }\ndata: { greeting: hello }\n",
    );
    plane.helm(&["install", "first", chart.path().to_str().expect("text"), "-n", "helm", "--create-namespace"]);
    let owner = r"jsonpath={.metadata.annotations.meta\.helm\.sh/release-name} {.metadata.managedFields[*].manager}";
    assert_eq!(plane.kubectl(&["-n", "helm", "get", "configmap", "web", "-o", owner]), "first helm");
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_server_of_the_tests_own_listens_where_told_and_comes_back_with_what_it_knew() {
    let mut plane = ControlPlane::at("127.0.0.2", &["api.mobius.test"]);
    assert!(std::net::TcpStream::connect(("127.0.0.1", plane.port())).is_err());
    for (name, known) in [("api.mobius.test", true), ("api.other.test", false)] {
        let output = plane.kubectl_as(Access::Admin, &["get", "--raw", "/version", "--tls-server-name", name]);
        assert_eq!(output.status.success(), known, "{name}: {output:?}");
    }
    plane.kubectl(&["create", "configmap", "kept"]);
    plane.stop_server();
    let output = plane.kubectl_as(Access::Admin, &["get", "configmaps"]);
    assert!(complaint(&output).contains("was refused"), "{output:?}");
    plane.start_server();
    plane.kubectl(&["get", "configmap", "kept"]);
    plane.kubectl(&["create", "namespace", "after"]);
    // The controllers have found their way back.
    plane.kubectl(&["wait", "-n", "after", "--for=create", "serviceaccount/default", "--timeout=60s"]);
    let folder = plane.folder().to_owned();
    drop(plane);
    assert!(!folder.exists());
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_server_on_a_host_apart_is_reached_through_that_hosts_ssh_alone() {
    let host = Apart::new();
    let (plane, sshd) = (ControlPlane::on(&host), Sshd::on(&host));
    plane.kubectl(&["create", "configmap", "there"]);
    assert!(std::net::TcpStream::connect(("127.0.0.1", plane.port())).is_err());

    let port = free_port();
    let forward = format!("127.0.0.1:{port}:127.0.0.1:{}", plane.port());
    let mut tunnel = Command::new("ssh");
    tunnel.args([
        "-F",
        "none",
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "ExitOnForwardFailure=yes",
    ]);
    tunnel.args(["-o", "UserKnownHostsFile=/dev/null", "-N", "-L", &forward, "-i"]).arg(sshd.key());
    tunnel.args(["-p", &sshd.port().to_string(), &format!("{}@127.0.0.1", Sshd::user())]);
    let log = plane.folder().join("tunnel.log");
    let _tunnel = Tied::spawn(&tunnel, &log, None);
    let open = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    wait_until(Duration::from_secs(20), open, || std::fs::read_to_string(&log).unwrap_or_default());
    // From here, with the programs of another cluster.
    let through = plane.kubeconfig_through(Access::Admin, port);
    let get = ["get", "configmap", "there", "--kubeconfig", through.to_str().expect("text")];
    ControlPlane::shared().kubectl(&get);
    assert_eq!(sshd.connections(), 1);
}

/// Standard output, whatever the exit code.
fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text").trim().to_owned()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}
