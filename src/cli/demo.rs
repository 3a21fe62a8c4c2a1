//! `labctl demo`: plan, apply and plan again, against a simulated lab, with the real stages and the real reports.
//!
//! The file is the one that is here, else the project's own. `demo break` changes something in a lab that is kept.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::apply::{Errand, Purpose};
use super::args::{BreakArgs, Cli, DemoArgs, DemoCommand, Selection};
use super::exit::{Exit, Failure};
use super::pinned;
use super::plan::{Made, make_with_facts, obstacles, show};
use super::stage::{self, Stage};
use super::terminal::Terminal;
use super::waves::Approval;
use super::which_lab::{self, WhichLab};
use crate::config::Sources;
use crate::local;
use crate::plan::lock::DEAD_AFTER;
use crate::plan::{Options, Plan};
use crate::report::Summary;
use crate::transport::simulated::{Fault, MadeUp, Mischief, Pace, SimulatedLab, World, parse_faults};

/// The project's own file, and what it names.
const OWN: [(&str, &str); 1] = [("homelab.toml", include_str!("../../homelab.toml"))];

/// What is left to an apply of about ten seconds to watch, when the pauses between the acts are taken off.
const APPLY: Duration = Duration::from_secs(10);
/// The longest that one leg is shown.
const LEG: Duration = Duration::from_millis(400);
/// Between two acts.
const PAUSE: Duration = Duration::from_millis(1500);

pub(super) async fn run(cli: &Cli, args: &DemoArgs, terminal: Terminal) -> Result<Exit, Failure> {
    if let Some(DemoCommand::Break(args)) = &args.command {
        return mischief(cli, args, terminal);
    }
    let faults = args.fault.iter().map(|text| parse_faults(text)).collect::<Result<Vec<_>, _>>();
    let faults = faults.map_err(|error| Failure::error(error.to_string()))?.concat();
    let stage = load(cli, terminal)?;
    if let Some(fault) = faults.iter().find(|fault| !stage.lab.nodes.contains_key(&fault.node)) {
        let names: Vec<&str> = stage.lab.nodes.keys().map(String::as_str).collect();
        return Err(Failure::error(format!("`{fault}`: there is no such node; there are {}", names.join(", "))));
    }
    Show { stage: &stage, seed: args.seed, is_fast: args.fast || !terminal.can_draw, terminal }.play(faults).await
}

/// The file that is here; the project's own where none was asked for and none is here.
fn load(cli: &Cli, terminal: Terminal) -> Result<Stage, Failure> {
    let is_default = cli.file == Path::new(OWN[0].0);
    if is_default && !cli.file.exists() {
        let mut sources = Sources::memory(OWN);
        pinned::stand_in(&mut sources, terminal);
        return stage::of(stage::check_sources(sources), terminal);
    }
    let mut sources = stage::sources(cli)?;
    pinned::stand_in(&mut sources, terminal);
    stage::of(stage::check_sources(sources), terminal)
}

/// One demonstration.
struct Show<'a> {
    stage: &'a Stage,
    seed: u64,
    is_fast: bool,
    terminal: Terminal,
}

