//! One request to an API server: sent within its limit, answered as a whole or not at all.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use serde_json::Value;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::fault::{Fault, deepest};
use super::patience::Patience;
use super::whereabouts::Whereabouts;
use crate::observe::{Cause, Refusal};

/// Requests to one server at the same time: its own fairness gives a client few more.
const PARALLEL_REQUESTS: usize = 8;
/// Limit for one request and its answer.
const LIMIT: Duration = Duration::from_secs(30);
/// Bytes of an answer beyond which it is not read: a page of 500 of the largest objects.
const ANSWER_LIMIT: usize = 768 * 1024 * 1024;

/// A request to an API server.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    pub(super) content_type: Option<&'static str>,
    pub(super) accept: &'static str,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Request {
    pub(super) fn get(target: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            target: target.into(),
            content_type: None,
            accept: "application/json",
            body: Zeroizing::default(),
        }
    }

    pub(super) fn send(
        method: Method,
        target: impl Into<String>,
        content_type: &'static str,
        body: Zeroizing<Vec<u8>>,
    ) -> Self {
        Self { method, content_type: Some(content_type), body, ..Self::get(target) }
    }
}

/// An answer, and whether an earlier try of the same request may have been carried out.
pub(super) struct Sent {
    pub(super) result: Result<Value, Fault>,
    pub(super) was_lost: bool,
}

/// An API server that is talked to.
pub(super) struct Server {
    client: Client,
    pub(super) whereabouts: Whereabouts,
    slots: Semaphore,
    /// What the server's clock said last, and when that was here.
    clock: Mutex<Option<(Timestamp, Instant)>>,
}

impl Server {
    pub(super) fn new(client: Client, whereabouts: Whereabouts) -> Self {
        Self { client, whereabouts, slots: Semaphore::new(PARALLEL_REQUESTS), clock: Mutex::default() }
    }

    /// Sends a request, again where that may help and can't harm.
    pub(super) async fn send(&self, request: &Request, patience: Patience) -> Sent {
        let began = tokio::time::Instant::now();
        let mut was_lost = false;
        for tries in 1.. {
            let fault = match self.once(request).await {
                Ok(value) => return Sent { result: Ok(value), was_lost },
                Err(fault) => fault,
            };
            let Some(pause) = patience.pause(&fault, tries, began.elapsed()) else {
                return Sent { result: Err(fault), was_lost };
            };
            was_lost |= fault.is_open();
            tracing::debug!(target = request.target, ?pause, "another try");
            tokio::time::sleep(pause).await;
        }
        Sent { result: Err(Fault::lost("nothing was tried")), was_lost }
    }

    /// The time by the server's own clock, as far as it told (RFC 9110, section 6.6.1).
    pub(super) fn now(&self) -> Option<Timestamp> {
        let (said, at) = (*self.clock.lock().unwrap_or_else(PoisonError::into_inner))?;
        said.checked_add(at.elapsed()).ok()
    }

    fn heard(&self, headers: &HeaderMap) {
        if let Some(said) = date(headers) {
            *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some((said, Instant::now()));
        }
    }

    /// What a GET answers.
    pub(super) async fn get(&self, target: &str, patience: Patience) -> Result<Value, Fault> {
        self.send(&Request::get(target), patience).await.result
    }

    async fn once(&self, request: &Request) -> Result<Value, Fault> {
        let _slot = self.slots.acquire().await.map_err(|_| Fault::lost("labctl is ending"))?;
        let mut builder = http::Request::builder().method(request.method.clone()).uri(&request.target);
        builder = builder.header(ACCEPT, request.accept);
        if let Some(content_type) = request.content_type {
            builder = builder.header(CONTENT_TYPE, content_type);
        }
        let http = builder.body(Body::from(request.body.to_vec()));
        let http =
            http.map_err(|error| Fault::refused("BadRequest", format!("no request can be made of it: {error}")))?;
        let (status, headers, bytes) = match tokio::time::timeout(LIMIT, self.exchange(http)).await {
            Ok(result) => result?,
            Err(_) => {
                return Err(Fault::Lost {
                    why: format!("it did not answer within {} s", LIMIT.as_secs()),
                    is_late: true,
                });
            }
        };
        self.heard(&headers);
        tracing::debug!(method = %request.method, target = request.target, status = status.as_u16(), "api");
        if status.is_success() {
            serde_json::from_slice(&bytes).map_err(|error| Fault::lost(broken(&error, bytes.len())))
        } else {
            Err(Fault::Refused { refusal: refusal(status, &bytes), retry_after: retry_after(&headers) })
        }
    }

    async fn exchange(&self, http: http::Request<Body>) -> Result<(StatusCode, HeaderMap, Vec<u8>), Fault> {
        let response = self.client.send(http).await.map_err(|error| Fault::of(&error, &self.whereabouts))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_LIMIT).collect().await;
        let body = body.map_err(|error| Fault::lost(format!("the answer broke off: {}", deepest(&*error))))?;
        Ok((parts.status, parts.headers, body.to_bytes().to_vec()))
    }
}

/// What is wrong with an answer, without a word of it.
fn broken(error: &serde_json::Error, length: usize) -> String {
    if error.is_eof() {
        format!("the answer broke off after {length} bytes")
    } else {
        format!("the answer is no JSON at byte {} of line {}", error.column(), error.line())
    }
}

/// The `Status` that an API server answers with; what stands before it (a proxy) answers with a page.
fn refusal(status: StatusCode, bytes: &[u8]) -> Refusal {
    const LONGEST: usize = 200;
    match serde_json::from_slice::<Status>(bytes) {
        Ok(answer) if !answer.message.is_empty() || !answer.reason.is_empty() => Refusal {
            code: status.as_u16(),
            reason: answer.reason,
            message: answer.message,
            causes: answer.details.map_or_else(Vec::new, |details| {
                let cause = |cause: kube::core::response::StatusCause| Cause {
                    reason: cause.reason,
                    message: cause.message,
                    field: cause.field,
                };
                details.causes.into_iter().map(cause).collect()
            }),
        },
        _ => {
            let text = String::from_utf8_lossy(bytes);
            let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
            let message = if line.is_empty() { status.to_string() } else { line.chars().take(LONGEST).collect() };
            Refusal { code: status.as_u16(), reason: String::new(), message, causes: Vec::new() }
        }
    }
}

/// RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let said = headers.get(DATE)?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(said).ok()?.timestamp())
}

/// RFC 9110, section 10.2.3; an API server gives seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::DATE;

    use super::date;

    #[test]
    fn the_servers_clock_is_read_from_its_answers_and_what_is_no_date_is_none() {
        let of = |text: &str| date(&HeaderMap::from_iter([(DATE, text.parse().unwrap())]));
        assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT").unwrap().to_string(), "1994-11-06T08:49:37Z");
        assert_eq!((of("yesterday"), date(&HeaderMap::new())), (None, None));
    }
}
