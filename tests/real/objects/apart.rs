//! A cluster whose API listens on its node alone, reached through the node's SSH connection.

use super::user::{User, assert_says};
use crate::support::apart::Apart;
use crate::support::control_plane::{Access, ControlPlane};
use crate::support::sshd::Sshd;

const WEB: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: apart}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: apart}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: app, image: \"registry.example/app:1\", resources: {requests: {cpu: 1000m}}}]
---
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: apart}
stringData: {user: jax}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: apart}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_cluster_that_only_its_node_reaches_is_planned_and_applied_with_ssh_alone() {
    let host = Apart::new();
    let (plane, sshd) = (ControlPlane::on(&host), Sshd::on(&host));
    assert!(std::net::TcpStream::connect(("127.0.0.1", plane.port())).is_err());
    let user = User::through(&sshd, "apart", &plane.kubeconfig(Access::Admin));
    user.has("web", WEB);
    let plan = user.plan(0);
    assert_says(&plan, &["Plan: 4 to add, 0 to change, 0 to destroy."]);
    user.apply();
    let connections = sshd.connections();
    user.expect_no_changes();
    let connections = sshd.connections() - connections;
    assert!(connections <= 2, "{connections}");
    plane.kubectl(&["-n", "apart", "get", "deployment/web", "secret/login", "service/web"]);

    plane.kubectl(&["-n", "apart", "label", "service/web", "app-", "theirs=1"]);
    user.expect_no_changes();
    plane.kubectl(&["-n", "apart", "delete", "service/web"]);
    assert_says(&user.plan(0), &["Plan: 1 to add, 0 to change, 0 to destroy."]);
    user.edit("web", "replicas: 2", "replicas: 3");
    user.apply();
    user.expect_no_changes();
    user.only("");
    assert_says(&user.plan(0), &["4 to destroy"]);
    user.apply();
    user.expect_no_changes();
}
