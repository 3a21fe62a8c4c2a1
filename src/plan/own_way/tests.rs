//! Which changes may cut which way, by a lab with a jump host, a tunnel, a resolver and clusters; and that whatever waits,
//! nothing waits in a circle.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{hosts, note, order};
use crate::config::Sources;
use crate::lab::{self, Address, Ground, Lab};
use crate::plan::{Action, Change, Obstacle};

const LAB: &str = r#"
[lab]
name = "t"
[nodes.gate]
address = "192.168.4.1"
[nodes.inner]
address = "192.168.4.2"
ssh = { proxy_jump = "jax@192.168.4.1:22" }
[nodes.deep]
address = "192.168.4.3"
ssh = { proxy_jump = "gate,jax@inner" }
[nodes.far]
address = "192.168.4.4"
ssh = { host = "far.example.net" }
[nodes.here]
address = "192.168.4.5"
connection = "local"
[clusters.home]
distribution = "k0s"
controllers = ["inner"]
workers = ["inner"]
[clusters.hosted]
kubeconfig = { cluster = "home", namespace = "h", secret = "admin", key = "value" }
"#;

fn lab() -> Lab {
    let loaded = lab::load(&Sources::memory([("homelab.toml", LAB)]));
    loaded.lab.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

fn change(address: &str, kind: &str, node: &str, name: &str) -> Change {
    let ground = Ground::Node(node.to_owned());
    let change = Change::new(address.parse().unwrap(), kind, ground, name);
    Change { action: Action::Update, disruption: Some("restarts".to_owned()), ..change }
}

fn cut(change: Change) -> Vec<String> {
    let mut changes = [change];
    note(&mut changes, &lab());
    changes[0].cuts.iter().map(ToString::to_string).collect()
}

#[test]
fn the_network_of_a_node_is_on_the_way_to_it_and_to_all_that_is_reached_through_it() {
    let network = |node: &str| cut(change(&format!("nodes.{node}.network"), "network", node, "network"));
    assert_eq!(network("gate"), ["deep", "gate", "inner", "cluster home", "cluster hosted"]);
    assert_eq!(network("inner"), ["deep", "inner", "cluster home", "cluster hosted"]);
    assert_eq!(network("far"), ["far"]);
    assert!(network("here").is_empty());
}

#[test]
fn a_control_plane_is_on_the_way_to_its_cluster_and_to_those_that_it_hosts() {
    let controller = change("clusters.home/controller/inner", "k0s-controller", "inner", "k0scontroller.service");
    assert_eq!(cut(controller), ["cluster home", "cluster hosted"]);
}

#[test]
fn units_are_on_the_way_where_somebody_is_reached_by_them() {
    let unit = |node: &str, name: &str| cut(change(&format!("nodes.{node}.units.x"), "unit", node, name));
    assert_eq!(unit("far", "ssh.service"), ["far"]);
    assert_eq!(unit("far", "wg-quick@lab.service"), ["far"]);
    assert!(unit("gate", "wg-quick@lab.service").is_empty(), "it is reached by its address in the lab");
    assert_eq!(unit("gate", "unbound.service"), ["deep", "far"], "these are reached by a name");
    assert!(unit("far", "nginx.service").is_empty());
}

#[test]
fn what_interrupts_nothing_or_is_not_made_cuts_nothing() {
    let network = || change("nodes.far.network", "network", "far", "network");
    let quiet = Change { disruption: None, ..network() };
    let refused = Change { obstacle: Some(Obstacle::Refused("no".to_owned())), ..network() };
    assert!(cut(quiet).is_empty() && cut(refused).is_empty());
}

#[test]
fn jumps_are_read_as_ssh_reads_them() {
    let all: Vec<&str> = hosts("a, jax@b:22,ssh://c:1,x@[fe80::1]:22,d@e@f").collect();
    assert_eq!(all, ["a", "b", "c", "fe80::1", "f"]);
}

#[test]
fn a_jump_host_is_changed_after_all_that_lies_behind_it_but_for_what_needs_it() {
    let quiet = |address: &str, node: &str| Change { disruption: None, ..change(address, "sysctl", node, "x") };
    let needy =
        Change { needs: vec!["nodes.gate.network".parse().unwrap()], ..quiet("nodes.inner.sysctls.b", "inner") };
    let gone = Change { action: Action::Delete, ..quiet("nodes.gate.sysctls.gone", "gate") };
    let mut changes = [
        change("nodes.gate.network", "network", "gate", "network"),
        quiet("nodes.gate.sysctls.a", "gate"),
        gone,
        change("nodes.inner.network", "network", "inner", "network"),
        quiet("nodes.inner.sysctls.a", "inner"),
        needy,
        quiet("nodes.far.sysctls.a", "far"),
    ];
    note(&mut changes, &lab());
    order(&mut changes);
    let after = |at: usize| changes[at].waits_for.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(after(0), ["nodes.gate.sysctls.a", "nodes.inner.network", "nodes.inner.sysctls.a"]);
    // Who waits for the jump host is not waited for.
    assert_eq!(after(3), ["nodes.inner.sysctls.a"]);
    assert!([1, 2, 4, 5, 6].into_iter().all(|at| after(at).is_empty()));
}

/// Changes drawn at random: each may need some before it, go, and cut the way to some grounds.
fn changes() -> impl Strategy<Value = Vec<Change>> {
    let one = (0_u8..4, any::<u16>(), prop::bool::weighted(0.2), any::<u8>(), prop::bool::weighted(0.3));
    prop::collection::vec(one, 1..14).prop_map(|drawn| {
        let address = |at: usize| Address::new(["nodes", &format!("x{at}")]);
        let ground = |nth: u8| Ground::Node(format!("n{nth}"));
        let made = drawn.into_iter().enumerate().map(|(at, (own, needs, goes, cuts, is_cutting))| Change {
            action: if goes { Action::Delete } else { Action::Update },
            needs: (0..at).filter(|need| needs >> need & 3 == 3 && !goes).map(address).collect(),
            cuts: (0..4).filter(|nth| is_cutting && cuts >> nth & 1 == 1).map(ground).collect(),
            ..Change::new(address(at), "sysctl", ground(own), "x")
        });
        // Nothing that stays needs what goes.
        let made: Vec<Change> = made.collect();
        let gone: BTreeSet<Address> =
            made.iter().filter(|it| it.action == Action::Delete).map(|it| it.address.clone()).collect();
        made.into_iter()
            .map(|mut it| {
                it.needs.retain(|need| !gone.contains(need));
                it
            })
            .collect()
    })
}

/// What each one waits for, as the engine has it.
fn waits(changes: &[Change]) -> BTreeMap<Address, BTreeSet<Address>> {
    let of = |it: &Change| {
        let others = changes
            .iter()
            .filter(|other| it.action == Action::Delete && other.action != Action::Delete && other.ground == it.ground);
        let others = others.map(|other| other.address.clone());
        (it.address.clone(), it.needs.iter().chain(&it.waits_for).cloned().chain(others).collect())
    };
    changes.iter().map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_waits_in_a_circle_and_what_cuts_a_way_is_last_on_it(mut changes in changes()) {
        order(&mut changes);
        let mut open = waits(&changes);
        let all = open.clone();
        loop {
            let over: BTreeSet<Address> =
                open.iter().filter(|(_, waits)| !waits.iter().any(|it| open.contains_key(it))).map(|(it, _)| it.clone()).collect();
            if over.is_empty() {
                break;
            }
            open.retain(|it, _| !over.contains(it));
        }
        prop_assert!(open.is_empty(), "a circle: {open:?}");
        for cut in changes.iter().filter(|change| !change.cuts.is_empty()) {
            for other in changes.iter().filter(|other| other.address != cut.address && cut.cuts.contains(&other.ground)) {
                let is_before = all[&cut.address].contains(&other.address);
                prop_assert!(is_before || reaches(&all, &other.address, &cut.address), "{} {}", cut.address, other.address);
            }
        }
    }
}

/// Whether the first waits for the second, by however many in between.
fn reaches(all: &BTreeMap<Address, BTreeSet<Address>>, from: &Address, to: &Address) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            open.extend(all.get(at).into_iter().flatten());
        }
    }
    false
}