impl Show<'_> {
    async fn play(&self, faults: Vec<Fault>) -> Result<Exit, Failure> {
        let acts = if faults.is_empty() { 3 } else { 5 };
        let title = |number, words: &str| {
            let line = format!("Simulated lab, {number} of {acts}: {words}");
            self.terminal.print(&format!("\n{}\n\n", self.terminal.paint.bold(line)));
        };
        title(1, "labctl plan");
        let lab = self.lab(World::found(&self.stage.lab, self.seed), Pace::AtOnce);
        let made = self.plan(&lab).await?;
        self.pause().await;

        title(2, "labctl apply");
        let pace = self.pace(&made.plan);
        for fault in &faults {
            self.terminal.print(&format!("fault: {fault}\n"));
        }
        let lab = self.lab(lab.world(), pace).with_faults(faults.clone());
        let mut exit = self.apply(&made, &lab).await?;
        for fault in lab.faults_to_come() {
            let steps = lab.steps().get(&fault.node).copied().unwrap_or_default();
            self.terminal.print(&format!("fault: {fault} did not happen: {} had {steps} steps to do\n", fault.node));
        }
        let busiest = lab.steps().into_iter().max_by_key(|(_, steps)| *steps).map(|(node, _)| node);
        self.pause().await;

        title(3, "labctl plan, again");
        let mut lab = self.lab(lab.world(), Pace::AtOnce);
        let mut made = self.plan(&lab).await?;
        if !faults.is_empty() {
            self.pause().await;
            title(4, "what broke is repaired, and labctl apply, again");
            let mut world = lab.world();
            world.repair();
            // So long that a lock whose holder was killed is known to be dead.
            world.wait(DEAD_AFTER);
            lab = self.lab(world, Pace::AtOnce);
            made = self.plan(&lab).await?;
            lab = self.lab(lab.world(), pace);
            exit = if Summary::of(&made.plan).is_due() { self.apply(&made, &lab).await? } else { Exit::Done };
            title(5, "labctl plan, again");
            made = self.plan(&lab).await?;
        }
        self.terminal.print(&ending(busiest.as_deref().unwrap_or("NODE")));
        let left = if Summary::of(&made.plan).is_due() { Exit::Error } else { Exit::Done };
        Ok(exit.and(obstacles(&made.plan)).and(left))
    }

    fn lab(&self, world: World, pace: Pace) -> SimulatedLab {
        let values = local::Values::new(&self.stage.lab, Arc::clone(&self.stage.sources));
        SimulatedLab::new(&self.stage.lab, world, Arc::new(MadeUp(values))).at_pace(pace)
    }

    async fn plan(&self, lab: &SimulatedLab) -> Result<Made, Failure> {
        let made = make_with_facts(self.stage, &Options::default(), &selection(), lab).await?;
        show(&made.plan, false, None, self.terminal);
        Ok(made)
    }

    async fn apply(&self, Made { plan, facts }: &Made, lab: &SimulatedLab) -> Result<Exit, Failure> {
        let errand = Errand {
            stage: self.stage,
            options: &Options::default(),
            selection: &selection(),
            transport: lab,
            facts,
            approval: Approval::Given,
            purpose: Purpose::Apply,
            patience: Duration::ZERO,
            terminal: self.terminal,
        };
        let exit = errand.unrecorded(plan).await?;
        for gap in lab.world().gaps() {
            self.terminal.fail(&gap);
        }
        Ok(exit)
    }

    /// About as much time for every leg as fills the apply.
    fn pace(&self, plan: &Plan) -> Pace {
        if self.is_fast {
            return Pace::AtOnce;
        }
        let steps: usize = plan.changes.iter().filter(|change| change.is_due()).map(|change| change.steps.len()).sum();
        // Steps of one leg are shown as one, and several legs at once.
        let legs = u32::try_from(steps / 4 + 1).unwrap_or(u32::MAX);
        Pace::Watched((APPLY / legs).min(LEG))
    }

    async fn pause(&self) {
        if !self.is_fast {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// `node` is one that had something to do.
fn ending(node: &str) -> String {
    format!(
        "\nThat was a simulated lab. To go on playing with one that is kept in this folder:\n  \
         labctl apply --lab simulated\n  \
         labctl demo break {node} reboot      (without `reboot`: what can be broken)\n  \
         labctl plan --lab simulated\n\
         To see what happens when things go wrong:\n  \
         labctl demo --fault {node}@12=drop-during\n\
         With hosts of your own: describe one in `homelab.toml`, then\n  \
         labctl plan\n"
    )
}

fn selection() -> Selection {
    Selection { parallelism: 10, ..Selection::default() }
}

/// `labctl demo break NODE WHAT…`.
fn mischief(cli: &Cli, args: &BreakArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let WhichLab::Simulated(folder) = &args.lab else {
        return Err(Failure::error("labctl breaks nothing real: `--lab simulated` or `--lab simulated:FOLDER`"));
    };
    let deed = Mischief::parse(&args.what).map_err(|error| Failure::error(error.to_string()))?;
    let mut world = match which_lab::world(folder)? {
        Some(world) => world,
        None => World::found(&load(cli, terminal)?.lab, 0),
    };
    terminal.say(&which_lab::banner(&format!("kept in `{}`", folder.display())));
    let printed = world.commit(&args.node, &deed).ok_or_else(|| {
        let names: Vec<&str> = world.nodes().collect();
        Failure::error(format!("there is no node `{}`; there are {}", args.node, names.join(", ")))
    })?;
    let printed = printed.map_err(|error| Failure::error(error.to_string()))?;
    local::kept::write(folder, &world.to_json()).map_err(|error| Failure::error(error.to_string()))?;
    terminal.print(&printed);
    terminal.print(&format!("Done on {}: {deed}. `labctl plan --lab {}` looks for it.\n", args.node, args.lab));
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::OWN;
    use crate::config::{self, Sources};

    #[test]
    fn the_embedded_files_are_all_that_the_projects_own_file_names() {
        let sources = Sources::memory(OWN);
        assert_eq!(config::includes(&sources), Vec::<String>::new());
        for path in config::references(&sources) {
            assert!(sources.get(&path).is_some(), "`{path}` is missing in `OWN`");
        }
    }
}
