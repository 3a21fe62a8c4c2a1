//! A second host that works for the cluster of the first.

use super::lab::{NETWORK, cluster, operator, running};
use crate::support::k0s::{VERSION, WORKER, worker};
use crate::support::vm::Vm;

/// The second host's table, and the cluster with it.
fn tables(other: &Vm) -> String {
    let node = format!(
        r#"
[nodes.m1]
address = "{WORKER}"
hostname = "m1-worker"
ssh = {{ host = "127.0.0.1", port = {}, user = "jax", sudo = true, identity = {:?}, known_hosts = {:?}, connect_timeout = "60s" }}
labels = {{ "node-role/monitoring" = "true" }}
taints = ["dedicated=monitoring:NoSchedule"]
"#,
        other.port(),
        other.key().to_str().unwrap(),
        other.known_hosts().to_str().unwrap(),
    );
    format!("{NETWORK}{node}{}", cluster(VERSION, "")).replace("workers = [\"n5\"]", "workers = [\"n5\", \"m1\"]")
}

/// Keeps what lies at the token's place, its mode, and all command lines, for as long as it runs.
const WATCH: &str = "cat >/run/watch.sh <<'END'
while :; do
  if [ -s /run/labctl/k0s-token ]; then
    stat -c '%a %U' /run/labctl/k0s-token >>/run/watch.modes 2>/dev/null
    cp /run/labctl/k0s-token /run/watch.token 2>/dev/null
  fi
  cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ >>/run/watch.lines 2>/dev/null
  sleep 0.3
done
END
setsid sh /run/watch.sh </dev/null >/dev/null 2>&1 & echo $! >/run/watch.pid";

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_worker_joins_with_a_token_that_is_nowhere_afterwards_and_is_drained_when_it_leaves_the_file() {
    let (vm, other) = (running(), worker());
    other.reset();
    vm.ok(&format!("ping -c 1 -W 5 {WORKER}"));
    let operator = operator(&vm, &tables(&other));
    for host in [&vm, &other] {
        host.ok(WATCH);
    }
    let plan = operator.plan(0).stdout;
    assert!(plan.contains("# clusters.homelab/worker/m1 will be created"), "{plan}");
    let run = operator.apply();
    operator.expect_no_changes();
    let nodes = "k0s kubectl get node m1-worker -o jsonpath='{.metadata.labels.node-role/monitoring} {.spec.taints[*].key} \
                 {.status.conditions[?(@.type==\"Ready\")].status}'";
    assert_eq!(vm.ok(nodes), "true dedicated True");

    // The token was there, for root alone, and is in no other place.
    assert_eq!(other.ok("kill $(cat /run/watch.pid); sort -u /run/watch.modes"), "600 root\n");
    vm.ok("kill $(cat /run/watch.pid)");
    let token = other.ok("cat /run/watch.token; rm /run/watch.token");
    assert!(token.trim().len() > 500, "{}", token.len());
    let piece = &token[200..300];
    let search = format!(
        "{{ grep -lraF -e '{piece}' /run /tmp /etc /root /home /var/log /var/lib /usr/local 2>/dev/null; journalctl -q | grep -cF '{piece}'; }} \
         | grep -v '^0$' || true"
    );
    for host in [&vm, &other] {
        assert_eq!(host.ok(&search), "", "the token was found");
        host.ok("[ -s /run/watch.lines ] && ! [ -e /run/labctl/k0s-token ]");
    }
    // The search would find one.
    other.ok(&format!("printf %s '{piece}' >/var/lib/forgotten"));
    assert_eq!(other.ok(&search), "/var/lib/forgotten\n");
    for (path, text) in operator.tree() {
        let is_in = text.windows(piece.len()).any(|window| window == piece.as_bytes());
        assert!(!is_in, "the token is in {}", path.display());
    }
    assert!(!format!("{run:?}{plan}").contains(piece));

    // It leaves the file: nothing new comes to it, and k0s runs on.
    operator.replace("workers = [\"n5\", \"m1\"]", "workers = [\"n5\"]");
    let plan = operator.plan(0).stdout;
    assert!(plan.contains("evicts all pods of m1-worker"), "{plan}");
    operator.apply();
    operator.expect_no_changes();
    assert_eq!(vm.ok("k0s kubectl get node m1-worker -o jsonpath='{.spec.unschedulable}'"), "true");
    other.ok("systemctl is-active k0sworker && ! [ -e /var/lib/k0s-reset-was-called ]");
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_worker_of_another_cluster_is_refused_and_left_as_it_is() {
    let (vm, other) = (running(), worker());
    other.reset();
    let operator = operator(&vm, &tables(&other));
    let kubelet = "apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    certificate-authority-data: QW5vdGhlciBjbHVzdGVy
    server: https://192.168.4.9:6443
";
    other.ok(&format!(
        "install -d /var/lib/k0s && cat >/var/lib/k0s/kubelet.conf <<'END'\n{kubelet}END\n\
         install -m 644 /lib/systemd/system/ssh.service /etc/systemd/system/k0sworker.service && systemctl daemon-reload"
    ));
    let before = other.ok("sha256sum /var/lib/k0s/kubelet.conf /etc/systemd/system/k0sworker.service");
    let run = operator.plan(1);
    let said = run.stdout.replace("\n  #  ", " ");
    for words in
        ["m1 belongs to another cluster, at https://192.168.4.9:6443", "labctl never takes a worker out of its cluster"]
    {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    operator.expect(&["apply", "--auto-approve"], 1);
    assert_eq!(other.ok("sha256sum /var/lib/k0s/kubelet.conf /etc/systemd/system/k0sworker.service"), before);
    assert_eq!(vm.ok("k0s kubectl get nodes -o name"), "node/n5\n");
}
