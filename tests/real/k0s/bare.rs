//! The whole way once: a bare host, one file, one apply.

use serde_json::Value;

use super::lab::{HOST, NETWORK, SERVICES, cluster, operator};
use crate::support::k0s::{VERSION, controller};

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn from_a_bare_host_one_apply_makes_a_cluster_with_its_objects_and_the_next_plan_is_empty() {
    let vm = controller();
    vm.reset();
    let operator = operator(&vm, &format!("{NETWORK}{HOST}{}{SERVICES}", cluster(VERSION, "")));
    let plan: Value = serde_json::from_str(&operator.expect(&["plan", "--json"], 0).stdout).unwrap();
    let due: Vec<&Value> = plan["changes"].as_array().unwrap().iter().filter(|due| due["action"] != "none").collect();
    let wave_of = |address: &str| due.iter().find(|change| change["address"] == address).map(|change| &change["wave"]);
    for (address, wave) in [
        ("nodes.n5.network", 0),
        ("nodes.n5.modules.br_netfilter", 0),
        ("pools.tank.datasets.media", 0),
        ("clusters.homelab/binary/n5", 0),
        ("clusters.homelab/config/n5", 0),
        ("clusters.homelab/controller/n5", 0),
        ("clusters.homelab/node/n5", 0),
        ("clusters.homelab", 1),
        ("services.osaurus/Service/default/osaurus", 1),
        ("services.whoami/Deployment.apps/whoami/whoami", 1),
    ] {
        assert_eq!(wave_of(address), Some(&wave.into()), "{address}");
    }
    let run = operator.apply();
    assert!(run.stdout.contains(&format!("Resources: {} added, 0 changed, 0 destroyed.", due.len())), "{}", run.stdout);
    operator.expect_no_changes();

    // What was shown is what was done: the journal has the same changes and no others, with the steps of the plan where it
    // had them, and none of a later wave before all of the earlier one.
    let journal = operator.read(".labctl/journal.jsonl");
    let entries: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut done: Vec<(String, Vec<String>)> = Vec::new();
    for entry in entries.iter().filter(|entry| entry["event"] == "intent") {
        let address = entry["address"].as_str().unwrap().to_owned();
        let steps = entry["steps"].as_array().unwrap().iter().map(|step| step.as_str().unwrap().to_owned());
        match done.iter_mut().find(|(known, _)| *known == address) {
            Some((_, all)) => all.extend(steps),
            None => done.push((address, steps.collect())),
        }
    }
    let mut shown: Vec<&str> = due.iter().map(|change| change["address"].as_str().unwrap()).collect();
    let mut seen: Vec<&str> = done.iter().map(|(address, _)| address.as_str()).collect();
    let waves: Vec<u64> = seen.iter().map(|address| wave_of(address).unwrap().as_u64().unwrap()).collect();
    assert!(waves.is_sorted(), "{seen:?}");
    shown.sort_unstable();
    seen.sort_unstable();
    assert_eq!(seen, shown);
    for change in due.iter().filter(|change| change["wave"] == 0) {
        let planned: Vec<&str> =
            change["steps"].as_array().unwrap().iter().map(|step| step["about"].as_str().unwrap()).collect();
        let (_, steps) = done.iter().find(|(address, _)| change["address"] == **address).unwrap();
        assert_eq!(steps, &planned, "{}", change["address"]);
    }

    // Read without labctl, on the host itself.
    assert_eq!(
        vm.ok("k0s kubectl get nodes -o jsonpath='{.items[*].metadata.name} {.items[*].spec.taints} {.items[*].status.conditions[?(@.type==\"Ready\")].status}'"),
        "n5  True"
    );
    assert_eq!(vm.ok("k0s kubectl -n whoami get deployment whoami -o jsonpath='{.status.readyReplicas}'"), "1");
    assert_eq!(
        vm.ok("k0s kubectl get endpointslice osaurus-1 -o jsonpath='{.endpoints[0].addresses[0]}:{.ports[0].port}'"),
        "192.168.4.14:1337"
    );
    assert_eq!(
        vm.ok("zfs list -H -o name; sysctl -n vm.swappiness; stat -c %a /etc/k0s/k0s.yaml; ls -A /run/labctl 2>/dev/null; :"),
        "tank\ntank/media\n10\n600\n"
    );
}
