//! Grounds that were away once in a run are left out of it: nobody waits for them again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::lab::{Ground, Lab, Site};
use crate::observe::{Ask, Reply};
use crate::plan::Step;
use crate::transport::{ReachError, StepOutcome, Transport};

/// A lab of which some may be away: nodes that are `optional`, or all (`--skip-unreachable`).
pub struct Skipping<'a> {
    transport: &'a dyn Transport,
    lab: &'a Lab,
    all: bool,
    away: Mutex<BTreeMap<Ground, ReachError>>,
}

impl<'a> Skipping<'a> {
    /// `all`: whichever ground can't be reached is left out.
    pub fn new(transport: &'a dyn Transport, lab: &'a Lab, all: bool) -> Self {
        Self { transport, lab, all, away: Mutex::default() }
    }

    fn may_be_away(&self, ground: &Ground) -> bool {
        self.all || self.lab.site(ground).and_then(Site::node).is_some_and(|node| node.optional)
    }

    fn away(&self) -> std::sync::MutexGuard<'_, BTreeMap<Ground, ReachError>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Skipping<'_> {
    fn probe<'a>(&'a self, ground: &'a Ground, asks: &'a [Ask]) -> BoxFuture<'a, Result<Reply, ReachError>> {
        async move {
            if let Some(error) = self.away().get(ground) {
                return Err(error.clone());
            }
            let reply = self.transport.probe(ground, asks).await;
            if let Err(error @ ReachError::Unreachable(_)) = &reply
                && self.may_be_away(ground)
            {
                self.away().insert(ground.clone(), error.clone());
            }
            reply
        }
        .boxed()
    }

    fn act<'a>(&'a self, ground: &'a Ground, leg: &'a [Step]) -> BoxFuture<'a, Vec<StepOutcome>> {
        self.transport.act(ground, leg)
    }

    fn is_in_real_time(&self) -> bool {
        self.transport.is_in_real_time()
    }
}
