//! A cluster that is talked to: its server, what that serves, and what this run did there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use tokio::sync::Mutex;

use super::discovery::{Found, Resource, Served};
use super::fault::Fault;
use super::mask::Masks;
use super::patience::Patience;
use super::request::Server;
use crate::lab::{ApiKind, ObjectKey};
use crate::transport::outcome::ReachError;

/// A cluster that can be talked to.
pub(super) struct ClusterLink {
    pub(super) server: Server,
    pub(super) masks: Arc<Masks>,
    served: RwLock<Known>,
    refreshing: Mutex<()>,
    has_applied: AtomicBool,
    is_spoiled: AtomicBool,
    /// Who was seen to hold the cluster's lock, and when: seconds of this machine's clock.
    holder: RwLock<Option<(String, i64)>>,
}

/// What the server serves, as it was last asked.
#[derive(Clone)]
struct Known {
    /// Counts how often it was asked.
    times: u64,
    served: Arc<Served>,
}

impl ClusterLink {
    /// The first words with a server: what it serves.
    pub(super) async fn open(server: Server, masks: Arc<Masks>) -> Result<Self, ReachError> {
        let kinds = Served::ask(&server, Patience::FIRST).await.map_err(|fault| reach(&fault, &server))?;
        Ok(Self {
            server,
            masks,
            served: RwLock::new(Known { times: 1, served: Arc::new(kinds) }),
            refreshing: Mutex::default(),
            has_applied: AtomicBool::new(false),
            is_spoiled: AtomicBool::new(false),
            holder: RwLock::default(),
        })
    }

    /// Whether it is of use: after a refusal of its credentials a fresh kubeconfig may be.
    pub(super) fn is_open(&self) -> bool {
        !self.is_spoiled.load(Ordering::Relaxed)
    }

    /// Who was seen to hold the cluster's lock, and when.
    pub(super) fn holder(&self) -> Option<(String, i64)> {
        self.holder.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers who was seen to hold the cluster's lock.
    pub(super) fn knows_holder(&self, holder: Option<(String, i64)>) {
        *self.holder.write().unwrap_or_else(PoisonError::into_inner) = holder;
    }

    /// Something was changed there: what it serves may be more than it was.
    pub(super) fn has_changed(&self) {
        self.has_applied.store(true, Ordering::Relaxed);
    }

    /// The words of a fault, which is remembered where it means that the link is of no use any more.
    pub(super) fn words(&self, fault: &Fault) -> String {
        if fault.is_about_trust() {
            self.is_spoiled.store(true, Ordering::Relaxed);
        }
        fault.words(&self.server.whereabouts)
    }

    /// How often the server was asked what it serves.
    pub(super) fn times_asked(&self) -> u64 {
        self.known().times
    }

    /// What the server serves.
    pub(super) fn served(&self) -> Arc<Served> {
        self.known().served
    }

    fn known(&self) -> Known {
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The kind as it is served; none where it isn't. Where this run changed something, the server is asked anew for a
    /// kind that is missing, once since it had been asked `times`.
    pub(super) async fn find(&self, kind: &ApiKind, times: u64) -> Result<Option<Arc<Resource>>, Fault> {
        let mut found = self.served().find(kind);
        if !matches!(found, Found::Served(_)) && self.has_applied.load(Ordering::Relaxed) {
            self.refresh(times).await?;
            found = self.served().find(kind);
        }
        match found {
            Found::Served(resource) => Ok(Some(resource)),
            Found::NotServed => Ok(None),
            Found::Unknown => Err(Fault::lost(format!(
                "the server behind `{}` does not answer, so its kinds aren't known",
                kind.api_version
            ))),
        }
    }

    /// Asks the server what it serves, unless somebody did since it had been asked `times`.
    pub(super) async fn refresh(&self, times: u64) -> Result<(), Fault> {
        let _alone = self.refreshing.lock().await;
        if self.times_asked() != times {
            return Ok(());
        }
        let served = Arc::new(Served::ask(&self.server, Patience::READING).await?);
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = Known { times: times + 1, served };
        Ok(())
    }

    /// One object as it is, its secrets included; none where there is no such object or kind.
    pub(super) async fn object(&self, key: &ObjectKey, patience: Patience) -> Result<Option<Value>, Fault> {
        let Some(resource) = self.find(&key.kind, self.times_asked()).await? else { return Ok(None) };
        match self.server.get(&path(&resource, key)?, patience).await {
            Ok(object) => Ok(Some(object)),
            Err(fault) if fault.code() == Some(404) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

/// The path of an object, if its kind and its key agree on whether it lies in a namespace.
pub(super) fn path(resource: &Resource, key: &ObjectKey) -> Result<String, Fault> {
    let kind = &resource.kind.kind;
    match (&key.namespace, resource.is_namespaced) {
        (Some(namespace), true) if !namespace.is_empty() => Ok(resource.path(Some(namespace), Some(&key.name))),
        (None, false) => Ok(resource.path(None, Some(&key.name))),
        (Some(namespace), false) => Err(Fault::refused(
            "BadRequest",
            format!("a {kind} belongs to the whole cluster, and `{}` is given the namespace `{namespace}`", key.name),
        )),
        _ => {
            Err(Fault::refused("BadRequest", format!("a {kind} lies in a namespace, and `{}` is given none", key.name)))
        }
    }
}

/// Why a cluster could not be asked at all.
pub(super) fn reach(fault: &Fault, server: &Server) -> ReachError {
    let words = fault.words(&server.whereabouts);
    match fault.code() {
        Some(401 | 403) => ReachError::Denied(words),
        _ => ReachError::Unreachable(words),
    }
}
