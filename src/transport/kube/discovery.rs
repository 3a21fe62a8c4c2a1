//! Which kinds an API server serves, and under which paths: aggregated discovery, two requests for all of it.
//!
//! Source: `apidiscovery.k8s.io/v2`, on by default since Kubernetes 1.27.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kube::client::APIGroupDiscoveryList;
use kube::core::discovery::v2::{ACCEPT_AGGREGATED_DISCOVERY_V2, APIGroupDiscovery, APIVersionDiscovery};
use serde_json::Value;

use super::fault::Fault;
use super::path::encoded;
use super::patience::Patience;
use super::request::{Request, Server};
use crate::lab::ApiKind;

/// A kind as the server serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) kind: ApiKind,
    /// Its name in paths: `deployments`.
    pub(super) plural: String,
    pub(super) is_namespaced: bool,
    /// Whether its objects can be listed and deleted: views such as `PodMetrics` can't.
    pub(super) is_kept: bool,
}

impl Resource {
    /// The path of all its objects, of those of a namespace, or of one.
    pub(super) fn path(&self, namespace: Option<&str>, name: Option<&str>) -> String {
        let root = if self.kind.group().is_empty() { "/api" } else { "/apis" };
        let mut path = format!("{root}/{}", self.kind.api_version);
        if let Some(namespace) = namespace {
            path += &format!("/namespaces/{}", encoded(namespace));
        }
        path += &format!("/{}", self.plural);
        if let Some(name) = name {
            path += &format!("/{}", encoded(name));
        }
        path
    }
}

/// What a server serves.
#[derive(Debug, Default)]
pub(super) struct Served {
    kinds: BTreeMap<ApiKind, Arc<Resource>>,
    /// Versions of groups whose own server does not answer: what they serve is not known.
    silent: BTreeSet<String>,
    /// Of each resource the version that the server prefers.
    preferred: Vec<Arc<Resource>>,
}

/// Whether a kind is served.
pub(super) enum Found {
    Served(Arc<Resource>),
    NotServed,
    /// The server that would know does not answer.
    Unknown,
}

impl Served {
    /// Asks the server.
    pub(super) async fn ask(server: &Server, patience: Patience) -> Result<Self, Fault> {
        let mut all = Self::default();
        for root in ["/api", "/apis"] {
            let request = Request { accept: ACCEPT_AGGREGATED_DISCOVERY_V2, ..Request::get(root) };
            let answer = server.send(&request, patience).await.result?;
            all.add(list(answer)?);
        }
        Ok(all)
    }

    fn add(&mut self, list: APIGroupDiscoveryList) {
        for group in list.items {
            self.add_group(group);
        }
    }

    fn add_group(&mut self, group: APIGroupDiscovery) {
        let name = group.metadata.and_then(|metadata| metadata.name).unwrap_or_default();
        let mut seen = BTreeSet::new();
        for version in group.versions {
            let Some(number) = &version.version else { continue };
            let api_version = if name.is_empty() { number.clone() } else { format!("{name}/{number}") };
            if version.freshness.as_deref() == Some("Stale") {
                self.silent.insert(api_version.clone());
            }
            for resource in resources(&api_version, version) {
                let resource = Arc::new(resource);
                if seen.insert(resource.plural.clone()) {
                    self.preferred.push(Arc::clone(&resource));
                }
                self.kinds.entry(resource.kind.clone()).or_insert(resource);
            }
        }
    }

    /// Whether that kind is served.
    pub(super) fn find(&self, kind: &ApiKind) -> Found {
        match self.kinds.get(kind) {
            Some(resource) => Found::Served(Arc::clone(resource)),
            None if self.silent.contains(&kind.api_version) => Found::Unknown,
            None => Found::NotServed,
        }
    }

    /// The kinds of which objects lie in namespaces; why that isn't known, where it isn't. Events are left out: they
    /// tell of objects and are none.
    pub(super) fn in_namespaces(&self) -> Result<Vec<Arc<Resource>>, String> {
        if let Some(silent) = self.silent.first() {
            return Err(format!("`{silent}` does not answer, so it isn't known what it holds there"));
        }
        let is_event =
            |resource: &Resource| resource.plural == "events" && matches!(resource.kind.group(), "" | "events.k8s.io");
        let kept = self.preferred.iter().filter(|resource| resource.is_namespaced && resource.is_kept);
        Ok(kept.filter(|resource| !is_event(resource)).cloned().collect())
    }
}

