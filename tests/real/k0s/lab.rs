//! The lab of these tests: `n5`, the control plane, which works, too, with the objects of two services.

use crate::support::k0s::{CONTROLLER, VERSION, binary};
use crate::support::operator::Operator;
use crate::support::vm::Vm;

/// The network between the hosts, of `n5`.
pub(super) const NETWORK: &str = r#"
[nodes.n5.network.eth1]
native = { vlan = "services", address = "192.168.4.5" }
"#;

/// What else is declared of a bare host.
pub(super) const HOST: &str = r#"
[nodes.n5.sysctls]
"vm.swappiness" = 10

[pools.tank]
node = "n5"
devices = ["/dev/disk/by-id/virtio-labdisk0"]
[pools.tank.datasets.media]
"#;

/// What is to be in the cluster.
pub(super) const SERVICES: &str = r#"
[services.osaurus]
kind = "external"
cluster = "homelab"
namespace = "default"
address = "192.168.4.14"
ports = { api = 1337 }

[services.whoami]
kind = "manifests"
cluster = "homelab"
files = ["whoami.yaml"]
"#;

const WHOAMI: &str = "
apiVersion: v1
kind: Namespace
metadata: { name: whoami }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: whoami, namespace: whoami }
spec:
  selector: { matchLabels: { app: whoami } }
  template:
    metadata: { labels: { app: whoami } }
    spec: { containers: [{ name: whoami, image: whoami:1 }] }
";

/// The cluster, of this version, with further keys.
pub(super) fn cluster(version: &str, more: &str) -> String {
    format!(
        r#"
[clusters.homelab]
distribution = "k0s"
version = "{version}"
controllers = ["n5"]
workers = ["n5"]
binary = {{ path = "k0s-{version}" }}
config = {{ api = {{ address = "{CONTROLLER}" }}, telemetry = {{ enabled = false }} }}
{more}
"#
    )
}

/// Who plans the cluster on this host with these tables besides. The binary of the usual version is at hand.
pub(super) fn operator(vm: &Vm, tables: &str) -> Operator {
    let operator = Operator::of(vm, tables);
    operator.write("whoami.yaml", WHOAMI);
    bring(&operator, VERSION);
    operator
}

/// Puts a binary of this version where [`cluster`] looks for it.
pub(super) fn bring(operator: &Operator, version: &str) {
    binary(&operator.path(&format!("k0s-{version}")), version);
}
