//! The questions of a probe as requests.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use http::Method;
use serde_json::{Value, json};

use super::fault::Fault;
use super::filled::{Filled, bytes};
use super::lease;
use super::link::{ClusterLink, path};
use super::list::Listing;
use super::patience::Patience;
use super::request::Request;
use crate::kubernetes::{LAB_LABEL, MANAGER};
use crate::lab::{ApiKind, Manifest, ObjectKey};
use crate::observe::{Answer, ApiAnswer, ApiAsk, Ask, Refusal, Reply};
use crate::transport::contents::Contents;
use crate::transport::outcome::ReachError;

/// Asks that are answered at the same time.
const PARALLEL_ASKS: usize = 8;
/// Asks without an answer in time, one after the other, after which the server is taken to be away.
const SILENCES: usize = 2;
/// What server-side apply is sent as; JSON is YAML.
const APPLY: &str = "application/apply-patch+yaml";

/// Why an ask has no answer.
enum Unanswered {
    Fault(Fault),
    /// It could not be asked at all: a secret is missing.
    Here(ReachError),
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ReachError> for Unanswered {
    fn from(error: ReachError) -> Self {
        Self::Here(error)
    }
}

/// All asks. What could not be answered is lost; that the server could not be reached for any of them is an error.
pub(super) async fn probe(link: &ClusterLink, asks: &[Ask], contents: &Contents<'_>) -> Result<Reply, ReachError> {
    let round =
        Round { link, contents, times: link.times_asked(), away: OnceLock::new(), silences: AtomicUsize::new(0) };
    let answers: Vec<_> = asks.iter().map(|ask| round.answer_unless_away(ask)).collect();
    let answers: Vec<_> = futures::stream::iter(answers).buffered(PARALLEL_ASKS).collect().await;
    let is_reached = |answer: &Result<_, _>| !matches!(answer, Err(Unanswered::Fault(Fault::Unreachable { .. })));
    let is_request = |ask: &Ask| !matches!(ask, Ask::Api(ApiAsk::Mask(_)));
    let mut unreachable = None;
    let mut reply = Reply::default();
    let mut reached = false;
    for (ask, answer) in asks.iter().zip(answers) {
        reached |= is_request(ask) && is_reached(&answer);
        let answer = match answer {
            Ok(answer) => Answer::Api(answer),
            Err(Unanswered::Here(error)) => Answer::Lost(error.to_string()),
            Err(Unanswered::Fault(fault)) => {
                let words = link.words(&fault);
                unreachable.get_or_insert_with(|| words.clone());
                Answer::Lost(words)
            }
        };
        reply.insert(ask.clone(), answer);
    }
    match unreachable {
        Some(words) if !reached => Err(ReachError::Unreachable(words)),
        _ => Ok(reply),
    }
}

/// One probe of a cluster.
struct Round<'a> {
    link: &'a ClusterLink,
    contents: &'a Contents<'a>,
    /// How often the server had been asked what it serves before.
    times: u64,
    /// Why the rest is not asked any more.
    away: OnceLock<Away>,
    /// Asks that were not answered in time since the last one that was.
    silences: AtomicUsize,
}

/// A server that is not there any more, in words and with the remedy.
struct Away {
    why: String,
    help: Option<String>,
}

