//! The lab of these tests: `n5`, the control plane, which works, too, with the objects of two services.

use std::sync::MutexGuard;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use crate::support::k0s::{CONTROLLER, VERSION, binary, controller};
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

/// What stands when the tests of a running cluster begin.
pub(super) fn tables() -> String {
    format!("{NETWORK}{}", cluster(VERSION, ""))
}

/// The host with its cluster running, made by labctl and kept: at the first call it takes a while.
pub(super) fn running() -> MutexGuard<'static, Vm> {
    static IS_KEPT: AtomicBool = AtomicBool::new(false);
    let vm = controller();
    if IS_KEPT.load(Ordering::Relaxed) {
        vm.return_to("cluster");
    } else {
        vm.reset();
        operator(&vm, &tables()).apply();
        vm.keep("cluster");
        IS_KEPT.store(true, Ordering::Relaxed);
    }
    vm
}

/// Waits until the API answers on the host, however it was started.
pub(super) fn wait_for_api(vm: &Vm) {
    vm.ok("for n in $(seq 300); do [ \"$(k0s kubectl get --raw /readyz 2>/dev/null)\" = ok ] && exit 0; sleep 1; done; exit 1");
}

/// Which process of k0s runs: another one, or none, after a restart.
pub(super) fn process(vm: &Vm) -> String {
    vm.ok("systemctl show -p MainPID --value k0scontroller")
}

/// Plans, and expects that nothing is to be done, whatever there is to be said.
pub(super) fn expect_nothing_due(operator: &Operator) {
    let run = operator.expect(&["plan", "--detailed-exitcode"], 0);
    assert!(run.stdout.ends_with("No changes. The lab matches the file.\n"), "{}", run.stdout);
}
