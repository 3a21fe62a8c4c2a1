//! The real lab: a link per node, made when it is first needed and kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::contents::{Contents, Outside, Source, WithOutputs, outputs};
use super::kube::{Clusters, Forward, Handed};
use super::link::{Link, Reached};
use super::outcome::{ReachError, StepOutcome};
use super::{Access, Transport};
use crate::lab::{Ground, Lab, Node};
use crate::observe::{Answer, Ask, Body, FileAnswer, Output, Reply};
use crate::plan::{Act, Step};

/// How long is waited between two tries to reach a node whose network is being changed.
const PAUSE: Duration = Duration::from_millis(500);

/// How long one of these tries may take: a line that was cut in the middle of it must not use up the time of all.
const TRY: Duration = Duration::from_secs(20);

/// How long is waited before a leg whose node did not answer is tried to be sent again.
const AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(9)];

/// The lab as it is, behind SSH and local shells.
pub struct RealLab {
    nodes: BTreeMap<String, Node>,
    source: Arc<dyn Source>,
    outside: Arc<dyn Outside>,
    access: Access,
    clusters: Clusters,
    links: Mutex<BTreeMap<String, Slot>>,
    /// Nodes that did not answer however often they were tried.
    silent: Mutex<BTreeSet<String>>,
}

/// How long is waited before a question is put again whose answer the end of a connection has cut off.
const ASK_AGAIN: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// A node's place for its link: whoever comes while a connection is being made waits for that one.
type Slot = Arc<Mutex<Option<Arc<Link>>>>;

