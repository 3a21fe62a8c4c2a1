//! What holds of every lab and every edit of it.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use labctl::lab::Ground;
use labctl::observe::{Answer, Ask, FileAnswer, Output, Reply};
use labctl::plan::{Action, Step};
use labctl::report;
use labctl::transport::simulated::{SimulatedLab, World};
use labctl::transport::{ReachError, StepOutcome, Transport};
use proptest::prelude::*;

use super::bench::Bench;
use super::generated::{host, lab};

fn cases(short: u32, long: u32) -> ProptestConfig {
    let is_long = std::env::var_os("LABCTL_LONG").is_some_and(|long| long == "full");
    ProptestConfig { cases: if is_long { long } else { short }, failure_persistence: None, ..ProptestConfig::default() }
}

/// The host of all labs, as its owner has it.
fn found(seed: u64) -> World {
    Bench::new(&host()).found(seed)
}

proptest! {
    #![proptest_config(cases(16, 1000))]

    #[test]
    fn apply_then_plan_is_empty_and_plan_twice_is_the_same(text in lab()) {
        let bench = Bench::new(&text);
        let found = found(7);
        let before = found.to_json();
        let first = report::json(&bench.plan(&bench.simulated(found.clone(), Vec::new())));
        let second = report::json(&bench.plan(&bench.simulated(found.clone(), Vec::new())));
        prop_assert_eq!(first, second);
        prop_assert_eq!(found.to_json(), before);
        bench.converge(found);
    }

    #[test]
    fn no_edit_destroys_or_shrinks_data(first in lab(), second in lab(), third in lab()) {
        let mut world = found(3);
        for text in [first, second, third] {
            let bench = Bench::new(&text);
            world = bench.simulated(world, Vec::new()).world();
            let before = world.data();
            world = bench.apply(world, Vec::new()).1;
            prop_assert_eq!(world.gaps(), Vec::<String>::new());
            let after = world.data();
            for (name, (holds, size)) in before {
                let now = after.get(&name);
                prop_assert!(now.is_some_and(|(h, s)| *h >= holds && *s >= size), "{}: {:?}", name, now);
            }
        }
    }

    #[test]
    fn an_edit_leaves_nothing_to_do_but_what_was_refused(first in lab(), second in lab()) {
        let bench = Bench::new(&first);
        let world = bench.converge(found(5));
        let bench = Bench::new(&second);
        let (_, world) = bench.apply(bench.simulated(world, Vec::new()).world(), Vec::new());
        let plan = bench.plan(&bench.simulated(world.clone(), Vec::new()));
        for change in &plan.changes {
            prop_assert!(!change.is_due(), "{:#?}", change);
        }
        prop_assert_eq!(report::json(&plan), report::json(&bench.plan(&bench.simulated(world, Vec::new()))));
    }

    #[test]
    fn what_may_cut_the_way_to_a_node_is_done_when_all_else_is_over_but_what_needs_it(first in lab(), second in lab()) {
        let bench = Bench::new(&first);
        let world = bench.converge(found(6));
        let bench = Bench::new(&second);
        let plan = bench.plan(&bench.simulated(world, Vec::new()));
        for cut in plan.changes.iter().filter(|change| change.is_due() && !change.cuts.is_empty()) {
            prop_assert_eq!(cut.kind.as_str(), "network");
            for other in plan.changes.iter().filter(|other| other.is_due() && other.address != cut.address) {
                let waits = cut.waits_for.contains(&other.address);
                // What goes is last in any case; nothing of these labs needs the network.
                prop_assert_eq!(waits, other.action != Action::Delete || cut.action == Action::Delete, "{}", other.address);
            }
        }
    }

    #[test]
    fn where_nothing_can_be_read_nothing_is_due(text in lab(), applied: bool, how in 0_u8..3) {
        let bench = Bench::new(&text);
        let world = if applied { bench.converge(found(2)) } else { found(2) };
        let plan = bench.plan(&Lossy { lab: bench.simulated(world, Vec::new()), mask: u64::MAX, how });
        for change in &plan.changes {
            prop_assert!(!change.is_due(), "{:#?}", change);
        }
    }

    #[test]
    fn what_can_not_be_read_is_never_created(text in lab(), applied: bool, mask: u64, how in 0_u8..3) {
        let bench = Bench::new(&text);
        let world = if applied { bench.converge(found(1)) } else { found(1) };
        let creates = |transport: &dyn Transport| -> BTreeMap<String, Action> {
            let plan = bench.plan(transport);
            let due = plan.changes.iter().filter(|change| change.is_due() && change.action == Action::Create);
            due.map(|change| (change.address.to_string(), change.action)).collect()
        };
        let whole = creates(&bench.simulated(world.clone(), Vec::new()));
        let lossy = creates(&Lossy { lab: bench.simulated(world, Vec::new()), mask, how });
        for address in lossy.keys() {
            prop_assert!(whole.contains_key(address), "{}", address);
        }
    }
}

/// A lab of whose answers some are lost, or say that something failed.
struct Lossy {
    lab: SimulatedLab,
    mask: u64,
    how: u8,
}

impl Lossy {
    fn spoiled(&self, ask: &Ask) -> Answer {
        let why = "Input/output error".to_owned();
        match (self.how, ask) {
            (0, _) | (_, Ask::Folder { .. } | Ask::Api(_) | Ask::Elsewhere { .. }) => Answer::Lost(why),
            (_, Ask::Run(_) | Ask::Fed { .. }) => {
                let code = if self.how == 1 { 1 } else { 255 };
                Answer::Output(Output { stdout: Vec::new(), stderr: why, code })
            }
            (_, Ask::File { .. } | Ask::Same { .. }) => Answer::File(FileAnswer::Unreadable(why)),
        }
    }
}

impl Transport for Lossy {
    fn probe<'a>(&'a self, ground: &'a Ground, asks: &'a [Ask]) -> BoxFuture<'a, Result<Reply, ReachError>> {
        async move {
            let mut reply = self.lab.probe(ground, asks).await?;
            for (_, ask) in asks.iter().enumerate().filter(|(i, _)| self.mask >> (i % 64) & 1 == 1) {
                reply.insert(ask.clone(), self.spoiled(ask));
            }
            Ok(reply)
        }
        .boxed()
    }

    fn act<'a>(&'a self, ground: &'a Ground, leg: &'a [Step]) -> BoxFuture<'a, Vec<StepOutcome>> {
        self.lab.act(ground, leg)
    }
}
