//! Clusters of k0s on the simulated lab: made from bare hosts, broken by hand, mended, refused.

use std::collections::BTreeMap;

use labctl::apply::State;
use labctl::lab::Ground;
use labctl::plan::{Action, Obstacle};
use labctl::transport::simulated::{Mischief, World};

use super::bench::Bench;

const LAB: &str = r#"
[lab]
name = "mobius"
[nodes.n5]
address = "192.168.4.5"
ssh = { user = "jax", sudo = true }
[nodes.m1]
address = "192.168.4.81"
ssh = { sudo = true }
hostname = "m1-worker"
labels = { "node-role/monitoring" = "true" }
taints = ["dedicated=monitoring:NoSchedule"]
[clusters.homelab]
distribution = "k0s"
version = "1.34.3+k0s.0"
controllers = ["n5"]
workers = ["n5", "m1"]
config = { telemetry = { enabled = false } }
binary = { url = "https://example.net/v1.34.3%2Bk0s.0/k0s", sha256 = "a92451e3c876d9d76db42b722bcc3a0c5b875f2353fe5401b8e25018da69b838" }
[services.osaurus]
kind = "external"
cluster = "homelab"
namespace = "default"
address = "192.168.4.14"
ports = { api = 1337 }
"#;

fn commit(world: &mut World, node: &str, words: &str) -> String {
    let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    world.commit(node, &Mischief::parse(&words).unwrap()).unwrap().unwrap()
}

/// The plan in one line a change, without what is as it should be.
fn due(bench: &Bench, world: &World) -> Vec<String> {
    let plan = bench.plan(&bench.simulated(world.clone(), Vec::new()));
    let told = plan.changes.iter().filter(|change| change.action != Action::None || change.obstacle.is_some());
    let told = told.map(|change| match &change.obstacle {
        None => format!("{:?} {}", change.action, change.address),
        Some(Obstacle::Refused(why)) => format!("refused {}: {why}", change.address),
        Some(other) => format!("{other:?} {}", change.address),
    });
    told.collect()
}

