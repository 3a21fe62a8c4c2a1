//! Promise 9 on the simulated lab: one at a time.

use labctl::apply::{Limits, State};
use labctl::cli::drive;
use labctl::lab::{Ground, Site};
use labctl::plan::lock::{self, DEAD_AFTER};
use labctl::plan::{Plan, Step};
use labctl::transport::simulated::{Fault, Mischief, Moment, Trouble, World};
use labctl::transport::{StepOutcome, Transport as _};

use super::bench::{Bench, Silent, wait};
use crate::workspace::ONE_CLUSTER;

const LAB: &str = r#"
[lab]
name = "t"
[nodes.a]
address = "10.0.0.1"
[nodes.a.files."/etc/one"]
content = "1"
[nodes.b]
address = "10.0.0.2"
[nodes.b.files."/etc/two"]
content = "2"
"#;

fn plan(bench: &Bench, world: &World) -> Plan {
    bench.plan(&bench.simulated(world.clone(), Vec::new()))
}

fn locks(world: &World) -> Vec<String> {
    world.dump().lines().filter(|line| line.contains("/labctl/lock:")).map(str::to_owned).collect()
}

#[test]
fn the_second_of_two_gets_no_lock_and_leaves_none_behind() {
    let bench = Bench::new(LAB);
    let lab = bench.simulated(bench.found(0), Vec::new());
    let plan = plan(&bench, &lab.world());
    let only_b =
        Plan { changes: plan.changes.iter().filter(|c| c.ground.name() == "b").cloned().collect(), ..plan.clone() };
    let (first, second) = (bench.locks(&lab), bench.locks(&lab));
    wait(first.take(&only_b)).unwrap();
    let taken = wait(second.take(&plan)).unwrap_err();
    assert_eq!(taken.ground, Ground::Node("b".to_owned()));
    assert!(
        taken.by.words().starts_with("locked by jax@laptop since 2026-01-02T03:04:05Z; its last sign of life was ")
    );
    assert_eq!(locks(&lab.world()).len(), 1, "what it took before is given up again: {:?}", locks(&lab.world()));
    wait(first.release());
    wait(second.take(&plan)).unwrap();
    assert_eq!(locks(&lab.world()).len(), 2);
    wait(second.release());
    assert!(locks(&lab.world()).is_empty());
}

#[test]
fn applies_of_disjoint_parts_run_at_once() {
    let bench = Bench::new(LAB);
    let lab = bench.simulated(bench.found(0), Vec::new());
    let plan = plan(&bench, &lab.world());
    let part = |name: &str| Plan {
        changes: plan.changes.iter().filter(|c| c.ground.name() == name).cloned().collect(),
        ..plan.clone()
    };
    let (first, second) = (bench.locks(&lab), bench.locks(&lab));
    wait(first.take(&part("a"))).unwrap();
    wait(second.take(&part("b"))).unwrap();
}

#[test]
fn the_lock_of_a_killed_run_is_recognised_in_its_time_and_not_before() {
    let bench = Bench::new(LAB);
    let kill = Fault { node: "b".to_owned(), at: Moment::Step(4), what: Trouble::Kill };
    let (_, mut world) = bench.apply(bench.found(0), vec![kill]);
    assert_eq!(locks(&world).len(), 2);
    world.wait(DEAD_AFTER - 30);
    let lab = bench.simulated(world.clone(), Vec::new());
    let taken = wait(bench.locks(&lab).take(&plan(&bench, &world)));
    assert!(taken.is_err(), "{taken:?}");
    world.wait(60);
    bench.converge(world);
}

/// What the world tells of who holds `b`.
fn told_of_b(bench: &Bench, world: &World) -> String {
    let lab = bench.simulated(world.clone(), Vec::new());
    let node = Site::Node(&bench.lab.nodes["b"]);
    let reply = wait(lab.probe(&Ground::Node("b".to_owned()), &[lock::ask(node)])).unwrap();
    lock::read(node, &reply).unwrap().unwrap().words()
}

#[test]
fn what_a_dead_holder_left_in_flight_is_told_and_that_a_restart_cut_it_off() {
    let bench = Bench::new(LAB);
    // Taking the lock, what is applied, what is in flight, and the leg's own first step.
    let kill = Fault { node: "b".to_owned(), at: Moment::Step(5), what: Trouble::Kill };
    let (_, mut world) = bench.apply(bench.found(0), vec![kill]);
    let told = told_of_b(&bench, &world);
    assert!(told.contains("\n  in flight: note what is about to be done, write /etc/two, note what is done"), "{told}");
    world.commit("b", &Mischief::Reboot).unwrap().unwrap();
    let told = told_of_b(&bench, &world);
    assert!(told.contains("\n  cut off by a restart of the node: note what is about to be done"), "{told}");
    world.wait(DEAD_AFTER);
    let world = bench.converge(world);
    assert!(!world.dump().contains("b file /var/lib/labctl/lock"), "{}", world.dump());
}

