//! Promise 8: whatever breaks at whatever step, the next apply comes to the same lab as an undisturbed one.
//!
//! The matrix is every trouble at every step of the apply of the project's own `homelab.toml`, and pairs drawn at
//! random. `cargo test` runs a part of it; `tests/long` all of it.
#![allow(clippy::print_stdout, reason = "how many fault points were tried is a result")]

use labctl::apply::State;
use labctl::transport::StepOutcome;
use labctl::transport::simulated::{Fault, Mischief, Moment, Trouble, World};

use super::bench::Bench;

const LAB: &str = include_str!("../../../homelab.toml");

/// Longer than any put-back of a network waits: who comes back later finds it over.
const LATER: u64 = 900;

/// The dump of a world. The lock of a run that was killed at its very end stays, dead, until somebody takes it over; it
/// tells of the way and not of the lab. A unit that a package brings and starts is made by the apply that installs the
/// package, and adopted by one that finds it installed; a node of a cluster registers by itself, whether or not an apply
/// waits for it: that much of a record tells of the way and not of the lab.
fn comparable(world: &World) -> String {
    let of_line = |line: &str| {
        if line.contains("/unit-") || line.contains("/k0s-node-") {
            line.replace("\"origin\":\"adopted\"", "\"origin\":\"made\"") + "\n"
        } else {
            line.to_owned() + "\n"
        }
    };
    let mut is_in_lock = false;
    let is_of_lab = |line: &&str| {
        // The lock of a cluster, which also remembers what was last applied, and by which run.
        if line.contains(" Lease.coordination.k8s.io/kube-system/labctl: ") {
            return false;
        }
        // What stands in a file ends with an empty line.
        is_in_lock = ["lock:", "lock."].iter().any(|name| line.contains(&format!("/var/lib/labctl/{name}")))
            || (is_in_lock && !line.is_empty());
        !is_in_lock && !line.is_empty()
    };
    world.dump().lines().filter(is_of_lab).map(of_line).collect()
}

fn troubles() -> Vec<Trouble> {
    vec![
        Trouble::DropBefore,
        Trouble::DropDuring,
        Trouble::DropAfter,
        Trouble::Fail,
        Trouble::Hang,
        Trouble::HalfAnswer,
        Trouble::DiskFull,
        Trouble::Reboot,
        Trouble::Down,
        Trouble::Kill,
        Trouble::ClockJump(-7200),
    ]
}

/// The apply of the whole lab, and what it comes to when nothing breaks.
struct Matrix {
    bench: Bench,
    found: World,
    undisturbed: String,
    points: Vec<(String, u32)>,
}

impl Matrix {
    fn new() -> Self {
        let bench = Bench::new(LAB);
        let found = bench.found(0);
        let undisturbed = comparable(&bench.converge(found.clone()));
        let steps = bench.steps(found.clone());
        let points =
            steps.iter().flat_map(|(node, count)| (1..=*count).map(move |step| (node.clone(), step))).collect();
        Self { bench, found, undisturbed, points }
    }

    /// Applies with faults, comes back later, repairs what is broken for good, and applies again.
    fn try_faults(&self, faults: &[Fault]) -> Result<(), String> {
        let (_, mut world) = self.bench.apply(self.found.clone(), faults.to_vec());
        world.repair();
        world.wait(LATER);
        let (states, world) = self.bench.apply(world, Vec::new());
        let named: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let named = named.join(",");
        if let Some((address, state)) = states.iter().find(|(_, state)| **state != State::Done) {
            return Err(format!("{named}: {address}: {state:?}"));
        }
        let plan = self.bench.plan(&self.bench.simulated(world.clone(), Vec::new()));
        if let Some(change) = plan.changes.iter().find(|change| change.is_due() || change.is_error()) {
            return Err(format!("{named}: left to do: {change:#?}"));
        }
        if !world.gaps().is_empty() {
            return Err(format!("{named}: {:?}", world.gaps()));
        }
        let dump = comparable(&world);
        if dump != self.undisturbed {
            let differing = similar::TextDiff::from_lines(&self.undisturbed, &dump);
            return Err(format!("{named}:\n{}", differing.unified_diff().context_radius(0)));
        }
        Ok(())
    }

    fn run(&self, all: impl Iterator<Item = Vec<Fault>>) -> usize {
        let (mut tried, mut failures) = (0, Vec::new());
        for faults in all {
            tried += 1;
            failures.extend(self.try_faults(&faults).err());
        }
        assert!(
            failures.is_empty(),
            "{} of {tried}:\n{}",
            failures.len(),
            failures[..failures.len().min(12)].join("\n")
        );
        tried
    }

