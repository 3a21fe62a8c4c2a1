//! The requests that the API server has seen, from its audit log.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::super::wait::wait_until;

/// What the parts of the control plane ask of each other, and what the tests ask, is left out. The rest has a line for
/// every stage of a request; the first one is written before the request is looked at, so none is missing once it is
/// answered. <https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/>
pub(super) const POLICY: &str = r#"
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: None
  users: [harness, kwok, "system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]
- level: Metadata
"#;

/// A place in the audit log.
pub(crate) struct Mark {
    log: PathBuf,
    offset: u64,
}

/// A request that has been answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// As Kubernetes says: `get`, `list`, `watch`, `patch`, …
    pub(crate) verb: String,
    /// The path with its query.
    pub(crate) uri: String,
    /// Empty where nobody could be recognised.
    pub(crate) user: String,
    /// What the client calls itself.
    pub(crate) agent: String,
    /// The HTTP status code.
    pub(crate) code: u16,
}

impl Mark {
    pub(super) fn at_the_end(log: PathBuf) -> Self {
        let offset = fs::metadata(&log).map_or(0, |metadata| metadata.len());
        Self { log, offset }
    }

    /// The requests since the mark in the order of their arrival, once all of them are answered.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let mut requests = None;
        let answered = || {
            requests = self.read();
            requests.is_some()
        };
        wait_until(Duration::from_secs(30), answered, || format!("a request in {} has no answer", self.log.display()));
        requests.unwrap_or_default()
    }

    /// How many requests there have been since the mark of each verb and URI: `list /api/v1/configmaps`.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in self.requests() {
            *counts.entry(format!("{} {}", request.verb, request.uri)).or_default() += 1;
        }
        counts
    }

    /// How many calls to apply an object have arrived since the mark, answered or not.
    pub(crate) fn patches(&self) -> usize {
        self.lines(r#""stage":"RequestReceived""#)
    }

    /// How many of them the server could not carry out.
    pub(crate) fn failed_patches(&self) -> usize {
        self.lines(r#""code":500"#)
    }

    fn lines(&self, words: &str) -> usize {
        let log = fs::read(&self.log).unwrap_or_default();
        let since = log.get(usize::try_from(self.offset).expect("an offset")..).unwrap_or_default();
        let since = String::from_utf8_lossy(since);
        since.lines().filter(|line| line.contains(words) && line.contains(r#""verb":"patch""#)).count()
    }

    /// `None` as long as one of them has not been answered.
    fn read(&self) -> Option<Vec<Request>> {
        let mut bytes = Vec::new();
        if let Ok(mut log) = fs::File::open(&self.log) {
            log.seek(SeekFrom::Start(self.offset)).expect("a place in the log");
            log.read_to_end(&mut bytes).expect("the log");
        }
        // The line that is being written is not one yet: what it belongs to is not answered, or comes later.
        let end = bytes.iter().rposition(|&byte| byte == b'\n').unwrap_or(0);
        let whole = std::str::from_utf8(&bytes[..end]).expect("a log of text");
        let mut order: Vec<&str> = Vec::new();
        let lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let mut codes: BTreeMap<&str, u16> = BTreeMap::new();
        let mut first: BTreeMap<&str, &Value> = BTreeMap::new();
        for line in &lines {
            let id = line["auditID"].as_str().expect("an id");
            // A request that came before the mark may end behind it.
            let begins = line["stage"] == "RequestReceived" || line["responseStatus"]["code"] == 401;
            if begins && !first.contains_key(id) {
                first.insert(id, line);
                order.push(id);
            }
            if let Some(code) = line["responseStatus"]["code"].as_u64() {
                codes.insert(id, u16::try_from(code).expect("an HTTP status"));
            }
        }
        order.into_iter().map(|id| Some(request(first[id], *codes.get(id)?))).collect()
    }
}

fn request(line: &Value, code: u16) -> Request {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Request {
        verb: text(&line["verb"]),
        uri: text(&line["requestURI"]),
        user: text(&line["user"]["username"]),
        agent: text(&line["userAgent"]),
        code,
    }
}
