//! The boundary: probes and legs on simulated nodes, with faults at the moments that were asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::super::contents::{Contents, Source, WithOutputs, outputs};
use super::super::kube::Masks;
use super::super::outcome::{ReachError, StepOutcome};
use super::super::{Access, Transport};
use super::asks::{self, Reader};
use super::fault::{Fault, Moment, Trouble};
use super::machine::Machine;
use super::world::World;
use super::{reach, steps};
use crate::lab::{Cluster, Connection, Ground, Lab, Node};
use crate::observe::{Answer, Ask, Reply};
use crate::plan::{Act, Step};

/// Milliseconds that an exec takes.
pub(super) const EXEC: u64 = 200;
/// Milliseconds that a connection to a place where nobody answers takes.
const NOBODY: u64 = 5_000;
/// Milliseconds between two tries to connect afresh.
const PAUSE: u64 = 500;
/// Seconds after which a step is given up that has no limit of its own and whose node has none.
const LIMIT: u64 = 600;

/// How fast a person sees it go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// At once.
    AtOnce,
    /// Every leg takes so long to watch.
    Watched(Duration),
}

/// A lab whose nodes and clusters are simulated.
pub struct SimulatedLab {
    nodes: BTreeMap<String, Node>,
    pub(super) clusters: BTreeMap<String, Cluster>,
    pub(super) source: Arc<dyn Source>,
    pub(super) masks: Masks,
    access: Option<Access>,
    pub(super) faults: Vec<Fault>,
    pace: Pace,
    state: Mutex<State>,
}

/// What changes in a run.
pub(super) struct State {
    pub(super) world: World,
    pub(super) counts: BTreeMap<String, Counts>,
    pub(super) is_killed: bool,
}

/// What a node has been asked and told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) probes: u32,
    pub(super) steps: u32,
}

impl SimulatedLab {
    /// The nodes of `lab`, simulated as they are in `world`.
    pub fn new(lab: &Lab, mut world: World, source: Arc<dyn Source>) -> Self {
        world.meet(lab);
        let seed = world.seed();
        let state = State { world, counts: BTreeMap::new(), is_killed: false };
        Self {
            nodes: lab.nodes.clone(),
            clusters: lab.clusters.clone(),
            source,
            masks: Masks::of_seed(seed),
            access: None,
            faults: Vec::new(),
            pace: Pace::AtOnce,
            state: Mutex::new(state),
        }
    }

