//! Webhooks: what answers behind one, and which objects it admits or converts.

use serde_json::Value;

use super::{Reference, at, pods};
use crate::lab::{ApiKind, ObjectKey};

/// Whether objects of a kind can have the API server call somebody.
pub(super) fn can_call(kind: &ApiKind) -> bool {
    matches!(
        (kind.group(), kind.kind.as_str()),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration")
            | ("apiextensions.k8s.io", "CustomResourceDefinition")
            | ("apiregistration.k8s.io", "APIService")
    )
}

/// The Services that an object has the API server call.
pub(super) fn services(object: &Value, key: &ObjectKey) -> Vec<Reference> {
    let path = match key.kind.qualified().as_str() {
        "ValidatingWebhookConfiguration.admissionregistration.k8s.io"
        | "MutatingWebhookConfiguration.admissionregistration.k8s.io" => "webhooks[].clientConfig.service",
        "CustomResourceDefinition.apiextensions.k8s.io" => "spec.conversion.webhook.clientConfig.service",
        "APIService.apiregistration.k8s.io" => "spec.service",
        _ => return Vec::new(),
    };
    let service = |value: &Value| {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        Some(Reference::new("Service", text("namespace"), text("name")?))
    };
    at(object, path).into_iter().filter_map(service).collect()
}

/// Whether the pods of a workload answer for a Service.
pub(super) fn answers(workload: (&ObjectKey, &Value), service: (&ObjectKey, &Value)) -> bool {
    let ((key, object), (service_key, service)) = (workload, service);
    let selector = service.pointer("/spec/selector").and_then(Value::as_object).filter(|selector| !selector.is_empty());
    let (Some(selector), true) = (selector, key.namespace == service_key.namespace) else { return false };
    let template = pods::template(object, key).filter(|_| key.kind.kind != "Job" && key.kind.kind != "CronJob");
    let labels = template.and_then(|template| template.pointer("/metadata/labels"));
    labels.is_some_and(|labels| selector.iter().all(|(name, value)| labels.get(name) == Some(value)))
}

/// Whether a webhook configuration speaks of a resource (`ipaddresspools`) of a group when it is made or changed.
pub(super) fn admits(configuration: &Value, group: &str, resource: &str) -> bool {
    let has = |rule: &Value, field: &str, wanted: &str| {
        let values = rule.get(field).and_then(Value::as_array);
        values.into_iter().flatten().filter_map(Value::as_str).any(|value| value == "*" || value == wanted)
    };
    at(configuration, "webhooks[].rules[]").into_iter().any(|rule| {
        has(rule, "apiGroups", group)
            && has(rule, "resources", resource)
            && (has(rule, "operations", "CREATE") || has(rule, "operations", "UPDATE"))
    })
}
