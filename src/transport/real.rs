//! The real lab: a link per node, made when it is first needed and kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Mutex;

use super::contents::{Contents, Source};
use super::link::{Link, Reached};
use super::outcome::{ReachError, StepOutcome};
use super::{Access, Transport};
use crate::lab::{Ground, Lab, Node};
use crate::observe::{Ask, Output, Reply};
use crate::plan::{Act, Step};

/// How long is waited between two tries to reach a node whose network is being changed.
const PAUSE: Duration = Duration::from_millis(500);

/// How long one of these tries may take: a line that was cut in the middle of it must not use up the time of all.
const TRY: Duration = Duration::from_secs(20);

/// The lab as it is, behind SSH and local shells.
pub struct RealLab {
    nodes: BTreeMap<String, Node>,
    source: Arc<dyn Source>,
    access: Access,
    links: Mutex<BTreeMap<String, Slot>>,
}

/// A node's place for its link: whoever comes while a connection is being made waits for that one.
type Slot = Arc<Mutex<Option<Arc<Link>>>>;

impl RealLab {
    /// The nodes of `lab`; secrets and blobs come from `source`.
    pub fn new(lab: &Lab, source: Arc<dyn Source>, access: Access) -> Self {
        Self { nodes: lab.nodes.clone(), source, access, links: Mutex::default() }
    }

    fn node(&self, ground: &Ground) -> Result<&Node, ReachError> {
        let node = self.nodes.get(ground.name());
        node.ok_or_else(|| ReachError::Unreachable(format!("there is no node `{ground}`")))
    }

    async fn slot(&self, ground: &Ground) -> Slot {
        Arc::clone(self.links.lock().await.entry(ground.name().to_owned()).or_default())
    }

    async fn link(&self, ground: &Ground, reached: Reached) -> Result<Arc<Link>, ReachError> {
        let node = self.node(ground)?;
        let slot = self.slot(ground).await;
        let mut slot = slot.lock().await;
        if let Some(link) = slot.as_ref().filter(|link| link.is_open()) {
            return Ok(Arc::clone(link));
        }
        let link = Arc::new(Link::connect(node, &self.access, reached, &Contents(&*self.source)).await?);
        *slot = Some(Arc::clone(&link));
        Ok(link)
    }

    /// Closes the node's connection and waits until a fresh one stands and `until` succeeds over it.
    async fn reconnect(&self, ground: &Ground, within: Duration, until: &[String], anywhere: bool) -> StepOutcome {
        let reached = if anywhere { Reached::Anywhere } else { Reached::AsDeclared };
        let argv = if until.is_empty() { vec!["true".to_owned()] } else { until.to_vec() };
        let ask = Ask::Run(argv);
        let mut last = "nothing was tried".to_owned();
        let attempts = async {
            loop {
                self.hang_up(ground).await;
                match tokio::time::timeout(TRY, self.try_fresh(ground, reached, &ask)).await {
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
            self.hang_up(ground).await;
            StepOutcome::Lost(format!("no fresh connection within {} s; the last try: {last}", within.as_secs()))
        }
    }

    async fn hang_up(&self, ground: &Ground) {
        let slot = self.slot(ground).await;
        let link = slot.lock().await.take();
        if let Some(link) = link {
            link.close().await;
        }
    }

    async fn try_fresh(&self, ground: &Ground, reached: Reached, ask: &Ask) -> Result<(), String> {
        let link = self.link(ground, reached).await.map_err(|error| error.to_string())?;
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
            tracing::info!(node = ground.name(), parts = asks.len(), "probe");
            self.link(ground, Reached::Anywhere).await?.probe(asks, &Contents(&*self.source)).await
        }
        .boxed()
    }

    fn act<'a>(&'a self, ground: &'a Ground, leg: &'a [Step]) -> BoxFuture<'a, Vec<StepOutcome>> {
        async move {
            for step in leg {
                tracing::info!(node = ground.name(), step = step.about, "act");
            }
            if let [Step { act: Act::Reconnect { within, until, anywhere }, .. }] = leg {
                return vec![self.reconnect(ground, Duration::from_secs(*within), until, *anywhere).await];
            }
            match self.link(ground, Reached::Anywhere).await {
                Ok(link) => link.act(leg, &Contents(&*self.source)).await,
                Err(error) => vec![StepOutcome::Lost(error.to_string())],
            }
        }
        .boxed()
    }
}