fn resources(api_version: &str, version: APIVersionDiscovery) -> impl Iterator<Item = Resource> {
    version.resources.into_iter().filter_map(move |resource| {
        let has = |verb: &str| resource.verbs.iter().any(|has| has == verb);
        Some(Resource {
            kind: ApiKind::new(api_version, resource.response_kind.and_then(|kind| kind.kind)?),
            is_namespaced: resource.scope.as_deref() == Some("Namespaced"),
            is_kept: has("list") && has("delete"),
            plural: resource.resource?,
        })
    })
}

fn list(answer: Value) -> Result<APIGroupDiscoveryList, Fault> {
    let is_aggregated = answer.get("kind").and_then(Value::as_str) == Some("APIGroupDiscoveryList");
    if !is_aggregated {
        return Err(Fault::Unreachable {
            why: "what answers there is no API server of Kubernetes 1.27 or newer".to_owned(),
            help: None,
            is_final: true,
        });
    }
    serde_json::from_value(answer)
        .map_err(|_| Fault::lost("its list of kinds is not in the form of `apidiscovery.k8s.io`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Found, Served, list};
    use crate::lab::ApiKind;

    fn served() -> Served {
        let resource = |plural: &str, kind: &str, scope: &str, verbs: &[&str]| json!({ "resource": plural, "responseKind": { "group": "", "version": "", "kind": kind }, "scope": scope, "verbs": verbs });
        let all = ["get", "list", "patch", "delete"];
        let group =
            |name: &str, versions: serde_json::Value| json!({ "metadata": { "name": name }, "versions": versions });
        let answer = json!({ "kind": "APIGroupDiscoveryList", "items": [
            { "versions": [{ "version": "v1", "freshness": "Current", "resources": [
                resource("configmaps", "ConfigMap", "Namespaced", &all),
                resource("events", "Event", "Namespaced", &all),
                resource("nodes", "Node", "Cluster", &all),
            ] }] },
            group("x.dev", json!([
                { "version": "v2", "freshness": "Current", "resources": [resource("things", "Thing", "Namespaced", &all)] },
                { "version": "v1", "freshness": "Current", "resources": [resource("things", "Thing", "Namespaced", &all)] },
            ])),
            group("metrics.k8s.io", json!([
                { "version": "v1beta1", "freshness": "Current", "resources": [resource("pods", "PodMetrics", "Namespaced", &["get", "list"])] },
            ])),
        ] });
        let mut served = Served::default();
        served.add(list(answer).unwrap());
        served
    }

    #[test]
    fn a_kind_is_found_with_the_path_of_its_version() {
        let served = served();
        let path = |api_version: &str, kind: &str| match served.find(&ApiKind::new(api_version, kind)) {
            Found::Served(resource) => resource.path(resource.is_namespaced.then_some("ns"), Some("a:b c")),
            Found::NotServed | Found::Unknown => "none".to_owned(),
        };
        assert_eq!(path("v1", "ConfigMap"), "/api/v1/namespaces/ns/configmaps/a:b%20c");
        assert_eq!(path("v1", "Node"), "/api/v1/nodes/a:b%20c");
        assert_eq!(path("x.dev/v1", "Thing"), "/apis/x.dev/v1/namespaces/ns/things/a:b%20c");
        assert_eq!(path("x.dev/v3", "Thing"), "none");
    }

    #[test]
    fn what_lies_in_namespaces_is_asked_once_and_in_the_preferred_version() {
        let kinds: Vec<_> =
            served().in_namespaces().unwrap().iter().map(|resource| resource.kind.to_string()).collect();
        assert_eq!(kinds, ["v1 ConfigMap", "x.dev/v2 Thing"]);
    }

    #[test]
    fn a_group_whose_server_is_silent_is_unknown_and_not_absent() {
        let mut served = served();
        served.add(
            list(json!({ "kind": "APIGroupDiscoveryList", "items": [
            { "metadata": { "name": "away.dev" }, "versions": [{ "version": "v1", "freshness": "Stale" }] },
        ] }))
            .unwrap(),
        );
        assert!(matches!(served.find(&ApiKind::new("away.dev/v1", "Thing")), Found::Unknown));
        assert!(matches!(served.find(&ApiKind::new("away.dev/v2", "Thing")), Found::NotServed));
        assert!(served.in_namespaces().unwrap_err().contains("away.dev/v1"));
    }

    #[test]
    fn an_answer_of_something_else_is_no_empty_list_of_kinds() {
        assert!(list(json!({ "kind": "APIGroupList", "groups": [] })).is_err());
        assert!(list(json!({})).is_err());
    }
}
