//! Drives the engine over a transport: commands become legs, legs become events.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::progress::Progress;
use crate::apply::{Engine, Limits, State};
use crate::plan::{Change, Plan};
use crate::transport::Transport;

/// What an interrupt asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Let what runs end and start nothing more.
    Gently,
    /// Give up at once.
    AtOnce,
}

/// How far each due change came.
#[derive(Debug, Default)]
pub struct Ended {
    /// The changes in the order of the plan.
    pub changes: Vec<(Change, State)>,
    /// Whether the run was interrupted.
    pub interrupted: bool,
}

/// Applies a plan.
pub async fn drive(
    plan: &Plan,
    transport: &dyn Transport,
    limits: Limits,
    progress: &mut dyn Progress,
    interrupts: &mut tokio::sync::mpsc::Receiver<Interrupt>,
) -> Ended {
    let mut engine = Engine::new(plan, limits);
    let mut legs = FuturesUnordered::new();
    let mut interrupted = false;
    loop {
        for command in engine.begin_ready() {
            let (change, steps) = engine.leg(&command);
            progress.leg(change, steps, command.put_back);
            legs.push(async move { (command, transport.act(&change.ground, steps).await) });
        }
        report_ended(&engine, progress);
        if engine.is_over() || legs.is_empty() {
            break;
        }
        tokio::select! {
            Some((command, outcomes)) = legs.next() => {
                progress.result(engine.leg(&command).0, &outcomes, command.put_back);
                engine.finished(&command, &outcomes);
            }
            Some(interrupt) = interrupts.recv() => {
                interrupted = true;
                progress.interrupted(interrupt == Interrupt::AtOnce);
                match interrupt {
                    Interrupt::Gently => {
                        progress.note("Interrupted: what is running ends, nothing more is started. Again: cut off at once.");
                        engine.interrupt();
                    }
                    Interrupt::AtOnce => engine.abort(),
                }
            }
        }
    }
    Ended { changes: engine.states().map(|(change, state)| (change.clone(), state.clone())).collect(), interrupted }
}

fn report_ended(engine: &Engine<'_>, progress: &mut dyn Progress) {
    for (change, state) in engine.states().filter(|(_, state)| state.is_over()) {
        progress.ended(change, state);
    }
}