#[test]
fn nothing_is_in_flight_where_a_leg_is_over_and_the_lock_still_held() {
    let bench = Bench::new(LAB);
    let lab = bench.simulated(bench.found(0), Vec::new());
    let plan = plan(&bench, &lab.world());
    let locks = bench.locks(&lab);
    wait(locks.take(&plan)).unwrap();
    let ground = Ground::Node("b".to_owned());
    wait(locks.act(&ground, &[Step::run("go on", ["true"])]));
    assert!(!told_of_b(&bench, &lab.world()).contains('\n'));
    // A leg that failed is noted until the next sign of life.
    wait(locks.act(&ground, &[Step::run("fail", ["false"])]));
    assert!(told_of_b(&bench, &lab.world()).contains("\n  in flight: fail"));
    wait(locks.beat());
    assert!(!told_of_b(&bench, &lab.world()).contains('\n'));
}

const PAGE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: page, namespace: default}\n";

fn lease(world: &World) -> String {
    let dump = world.dump();
    dump.lines().find(|line| line.contains(" Lease.coordination.k8s.io/kube-system/labctl: ")).unwrap_or("").to_owned()
}

#[test]
fn a_cluster_is_locked_by_a_lease_that_one_of_two_has_and_that_remembers_what_was_applied() {
    let bench = Bench::with(ONE_CLUSTER, &[("web.yaml", PAGE)]);
    let lab = bench.simulated(bench.found(0), Vec::new());
    let plan = plan(&bench, &lab.world());
    assert_eq!(lease(&lab.world()), "", "a plan takes none");
    let (first, second) = (bench.locks(&lab), bench.locks(&lab));
    wait(first.take(&plan)).unwrap();
    let taken = wait(second.take(&plan)).unwrap_err();
    assert_eq!(taken.ground, Ground::Cluster("c".to_owned()));
    assert!(taken.by.words().starts_with("locked by jax@laptop since 2026-01-02T03:04:05Z"), "{}", taken.by.words());
    let held = lease(&lab.world());
    assert!(held.contains("jax@laptop") && held.contains("\\\"sources\\\""), "{held}");
    wait(first.release());
    let free = lease(&lab.world());
    assert!(!free.contains("holderIdentity") && free.contains("\\\"sources\\\""), "{free}");
    wait(second.take(&plan)).unwrap();
    wait(second.release());
    bench.converge(lab.world());
}

#[test]
fn the_lease_of_a_killed_run_dies_in_its_time_by_the_servers_clock_and_signs_of_life_keep_it() {
    let bench = Bench::with(ONE_CLUSTER, &[("web.yaml", PAGE)]);
    let lab = bench.simulated(bench.found(0), Vec::new());
    let plan = plan(&bench, &lab.world());
    let killed = bench.locks(&lab);
    wait(killed.take(&plan)).unwrap();
    let mut world = lab.world();
    world.wait(DEAD_AFTER - 1);
    let lab = bench.simulated(world.clone(), Vec::new());
    assert!(wait(bench.locks(&lab).take(&plan)).is_err());
    wait(bench.locks_like(&killed, &lab).beat());
    let mut kept = lab.world();
    kept.wait(DEAD_AFTER - 1);
    assert!(wait(bench.locks(&bench.simulated(kept, Vec::new())).take(&plan)).is_err());
    world.wait(1);
    let lab = bench.simulated(world, Vec::new());
    wait(bench.locks(&lab).take(&plan)).unwrap();
    // Who was taken for dead does nothing more.
    let ground = Ground::Cluster("c".to_owned());
    let step = plan.changes.iter().find(|change| change.ground == ground).unwrap().steps.last().unwrap().clone();
    let outcomes = wait(bench.locks_like(&killed, &lab).act(&ground, &[step]));
    let [StepOutcome::Stale { guard, found }] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert!(guard == "the lock of cluster c" && found.contains("jax@laptop has it now"), "{guard}: {found}");
}

#[test]
fn nodes_and_clusters_are_locked_all_or_none() {
    let text = format!("{ONE_CLUSTER}\n[nodes.a.files.\"/etc/one\"]\ncontent = \"1\"\n");
    let bench = Bench::with(&text, &[("web.yaml", PAGE)]);
    let lab = bench.simulated(bench.found(0), Vec::new());
    let plan = plan(&bench, &lab.world());
    let cluster_alone = Plan {
        changes: plan.changes.iter().filter(|c| c.ground == Ground::Cluster("c".to_owned())).cloned().collect(),
        ..plan.clone()
    };
    let (first, second) = (bench.locks(&lab), bench.locks(&lab));
    wait(first.take(&cluster_alone)).unwrap();
    assert_eq!(wait(second.take(&plan)).unwrap_err().ground, Ground::Cluster("c".to_owned()));
    assert!(locks(&lab.world()).is_empty(), "the node was locked first, and is given up again");
}