impl Round<'_> {
    /// A server that is away is not asked a hundred times more, each with its own patience.
    async fn answer_unless_away(&self, ask: &Ask) -> Result<ApiAnswer, Unanswered> {
        if let Some(Away { why, help }) = self.away.get() {
            return Err(Fault::Unreachable { why: why.clone(), help: help.clone(), is_final: false }.into());
        }
        let answer = self.answer(ask).await;
        match &answer {
            Err(Unanswered::Fault(Fault::Unreachable { why, help, .. })) => {
                let _ = self.away.set(Away { why: why.clone(), help: help.clone() });
            }
            Err(Unanswered::Fault(Fault::Lost { why, is_late: true })) => {
                if self.silences.fetch_add(1, Ordering::Relaxed) + 1 >= SILENCES {
                    let _ = self.away.set(Away { why: why.clone(), help: None });
                }
            }
            _ => self.silences.store(0, Ordering::Relaxed),
        }
        answer
    }

    async fn answer(&self, ask: &Ask) -> Result<ApiAnswer, Unanswered> {
        let Ask::Api(ask) = ask else {
            return Err(Fault::refused("BadRequest", "a cluster runs no programs and has no files").into());
        };
        match ask {
            ApiAsk::Marked { kind, lab } => {
                let labels = format!("{LAB_LABEL}={lab}");
                settled(self.list(kind, Some(&labels)).await, is_no_path)
            }
            ApiAsk::All(kind) => settled(self.list(kind, None).await, is_no_path),
            ApiAsk::Contents(namespace) => settled(self.in_namespace(namespace).await, |_| false),
            ApiAsk::Object(key) => settled(self.object(key).await, is_no_path),
            ApiAsk::Lease => match lease::read(&self.link.server, Patience::READING).await {
                Ok(Some(lease)) => {
                    let held = crate::kubernetes::lease::held(&lease, self.link.server.now());
                    Ok(ApiAnswer::Object(Box::new(json!({ "lease": lease, "held": held }))))
                }
                Ok(None) => Ok(ApiAnswer::Absent),
                Err(fault) => settled(Err(fault), is_no_path),
            },
            ApiAsk::DryRun { manifest, force } => self.dry_run(manifest, *force).await,
            ApiAsk::Mask(slot) => {
                let value = bytes(slot, self.contents)?;
                let masks = &self.link.masks;
                let mask = match std::str::from_utf8(&value) {
                    Ok(encoded) if !slot.base64 => masks.mask_encoded(encoded),
                    _ => masks.mask(&value),
                };
                Ok(ApiAnswer::Mask(mask))
            }
        }
    }

    async fn list(&self, kind: &ApiKind, labels: Option<&str>) -> Result<ApiAnswer, Fault> {
        let Some(resource) = self.link.find(kind, self.times).await? else { return Ok(ApiAnswer::NoKind) };
        let listing = Listing { resource: &resource, namespace: None, labels, metadata_alone: false };
        Ok(self.objects(listing.read(&self.link.server).await?))
    }

    async fn in_namespace(&self, namespace: &str) -> Result<ApiAnswer, Fault> {
        let kinds = self.link.served().in_namespaces().map_err(Fault::lost)?;
        let listing = |resource| Listing { resource, namespace: Some(namespace), labels: None, metadata_alone: true };
        let lists: Vec<_> = kinds.iter().map(|resource| listing(resource).read(&self.link.server)).collect();
        let lists: Vec<_> = futures::stream::iter(lists).buffered(PARALLEL_ASKS).collect().await;
        let mut objects = Vec::new();
        for list in lists {
            match list {
                // The kind went away since the server was asked what it serves, and its objects with it.
                Err(Fault::Refused { refusal, .. }) if is_no_path(&refusal) => {}
                list => objects.extend(list?),
            }
        }
        Ok(self.objects(objects))
    }

    fn objects(&self, mut objects: Vec<Value>) -> ApiAnswer {
        for object in &mut objects {
            self.link.masks.hide(object);
        }
        ApiAnswer::Objects(objects)
    }

    async fn object(&self, key: &ObjectKey) -> Result<ApiAnswer, Fault> {
        let Some(resource) = self.link.find(&key.kind, self.times).await? else { return Ok(ApiAnswer::NoKind) };
        match self.link.server.get(&path(&resource, key)?, Patience::READING).await {
            Ok(object) => Ok(self.one(object)),
            Err(Fault::Refused { refusal, .. }) if refusal.code == 404 && !is_no_path(&refusal) => {
                Ok(ApiAnswer::Absent)
            }
            Err(fault) => Err(fault),
        }
    }

    fn one(&self, mut object: Value) -> ApiAnswer {
        self.link.masks.hide(&mut object);
        ApiAnswer::Object(Box::new(object))
    }

    async fn dry_run(&self, manifest: &Manifest, force: bool) -> Result<ApiAnswer, Unanswered> {
        let filled = Filled::new(manifest, self.contents)?;
        let result = self.try_dry_run(manifest, &filled, force).await;
        let mut answer = settled(result, is_no_path)?;
        if let ApiAnswer::Refused(refusal) = &mut answer {
            without_secrets(refusal, &filled);
        }
        Ok(answer)
    }

    async fn try_dry_run(&self, manifest: &Manifest, filled: &Filled, force: bool) -> Result<ApiAnswer, Fault> {
        let key = manifest.key().ok_or_else(|| Fault::refused("BadRequest", "the manifest has no kind or no name"))?;
        let Some(resource) = self.link.find(&key.kind, self.times).await? else { return Ok(ApiAnswer::NoKind) };
        let request = apply(&path(&resource, &key)?, filled, force, true, None);
        let object = self.link.server.send(&request, Patience::READING).await.result?;
        Ok(self.one(object))
    }
}

/// A server-side apply. With a state (UID and resource version) it holds for that state alone.
pub(super) fn apply(path: &str, filled: &Filled, force: bool, is_dry: bool, state: Option<(&str, &str)>) -> Request {
    let dry = if is_dry { "&dryRun=All" } else { "" };
    let target = format!("{path}?fieldManager={MANAGER}&force={force}&fieldValidation=Strict{dry}");
    Request::send(Method::PATCH, target, APPLY, filled.body(state))
}

/// What the server refuses is an answer; so is a kind that it does not serve. Who asks must be known, though.
fn settled(result: Result<ApiAnswer, Fault>, is_no_kind: impl Fn(&Refusal) -> bool) -> Result<ApiAnswer, Unanswered> {
    match result {
        Err(Fault::Refused { refusal, .. }) if is_no_kind(&refusal) => Ok(ApiAnswer::NoKind),
        Err(Fault::Refused { refusal, .. }) if refusal.code < 500 && !matches!(refusal.code, 401 | 410 | 429) => {
            Ok(ApiAnswer::Refused(refusal))
        }
        Err(Fault::Refused { refusal, .. }) if is_about_object(&refusal) => Ok(ApiAnswer::Refused(refusal)),
        result => result.map_err(Unanswered::Fault),
    }
}

/// Whether what the server calls an error of its own is one of the object: a field that a built-in kind does not have,
/// in server-side apply, and what a webhook was asked about.
pub(super) fn is_about_object(refusal: &Refusal) -> bool {
    const SAID: [&str; 2] = ["failed to create typed patch object", "webhook"];
    refusal.code == 500 && SAID.iter().any(|words| refusal.message.contains(words))
}

/// Whether it is the path that is not served; an object that is not there is named.
pub(super) fn is_no_path(refusal: &Refusal) -> bool {
    refusal.code == 404
        && (refusal.reason != "NotFound" || refusal.message == "the server could not find the requested resource")
}

/// Takes out what was sent in secret.
pub(super) fn without_secrets(refusal: &mut Refusal, filled: &Filled) {
    refusal.message = filled.without_secrets(&refusal.message);
    for cause in &mut refusal.causes {
        cause.message = filled.without_secrets(&cause.message);
    }
}