#[test]
fn a_bare_lab_shows_every_wave_and_one_apply_makes_it() {
    let bench = Bench::new(LAB);
    let found = bench.found(0);
    let plan = bench.plan(&bench.simulated(found.clone(), Vec::new()));
    let waves: BTreeMap<String, (Action, u32)> =
        plan.changes.iter().map(|change| (change.address.to_string(), (change.action, change.wave))).collect();
    for (address, expected) in [
        ("clusters.homelab/binary/n5", (Action::Create, 0)),
        ("clusters.homelab/controller/n5", (Action::Create, 0)),
        ("clusters.homelab/worker/m1", (Action::Create, 0)),
        ("clusters.homelab/node/m1", (Action::Create, 0)),
        ("clusters.homelab", (Action::Deferred, 1)),
        ("services.osaurus/Service/default/osaurus", (Action::Deferred, 1)),
    ] {
        assert_eq!(waves[address], expected, "{address}");
    }
    let world = bench.converge(found);
    let nodes = world.dump().lines().filter(|line| line.contains("k0s node")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(nodes.len(), 2, "{nodes:?}");
    let worker = nodes.iter().find(|line| line.contains("m1-worker")).unwrap();
    assert!(worker.contains("node-role/monitoring") && worker.contains("dedicated"), "{worker}");
}

#[test]
fn the_token_of_a_join_is_nowhere_afterwards() {
    let bench = Bench::new(LAB);
    let world = bench.converge(bench.found(0));
    let mut tried = world.clone();
    let tokens = commit(&mut tried, "n5", "run /usr/local/bin/k0s token list --role worker");
    let id = tokens.lines().nth(1).unwrap().split(' ').next().unwrap().to_owned();
    // The control plane alone knows it.
    assert!(!world.dump().contains(&id), "{id}");
    assert!(!world.dump().contains("file /run/labctl/k0s-token"), "the token's file is gone");
    let plan = bench.plan(&bench.simulated(bench.found(0), Vec::new()));
    assert!(!serde_json::to_string(&plan).unwrap().contains(&id));
}

#[test]
fn what_is_stopped_or_crashes_is_told_apart_and_mended_or_named() {
    let bench = Bench::new(LAB);
    let mut world = bench.converge(bench.found(0));
    commit(&mut world, "n5", "stop k0scontroller.service");
    assert!(due(&bench, &world).contains(&"Update clusters.homelab/controller/n5".to_owned()));
    world = bench.converge(world);

    commit(&mut world, "n5", "crash kube-apiserver");
    let (states, mut world) = bench.apply(world, Vec::new());
    let State::Failed { .. } = &states["clusters.homelab/controller/n5"] else { panic!("{states:#?}") };
    let said = format!("{:?}", states["clusters.homelab/controller/n5"]);
    assert!(said.contains("component=kube-apiserver") && said.contains("the API does not answer after"), "{said}");
    commit(&mut world, "n5", "heal");
    world.wait(120);
    bench.converge(world);
}

#[test]
fn a_worker_of_another_cluster_is_refused_and_never_reset() {
    let bench = Bench::new(LAB);
    let mut world = bench.converge(bench.found(0));
    // The control plane is made anew: its old workers are those of another cluster.
    commit(&mut world, "n5", "run /usr/local/bin/k0s stop");
    commit(&mut world, "n5", "run /usr/local/bin/k0s reset");
    let (_, world) = bench.apply(world, Vec::new());
    let due = due(&bench, &world);
    let worker = due.iter().find(|line| line.contains("worker/m1")).unwrap();
    assert!(worker.starts_with("refused") && worker.contains("belongs to another cluster"), "{worker}");
}

#[test]
fn a_new_patch_goes_to_the_control_plane_first() {
    let bench = Bench::new(LAB);
    let world = bench.converge(bench.found(0));
    let newer = Bench::new(&LAB.replace("1.34.3", "1.34.4"));
    let plan = newer.plan(&newer.simulated(world.clone(), Vec::new()));
    let order: Vec<String> =
        plan.changes.iter().filter(|change| change.is_due()).map(|c| c.address.to_string()).collect();
    assert_eq!(
        order,
        [
            "clusters.homelab/binary/n5",
            "clusters.homelab/controller/n5",
            "clusters.homelab/binary/m1",
            "clusters.homelab/worker/m1"
        ]
    );
    let world = newer.converge(world);
    // And never back.
    let refused = due(&bench, &world);
    assert!(refused.iter().any(|line| line.starts_with("refused clusters.homelab/binary/n5")), "{refused:?}");
}

#[test]
fn a_worker_that_left_the_file_is_drained_and_left_alone() {
    let bench = Bench::new(LAB);
    let world = bench.converge(bench.found(0));
    let less = Bench::new(
        &LAB.replace(r#"workers = ["n5", "m1"]"#, r#"workers = ["n5"]"#)
            .replace("labels = { \"node-role/monitoring\" = \"true\" }\n", "")
            .replace("taints = [\"dedicated=monitoring:NoSchedule\"]\n", ""),
    );
    let world = less.converge(world);
    let dump = world.dump();
    let node = dump.lines().find(|line| line.contains("k0s node m1-worker")).unwrap();
    assert!(node.contains("is_cordoned: true"), "{node}");
    assert!(dump.contains("m1 k0s worker"), "it runs on");
}

#[test]
fn a_reboot_changes_nothing() {
    let bench = Bench::new(LAB);
    let mut world = bench.converge(bench.found(0));
    for node in ["n5", "m1"] {
        commit(&mut world, node, "reboot");
    }
    world.wait(120);
    bench.expect_nothing_left(&world);
}

#[test]
fn a_cluster_whose_control_plane_is_down_is_not_absent_and_waits_for_it() {
    let bench = Bench::new(LAB);
    let mut world = bench.converge(bench.found(0));
    commit(&mut world, "n5", "stop k0scontroller.service");
    let plan = bench.plan(&bench.simulated(world, Vec::new()));
    let of_cluster = plan.changes.iter().filter(|change| change.ground == Ground::Cluster("homelab".into()));
    for change in of_cluster {
        assert_eq!((change.action, &change.obstacle, change.wave), (Action::Deferred, &None, 1), "{change:#?}");
    }
}