impl RealLab {
    /// The nodes and clusters of `lab`; secrets, blobs and kubeconfigs come from `source`.
    pub fn new<S: Source + Outside + 'static>(lab: &Lab, source: Arc<S>, access: Access) -> Self {
        let (nodes, clusters) = (lab.nodes.clone(), Clusters::new(&lab.clusters));
        Self {
            nodes,
            outside: source.clone(),
            source,
            access,
            clusters,
            links: Mutex::default(),
            silent: Mutex::default(),
        }
    }

    /// The node of that name.
    pub(super) fn node(&self, name: &str) -> Result<&Node, ReachError> {
        self.nodes.get(name).ok_or_else(|| ReachError::Unreachable(format!("there is no node `{name}`")))
    }

    /// The lab's clusters.
    pub(super) fn clusters(&self) -> &Clusters {
        &self.clusters
    }

    /// What this run brings along to be let in.
    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// What leads to clusters from here.
    pub(super) fn outside(&self) -> Arc<dyn Outside> {
        Arc::clone(&self.outside)
    }

    /// The kubeconfig of a cluster, for other programs. It leads to where the API is reached from here without a tunnel:
    /// a control plane that calls itself by its own loopback address is given its node's.
    pub async fn kubeconfig(&self, cluster: &str) -> Result<Handed, ReachError> {
        let mut handed = self.clusters.handed(cluster, self).await?;
        let address = self.clusters.node_of(cluster).and_then(|node| self.nodes.get(node)?.address);
        if let Some(address) = address.filter(|_| handed.is_loopback()) {
            let port = handed.server().1;
            handed.lead_to(&address.to_string(), port);
        }
        Ok(handed)
    }

    /// The same through a tunnel: a port of this machine that leads to the API, and the kubeconfig for it. Nothing where
    /// the API is reached without a node.
    pub async fn tunnel(&self, cluster: &str, local: u16) -> Result<Option<(Handed, Forward)>, ReachError> {
        let mut handed = self.clusters.handed(cluster, self).await?;
        let Some(forward) = self.clusters.forward(cluster, handed.server(), local, self).await? else {
            return Ok(None);
        };
        handed.lead_to("127.0.0.1", forward.port());
        Ok(Some((handed, forward)))
    }

    /// A file on a node, read over its link: what it is, and its bytes where it is a file of sane size.
    pub(super) async fn read_file(
        &self,
        node: &str,
        path: &str,
    ) -> Result<(FileAnswer, Zeroizing<Vec<u8>>), ReachError> {
        let ask = Ask::file(path);
        let reply = self.ask(node, std::slice::from_ref(&ask), &Contents(&*self.source)).await?;
        match reply.into_answer(&ask) {
            Answer::File(FileAnswer::Regular { stat, body: Body::Bytes(bytes) }) => {
                Ok((FileAnswer::Regular { stat, body: Body::Bytes(Vec::new()) }, Zeroizing::new(bytes)))
            }
            Answer::File(FileAnswer::Regular { .. }) => Err(ReachError::Garbled(format!("`{path}` is too long"))),
            Answer::File(file) => Ok((file, Zeroizing::default())),
            Answer::Lost(why) => Err(ReachError::Unreachable(why)),
            _ => Err(ReachError::Garbled(format!("`{path}` was not read"))),
        }
    }

    /// What the steps take from other grounds: made now, kept until they are sent.
    async fn taken<'a>(&'a self, leg: &'a [Step]) -> Result<WithOutputs<'a>, String> {
        let mut taken = WithOutputs::new(&*self.source);
        for (ground, argv) in outputs(leg) {
            let Ground::Node(node) = ground else { return Err(format!("no program runs on {ground}")) };
            let ask = Ask::run(argv);
            // Not asked twice: such a program may make something, as a token is made.
            let reply = async {
                let link = self.link(node, Reached::Anywhere).await?;
                link.probe(std::slice::from_ref(&ask), &Contents(&*self.source)).await
            };
            match reply.await.map_err(|error| format!("{ground}: {error}"))?.into_answer(&ask) {
                Answer::Output(output) => taken.add(ground, argv, output)?,
                Answer::Lost(why) => return Err(format!("{ground}: {why}")),
                _ => return Err(format!("{ground}: it was not asked")),
            }
        }
        Ok(taken)
    }

    async fn slot(&self, node: &str) -> Slot {
        Arc::clone(self.links.lock().await.entry(node.to_owned()).or_default())
    }

    async fn link(&self, name: &str, reached: Reached) -> Result<Arc<Link>, ReachError> {
        let node = self.node(name)?;
        let slot = self.slot(name).await;
        let mut slot = slot.lock().await;
        if let Some(link) = slot.as_ref().filter(|link| link.is_open()) {
            return Ok(Arc::clone(link));
        }
        let link = Arc::new(Link::connect(node, &self.access, reached, &Contents(&*self.source)).await?);
        *slot = Some(Arc::clone(&link));
        Ok(link)
    }

    /// Asks a node. A question changes nothing, so that it is put again where the connection breaks in the middle of the
    /// answer; a node that can't be reached at all is said to be so at once.
    async fn ask(&self, name: &str, asks: &[Ask], contents: &Contents<'_>) -> Result<Reply, ReachError> {
        let mut pauses = ASK_AGAIN.iter();
        loop {
            let link = self.link(name, Reached::Anywhere).await?;
            match (link.probe(asks, contents).await, pauses.next()) {
                (Err(ReachError::Unreachable(why)), Some(pause)) if !link.is_open() => {
                    tracing::info!(node = name, why, "the answer was cut off; once more");
                    tokio::time::sleep(*pause).await;
                }
                (result, _) => return result,
            }
        }
    }

    /// A link to act over. A node that does not answer is tried again: nothing of the leg has been sent yet. Who refuses
    /// is not asked twice.
    async fn link_again(&self, name: &str) -> Result<Arc<Link>, ReachError> {
        // Whoever stayed silent all that time is not waited for by every change anew.
        let is_silent = self.silent.lock().await.contains(name);
        let mut pauses = AGAIN.iter().take(if is_silent { 0 } else { AGAIN.len() });
        loop {
            match (self.link(name, Reached::Anywhere).await, pauses.next()) {
                (Err(ReachError::Unreachable(why)), Some(pause)) => {
                    tracing::info!(node = name, why, "not reached; once more");
                    tokio::time::sleep(*pause).await;
                }
                (Err(error), _) => {
                    self.silent.lock().await.insert(name.to_owned());
                    return Err(error);
                }
                (Ok(link), _) => {
                    self.silent.lock().await.remove(name);
                    return Ok(link);
                }
            }
        }
    }

    /// Closes the node's connection and waits until a fresh one stands and `until` succeeds over it.
    async fn reconnect(&self, node: &str, within: Duration, until: &[String], anywhere: bool) -> StepOutcome {
        let reached = if anywhere { Reached::Anywhere } else { Reached::AsDeclared };
        let argv = if until.is_empty() { vec!["true".to_owned()] } else { until.to_vec() };
        let ask = Ask::Run(argv);
        let mut last = "nothing was tried".to_owned();
        let attempts = async {
            loop {
                self.hang_up(node).await;
                match tokio::time::timeout(TRY, self.try_fresh(node, reached, &ask)).await {
                    Ok(Ok(())) => return,
                    Ok(Err(why)) => last = why,
                    Err(_) => last = format!("no answer within {} s", TRY.as_secs()),
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        if let Ok(()) = tokio::time::timeout(within, attempts).await {
            StepOutcome::Done
        } else {
            self.hang_up(node).await;
            StepOutcome::Lost(format!("no fresh connection within {} s; the last try: {last}", within.as_secs()))
        }
    }

    async fn hang_up(&self, node: &str) {
        let slot = self.slot(node).await;
        let link = slot.lock().await.take();
        if let Some(link) = link {
            link.close().await;
        }
    }

    async fn try_fresh(&self, node: &str, reached: Reached, ask: &Ask) -> Result<(), String> {
        let link = self.link(node, reached).await.map_err(|error| error.to_string())?;
        let reply = link.probe(std::slice::from_ref(ask), &Contents(&*self.source)).await;
        let reply = reply.map_err(|error| error.to_string())?;
        match reply.output(ask) {
            Ok(Output { code: 0, .. }) => Ok(()),
            Ok(output) => Err(output.complaint()),
            Err(why) => Err(why),
        }
    }
}

impl Transport for RealLab {
    fn probe<'a>(&'a self, ground: &'a Ground, asks: &'a [Ask]) -> BoxFuture<'a, Result<Reply, ReachError>> {
        async move {
            tracing::info!(ground = ground.name(), parts = asks.len(), "probe");
            let contents = Contents(&*self.source);
            match ground {
                Ground::Node(node) => self.ask(node, asks, &contents).await,
                Ground::Cluster(cluster) => self.clusters.probe(cluster, asks, self, &contents).await,
            }
        }
        .boxed()
    }

    fn act<'a>(&'a self, ground: &'a Ground, leg: &'a [Step]) -> BoxFuture<'a, Vec<StepOutcome>> {
        async move {
            for step in leg {
                tracing::info!(ground = ground.name(), step = step.about, "act");
            }
            let taken = match self.taken(leg).await {
                Ok(taken) => taken,
                Err(why) => return vec![StepOutcome::Failed { code: 1, words: vec![why] }],
            };
            let contents = Contents(&taken);
            let node = match ground {
                Ground::Node(node) => node,
                Ground::Cluster(cluster) => return self.clusters.act(cluster, leg, self, &contents).await,
            };
            if let [Step { act: Act::Reconnect { within, until, anywhere }, .. }] = leg {
                return vec![self.reconnect(node, Duration::from_secs(*within), until, *anywhere).await];
            }
            match self.link_again(node).await {
                Ok(link) => link.act(leg, &contents).await,
                Err(error) => vec![StepOutcome::Lost(error.to_string())],
            }
        }
        .boxed()
    }
}
