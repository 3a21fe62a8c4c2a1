//! The boundary for clusters: probes and legs on simulated API servers, with faults at the moments that were asked for.

use super::super::contents::Contents;
use super::super::outcome::{ReachError, StepOutcome};
use super::api;
use super::fault::{Moment, Trouble};
use super::lab::{EXEC, SimulatedLab, State, broken_probe, broken_step};
use crate::lab::{ApiKind, Cluster, Ground, Kubeconfig, ObjectKey};
use crate::observe::{Answer, Ask, Reply};
use crate::plan::{Act, Step};

/// Seconds after which a call is given up that has no limit of its own.
const LIMIT: u64 = 60;

impl SimulatedLab {
    pub(super) fn probe_cluster(&self, ground: &Ground, asks: &[Ask]) -> Result<Reply, ReachError> {
        let mut state = self.state();
        let cluster = self.cluster(ground)?;
        let name = ground.to_string();
        let count = state.counts.entry(name.clone()).or_default();
        count.probes += 1;
        let at = Moment::Probe(count.probes);
        state.happen(&self.faults, &name, at);
        let trouble = self.trouble(&name, at);
        self.reach(&mut state, cluster)?;
        if let Some(words) = trouble.and_then(broken_probe) {
            return Err(ReachError::Unreachable(words.to_owned()));
        }
        let contents = Contents(&*self.source);
        let kept = if trouble == Some(&Trouble::HalfAnswer) { asks.len() / 2 } else { asks.len() };
        let server = state.world.servers.get(&cluster.name);
        let server = server.ok_or_else(|| ReachError::NotYet(format!("{ground} does not exist yet")))?;
        let mut reply = Reply::default();
        for (i, ask) in asks.iter().enumerate() {
            let answer = match ask {
                Ask::Api(ask) if i < kept => api::answer(server, ask, &self.masks, &contents)?,
                Ask::Api(_) => Answer::Lost("the connection broke before it was answered".to_owned()),
                _ => Answer::Lost("a cluster can't answer for a node".to_owned()),
            };
            reply.insert(ask.clone(), answer);
        }
        Ok(reply)
    }

    pub(super) fn act_on_cluster(&self, ground: &Ground, leg: &[Step]) -> Vec<StepOutcome> {
        let mut state = self.state();
        let cluster = match self.cluster(ground) {
            Ok(cluster) => cluster,
            Err(error) => return vec![StepOutcome::Lost(error.to_string())],
        };
        let mut outcomes = Vec::new();
        for step in leg {
            let (outcome, goes_on) = self.call(&mut state, cluster, step);
            let is_done = outcome == StepOutcome::Done;
            outcomes.push(outcome);
            if !(is_done && goes_on) {
                break;
            }
        }
        if outcomes.iter().all(|outcome| *outcome == StepOutcome::Done) && outcomes.len() < leg.len() {
            outcomes.push(StepOutcome::Lost("the connection broke".to_owned()));
        }
        outcomes
    }

    /// One step, and whether the connection still stands after it.
    fn call(&self, state: &mut State, cluster: &Cluster, step: &Step) -> (StepOutcome, bool) {
        let name = Ground::Cluster(cluster.name.clone()).to_string();
        let count = state.counts.entry(name.clone()).or_default();
        count.steps += 1;
        let at = Moment::Step(count.steps);
        state.happen(&self.faults, &name, at);
        if let Err(error) = self.reach(state, cluster) {
            return (StepOutcome::Lost(error.to_string()), false);
        }
        let trouble = self.trouble(&name, at);
        let limit = step.limit.unwrap_or(LIMIT);
        match trouble {
            Some(Trouble::DropBefore) => return (StepOutcome::Lost("the connection broke".to_owned()), false),
            Some(Trouble::Fail) => return (super::steps::failed(500, "it failed, as the fault wanted"), true),
            Some(Trouble::Hang) => return (StepOutcome::Lost(format!("it did not end within {limit} s")), false),
            _ => {}
        }
        let Some(server) = state.world.servers.get_mut(&cluster.name) else {
            return (StepOutcome::Lost("the cluster does not exist yet".to_owned()), false);
        };
        let outcome = match &step.act {
            Act::Api(call) => api::run(server, &step.guards, call, &Contents(&*self.source)),
            _ => super::steps::failed(125, "a cluster can't act for a node"),
        };
        match trouble {
            Some(trouble) if broken_step(trouble).is_some() => {
                (StepOutcome::Lost(broken_step(trouble).unwrap_or_default().to_owned()), false)
            }
            Some(Trouble::DropAfter) => (outcome, false),
            _ => (outcome, true),
        }
    }

    /// Whether the cluster can be reached: through its node, and with a kubeconfig that is there.
    fn reach(&self, state: &mut State, cluster: &Cluster) -> Result<(), ReachError> {
        if state.is_killed {
            return Err(ReachError::Unreachable("labctl was killed".to_owned()));
        }
        let node = match &cluster.kubeconfig {
            Kubeconfig::Node { node, .. } => Some(&node.value),
            _ => cluster.via.as_ref().map(|via| &via.value),
        };
        if let Some(node) = node {
            let node = self.node(&Ground::Node(node.clone()))?;
            state.reached(node, true)?.pass(EXEC);
        }
        self.reach_control_plane(state, cluster)?;
        let Kubeconfig::Secret { cluster: host, namespace, secret, .. } = &cluster.kubeconfig else { return Ok(()) };
        let ground = Ground::Cluster(host.value.clone());
        self.reach(state, self.cluster(&ground)?)?;
        let key = ObjectKey::new(ApiKind::new("v1", "Secret"), Some(namespace), secret);
        match state.world.servers.get(&host.value).and_then(|server| server.get(&key)) {
            Some(_) => Ok(()),
            None => Err(ReachError::NotYet(format!("{ground} has no Secret {namespace}/{secret} yet"))),
        }
    }

    /// Whether the control plane that labctl makes is up.
    fn reach_control_plane(&self, state: &mut State, cluster: &Cluster) -> Result<(), ReachError> {
        let (Some(_), Kubeconfig::Node { node, path }) = (&cluster.k0s, &cluster.kubeconfig) else { return Ok(()) };
        super::k0s::settle_clusters(&mut state.world, &self.clusters);
        let (name, node) = (&cluster.name, &node.value);
        let machine = state.world.machines.get(node);
        if !machine.is_some_and(|machine| machine.exists(path)) {
            return Err(ReachError::NotYet(format!("cluster `{name}`: there is no `{path}` on node `{node}` yet")));
        }
        if !machine.is_some_and(super::k0s::is_serving) {
            let words = format!(
                "cluster `{name}` at https://localhost:6443 through node `{node}` (kubeconfig `{path}` of node `{node}`): \
                 the connection was refused"
            );
            return Err(ReachError::Unreachable(words));
        }
        Ok(())
    }

    fn cluster(&self, ground: &Ground) -> Result<&Cluster, ReachError> {
        let cluster = self.clusters.get(ground.name());
        cluster.ok_or_else(|| ReachError::Unreachable(format!("there is no {ground}")))
    }
}
