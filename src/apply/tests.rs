//! The engine against a lab of words: each test says what must run, in which order, beside what.

use std::collections::BTreeSet;

use super::{Command, Engine, Limits, Reason, State};
use crate::lab::{Address, Ground};
use crate::plan::{Act, Action, Cause, Change, Plan, Step};
use crate::transport::StepOutcome;

fn step(about: &str) -> Step {
    Step::run(about, ["true"])
}

fn change(address: &str, needs: &[&str], steps: Vec<Step>) -> Change {
    let ground = Ground::Node("n5".to_owned());
    Change {
        action: Action::Create,
        cause: Cause::File,
        needs: needs.iter().map(|need| need.parse().unwrap()).collect(),
        steps,
        ..Change::new(address.parse().unwrap(), "file", ground, address)
    }
}

fn plan(changes: Vec<Change>) -> Plan {
    Plan {
        format_version: "1.0".to_owned(),
        labctl_version: "0".to_owned(),
        lab: "test".to_owned(),
        changes,
        unreachable: std::collections::BTreeMap::new(),
        not_evaluated: std::collections::BTreeMap::new(),
        partial: false,
    }
}

fn reconnect() -> Step {
    Step::new("reconnect", Act::Reconnect { within: 1, until: Vec::new(), anywhere: false })
}

/// Runs to the end; `outcome` says what comes of a step. Gives back the steps in the order in which they ran, and the
/// most legs that ran at once.
fn run(plan: &Plan, limits: Limits, outcome: impl Fn(&str) -> StepOutcome) -> (Vec<String>, usize, Vec<State>) {
    let mut engine = Engine::new(plan, limits);
    let mut open: std::collections::VecDeque<Command> = engine.begin_ready().into();
    let (mut ran, mut most) = (Vec::new(), open.len());
    while let Some(command) = open.pop_front() {
        let (change, steps) = engine.leg(&command);
        let mut outcomes = Vec::new();
        for step in steps {
            ran.push(format!("{} {}", change.address, step.about));
            outcomes.push(outcome(&step.about));
            if outcomes.last() != Some(&StepOutcome::Done) {
                break;
            }
        }
        engine.finished(&command, &outcomes);
        open.extend(engine.begin_ready());
        most = most.max(open.len());
    }
    assert!(engine.is_over(), "{engine:#?}");
    (ran, most, engine.states().map(|(_, state)| state.clone()).collect())
}

fn all_well(_: &str) -> StepOutcome {
    StepOutcome::Done
}

fn failing(about: &str) -> impl Fn(&str) -> StepOutcome + '_ {
    move |step| {
        if step == about { StepOutcome::Failed { code: 1, words: vec!["no".to_owned()] } } else { StepOutcome::Done }
    }
}

#[test]
fn what_is_needed_is_done_first_and_the_rest_side_by_side() {
    let plan = plan(vec![
        change("a", &[], vec![step("a")]),
        change("b", &["a"], vec![step("b")]),
        change("c", &["a"], vec![step("c")]),
    ]);
    let (ran, most, states) = run(&plan, Limits::default(), all_well);
    assert_eq!(ran, ["a a", "b b", "c c"]);
    assert_eq!(most, 2);
    assert!(states.iter().all(|state| *state == State::Done));
}

#[test]
fn a_failure_stops_what_depends_on_it_and_nothing_else() {
    let plan = plan(vec![
        change("a", &[], vec![step("breaks"), step("never")]),
        change("b", &["a"], vec![step("b")]),
        change("c", &["b"], vec![step("c")]),
        change("d", &[], vec![step("d")]),
    ]);
    let (ran, _, states) = run(&plan, Limits::default(), failing("breaks"));
    assert_eq!(ran.iter().collect::<BTreeSet<_>>(), ["a breaks".to_owned(), "d d".to_owned()].iter().collect());
    assert!(matches!(&states[0], State::Failed(failure) if failure.step == "breaks" && failure.put_back.is_none()));
    assert_eq!(states[1], State::NotStarted(Reason::Needs("a".to_owned())));
    assert_eq!(states[2], State::NotStarted(Reason::Needs("b".to_owned())));
    assert_eq!(states[3], State::Done);
}

