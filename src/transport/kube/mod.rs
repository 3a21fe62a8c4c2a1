//! Clusters: from a `[clusters.NAME]` table to a Kubernetes API that answers questions and takes calls.
//!
//! In come asks and steps as data, out go answers and outcomes. Nothing outside of this folder knows which library
//! speaks to the API, or whether a node's SSH connection carries it.

mod act;
mod carrier;
mod certificate;
mod change;
mod client;
mod connector;
mod discovery;
mod fault;
mod filled;
mod forward;
mod guard;
mod handed;
mod kubeconfig;
mod lease;
mod link;
mod list;
mod mask;
mod origin;
mod path;
mod patience;
mod probe;
mod request;
mod symptoms;
#[cfg(test)]
mod tests;
mod wait;
mod whereabouts;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{Mutex, OnceCell};

use super::RealLab;
use super::contents::Contents;
use super::outcome::{ReachError, StepOutcome};
use crate::lab::{Cluster, Connection, Kubeconfig};
use crate::observe::{Ask, Reply};
use crate::plan::Step;
use carrier::Carrier;
use connector::Way;
pub(super) use filled::Filled;
pub use forward::Forward;
pub use handed::Handed;
use link::ClusterLink;
pub(super) use mask::Masks;
use request::Server;
use whereabouts::Whereabouts;

/// The lab's clusters: a link per cluster, made when it is first needed and kept.
pub(super) struct Clusters {
    declared: BTreeMap<String, Cluster>,
    links: Mutex<BTreeMap<String, Slot>>,
    masks: OnceCell<Arc<Masks>>,
}

/// A cluster's place for its link: whoever comes while it is being made waits for that one.
type Slot = Arc<Mutex<Option<Arc<ClusterLink>>>>;

impl Clusters {
    /// Nothing is connected yet.
    pub(super) fn new(clusters: &BTreeMap<String, Cluster>) -> Self {
        Self { declared: clusters.clone(), links: Mutex::default(), masks: OnceCell::new() }
    }

    /// One probe. What could not be answered is lost; that nothing could be, is an error.
    pub(super) async fn probe(
        &self,
        name: &str,
        asks: &[Ask],
        lab: &RealLab,
        contents: &Contents<'_>,
    ) -> Result<Reply, ReachError> {
        let link = self.link(name, lab).await?;
        probe::probe(&link, asks, contents).await
    }

    /// One leg.
    pub(super) async fn act(
        &self,
        name: &str,
        leg: &[Step],
        lab: &RealLab,
        contents: &Contents<'_>,
    ) -> Vec<StepOutcome> {
        match self.link(name, lab).await {
            Ok(link) => act::act(&link, leg, contents).await,
            // Nothing was begun, and nothing was sent.
            Err(error) => vec![act::failed(1, error.to_string().lines().map(ToOwned::to_owned))],
        }
    }

    /// The kubeconfig of a cluster, for other programs.
    pub(super) async fn handed(&self, name: &str, lab: &RealLab) -> Result<Handed, ReachError> {
        if self.leads_in_a_circle(name) {
            return Err(circle(name));
        }
        let origin = origin::read(self.cluster(name)?, lab).await?;
        let handed = Handed::new(origin.content, origin.context.as_deref(), name);
        handed.map_err(|unfit| origin::unusable(name, &origin.words, &unfit))
    }

    /// A port of this machine that leads to `host:port` as the cluster's node sees it; nothing where the API is reached
    /// without a node.
    pub(super) async fn forward(
        &self,
        name: &str,
        (host, port): (&str, u16),
        local: u16,
        lab: &RealLab,
    ) -> Result<Option<Forward>, ReachError> {
        let (way, _) = way(via(self.cluster(name)?), lab).await?;
        let Way::Through(carrier) = way else { return Ok(None) };
        Forward::open(*carrier, host, port, local).await.map(Some).map_err(ReachError::Unreachable)
    }

    /// The node that has a cluster's kubeconfig.
    pub(super) fn node_of(&self, name: &str) -> Option<&str> {
        match &self.declared.get(name)?.kubeconfig {
            Kubeconfig::Node { node, .. } => Some(&node.value),
            _ => None,
        }
    }

