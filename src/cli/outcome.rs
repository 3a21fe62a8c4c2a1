//! The end of an apply in words: what is done, what failed and why, what was not started, and the command that goes on.

use super::drive::Ended;
use super::exit::Exit;
use crate::apply::{Failure, Reason, State};
use crate::lab::{Address, Ground};
use crate::plan::{Action, Change, Obstacle};
use crate::report::{self, Paint, Symbol};
use crate::transport::StepOutcome;

/// The exit code and the text of an apply that is over.
pub(super) fn report(ended: &Ended, paint: Paint) -> (Exit, String) {
    let mut text = String::from("\n");
    let mut exit = if ended.interrupted { Exit::Interrupted } else { Exit::Done };
    let (mut done, mut failed, mut not_started) = (0, 0, 0);
    for (change, state) in &ended.changes {
        match state {
            State::Done => done += 1,
            State::Failed(failure) => {
                failed += 1;
                exit = exit.and(code(failure));
                text += &describe(change, failure, paint);
            }
            State::NotStarted(_) | State::Waiting | State::Ready | State::Running | State::Parked => not_started += 1,
        }
    }
    if not_started > 0 {
        text += &format!("{}\n", paint.bold("Not started:"));
        for (change, state) in &ended.changes {
            if let State::NotStarted(reason) = state {
                let why = match reason {
                    Reason::Needs(address) => format!("it needs {address}"),
                    Reason::Interrupted => "the run was interrupted".to_owned(),
                    Reason::NotPlanned(why) => why.clone(),
                };
                text += &format!("  {} ({why})\n", change.address);
            }
        }
        text.push('\n');
    }
    let counts = counts(ended);
    if failed + not_started == 0 {
        text += &format!("{}\n", paint.bold(format!("Apply complete! Resources: {counts}.")));
    } else {
        exit = exit.and(if done > 0 { Exit::Partial } else { Exit::Error });
        let words =
            format!("Apply incomplete: {done} done, {failed} failed, {not_started} not started. Resources: {counts}.");
        text += &format!("{}\n`labctl apply` goes on from here.\n", paint.bold(words));
    }
    (exit, text)
}

fn counts(ended: &Ended) -> String {
    let done = || ended.changes.iter().filter(|(_, state)| *state == State::Done).map(|(change, _)| change);
    let count = |actions: &[Action]| done().filter(|change| actions.contains(&change.action)).count();
    // As in the plan: what was adopted and changed along is counted as both.
    let adopted_and_changed = done().filter(|change| Symbol::of(change) == Symbol::AdoptAndUpdate).count();
    let mut words = format!(
        "{} added, {} changed, {} destroyed",
        count(&[Action::Create, Action::Replace]),
        count(&[Action::Update]) + adopted_and_changed,
        count(&[Action::Delete, Action::Replace])
    );
    for (number, name) in [(count(&[Action::Adopt]), "adopted"), (count(&[Action::Forget]), "forgotten")] {
        if number > 0 {
            words += &format!(", {number} {name}");
        }
    }
    words
}

fn code(failure: &Failure) -> Exit {
    match failure.outcome {
        StepOutcome::Stale { .. } => Exit::Stale,
        StepOutcome::Lost(_) | StepOutcome::Failed { .. } | StepOutcome::Done => Exit::Error,
    }
}

fn describe(change: &Change, failure: &Failure, paint: Paint) -> String {
    let what = match &failure.outcome {
        // The step that met it says nothing: what the change relies on is looked at before the first of them.
        StepOutcome::Stale { .. } => "not done".to_owned(),
        _ => format!("could not {}", failure.step),
    };
    let mut text = format!("{} {} on {}: {what}\n", paint.red("Error:"), change.address, change.ground);
    match &failure.outcome {
        StepOutcome::Failed { code, words } => {
            for line in words {
                text += &format!("  | {line}\n");
            }
            text += &format!("  {} status {code}\n", status(&change.ground));
            text += &report::hint(words).map(|hint| format!("  hint: {hint}\n")).unwrap_or_default();
        }
        StepOutcome::Stale { guard, found } => {
            text += "  it is not as the plan saw it, so nothing was done; plan again\n";
            text += &format!("  changed: {guard}\n");
            for line in found.lines().take(5) {
                text += &format!("  | {line}\n");
            }
        }
        StepOutcome::Lost(why) => text += &format!("  {why}; whether it was done is not known\n"),
        StepOutcome::Done => {}
    }
    match failure.put_back {
        Some(true) => text += "  what was there before has been put back\n",
        Some(false) => {
            text += "  it could not be seen that what was there before has been put back: look at the node\n";
        }
        None => {}
    }
    text + "\n"
}

/// What is still to do of a change that is done.
pub(super) fn left_over(change: &Change) -> String {
    let names: Vec<&str> = change.differences.iter().map(|difference| difference.attribute.as_str()).collect();
    let what = match (report::obstacle(change), names.as_slice()) {
        // What can't be read may well be as declared.
        (Some(why), _) if matches!(change.obstacle, Some(Obstacle::Unknown(_))) => {
            return unseen(&change.ground, &why, &[&change.address]);
        }
        (Some(why), _) => why,
        (None, []) => "its mark is not as it was written".to_owned(),
        (None, names) => names.join(", "),
    };
    format!("{} was applied and is still not as declared: {what}", change.address)
}

/// What was applied and can't be looked at again, for one reason.
pub(super) fn unseen(ground: &Ground, why: &str, addresses: &[&Address]) -> String {
    let what = match addresses {
        [address] => format!("{address} was"),
        many => format!("{} changes on {ground} were", many.len()),
    };
    format!("{what} applied and could not be looked at again: {why}")
}

/// Whose number a failed step ends with: an API server's are those of HTTP.
fn status(ground: &Ground) -> &'static str {
    match ground {
        Ground::Cluster(_) => "HTTP",
        Ground::Node(_) => "exit",
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Ground, left_over, status, unseen};
    use crate::plan::{Change, Obstacle};

    #[test]
    fn what_can_not_be_looked_at_again_is_not_said_to_differ() {
        let address: Address = "nodes.n5.files.x".parse().unwrap();
        let ground = Ground::Node("n5".to_owned());
        let change = Change::new(address.clone(), "file", ground.clone(), "x");
        let one = "nodes.n5.files.x was applied and could not be looked at again: why";
        assert_eq!(left_over(&Change { obstacle: Some(Obstacle::Unknown("why".to_owned())), ..change.clone() }), one);
        assert_eq!(unseen(&ground, "why", &[&address]), one);
        let many = unseen(&ground, "why", &[&address, &address]);
        assert_eq!(many, "2 changes on n5 were applied and could not be looked at again: why");
        let words = left_over(&Change { obstacle: Some(Obstacle::Refused("why".to_owned())), ..change });
        assert!(words.contains("still not as declared"), "{words}");
    }

    #[test]
    fn a_refusal_of_an_api_server_has_no_exit_status() {
        assert_eq!(status(&Ground::Cluster("homelab".to_owned())), "HTTP");
        assert_eq!(status(&Ground::Node("n5".to_owned())), "exit");
    }
}