#[test]
fn no_more_runs_at_once_than_was_asked_for() {
    let many: Vec<Change> = (0..20).map(|i| change(&format!("c{i}"), &[], vec![step("x")])).collect();
    let (_, most, _) = run(&plan(many.clone()), Limits { parallelism: 3, per_ground: 99 }, all_well);
    assert_eq!(most, 3);
    let (_, most, _) = run(&plan(many), Limits { parallelism: 99, per_ground: 2 }, all_well);
    assert_eq!(most, 2);
}

#[test]
fn a_shared_step_runs_once_for_all_that_come_to_it() {
    let with_reload = |name: &str, needs: &[&str]| {
        change(name, needs, vec![step("write"), step("reload").shared("daemon-reload"), step("start")])
    };
    let plan = plan(vec![with_reload("a", &[]), with_reload("b", &[]), with_reload("c", &["a"])]);
    let (ran, _, states) = run(&plan, Limits::default(), all_well);
    // `c` waits for `a`, so it can't be waited for: its own reload comes after.
    assert_eq!(ran.iter().filter(|step| step.ends_with("reload")).count(), 2, "{ran:?}");
    let first_reload = ran.iter().position(|step| step.ends_with("reload")).unwrap();
    assert!(ran.iter().position(|step| step == "b write").unwrap() < first_reload);
    assert!(states.iter().all(|state| *state == State::Done));
}

#[test]
fn a_shared_step_that_fails_fails_all_that_waited_for_it() {
    let with_reload = |name: &str| change(name, &[], vec![step("reload").shared("daemon-reload"), step("start")]);
    let (ran, _, states) = run(&plan(vec![with_reload("a"), with_reload("b")]), Limits::default(), failing("reload"));
    assert_eq!(ran.len(), 1);
    assert!(states.iter().all(|state| matches!(state, State::Failed(_))));
}

#[test]
fn steps_with_the_same_key_never_run_at_the_same_time() {
    let apt = |name: &str| change(name, &[], vec![step("install").exclusive("apt")]);
    let (ran, most, _) = run(&plan(vec![apt("a"), apt("b"), apt("c")]), Limits::default(), all_well);
    assert_eq!((ran.len(), most), (3, 1));
}

#[test]
fn nothing_runs_beside_what_cuts_the_connection() {
    let cut = change("network", &[], vec![step("stage"), reconnect(), step("promote")]);
    let plan = plan(vec![change("a", &[], vec![step("a")]), cut, change("z", &[], vec![step("z")])]);
    let (ran, most, _) = run(&plan, Limits::default(), all_well);
    assert_eq!(most, 2, "`a` and `z` may run beside each other");
    let network: Vec<usize> = (0..ran.len()).filter(|i| ran[*i].starts_with("network")).collect();
    assert_eq!(network.len(), 3);
    assert_eq!(network[2] - network[0], 2, "{ran:?}");
}

#[test]
fn a_failure_is_followed_by_its_put_back_and_stays_a_failure() {
    let mut cut = change("network", &[], vec![step("stage"), reconnect(), step("promote")]);
    cut.put_back = vec![reconnect(), step("look")];
    let (ran, _, states) = run(&plan(vec![cut]), Limits::default(), failing("promote"));
    assert_eq!(ran[3..], ["network reconnect", "network look"]);
    assert!(matches!(&states[0], State::Failed(f) if f.step == "promote" && f.put_back == Some(true)));
}

#[test]
fn a_put_back_that_fails_is_said() {
    let mut cut = change("network", &[], vec![step("stage"), step("promote")]);
    cut.put_back = vec![step("promote")];
    let (_, _, states) = run(&plan(vec![cut]), Limits::default(), failing("promote"));
    assert!(matches!(&states[0], State::Failed(f) if f.put_back == Some(false)));
}

#[test]
fn a_first_step_that_was_refused_needs_no_put_back() {
    let mut cut = change("network", &[], vec![step("stage"), step("promote")]);
    cut.put_back = vec![step("look")];
    let (ran, _, states) = run(&plan(vec![cut]), Limits::default(), failing("stage"));
    assert_eq!(ran, ["network stage"]);
    assert!(matches!(&states[0], State::Failed(f) if f.put_back.is_none()));
}

#[test]
fn what_is_removed_goes_after_all_that_may_have_taken_its_place() {
    let mut gone = change("old", &[], vec![step("remove")]);
    gone.action = Action::Delete;
    let plan = plan(vec![gone, change("new", &[], vec![step("make")])]);
    let (ran, _, _) = run(&plan, Limits::default(), all_well);
    assert_eq!(ran, ["new make", "old remove"]);
}

