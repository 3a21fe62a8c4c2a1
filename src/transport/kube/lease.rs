//! The lock of a cluster: looked at and written by requests that the server itself lets only one of many succeed with.

use http::Method;
use jiff::Timestamp;
use serde_json::Value;
use zeroize::Zeroizing;

use super::act::{Leg, failed};
use super::fault::Fault;
use super::patience::Patience;
use super::request::{Request, Server};
use crate::kubernetes::lease::{self, LEASE, LEASES, LeaseAct, LeaseVerdict};
use crate::plan::ApiGuard;
use crate::plan::lock::HELD;
use crate::transport::outcome::StepOutcome;

/// How often it is looked at again, where others write it at the same time.
const ROUNDS: usize = 5;

/// Seconds for which it is known that it is held, so that a thousand objects don't cost a thousand looks. Far less than
/// what makes a holder dead, by the wall clock: a machine that slept looks again.
const KNOWN_FOR: i64 = 10;

/// The Lease as it is; none where there is none.
pub(super) async fn read(server: &Server, patience: Patience) -> Result<Option<Value>, Fault> {
    match server.get(LEASE, patience).await {
        Ok(lease) => Ok(Some(lease)),
        Err(fault) if fault.code() == Some(404) => Ok(None),
        Err(fault) => Err(fault),
    }
}

impl Leg<'_> {
    pub(super) async fn lease(&mut self, act: &LeaseAct) -> Result<(), StepOutcome> {
        let server = &self.link.server;
        for _ in 0..ROUNDS {
            let live = read(server, Patience::ACTING).await.map_err(|fault| self.fell(&fault, false))?;
            let (method, target, lease) = match lease::verdict(live.as_ref(), act, server.now()) {
                LeaseVerdict::Done => return Ok(()),
                LeaseVerdict::Held(words) => return Err(failed(HELD, words)),
                LeaseVerdict::Gone => return Err(failed(1, ["nobody holds the Lease any more".to_owned()])),
                LeaseVerdict::Create(lease) => (Method::POST, LEASES, lease),
                LeaseVerdict::Replace(lease) => (Method::PUT, LEASE, lease),
            };
            let body = Zeroizing::new(lease.to_string().into_bytes());
            let request = Request::send(method, target, "application/json", body);
            let sent = server.send(&request, Patience::ACTING).await;
            match sent.result {
                Ok(_) => {
                    self.link.knows_holder(None);
                    return Ok(());
                }
                // Somebody was there before, or this very request was answered by nobody: what is so now decides.
                Err(fault) if matches!(fault.code(), Some(404 | 409)) => {}
                Err(fault) => return Err(self.fell(&fault, sent.was_lost)),
            }
        }
        Err(failed(1, ["others write the Lease faster than it can be taken".to_owned()]))
    }

    /// Whether this run still holds it.
    pub(super) async fn check_holder(&self, guard: &ApiGuard, id: &str) -> Result<(), StepOutcome> {
        let now = Timestamp::now().as_second();
        if self.link.holder().is_some_and(|(known, since)| known == id && (0..KNOWN_FOR).contains(&(now - since))) {
            return Ok(());
        }
        let live = read(&self.link.server, Patience::ACTING).await.map_err(|fault| self.fell(&fault, false))?;
        match lease::not_held(live.as_ref(), id) {
            None => {
                self.link.knows_holder(Some((id.to_owned(), now)));
                Ok(())
            }
            Some(found) => Err(StepOutcome::Stale { guard: guard.words(), found }),
        }
    }
}
