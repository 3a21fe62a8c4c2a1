//! Another apt is at work on a node when labctl wants to install something.

use labctl::apply::State;
use labctl::transport::simulated::{Mischief, World};

use super::bench::Bench;

const LAB: &str = "[lab]\nname = \"t\"\n[nodes.n5]\naddress = \"192.168.4.5\"\nssh = { user = \"jax\", sudo = true }\n\
                   [nodes.n5.packages]\nsanoid = \"present\"\npv = \"present\"\n";

/// A host without package indexes, on which another apt has its locks for so long.
fn locked(bench: &Bench, seconds: &str) -> World {
    let mut world = bench.found(1);
    for words in [
        "remove /var/lib/apt/lists/mirror_debian_dists_trixie_main_binary-amd64_Packages".to_owned(),
        format!("apt-lock {seconds}"),
    ] {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        world.commit("n5", &Mischief::parse(&words).unwrap()).unwrap().unwrap();
    }
    world
}

#[test]
fn another_apt_is_waited_for_and_then_everything_is_done() {
    let bench = Bench::new(LAB);
    bench.converge(locked(&bench, "200"));
}

#[test]
fn an_apt_that_does_not_end_is_named_and_the_next_apply_goes_on() {
    let bench = Bench::new(LAB);
    let (states, mut world) = bench.apply(locked(&bench, "100000"), Vec::new());
    let told: Vec<String> = states
        .values()
        .map(|state| match state {
            State::Failed(failure) => format!("{:?}", failure.outcome),
            other => format!("{other:?}"),
        })
        .collect();
    assert!(told.iter().any(|words| words.contains("held by process 2770 (apt-get)")), "{told:?}");
    assert!(!states.values().any(|state| *state == State::Done), "{told:?}");
    world.wait(100_000);
    bench.converge(world);
}

#[test]
fn an_installation_waits_for_the_locks_of_dpkg_by_itself() {
    let bench = Bench::new(LAB);
    let mut world = bench.found(1);
    let words = ["apt-lock".to_owned(), "200".to_owned()];
    world.commit("n5", &Mischief::parse(&words).unwrap()).unwrap().unwrap();
    bench.converge(world);
}
