//! The real lab: a link per node, made when it is first needed and kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::Transport;
use super::contents::{Contents, Source};
use super::link::{Link, Shell};
use super::outcome::{ReachError, StepOutcome};
use crate::lab::{Connection, Ground, Lab, Node};
use crate::observe::{Ask, Reply};
use crate::plan::{Act, Step};

/// The lab as it is, behind SSH and local shells.
pub struct RealLab {
    nodes: BTreeMap<String, Node>,
    source: Arc<dyn Source>,
    links: tokio::sync::Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<Option<Arc<Link>>>>>>,
}

impl RealLab {
    /// The nodes of `lab`; secrets and blobs come from `source`.
    pub fn new(lab: &Lab, source: Arc<dyn Source>) -> Self {
        Self { nodes: lab.nodes.clone(), source, links: tokio::sync::Mutex::default() }
    }

    fn node(&self, ground: &Ground) -> Result<&Node, ReachError> {
        let node = self.nodes.get(ground.name());
        node.ok_or_else(|| ReachError::Unreachable(format!("there is no node `{ground}`")))
    }

    /// The node's slot: whoever comes second while a connection is being made waits for it instead of making another.
    async fn slot(&self, name: &str) -> Arc<tokio::sync::Mutex<Option<Arc<Link>>>> {
        Arc::clone(self.links.lock().await.entry(name.to_owned()).or_default())
    }

    async fn link(&self, ground: &Ground) -> Result<Arc<Link>, ReachError> {
        let node = self.node(ground)?;
        let slot = self.slot(&node.name).await;
        let mut slot = slot.lock().await;
        if let Some(link) = slot.as_ref().filter(|link| link.is_open()) {
            return Ok(Arc::clone(link));
        }
        let link = Arc::new(connect(node).await?);
        *slot = Some(Arc::clone(&link));
        Ok(link)
    }

    /// Closes the node's connection and waits until a fresh one stands and answers.
    async fn reconnect(&self, ground: &Ground, within: Duration) -> StepOutcome {
        let attempts = async {
            loop {
                if let Ok(slot) = self.node(ground).map(|node| self.slot(&node.name)) {
                    *slot.await.lock().await = None;
                }
                if let Ok(link) = self.link(ground).await {
                    if link.probe(&[Ask::run(["true"])], &Contents(&*self.source)).await.is_ok() {
                        return;
                    }
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        match tokio::time::timeout(within, attempts).await {
            Ok(()) => StepOutcome::Done,
            Err(_) => StepOutcome::Lost(format!("no fresh connection within {} s", within.as_secs())),
        }
    }
}

async fn connect(node: &Node) -> Result<Link, ReachError> {
    match &node.connection {
        Connection::Local => Ok(Link { shell: Shell::Local, limit: Duration::from_mins(10) }),
        Connection::Ssh(_) => Err(ReachError::Unreachable("SSH is not built yet".to_owned())),
    }
}

impl Transport for RealLab {
    fn probe<'a>(&'a self, ground: &'a Ground, asks: &'a [Ask]) -> BoxFuture<'a, Result<Reply, ReachError>> {
        async move { self.link(ground).await?.probe(asks, &Contents(&*self.source)).await }.boxed()
    }

    fn act<'a>(&'a self, ground: &'a Ground, leg: &'a [Step]) -> BoxFuture<'a, Vec<StepOutcome>> {
        async move {
            if let [Step { act: Act::Reconnect { within, .. }, .. }] = leg {
                return vec![self.reconnect(ground, Duration::from_secs(*within)).await];
            }
            match self.link(ground).await {
                Ok(link) => link.act(leg, &Contents(&*self.source)).await,
                Err(error) => vec![StepOutcome::Lost(error.to_string())],
            }
        }
        .boxed()
    }
}