#[test]
fn a_full_disk_keeps_no_leg_from_being_begun() {
    let bench = Bench::new(LAB);
    let lab = bench.simulated(bench.found(0), Vec::new());
    let plan = plan(&bench, &lab.world());
    let locks = bench.locks(&lab);
    wait(locks.take(&plan)).unwrap();
    let full = Fault { node: "b".to_owned(), at: Moment::Step(1), what: Trouble::DiskFull };
    let lab = bench.simulated(lab.world(), vec![full]);
    let locks = bench.locks_like(&locks, &lab);
    let outcomes = wait(locks.act(&Ground::Node("b".to_owned()), &[Step::run("go on", ["true"])]));
    assert_eq!(outcomes, [StepOutcome::Done]);
}

#[test]
fn what_is_applied_is_noted_although_an_answer_was_lost_when_the_lock_was_taken() {
    let bench = Bench::new(LAB);
    let noted = |world: &World| world.dump().lines().filter(|line| line.contains("/labctl/t/applied")).count();
    let undisturbed = bench.apply(bench.found(0), Vec::new()).1;
    assert_eq!(noted(&undisturbed), 2);
    // The lock is the first step on a node, the note the second.
    for (step, what) in [(1, Trouble::DropAfter), (2, Trouble::DropBefore), (2, Trouble::Hang)] {
        let fault = Fault { node: "b".to_owned(), at: Moment::Step(step), what };
        let (states, world) = bench.apply(bench.found(0), vec![fault.clone()]);
        assert!(states.values().all(|state| *state == State::Done), "{fault:?}: {states:#?}");
        assert_eq!(noted(&world), 2, "{fault:?}");
    }
}

#[test]
fn where_it_can_not_be_noted_what_is_applied_nothing_is_changed_and_no_lock_is_left() {
    let bench = Bench::new(LAB);
    let fault = Fault { node: "b".to_owned(), at: Moment::Step(2), what: Trouble::Fail };
    let (states, world) = bench.apply(bench.found(0), vec![fault]);
    assert!(matches!(states[r#"nodes.b.files."/etc/two""#], State::Failed(_)), "{states:#?}");
    assert!(!world.dump().contains("/etc/two"));
    assert!(locks(&world).is_empty(), "{:?}", locks(&world));
    bench.converge(world);
}

#[test]
fn a_sign_of_life_keeps_a_lock_alive_and_a_clock_that_jumps_lets_it_die_at_worst() {
    let bench = Bench::new(LAB);
    let mut world = bench.found(0);
    let lab = bench.simulated(world, Vec::new());
    let plan = plan(&bench, &lab.world());
    let first = bench.locks(&lab);
    wait(first.take(&plan)).unwrap();
    for _ in 0..4 {
        wait(first.beat());
    }
    world = lab.world();
    world.wait(DEAD_AFTER - 30);
    let jump = Fault { node: "a".to_owned(), at: Moment::Step(1), what: Trouble::ClockJump(-7200) };
    let later = bench.simulated(world.clone(), Vec::new());
    assert!(wait(bench.locks(&later).take(&plan)).is_err());
    let jumped = bench.simulated(world, vec![jump]);
    let taken = wait(bench.locks(&jumped).take(&plan)).unwrap_err();
    assert_eq!(taken.ground.name(), "b", "the one whose clock jumped is taken for dead");
}

#[test]
fn a_run_whose_lock_was_taken_over_does_nothing_more() {
    let bench = Bench::new(LAB);
    let lab = bench.simulated(bench.found(0), Vec::new());
    let plan = plan(&bench, &lab.world());
    let sleeper = bench.locks(&lab);
    wait(sleeper.take(&plan)).unwrap();
    let mut world = lab.world();
    world.wait(DEAD_AFTER);
    let lab = bench.simulated(world, Vec::new());
    let other = bench.locks(&lab);
    wait(other.take(&plan)).unwrap();
    // The sleeper wakes up and goes on, on the lab as it is now.
    let before = lab.world().dump();
    let guarded = Step::run("go on", ["touch", "-c", "--", "/etc/never"]);
    let ground = Ground::Node("a".to_owned());
    let awake = bench.locks_like(&sleeper, &lab);
    let outcomes = wait(awake.act(&ground, &[guarded]));
    let [StepOutcome::Stale { guard, found }] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!(guard, "the lock of a");
    assert!(found.contains("jax@laptop has it now (id "), "{found}");
    let (_sender, mut interrupts) = tokio::sync::mpsc::channel(1);
    let ended = wait(drive(&plan, &awake, Limits::default(), &mut Silent, &mut interrupts));
    for (change, state) in &ended.changes {
        let is_stale = matches!(state, State::Failed(f) if matches!(f.outcome, StepOutcome::Stale { .. }));
        assert!(is_stale, "{}: {state:?}", change.address);
    }
    wait(awake.release());
    assert_eq!(lab.world().dump(), before, "neither does it give up what is another's");
}
