//! The steps of a leg as calls of an API: in order, each after its guards, until one is not done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::discovery::Resource;
use super::fault::Fault;
use super::guard::Expected;
use super::link::ClusterLink;
use super::patience::Patience;
use super::wait;
use crate::lab::{ApiKind, ObjectKey};
use crate::observe::Refusal;
use crate::plan::{Act, Call, Guard, Step};
use crate::transport::contents::Contents;
use crate::transport::outcome::StepOutcome;

/// How long a kind is waited for that the server does not serve yet: discovery lags behind a new definition, and so do
/// the paths of its objects.
pub(super) const KIND_LIMIT: Duration = Duration::from_secs(10);
/// The pause between two looks for it.
pub(super) const KIND_PAUSE: Duration = Duration::from_millis(500);

/// The outcomes of the steps that were begun.
pub(super) async fn act(link: &ClusterLink, steps: &[Step], contents: &Contents<'_>) -> Vec<StepOutcome> {
    let mut leg = Leg { link, contents, is_right_cluster: false, written: BTreeMap::new() };
    let mut outcomes = Vec::new();
    for step in steps {
        let outcome = leg.step(step).await.err().unwrap_or(StepOutcome::Done);
        let is_done = outcome == StepOutcome::Done;
        outcomes.push(outcome);
        if !is_done {
            break;
        }
    }
    outcomes
}

/// A leg that is being carried out. What stops it is the outcome of its last step.
pub(super) struct Leg<'a> {
    pub(super) link: &'a ClusterLink,
    pub(super) contents: &'a Contents<'a>,
    /// Whether the cluster's identity was looked at.
    pub(super) is_right_cluster: bool,
    /// The resource versions that this leg's own writes made, by the object's path: they are no change by others.
    pub(super) written: BTreeMap<String, String>,
}

impl Leg<'_> {
    async fn step(&mut self, step: &Step) -> Result<(), StepOutcome> {
        let Act::Api(call) = &step.act else {
            return Err(failed(1, ["a cluster runs no programs and has no files".to_owned()]));
        };
        let mut expected = None;
        for guard in &step.guards {
            let Guard::Api(guard) = guard else {
                return Err(failed(1, [format!("a cluster can't answer for `{}`", guard.words())]));
            };
            let found = self.check(guard, object(call).as_ref()).await?;
            expected = expected.or(found);
        }
        let expected = expected.as_ref();
        let patience = match step.limit {
            Some(seconds) => Patience { for_webhook: Duration::from_secs(seconds), ..Patience::ACTING },
            None => Patience::ACTING,
        };
        match call {
            Call::Apply { manifest, force } => self.apply(manifest, *force, expected, patience).await,
            Call::Lease(act) => self.lease(act).await,
            Call::Delete { object } => self.delete(object, expected, patience).await,
            Call::TakeOver { object, managers } => {
                let change = |live: &serde_json::Value| crate::kubernetes::taken_over(live, managers);
                self.change_hands(object, change, expected, patience).await
            }
            Call::Release { object } => {
                self.change_hands(object, crate::kubernetes::released, expected, patience).await
            }
            Call::Ready { object, within } => wait::ready(self.link, object, Duration::from_secs(*within)).await,
            Call::Gone { object, within } => wait::gone(self.link, object, Duration::from_secs(*within)).await,
        }
    }

    /// What the step starts from: the object as the plan saw it, or as this leg itself has left it.
    pub(super) fn start<'e>(&'e self, key: &ObjectKey, expected: Option<&'e Expected>) -> Option<(&'e str, &'e str)> {
        let expected = expected?;
        let version = self.written.get(&key.path()).unwrap_or(&expected.version);
        Some((&expected.uid, version))
    }

    /// The kind as it is served, waited for a little: a step before may have defined it.
    pub(super) async fn served(&self, kind: &ApiKind) -> Result<Option<Arc<Resource>>, StepOutcome> {
        let began = tokio::time::Instant::now();
        loop {
            let times = self.link.times_asked();
            if let Some(resource) = self.link.find(kind, times).await.map_err(|fault| self.fell(&fault, false))? {
                return Ok(Some(resource));
            }
            if began.elapsed() >= KIND_LIMIT {
                return Ok(None);
            }
            tokio::time::sleep(KIND_PAUSE).await;
            self.link.refresh(self.link.times_asked()).await.map_err(|fault| self.fell(&fault, false))?;
        }
    }

    /// The outcome of a step whose request has no answer that can be used. `was_lost`: an earlier try of the same may
    /// have been carried out.
    pub(super) fn fell(&self, fault: &Fault, was_lost: bool) -> StepOutcome {
        fell(self.link, fault, was_lost)
    }
}

/// The outcome of a step whose request has no answer that can be used.
pub(super) fn fell(link: &ClusterLink, fault: &Fault, was_lost: bool) -> StepOutcome {
    let words = link.words(fault);
    match fault {
        Fault::Refused { refusal, .. } if refusal.code == 401 || fault.is_about_rights() => {
            failed(refusal.code.into(), words.lines().map(ToOwned::to_owned))
        }
        Fault::Refused { .. } if fault.is_open() => StepOutcome::Lost(words),
        Fault::Refused { refusal, .. } => failed(refusal.code.into(), said(refusal)),
        Fault::Unreachable { .. } if !was_lost => failed(1, words.lines().map(ToOwned::to_owned)),
        Fault::Unreachable { .. } | Fault::Lost { .. } => StepOutcome::Lost(words),
    }
}

/// A step that failed with these words.
pub(super) fn failed(code: u32, words: impl IntoIterator<Item = String>) -> StepOutcome {
    StepOutcome::Failed { code, words: words.into_iter().collect() }
}

/// What the server says, with its parts and the fields that they are about.
fn said(refusal: &Refusal) -> Vec<String> {
    let mut words: Vec<String> = refusal.message.lines().map(ToOwned::to_owned).collect();
    for cause in &refusal.causes {
        let line = match (cause.field.as_str(), cause.message.as_str()) {
            ("", message) => message.to_owned(),
            (field, "") => field.to_owned(),
            (field, message) => format!("{field}: {message}"),
        };
        // A refusal with one cause says it in its message already.
        if !refusal.message.contains(&line) {
            words.push(line);
        }
    }
    words
}

/// The object that a call is about.
fn object(call: &Call) -> Option<ObjectKey> {
    match call {
        Call::Apply { manifest, .. } => manifest.key(),
        Call::TakeOver { object, .. }
        | Call::Release { object }
        | Call::Delete { object }
        | Call::Ready { object, .. }
        | Call::Gone { object, .. } => Some(object.clone()),
        Call::Lease(_) => None,
    }
}
