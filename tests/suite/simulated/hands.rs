//! One apply after another while another hand changes things at random: nothing that is data is lost, and every run ends
//! with a true report.
#![allow(clippy::print_stdout, reason = "how much was tried is a result")]

use std::collections::BTreeSet;

use labctl::apply::State;
use labctl::transport::simulated::{Fault, Mischief, Moment, Trouble, World};

use super::bench::Bench;

const LAB: &str = include_str!("../../../homelab.toml");

/// Numbers that look like chance, and are the same at every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

/// What another hand may do, by node: to what is declared, and to what bears on it.
fn deeds(bench: &Bench) -> Vec<(String, Mischief)> {
    let mut deeds = Vec::new();
    let mut add = |node: &str, words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        deeds.push((node.to_owned(), Mischief::parse(&words).unwrap()));
    };
    for node in bench.lab.nodes.values() {
        let name = node.name.as_str();
        add(name, &["reboot"]);
        for path in node.files.keys() {
            for words in [vec!["file", path], vec!["mode", path, "0600"], vec!["remove", path]] {
                add(name, &words);
            }
        }
        node.sysctls.keys().for_each(|key| add(name, &["sysctl", &format!("{key}=1")]));
        node.packages.keys().filter(|package| !package.starts_with("zfs")).for_each(|it| add(name, &["uninstall", it]));
        for unit in node.units.keys() {
            add(name, &["stop", unit]);
            add(name, &["disable", unit]);
        }
    }
    for pool in bench.lab.pools.values() {
        for dataset in pool.datasets.keys().chain(pool.volumes.keys()) {
            let dataset = format!("{}/{dataset}", pool.name);
            add(&pool.node.value, &["property", &dataset, "compression=off"]);
            add(&pool.node.value, &["run", "zfs", "inherit", "labctl:lab", &dataset]);
        }
    }
    deeds
}

/// Everything that is still to be done or can't be.
fn left(bench: &Bench, world: &World) -> BTreeSet<String> {
    let plan = bench.plan(&bench.simulated(world.clone(), Vec::new()));
    let left = plan.changes.iter().filter(|change| change.is_due() || change.is_error());
    left.map(|change| change.address.to_string()).collect()
}

fn play(rounds: usize, seed: u64) {
    let bench = Bench::new(LAB);
    let deeds = deeds(&bench);
    let mut chance = Chance(seed);
    let mut world = bench.converge(bench.found(seed));
    let (mut done, mut in_between) = (0, 0);
    for round in 0..rounds {
        for _ in 0..2 + chance.below(8) {
            let (node, deed) = &deeds[chance.below(deeds.len())];
            // What can't be done there is not done.
            let _ = world.commit(node, deed);
        }
        let faults: Vec<Fault> = (0..chance.below(5))
            .map(|_| {
                let (node, deed) = deeds[chance.below(deeds.len())].clone();
                let at = Moment::Step(u32::try_from(1 + chance.below(20)).unwrap());
                Fault { node, at, what: Trouble::Operator(deed) }
            })
            .collect();
        let data = world.data();
        let (states, after) = bench.apply(world, faults.clone());
        world = after;
        for (name, (holds, size)) in &data {
            let now = world.data().get(name).copied();
            assert!(now.is_some_and(|(h, s)| h >= *holds && s >= *size), "round {round}: {name}: {now:?}");
        }
        done += states.values().filter(|state| **state == State::Done).count();
        in_between += faults.len();
        // Of what is not as declared now, the report says so, unless a hand did it while the run was at work.
        let untold: Vec<String> = left(&bench, &world)
            .into_iter()
            .filter(|address| states.get(address).is_none_or(|state| *state == State::Done))
            .collect();
        // One deed has several consequences where things depend on each other: a package that is gone, its units.
        assert!(untold.len() <= 4 * faults.len(), "round {round}: {faults:?}: {untold:#?}");
        assert_eq!(world.gaps(), Vec::<String>::new(), "round {round}");
    }
    world.repair();
    world.wait(900);
    bench.converge(world);
    assert!(done > 2 * rounds, "{done}");
    println!("{rounds} applies, {done} changes done, {in_between} deeds of another hand while they were");
}

#[test]
fn another_hand_between_and_during_applies_loses_no_data_and_every_report_is_true() {
    play(6, 11);
}

#[test]
#[ignore = "long: run tests/long"]
fn a_hundred_applies_in_a_row_while_another_hand_changes_things() {
    let is_short = std::env::var_os("LABCTL_LONG").is_some_and(|long| long == "short");
    play(if is_short { 30 } else { 100 }, 7);
}
