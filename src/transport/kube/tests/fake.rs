//! An API server that answers what a test tells it to, behind kube's client and without a network.

use std::io;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower::BoxError;
use zeroize::Zeroizing;

use super::super::connector::ConnectError;
use super::super::link::ClusterLink;
use super::super::mask::Masks;
use super::super::request::Server;
use super::super::whereabouts::Whereabouts;
use crate::lab::{Content, Part, SecretName, Slot};
use crate::observe::{Answer, ApiAsk, Ask, Reply};
use crate::transport::contents::{Contents, Source};
use crate::transport::outcome::ReachError;

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) body: Value,
    /// How many requests of that method and target came before.
    pub(super) before: usize,
}

/// What the server does about a request.
pub(super) enum Does {
    Answers(u16, Value),
    /// Anything that is no whole JSON.
    Says(u16, String),
    AsksToWait(u16, u64),
    /// The connection breaks after the request was sent.
    Breaks,
    /// There is no connection.
    Refuses,
}

pub(super) fn ok(value: Value) -> Does {
    Does::Answers(200, value)
}

/// A `Status` as an API server answers with.
pub(super) fn no(code: u16, reason: &str, message: &str) -> Does {
    Does::Answers(
        code,
        json!({ "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message }),
    )
}

pub(super) fn not_found() -> Does {
    no(404, "NotFound", "configmaps \"x\" not found")
}

/// Every secret is its own name, backwards.
pub(super) struct Backwards;

impl Source for Backwards {
    fn secret(&self, name: &SecretName) -> Result<Zeroizing<Vec<u8>>, String> {
        match name.0.as_str() {
            "missing" => Err("the secret `missing` can't be had".to_owned()),
            name => Ok(Zeroizing::new(name.bytes().rev().collect())),
        }
    }

    fn blob(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(Vec::new())
    }
}

/// A slot for a secret in a Secret.
pub(super) fn slot(name: &str) -> Slot {
    Slot { content: Content::Parts(vec![Part::Secret(SecretName(name.to_owned()))]), base64: true }
}

/// A link to a server that does that, and what it was asked.
pub(super) struct Fake {
    pub(super) link: ClusterLink,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    /// It serves a few kinds; `does` says what it does about everything else.
    pub(super) async fn new(does: impl Fn(&Seen) -> Does + Send + Sync + 'static) -> Self {
        let is_discovery = |seen: &Seen| matches!(seen.target.as_str(), "/api" | "/apis");
        Self::try_new(move |seen| if is_discovery(seen) { not_found() } else { does(seen) }).await.unwrap()
    }

    /// The same where `does` may say something else of `/api` and `/apis` than `not_found`.
    pub(super) async fn serving(does: impl Fn(&Seen) -> Does + Send + Sync + 'static) -> Self {
        Self::try_new(does).await.unwrap()
    }

    pub(super) async fn try_new(does: impl Fn(&Seen) -> Does + Send + Sync + 'static) -> Result<Self, ReachError> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, does) = (Arc::clone(&seen), Arc::new(does));
        let service = tower::service_fn(move |request: Request<Body>| {
            let (log, does) = (Arc::clone(&log), Arc::clone(&does));
            async move { answer(&log, &*does, request).await }
        });
        let whereabouts = Whereabouts {
            cluster: "lab".to_owned(),
            server: "https://api.lab:6443".to_owned(),
            origin: "kubeconfig `lab.yaml`".to_owned(),
            ..Whereabouts::default()
        };
        let server = Server::new(Client::new(service, "default"), whereabouts);
        let link = ClusterLink::open(server, Arc::new(Masks::new().unwrap())).await?;
        Ok(Self { link, seen })
    }

    /// The requests after discovery, `METHOD target`.
    pub(super) fn requests(&self) -> Vec<String> {
        let is_discovery = |seen: &&Seen| matches!(seen.target.as_str(), "/api" | "/apis");
        let seen = self.seen();
        seen.iter().filter(|seen| !is_discovery(seen)).map(|seen| format!("{} {}", seen.method, seen.target)).collect()
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The answer to one ask.
    pub(super) async fn ask(&self, ask: ApiAsk) -> Answer {
        let ask = Ask::Api(ask);
        self.probe(std::slice::from_ref(&ask)).await.unwrap().answer(&ask)
    }

    pub(super) async fn probe(&self, asks: &[Ask]) -> Result<Reply, ReachError> {
        super::super::probe::probe(&self.link, asks, &Contents(&Backwards)).await
    }
}

async fn answer(
    log: &Mutex<Vec<Seen>>,
    does: &(dyn Fn(&Seen) -> Does + Send + Sync),
    request: Request<Body>,
) -> Result<Response<Body>, BoxError> {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    let (method, target) = (parts.method.to_string(), parts.uri.to_string());
    let seen = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|seen| seen.method == method && seen.target == target).count();
        log.push(Seen { method, target, body, before });
        log.last().unwrap().clone()
    };
    let respond = |code: u16, body: String| Response::builder().status(code).body(Body::from(body.into_bytes()));
    match (does(&seen), seen.target.as_str()) {
        (Does::Answers(404, _), "/api") => Ok(respond(200, core().to_string())?),
        (Does::Answers(404, _), "/apis") => Ok(respond(200, groups(&["apps"]).to_string())?),
        (Does::Answers(code, value), _) => Ok(respond(code, value.to_string())?),
        (Does::Says(code, text), _) => Ok(respond(code, text)?),
        (Does::AsksToWait(code, seconds), _) => {
            Ok(Response::builder().status(code).header("Retry-After", seconds).body(Body::empty())?)
        }
        (Does::Breaks, _) => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
        (Does::Refuses, _) => Err(ConnectError::Refused.into()),
    }
}

fn resource(plural: &str, kind: &str, scope: &str) -> Value {
    let verbs = ["get", "list", "patch", "delete"];
    json!({ "resource": plural, "responseKind": { "group": "", "version": "", "kind": kind }, "scope": scope, "verbs": verbs })
}

fn core() -> Value {
    json!({ "kind": "APIGroupDiscoveryList", "items": [{ "versions": [{ "version": "v1", "freshness": "Current", "resources": [
        resource("configmaps", "ConfigMap", "Namespaced"),
        resource("secrets", "Secret", "Namespaced"),
        resource("pods", "Pod", "Namespaced"),
        resource("events", "Event", "Namespaced"),
        resource("namespaces", "Namespace", "Cluster"),
    ] }] }] })
}

/// Groups with one kind each: `apps` has Deployments, any other has Things.
pub(super) fn groups(names: &[&str]) -> Value {
    let group = |name: &&str| {
        let resource = if *name == "apps" {
            resource("deployments", "Deployment", "Namespaced")
        } else {
            resource("things", "Thing", "Namespaced")
        };
        json!({ "metadata": { "name": name }, "versions": [{ "version": "v1", "freshness": "Current", "resources": [resource] }] })
    };
    json!({ "kind": "APIGroupDiscoveryList", "items": names.iter().map(group).collect::<Vec<_>>() })
}