    fn cluster(&self, name: &str) -> Result<&Cluster, ReachError> {
        self.declared.get(name).ok_or_else(|| ReachError::Unreachable(format!("there is no cluster `{name}`")))
    }

    /// The cluster's link.
    fn link<'a>(&'a self, name: &'a str, lab: &'a RealLab) -> BoxFuture<'a, Result<Arc<ClusterLink>, ReachError>> {
        async move {
            if self.leads_in_a_circle(name) {
                return Err(circle(name));
            }
            let cluster = self.cluster(name)?;
            let slot = Arc::clone(self.links.lock().await.entry(name.to_owned()).or_default());
            let mut slot = slot.lock().await;
            if let Some(link) = slot.as_ref().filter(|link| link.is_open()) {
                return Ok(Arc::clone(link));
            }
            let link = Arc::new(self.connect(cluster, lab).await?);
            *slot = Some(Arc::clone(&link));
            Ok(link)
        }
        .boxed()
    }

    /// Whether a cluster's kubeconfig lies in a cluster whose own one needs it: each would wait for the other.
    fn leads_in_a_circle(&self, name: &str) -> bool {
        let above = |name: &str| match self.declared.get(name).map(|cluster| &cluster.kubeconfig) {
            Some(Kubeconfig::Secret { cluster, .. }) => Some(cluster.value.as_str()),
            _ => None,
        };
        // The last one of a chain may be none of the lab's.
        let longest = self.declared.len() + 1;
        std::iter::successors(Some(name), |name| above(name)).take(longest + 1).count() > longest
    }

    async fn connect(&self, cluster: &Cluster, lab: &RealLab) -> Result<ClusterLink, ReachError> {
        let masks = self.masks.get_or_try_init(|| async { Masks::new().map(Arc::new) }).await;
        let masks = Arc::clone(masks.map_err(ReachError::Garbled)?);
        let origin = origin::read(cluster, lab).await?;
        let words = origin.words;
        let entry = kubeconfig::entry(origin.content, origin.context.as_deref(), origin.whose).await;
        let entry = entry.map_err(|unfit| origin::unusable(&cluster.name, &words, &unfit))?;
        let (way, via) =
            way(via(cluster), lab).await.map_err(|error| error.within(&format!("cluster `{}`", cluster.name)))?;
        let config = entry.config;
        let host = config.cluster_url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let whereabouts = Whereabouts {
            cluster: cluster.name.clone(),
            server: entry.server,
            origin: words.clone(),
            via,
            server_name: config.tls_server_name.clone().unwrap_or(host),
            has_authority: config.root_cert.is_some(),
            certificate_end: entry.certificate_end,
        };
        let client = client::client(config, Arc::new(way)).await.map_err(|why| {
            let unfit = kubeconfig::Unfit { why, help: None };
            origin::unusable(&cluster.name, &words, &unfit)
        })?;
        ClusterLink::open(Server::new(client, whereabouts), masks).await
    }
}

fn circle(name: &str) -> ReachError {
    ReachError::Unreachable(format!("cluster `{name}`: the way to its kubeconfig leads through itself"))
}

/// The node through which a cluster is reached.
fn via(cluster: &Cluster) -> Option<&String> {
    match &cluster.kubeconfig {
        Kubeconfig::Node { node, .. } => Some(&node.value),
        _ => cluster.via.as_ref().map(|node| &node.value),
    }
}

/// How the API is reached: from here, also where the node is this machine; or out of the node, which is connected to.
async fn way(via: Option<&String>, lab: &RealLab) -> Result<(Way, Option<String>), ReachError> {
    let Some(name) = via else { return Ok((Way::Direct, None)) };
    let node = lab.node(name)?;
    let Connection::Ssh(ssh) = &node.connection else { return Ok((Way::Direct, None)) };
    let carrier = Carrier::new(node, ssh, lab.access());
    carrier.connect().await?;
    Ok((Way::Through(Box::new(carrier)), Some(name.clone())))
}
