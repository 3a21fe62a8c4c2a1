//! One apply after another while another hand changes things at random: nothing that is data is lost, and every run ends
//! with a true report.
#![allow(clippy::print_stdout, reason = "how much was tried is a result")]

use std::collections::BTreeSet;

use labctl::apply::State;
use labctl::lab::Address;
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

/// Something that another hand may do, and what it does it to.
struct Deed {
    node: String,
    what: Mischief,
    /// What may be otherwise afterwards, together with all that needs it.
    bears_on: Vec<Address>,
}

/// What another hand may do to what is declared.
fn deeds(bench: &Bench) -> Vec<Deed> {
    let mut deeds = Vec::new();
    let mut add = |node: &str, words: &[&str], bears_on: &[Address]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let what = Mischief::parse(&words).unwrap();
        deeds.push(Deed { node: node.to_owned(), what, bears_on: bears_on.to_vec() });
    };
    for node in bench.lab.nodes.values() {
        let name = node.name.as_str();
        let on = |table: &str, key: &str| [Address::new(["nodes", name, table, key])];
        let pools = bench.lab.pools.values().filter(|pool| pool.node.value == name);
        let all: Vec<Address> = std::iter::once(Address::new(["nodes", name]))
            .chain(pools.map(|pool| Address::new(["pools", &pool.name])))
            .collect();
        add(name, &["reboot"], &all);
        for path in node.files.keys() {
            for words in [vec!["file", path], vec!["mode", path, "0600"], vec!["remove", path]] {
                add(name, &words, &on("files", path));
            }
        }
        node.sysctls.keys().for_each(|key| add(name, &["sysctl", &format!("{key}=1")], &on("sysctls", key)));
        // Units go with the package that brings them.
        let packages = node.packages.keys().filter(|package| !package.starts_with("zfs"));
        packages.for_each(|package| add(name, &["uninstall", package], &all));
        for unit in node.units.keys() {
            add(name, &["stop", unit], &on("units", unit));
            add(name, &["disable", unit], &on("units", unit));
        }
    }
    for pool in bench.lab.pools.values() {
        let datasets = pool.datasets.keys().map(|name| (name, "datasets"));
        for (dataset, table) in datasets.chain(pool.volumes.keys().map(|name| (name, "volumes"))) {
            let address = [Address::new(["pools", &pool.name, table, dataset])];
            let dataset = format!("{}/{dataset}", pool.name);
            add(&pool.node.value, &["property", &dataset, "compression=off"], &address);
            add(&pool.node.value, &["run", "zfs", "inherit", "labctl:lab", &dataset], &address);
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
            let deed = &deeds[chance.below(deeds.len())];
            // What can't be done there is not done.
            let _ = world.commit(&deed.node, &deed.what);
        }
        let meanwhile: Vec<&Deed> = (0..chance.below(5)).map(|_| &deeds[chance.below(deeds.len())]).collect();
        let fault = |deed: &&Deed| {
            let at = Moment::Step(u32::try_from(1 + chance.below(20)).unwrap());
            Fault { node: deed.node.clone(), at, what: Trouble::Operator(deed.what.clone()) }
        };
        let faults: Vec<Fault> = meanwhile.iter().map(fault).collect();
        let data = world.data();
        let (states, after) = bench.apply(world, faults.clone());
        world = after;
        for (name, (holds, size)) in &data {
            let now = world.data().get(name).copied();
            assert!(now.is_some_and(|(h, s)| h >= *holds && s >= *size), "round {round}: {name}: {now:?}");
        }
        done += states.values().filter(|state| **state == State::Done).count();
        in_between += faults.len();
        // Of what is not as declared now, the report says so, unless a hand did it while the run was at work: to that very
        // thing, or to something that it needs.
        let touched: Vec<Address> = meanwhile.iter().flat_map(|deed| deed.bears_on.clone()).collect();
        let excused = bench.with_users(&touched);
        let untold: Vec<String> = left(&bench, &world)
            .into_iter()
            .filter(|address| states.get(address).is_none_or(|state| *state == State::Done))
            .filter(|address| !excused.contains(&address.parse().unwrap()))
            .collect();
        assert!(untold.is_empty(), "round {round}: {faults:?}: {untold:#?}");
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
    play(if is_short { 12 } else { 100 }, 7);
}