    /// The same, with what a run brings along to be let in.
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        self.access = Some(access);
        self
    }

    /// The same, with faults.
    #[must_use]
    pub fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        self.faults = faults;
        self
    }

    /// The same at another pace.
    #[must_use]
    pub fn at_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// The nodes as they are now.
    pub fn world(&self) -> World {
        self.state().world.clone()
    }

    /// How many steps each node has been told to do.
    pub fn steps(&self) -> BTreeMap<String, u32> {
        self.state().counts.iter().map(|(node, counts)| (node.clone(), counts.steps)).collect()
    }

    /// The faults whose moment has not come: nobody ran so many steps or probes there.
    pub fn faults_to_come(&self) -> Vec<Fault> {
        let state = self.state();
        let has_come = |fault: &&Fault| {
            let counts = state.counts.get(&fault.node).copied().unwrap_or_default();
            match fault.at {
                Moment::Step(number) => number <= counts.steps,
                Moment::Probe(number) => number <= counts.probes,
            }
        };
        self.faults.iter().filter(|fault| !has_come(fault)).cloned().collect()
    }

    // A panic of one test must not hide what the others say.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn probe_now(&self, ground: &Ground, asks: &[Ask]) -> Result<Reply, ReachError> {
        let mut state = self.state();
        let node = self.node(ground)?;
        let count = state.counts.entry(node.name.clone()).or_default();
        count.probes += 1;
        let at = Moment::Probe(count.probes);
        state.happen(&self.faults, &node.name, at);
        let trouble = self.trouble(&node.name, at);
        super::k0s::settle_clusters(&mut state.world, &self.clusters);
        let machine = state.reached(node, true)?;
        machine.pass(EXEC);
        if let Some(words) = trouble.and_then(broken_probe) {
            return Err(ReachError::Unreachable(words.to_owned()));
        }
        let reader = self.reader(node);
        let contents = Contents(&*self.source);
        let kept = if trouble == Some(&Trouble::HalfAnswer) { asks.len() / 2 } else { asks.len() };
        let mut reply = Reply::default();
        for (i, ask) in asks.iter().enumerate() {
            let answer = if i < kept {
                asks::answer(machine, ask, reader, &contents)?
            } else {
                Answer::Lost("the connection broke before it was answered".to_owned())
            };
            reply.insert(ask.clone(), answer);
        }
        Ok(reply)
    }

    fn act_now(&self, ground: &Ground, leg: &[Step]) -> Vec<StepOutcome> {
        let mut state = self.state();
        let node = match self.node(ground) {
            Ok(node) => node,
            Err(error) => return vec![StepOutcome::Lost(error.to_string())],
        };
        let mut outcomes = Vec::new();
        for step in leg {
            let (outcome, goes_on) = self.step(&mut state, node, step);
            let is_done = outcome == StepOutcome::Done;
            outcomes.push(outcome);
            if !is_done {
                break;
            }
            if !goes_on {
                if outcomes.len() < leg.len() {
                    outcomes.push(StepOutcome::Lost("the connection broke".to_owned()));
                }
                break;
            }
        }
        outcomes
    }

    /// One step, and whether the connection still stands after it.
    fn step(&self, state: &mut State, node: &Node, step: &Step) -> (StepOutcome, bool) {
        let count = state.counts.entry(node.name.clone()).or_default();
        count.steps += 1;
        let at = Moment::Step(count.steps);
        state.happen(&self.faults, &node.name, at);
        if state.is_killed {
            return (StepOutcome::Lost("labctl was killed".to_owned()), false);
        }
        let trouble = self.trouble(&node.name, at);
        if let Act::Reconnect { within, until, anywhere } = &step.act {
            let outcome = match trouble.and_then(broken_step) {
                Some(words) => StepOutcome::Lost(words.to_owned()),
                None => reconnect(state, node, *within, until, *anywhere),
            };
            return (outcome, true);
        }
        super::k0s::settle_clusters(&mut state.world, &self.clusters);
        let taken = match self.taken(state, step) {
            Ok(taken) => taken,
            Err(why) => return (steps::failed(1, &why), true),
        };
        let machine = match state.reached(node, true) {
            Ok(machine) => machine,
            Err(error) => return (StepOutcome::Lost(error.to_string()), false),
        };
        let limit = step.limit.unwrap_or_else(|| limit_of(node)) * 1000;
        let began = machine.clock.now();
        machine.pass(EXEC);
        match trouble {
            Some(Trouble::DropBefore) => return (StepOutcome::Lost("the connection broke".to_owned()), false),
            Some(Trouble::Fail) => return (steps::failed(1, "it failed, as the fault wanted"), true),
            Some(Trouble::Hang) => {
                machine.pass(limit);
                return (StepOutcome::Lost(format!("it did not end within {} s", limit / 1000)), false);
            }
            _ => {}
        }
        let outcome = steps::run(machine, step, owner_of(node), &Contents(&taken));
        let took = machine.clock.now() - began;
        if took > limit {
            return (StepOutcome::Lost(format!("it did not end within {} s", limit / 1000)), false);
        }
        match trouble {
            Some(trouble) if broken_step(trouble).is_some() => {
                (StepOutcome::Lost(broken_step(trouble).unwrap_or_default().to_owned()), false)
            }
            Some(Trouble::DropAfter) => (outcome, false),
            _ if reach::check(node, machine, true).is_err() => {
                (StepOutcome::Lost("the connection broke".to_owned()), false)
            }
            _ => (outcome, true),
        }
    }

    /// What the step takes from other nodes.
    fn taken<'a>(&'a self, state: &mut State, step: &'a Step) -> Result<WithOutputs<'a>, String> {
        let mut taken = WithOutputs::new(&*self.source);
        for (ground, argv) in outputs(std::slice::from_ref(step)) {
            let reached = self.node(ground).and_then(|node| state.reached(node, true));
            let machine = reached.map_err(|error| format!("{ground}: {error}"))?;
            machine.pass(EXEC);
            let output = machine.run(argv, &mut super::programs::Stdin::default());
            taken.add(ground, argv, output.map_err(|gap| format!("{ground}: {gap}"))?)?;
        }
        Ok(taken)
    }

    pub(super) fn node(&self, ground: &Ground) -> Result<&Node, ReachError> {
        let node = self.nodes.get(ground.name());
        node.ok_or_else(|| ReachError::Unreachable(format!("there is no node `{ground}`")))
    }

    pub(super) fn trouble(&self, node: &str, at: Moment) -> Option<&Trouble> {
        self.faults.iter().find(|fault| fault.node == node && fault.at == at).map(|fault| &fault.what)
    }

    fn reader<'a>(&self, node: &'a Node) -> Reader<'a> {
        let is_read_only = self.access.as_ref().is_some_and(|access| access.read_only);
        match &node.connection {
            Connection::Local => Reader { is_root: false, user: "operator" },
            Connection::Ssh(ssh) => {
                let user = ssh.user.as_deref().unwrap_or("root");
                Reader { is_root: user == "root" || ssh.sudo && !is_read_only, user }
            }
        }
    }

    async fn watch(&self) {
        if let Pace::Watched(time) = self.pace {
            tokio::time::sleep(time).await;
        }
    }
}