    fn single(&self, at: usize, what: &Trouble) -> Vec<Fault> {
        let (node, step) = &self.points[at];
        vec![Fault { node: node.clone(), at: Moment::Step(*step), what: what.clone() }]
    }

    fn pair(&self, seed: u64) -> Vec<Fault> {
        let troubles = troubles();
        let draw = |salt: u64, below: usize| {
            let mut z = (seed * 2 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            usize::try_from((z ^ (z >> 32)) % u64::try_from(below).unwrap()).unwrap()
        };
        let one = |salt: u64| self.single(draw(salt, self.points.len()), &troubles[draw(salt + 7, troubles.len())]);
        [one(1), one(2)].concat()
    }
}

#[test]
fn a_fault_at_any_step_is_mended_by_the_next_apply() {
    let matrix = Matrix::new();
    let troubles = troubles();
    // Every other step, each with the trouble whose turn it is.
    let some = (0..matrix.points.len()).step_by(2);
    let tried = matrix.run(some.map(|at| matrix.single(at, &troubles[at / 2 % troubles.len()])));
    let pairs = matrix.run((0..8).map(|seed| matrix.pair(seed)));
    println!("{tried} fault points and {pairs} pairs tried");
    assert!(tried > 40, "{tried}");
}

#[test]
#[ignore = "long: run tests/long"]
fn a_kill_at_every_step_is_mended_by_the_next_apply() {
    let matrix = Matrix::new();
    let is_short = std::env::var_os("LABCTL_LONG").is_some_and(|long| long == "short");
    let all = (0..matrix.points.len()).step_by(if is_short { 12 } else { 1 });
    let tried = matrix.run(all.map(|at| matrix.single(at, &Trouble::Kill)));
    println!("killed at {tried} of {} steps", matrix.points.len());
}

#[test]
#[ignore = "long: run tests/long"]
fn every_fault_at_every_step_is_mended_by_the_next_apply() {
    let matrix = Matrix::new();
    let is_short = std::env::var_os("LABCTL_LONG").is_some_and(|long| long == "short");
    let (every, pairs) = if is_short { (40, 12) } else { (1, 1000) };
    let all = (0..matrix.points.len()).flat_map(|at| troubles().into_iter().map(move |what| (at, what)));
    let tried = matrix.run(all.step_by(every).map(|(at, what)| matrix.single(at, &what)));
    let pairs = matrix.run((1000..1000 + pairs).map(|seed| matrix.pair(seed)));
    println!("{tried} fault points of {} steps and {pairs} pairs tried", matrix.points.len());
}

#[test]
fn what_an_operator_changes_between_plan_and_apply_is_not_overwritten() {
    let file = "/etc/motd";
    let text = format!(
        "[lab]\nname = \"t\"\n[nodes.a]\naddress = \"10.0.0.1\"\n[nodes.a.files.\"{file}\"]\ncontent = \"one\\n\"\n"
    );
    let bench = Bench::new(&text);
    let world = bench.converge(bench.found(0));
    let edited = Bench::new(&text.replace("one", "two"));
    let deed = Mischief::File(file.to_owned());
    let fault = Fault { node: "a".to_owned(), at: Moment::Step(1), what: Trouble::Operator(deed) };
    let (states, world) = edited.apply(world, vec![fault]);
    let state = &states[&format!("nodes.a.files.\"{file}\"")];
    assert!(
        matches!(state, State::Failed(failure) if matches!(failure.outcome, StepOutcome::Stale { .. })),
        "{state:?}"
    );
    assert!(world.dump().contains("one\n# changed by hand\n"), "{}", world.dump());
}

#[test]
fn a_network_change_that_nobody_confirms_is_put_back_by_the_host() {
    let bench = Bench::new(LAB);
    let found = bench.found(0);
    let devices = |world: &World| -> Vec<String> {
        let of_network = |line: &&str| [" device ", " route ", "/etc/netplan/"].iter().any(|word| line.contains(word));
        world.dump().lines().filter(of_network).map(str::to_owned).collect()
    };
    for step in bench_steps_of_network(&bench, &found) {
        let fault = Fault { node: "m1-vm".to_owned(), at: Moment::Step(step), what: Trouble::Kill };
        let (_, mut world) = bench.apply(found.clone(), vec![fault]);
        world.wait(LATER);
        let (before, after) = (devices(&found), devices(&world));
        let is_kept = after.iter().any(|line| line.contains("60-labctl.yaml"));
        assert!(is_kept || before == after, "step {step}: {after:#?}");
    }
}

fn bench_steps_of_network(bench: &Bench, found: &World) -> std::ops::RangeInclusive<u32> {
    1..=bench.steps(found.clone())["m1-vm"]
}