#[test]
fn after_an_interrupt_what_runs_ends_and_nothing_starts() {
    let plan = plan(vec![change("a", &[], vec![step("a")]), change("b", &["a"], vec![step("b")])]);
    let mut engine = Engine::new(&plan, Limits::default());
    let command = engine.begin_ready().remove(0);
    engine.interrupt();
    assert!(engine.begin_ready().is_empty());
    assert!(!engine.is_over());
    engine.finished(&command, &[StepOutcome::Done]);
    assert!(engine.begin_ready().is_empty());
    assert!(engine.is_over());
    let states: Vec<_> = engine.states().map(|(_, state)| state.clone()).collect();
    assert_eq!(states, [State::Done, State::NotStarted(Reason::Interrupted)]);
}

#[test]
fn an_interrupt_does_not_stop_a_change_whose_put_back_is_armed() {
    let mut cut = change("network", &[], vec![step("arm"), reconnect(), step("promote")]);
    cut.put_back = vec![step("look")];
    let plan = plan(vec![cut]);
    let mut engine = Engine::new(&plan, Limits::default());
    let mut command = engine.begin_ready().remove(0);
    engine.interrupt();
    for _ in 0..2 {
        engine.finished(&command, &[StepOutcome::Done]);
        command = engine.begin_ready().remove(0);
    }
    engine.finished(&command, &[StepOutcome::Done]);
    assert!(engine.states().all(|(_, state)| *state == State::Done));
}

#[test]
fn a_second_interrupt_says_of_each_change_how_far_it_came() {
    let plan = plan(vec![change("a", &[], vec![step("a")]), change("b", &["a"], vec![step("b")])]);
    let mut engine = Engine::new(&plan, Limits::default());
    engine.begin_ready();
    engine.abort();
    assert!(engine.is_over());
    let states: Vec<_> = engine.states().map(|(_, state)| state.clone()).collect();
    assert!(matches!(&states[0], State::Failed(f) if matches!(f.outcome, StepOutcome::Lost(_))));
    assert_eq!(states[1], State::NotStarted(Reason::Interrupted));
}

#[test]
fn the_order_is_the_same_for_the_same_plan() {
    let changes: Vec<Change> = (0..30)
        .map(|i: usize| {
            let needs: Vec<String> =
                (0..i).filter(|j| (i * 7 + j).is_multiple_of(5)).map(|j| format!("c{j:02}")).collect();
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            change(&format!("c{i:02}"), &needs, vec![step("x")])
        })
        .collect();
    let plan = plan(changes);
    let first = run(&plan, Limits::default(), all_well).0;
    assert_eq!(first, run(&plan, Limits::default(), all_well).0);
    let place = |address: &Address| first.iter().position(|ran| ran.starts_with(&address.to_string())).unwrap();
    for change in &plan.changes {
        assert!(change.needs.iter().all(|need| place(need) < place(&change.address)));
    }
}

fn waiting_for(others: &[&str], change: Change) -> Change {
    Change { waits_for: others.iter().map(|other| other.parse().unwrap()).collect(), ..change }
}

#[test]
fn what_may_cut_a_way_waits_until_all_on_it_is_over_whatever_came_of_that() {
    let cutting = waiting_for(&["b", "c", "not.due"], change("a", &[], vec![step("a")]));
    let plan = plan(vec![cutting, change("b", &[], vec![step("b")]), change("c", &["b"], vec![step("c")])]);
    assert_eq!(run(&plan, Limits::default(), all_well).0, ["b b", "c c", "a a"]);
    let (ran, _, states) = run(&plan, Limits::default(), failing("b"));
    assert_eq!(ran, ["b b", "a a"]);
    assert!(matches!(states[..], [State::Done, State::Failed(_), State::NotStarted(_)]), "{states:?}");
}

#[test]
fn a_shared_step_does_not_wait_for_who_waits_for_it() {
    let reload = || step("reload").shared("reload");
    let tunnel = waiting_for(&["web"], change("tunnel", &[], vec![step("write"), reload(), step("restart")]));
    let plan = plan(vec![tunnel, change("web", &[], vec![step("write"), reload(), step("start")])]);
    let (ran, ..) = run(&plan, Limits::default(), all_well);
    let expected = ["web write", "web reload", "web start", "tunnel write", "tunnel reload", "tunnel restart"];
    assert_eq!(ran, expected);
}