impl State {
    /// What happens to a node at a moment, whatever labctl does.
    pub(super) fn happen(&mut self, faults: &[Fault], node: &str, at: Moment) {
        for fault in faults.iter().filter(|fault| fault.node == node && fault.at == at) {
            let Some(machine) = self.world.machines.get_mut(node) else { continue };
            match &fault.what {
                Trouble::DiskFull => machine.condition.is_disk_full = true,
                Trouble::Reboot => machine.reboot(),
                Trouble::Down => machine.condition.is_down = true,
                Trouble::ClockJump(seconds) => machine.clock.off += seconds,
                Trouble::Kill => self.is_killed = true,
                // What an operator can't do there, he can't do.
                Trouble::Operator(mischief) => drop(mischief.commit(machine)),
                _ => {}
            }
        }
    }

    /// The node's machine, where it can be reached.
    pub(super) fn reached(&mut self, node: &Node, anywhere: bool) -> Result<&mut Machine, ReachError> {
        if self.is_killed {
            return Err(ReachError::Unreachable("labctl was killed".to_owned()));
        }
        let machine = self.world.machines.get_mut(&node.name);
        let machine = machine.ok_or_else(|| ReachError::Unreachable(format!("there is no node `{}`", node.name)))?;
        if let Err(error) = reach::check(node, machine, anywhere) {
            machine.pass(NOBODY);
            return Err(error);
        }
        Ok(machine)
    }
}

impl Transport for SimulatedLab {
    fn probe<'a>(&'a self, ground: &'a Ground, asks: &'a [Ask]) -> BoxFuture<'a, Result<Reply, ReachError>> {
        async move {
            let reply = match ground {
                Ground::Node(_) => self.probe_now(ground, asks),
                Ground::Cluster(_) => self.probe_cluster(ground, asks),
            };
            self.watch().await;
            reply
        }
        .boxed()
    }

    fn act<'a>(&'a self, ground: &'a Ground, leg: &'a [Step]) -> BoxFuture<'a, Vec<StepOutcome>> {
        async move {
            let outcomes = match ground {
                Ground::Node(_) => self.act_now(ground, leg),
                Ground::Cluster(_) => self.act_on_cluster(ground, leg),
            };
            self.watch().await;
            outcomes
        }
        .boxed()
    }

    fn is_in_real_time(&self) -> bool {
        false
    }
}

/// Fresh connections until one stands over which `until` succeeds.
fn reconnect(state: &mut State, node: &Node, within: u64, until: &[String], anywhere: bool) -> StepOutcome {
    let mut spent = 0;
    let mut last = "nothing was tried".to_owned();
    while spent <= within * 1000 {
        let before = state.world.machines.get(&node.name).map_or(0, |machine| machine.clock.now());
        match state.reached(node, anywhere) {
            Err(error) => last = error.to_string(),
            Ok(machine) if until.is_empty() => {
                machine.pass(EXEC);
                return StepOutcome::Done;
            }
            Ok(machine) => {
                machine.pass(EXEC);
                match machine.run(until, &mut super::programs::Stdin::default()) {
                    Ok(output) if output.code == 0 => return StepOutcome::Done,
                    Ok(output) => last = output.complaint(),
                    Err(gap) => return steps::failed(125, &gap.to_string()),
                }
            }
        }
        let Some(machine) = state.world.machines.get_mut(&node.name) else { break };
        machine.pass(PAUSE);
        spent += machine.clock.now() - before;
    }
    StepOutcome::Lost(format!("no fresh connection within {within} s; the last try: {last}"))
}

/// What a probe comes to whose connection breaks.
pub(super) fn broken_probe(trouble: &Trouble) -> Option<&'static str> {
    match trouble {
        Trouble::DropBefore | Trouble::DropDuring | Trouble::DropAfter => Some("the connection broke"),
        Trouble::Hang => Some("it did not end within its limit"),
        Trouble::Fail => Some("the shell there answered nothing"),
        _ => None,
    }
}

/// What a step comes to that was at work when its connection broke.
pub(super) fn broken_step(trouble: &Trouble) -> Option<&'static str> {
    match trouble {
        Trouble::DropDuring | Trouble::Reboot | Trouble::Down => Some("the connection broke"),
        Trouble::HalfAnswer => Some("the connection broke: half of the answer came"),
        _ => None,
    }
}

/// Whose files are that name no owner.
fn owner_of(node: &Node) -> &str {
    match &node.connection {
        Connection::Local => "operator",
        Connection::Ssh(ssh) if ssh.sudo => "root",
        Connection::Ssh(ssh) => ssh.user.as_deref().unwrap_or("root"),
    }
}

fn limit_of(node: &Node) -> u64 {
    match &node.connection {
        Connection::Local => LIMIT,
        Connection::Ssh(ssh) => ssh.command_timeout.as_secs(),
    }
}
