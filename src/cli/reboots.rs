//! A node that starts anew in the middle of an apply is waited for, and what it cut off is planned again: nothing is sent
//! twice without a look at what came of it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;

use super::drive::{Ended, Interrupt};
use super::precautions::{AllFacts, facts_of};
use super::stage::Stage;
use super::terminal::Terminal;
use crate::apply::{Reason, State};
use crate::lab::{Address, Ground};
use crate::transport::{StepOutcome, Transport};

/// How often a node that does not answer is asked whether it is there again, and the pause in between: five minutes in
/// all, as a server with much memory needs.
const LOOKS: u32 = 60;
const PAUSE: Duration = Duration::from_secs(5);

/// The changes that restarts of nodes have cut off, and those that were not begun because of them. Each node whose
/// connection was lost is waited for; one that did not start anew since `facts` were read has cut nothing off.
pub(super) async fn cut_off(
    ended: &Ended,
    facts: &AllFacts,
    stage: &Stage,
    transport: &dyn Transport,
    interrupts: &mut Receiver<Interrupt>,
    terminal: Terminal,
) -> BTreeSet<Address> {
    let mut cut = BTreeSet::new();
    let lost = ended.changes.iter().filter(|(_, state)| is_lost(state));
    let grounds: BTreeSet<&Ground> = lost.clone().map(|(change, _)| &change.ground).collect();
    for ground in grounds {
        let Some(before) = facts.get(ground).and_then(|facts| facts.boot.as_ref()) else { continue };
        let now = tokio::select! {
            now = boot(ground, stage, transport, terminal) => now,
            _ = interrupts.recv() => return BTreeSet::new(),
        };
        if now.as_ref().is_some_and(|now| now != before) {
            terminal.say(&format!("{ground} has started anew; what that cut off is looked at and gone on with.\n"));
            cut.extend(
                lost.clone().filter(|(change, _)| change.ground == *ground).map(|(change, _)| change.address.clone()),
            );
        }
    }
    with_what_waits(cut, ended)
}

/// These, and what was not started because of them: what needs them, and what needs that, but nothing that also needs
/// something that is not done and will not be gone on with.
fn with_what_waits(mut cut: BTreeSet<Address>, ended: &Ended) -> BTreeSet<Address> {
    let is_done =
        |need: &Address| ended.changes.iter().all(|(change, state)| change.address != *need || *state == State::Done);
    // A need stands before what needs it.
    for (change, state) in &ended.changes {
        let goes_on = |need: &Address| cut.contains(need) || is_done(need);
        if matches!(state, State::NotStarted(Reason::Needs(_)))
            && change.needs.iter().any(|need| cut.contains(need))
            && change.needs.iter().all(goes_on)
        {
            cut.insert(change.address.clone());
        }
    }
    cut
}

fn is_lost(state: &State) -> bool {
    matches!(state, State::Failed(failure) if matches!(failure.outcome, StepOutcome::Lost(_)))
}

/// The start that a node is in, as soon as it answers; nothing where it does not.
async fn boot(ground: &Ground, stage: &Stage, transport: &dyn Transport, terminal: Terminal) -> Option<String> {
    for look in 0..LOOKS {
        if let Some(facts) = facts_of(stage, transport, vec![ground.clone()]).await.remove(ground) {
            return facts.boot;
        }
        if look == 0 {
            terminal.say(&format!("{ground} does not answer; it is waited for, in case that it starts anew.\n"));
        }
        if transport.is_in_real_time() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::with_what_waits;
    use crate::apply::{Failure, Reason, State};
    use crate::cli::Ended;
    use crate::lab::{Address, Ground};
    use crate::plan::Change;
    use crate::transport::StepOutcome;

    fn address(name: &str) -> Address {
        Address::new(["nodes", "n5", "files", name])
    }

    #[test]
    fn what_waits_for_a_cut_off_change_goes_on_and_what_also_needs_a_failed_one_does_not() {
        let waits = || State::NotStarted(Reason::Needs(address("cut").to_string()));
        let failed = || {
            let outcome = StepOutcome::Failed { code: 1, words: Vec::new() };
            State::Failed(Failure { step: "write".to_owned(), outcome, put_back: None })
        };
        let changes = [
            ("done", State::Done, vec![]),
            (
                "cut",
                State::Failed(Failure {
                    step: "write".to_owned(),
                    outcome: StepOutcome::Lost("gone".to_owned()),
                    put_back: None,
                }),
                vec![],
            ),
            ("failed", failed(), vec![]),
            ("user", waits(), vec!["cut", "done"]),
            ("user-of-user", waits(), vec!["user"]),
            ("user-of-both", waits(), vec!["cut", "failed"]),
            ("user-of-that", waits(), vec!["user-of-both", "cut"]),
        ];
        let changes = changes.map(|(name, state, needs)| {
            let change = Change::new(address(name), "file", Ground::Node("n5".to_owned()), name);
            (Change { needs: needs.into_iter().map(address).collect(), ..change }, state)
        });
        let ended = Ended { changes: changes.into(), interrupted: false };
        let found = with_what_waits(BTreeSet::from([address("cut")]), &ended);
        assert_eq!(found, BTreeSet::from(["cut", "user", "user-of-user"].map(address)));
    }
}
