//! `labctl apply`: shows the plan, asks, does it, and insists that nothing is left.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::args::{ApplyArgs, Cli, Selection};
use super::drive::Ended;
use super::exit::{Exit, Failure};
use super::locks::Locks;
use super::plan::{Made, make, make_with_facts, obstacles, show};
use super::precautions::{self, AllFacts};
use super::recorder::Recorder;
use super::skipping::Skipping;
use super::stage::Stage;
use super::terminal::Terminal;
use super::waves::{self, Approval, Run};
use super::{outcome, pinned, signals};
use crate::apply::State;
use crate::apply::journal::Event;
use crate::lab::{Address, Ground};
use crate::local::{person, process};
use crate::plan::applied::{Applied, Origin};
use crate::plan::lock::Holder;
use crate::plan::{Obstacle, Options, Plan};
use crate::report::Summary;
use crate::transport::Transport;

/// How long is waited between two tries to take a lock that somebody holds.
const PAUSE: Duration = Duration::from_secs(2);

pub(super) async fn run(cli: &Cli, args: &ApplyArgs, terminal: Terminal) -> Result<Exit, Failure> {
    if let Some(path) = &args.plan {
        return super::saved::apply(cli, args, path, terminal).await;
    }
    let stage = pinned::stage(cli, &args.selection.lab, terminal).await?;
    let options = stage.options(&args.selection, args.adopt_only)?;
    let target = stage.transport(&args.selection.lab, args.selection.read_only, terminal)?;
    let transport = Skipping::new(&target, &stage.lab, options.skip_unreachable);
    precautions::tell_unfinished(&stage, &args.selection.lab, terminal);
    let Made { plan, facts } = make_with_facts(&stage, &options, &args.selection, &transport).await?;
    let older = precautions::older(&stage, &facts, terminal);
    show(&plan, args.display.concise, args.display.show_steps, terminal);
    let before = obstacles(&plan);
    if !Summary::of(&plan).is_due() {
        return Ok(before);
    }
    if let Some(words) = older.filter(|_| !args.older) {
        return Err(precautions::refuse_older(&words));
    }
    precautions::warn_of_dead(&facts, terminal);
    if !args.auto_approve && !approve(terminal).await? {
        terminal.say("Apply cancelled.\n");
        return Ok(Exit::Error);
    }
    let errand = Errand {
        stage: &stage,
        options: &options,
        selection: &args.selection,
        transport: &transport,
        facts: &facts,
        approval: if args.auto_approve { Approval::Given } else { Approval::Asked },
        purpose: Purpose::Apply,
        patience: Duration::from_secs(args.lock_timeout),
        terminal,
    };
    Ok(before.and(errand.carry_out(&plan).await?))
}

/// What an errand is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Making the lab as the file says: that is noted, and looked at again.
    Apply,
    /// The same by a saved plan: exactly what it says.
    Saved,
    /// Removing what a person named, whatever the file says.
    Destroy,
}

/// All that an apply needs besides its plan.
pub(super) struct Errand<'a> {
    pub(super) stage: &'a Stage,
    pub(super) options: &'a Options,
    pub(super) selection: &'a Selection,
    pub(super) transport: &'a dyn Transport,
    pub(super) facts: &'a AllFacts,
    pub(super) approval: Approval,
    pub(super) purpose: Purpose,
    /// How long is waited for who holds a ground.
    pub(super) patience: Duration,
    pub(super) terminal: Terminal,
}

