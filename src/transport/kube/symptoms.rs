//! What tells why an object does not become what it should: its conditions, its events, its pods' last messages.

use std::time::Duration;

use serde_json::Value;

use super::fault::Fault;
use super::link::ClusterLink;
use super::path::encoded;
use super::patience::Patience;

/// Limit for all of it: it is told on the side.
const LIMIT: Duration = Duration::from_secs(10);
/// Events of one object that are told.
const EVENTS: usize = 5;
/// Pods that are told of.
const PODS: usize = 3;

/// The lines. What can't be read is said to be so.
pub(super) async fn symptoms(link: &ClusterLink, object: &Value) -> Vec<String> {
    let mut lines = conditions(object);
    let more = async {
        let mut lines = events(link, object).await;
        lines.extend(pods(link, object).await);
        lines
    };
    match tokio::time::timeout(LIMIT, more).await {
        Ok(more) => lines.extend(more),
        Err(_) => lines.push("its events could not be read in time".to_owned()),
    }
    lines
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `Available is False (MinimumReplicasUnavailable): …`
fn conditions(object: &Value) -> Vec<String> {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let line = |condition: &Value| {
        let reason = text(condition, "/reason");
        let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        let words = format!("{} is {}{reason}", text(condition, "/type"), text(condition, "/status"));
        with(&words, text(condition, "/message"))
    };
    conditions.into_iter().flatten().map(line).collect()
}

fn with(words: &str, message: &str) -> String {
    match message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ") {
        message if message.is_empty() => words.to_owned(),
        message => format!("{words}: {message}"),
    }
}

async fn events(link: &ClusterLink, object: &Value) -> Vec<String> {
    let uid = text(object, "/metadata/uid");
    if uid.is_empty() {
        return Vec::new();
    }
    // Events of what belongs to the whole cluster lie in `default`.
    let namespace = match text(object, "/metadata/namespace") {
        "" => "default",
        namespace => namespace,
    };
    let target = format!(
        "/api/v1/namespaces/{}/events?fieldSelector={}&limit=200",
        encoded(namespace),
        encoded(&format!("involvedObject.uid={uid}"))
    );
    let mut events = match items(link, &target).await {
        Ok(events) => events,
        Err(fault) => return vec![format!("its events can't be read: {}", why(&fault))],
    };
    let time = |event: &Value| {
        let times = ["/lastTimestamp", "/series/lastObservedTime", "/eventTime", "/metadata/creationTimestamp"];
        times.map(|pointer| text(event, pointer).to_owned()).into_iter().find(|time| !time.is_empty())
    };
    events.sort_by_key(time);
    let told = |event: &Value| with(&format!("event {}", text(event, "/reason")), text(event, "/message"));
    events[events.len().saturating_sub(EVENTS)..].iter().map(told).collect()
}

/// The messages of the pods that an object selects.
async fn pods(link: &ClusterLink, object: &Value) -> Vec<String> {
    let selector = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let (Some(selector), namespace) = (selector, text(object, "/metadata/namespace")) else { return Vec::new() };
    let labels: Vec<_> =
        selector.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
    let target =
        format!("/api/v1/namespaces/{}/pods?labelSelector={}&limit=50", encoded(namespace), encoded(&labels.join(",")));
    let pods = match items(link, &target).await {
        Ok(pods) => pods,
        Err(fault) => return vec![format!("its pods can't be read: {}", why(&fault))],
    };
    let mut lines = Vec::new();
    for pod in pods.iter().filter(|pod| !is_ready(pod)).take(PODS) {
        let name = text(pod, "/metadata/name");
        let mut told = messages(pod);
        if told.is_empty() {
            told = events(link, pod).await;
        }
        lines.extend(told.into_iter().map(|line| format!("pod {name}: {line}")));
    }
    lines
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let mut conditions = conditions.into_iter().flatten();
    text(pod, "/status/phase") == "Succeeded"
        || conditions.any(|condition| text(condition, "/type") == "Ready" && text(condition, "/status") == "True")
}

/// What a pod says of itself and of its containers.
fn messages(pod: &Value) -> Vec<String> {
    let list = |pointer: &str| pod.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let scheduled = list("/status/conditions").find(|condition| text(condition, "/type") == "PodScheduled");
    let unscheduled = scheduled.filter(|condition| text(condition, "/status") == "False");
    let mut lines: Vec<String> =
        unscheduled.map(|condition| with("it has no node", text(condition, "/message"))).into_iter().collect();
    for container in list("/status/initContainerStatuses").chain(list("/status/containerStatuses")) {
        let name = text(container, "/name");
        let waits = container.pointer("/state/waiting");
        if let Some(state) = waits {
            let words = format!("container {name} waits ({})", text(state, "/reason"));
            lines.push(with(&words, text(state, "/message")));
        }
        let ended = container.pointer("/state/terminated").or_else(|| container.pointer("/lastState/terminated"));
        if let Some(state) = ended.filter(|state| state.get("exitCode").and_then(Value::as_i64) != Some(0)) {
            let code = state.get("exitCode").and_then(Value::as_i64).unwrap_or_default();
            let words = format!("container {name} ended with status {code} ({})", text(state, "/reason"));
            lines.push(with(&words, text(state, "/message")));
        }
    }
    lines
}

async fn items(link: &ClusterLink, target: &str) -> Result<Vec<Value>, Fault> {
    let mut list = link.server.get(target, Patience::ONCE).await?;
    match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(Fault::lost("the answer is no list")),
    }
}

/// In a few words: where it is was said already.
fn why(fault: &Fault) -> String {
    match fault {
        Fault::Refused { refusal, .. } => refusal.message.clone(),
        Fault::Unreachable { why, .. } | Fault::Lost { why, .. } => why.clone(),
    }
}