impl Errand<'_> {
    /// Does what the plan says, wave by wave, tells what came of it, and plans what was touched again.
    pub(super) async fn carry_out(&self, plan: &Plan) -> Result<Exit, Failure> {
        self.go(plan, self.stage.sources.folder()).await
    }

    /// The same without a journal.
    pub(super) async fn unrecorded(&self, plan: &Plan) -> Result<Exit, Failure> {
        self.go(plan, None).await
    }

    async fn go(&self, plan: &Plan, beside: Option<&Path>) -> Result<Exit, Failure> {
        let mut interrupts = signals::interrupts();
        let holder = self.holder()?;
        let locks = Locks::new(self.transport, &self.stage.lab, holder.clone(), self.applied(&holder));
        let is_another_gone = self.take(&locks, plan).await?;
        let recorder = Recorder::new(beside, &holder.id, self.terminal);
        recorder.add(self.beginning(&holder, plan));
        let run = Run {
            stage: self.stage,
            options: self.options,
            selection: self.selection,
            transport: &locks,
            locks: &locks,
            recorder: &recorder,
            facts: self.facts,
            approval: self.approval,
            terminal: self.terminal,
        };
        let waves = async {
            if !is_another_gone || self.purpose != Purpose::Apply {
                return run.waves(plan, &mut interrupts).await;
            }
            let (left, met) = run.what_is_left(plan).await?;
            let (ended, exit) = run.waves(&left, &mut interrupts).await?;
            Ok((ended, met.and(exit)))
        };
        let result = tokio::select! {
            result = waves => result,
            () = locks.keep() => Err(Failure::error("the locks are not kept any more")),
        };
        for (ground, why) in locks.release().await {
            self.terminal.warn(&format!(
                "{ground} may still be locked ({why}); the lock is taken for dead in a few minutes, or give it up with \
                 `labctl unlock {}`",
                holder.id
            ));
        }
        let (ended, waves) = result?;
        recorder.end(&ended);
        let (exit, text) = outcome::report(&ended, self.terminal.paint);
        let exit = exit.and(waves);
        self.terminal.print(&text);
        // Whoever interrupts wants to be let go, not to wait for another look.
        if ended.interrupted || self.purpose == Purpose::Destroy {
            return Ok(exit);
        }
        tokio::select! {
            // Of what ended in part, that says more than that its ground is away now.
            leftover = self.verify(&ended) => Ok(match leftover? {
                Exit::Unreachable if exit != Exit::Done => exit,
                leftover => exit.and(leftover),
            }),
            Some(_) = interrupts.recv() => {
                self.terminal.say("Interrupted: what was done has not been looked at again.\n");
                Ok(exit.and(Exit::Interrupted))
            }
        }
    }

    /// Takes the locks of the first wave; waits for who holds one as long as was asked for, and says whether it had to.
    async fn take(&self, locks: &Locks<'_>, plan: &Plan) -> Result<bool, Failure> {
        let until = tokio::time::Instant::now() + self.patience;
        let mut is_said = false;
        loop {
            let taken = match locks.take(plan).await {
                Ok(()) => return Ok(is_said),
                Err(taken) => taken,
            };
            if tokio::time::Instant::now() >= until {
                return Err(Failure::new(Exit::Locked, waves::held(&taken)));
            }
            if !std::mem::replace(&mut is_said, true) {
                self.terminal.say(&format!("Waiting: {} is {}\n", taken.ground, taken.by.words()));
            }
            tokio::time::sleep(PAUSE.min(self.patience)).await;
        }
    }

    fn holder(&self) -> Result<Holder, Failure> {
        Ok(Holder {
            id: person::run_id().map_err(Failure::error)?,
            who: person::who(),
            since: jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default(),
            lab: self.stage.lab.name.clone(),
            labctl: env!("CARGO_PKG_VERSION").to_owned(),
            changes: Vec::new(),
            process: process::this(),
        })
    }

    /// What to note on the grounds that are touched.
    fn applied(&self, holder: &Holder) -> BTreeMap<Ground, Applied> {
        if self.purpose == Purpose::Destroy {
            return BTreeMap::new();
        }
        let origin = Origin::new(&self.stage.sources, precautions::revision(self.stage));
        let note = |ground: Ground| {
            let machine = self.facts.get(&ground).and_then(|facts| facts.machine.clone());
            (ground, Applied::new(origin.clone(), holder.who.clone(), holder.since, machine))
        };
        self.stage.lab.sites().map(|site| note(site.ground())).collect()
    }

    fn beginning(&self, holder: &Holder, plan: &Plan) -> Event {
        Event::Begin {
            lab: self.stage.lab.name.clone(),
            against: self.selection.lab.to_string(),
            who: holder.who.clone(),
            labctl: holder.labctl.clone(),
            revision: precautions::revision(self.stage),
            changes: plan.changes.iter().filter(|change| change.is_due()).count(),
        }
    }

    /// Plans the touched resources again: what is done must be as declared now.
    async fn verify(&self, ended: &Ended) -> Result<Exit, Failure> {
        let done = ended.changes.iter().filter(|(_, state)| *state == State::Done);
        let touched: Vec<&Address> = done.map(|(change, _)| &change.address).collect();
        if touched.is_empty() {
            return Ok(Exit::Done);
        }
        let again = Options { targets: Vec::new(), excludes: Vec::new(), ..self.options.clone() };
        let plan: Plan = make(self.stage, &again, self.selection, self.transport).await?;
        let mut exit = Exit::Done;
        let mut unseen: BTreeMap<(&Ground, &str), Vec<&Address>> = BTreeMap::new();
        for change in plan.changes.iter().filter(|change| touched.contains(&&change.address)) {
            match &change.obstacle {
                Some(Obstacle::Unreachable(why)) => {
                    unseen.entry((&change.ground, why)).or_default().push(&change.address);
                }
                _ if change.is_due() || change.is_error() => {
                    self.terminal.fail(&outcome::left_over(change));
                    exit = exit.and(Exit::Error);
                }
                _ => {}
            }
        }
        for ((ground, why), addresses) in unseen {
            self.terminal.fail(&outcome::unseen(ground, why, &addresses));
            exit = exit.and(Exit::Unreachable);
        }
        Ok(exit)
    }
}

pub(super) async fn approve(terminal: Terminal) -> Result<bool, Failure> {
    if !terminal.is_interactive {
        let words = "there is nobody to ask: run `labctl apply` on a terminal, or with `--auto-approve`";
        return Err(Failure::error(words));
    }
    let question = "\nDo you want to perform these actions?\n  labctl will perform the actions described above.\n  \
                    Only 'yes' will be accepted to approve.\n\n  Enter a value: ";
    // Whoever thinks for long must not let the locks die.
    let answer = tokio::task::spawn_blocking(move || terminal.ask(question)).await;
    Ok(answer.is_ok_and(|answer| answer.as_deref() == Some("yes")))
}
