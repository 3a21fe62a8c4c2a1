//! Objects that are in other hands than a person's: what they belong to, and how they are handed over.

use serde_json::Value;

use super::entries;
use crate::lab::ObjectKey;

/// What an object belongs to, and the steps of the hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// What it belongs to: `the Helm release traefik/traefik`.
    pub name: String,
    /// What to do, in one sentence.
    pub steps: String,
}

impl Owner {
    fn new(name: impl Into<String>, steps: impl Into<String>) -> Self {
        Self { name: name.into(), steps: steps.into() }
    }
}

/// What an object belongs to that would change it back, or take it along when it goes; none where it is free.
pub fn owner(object: &Value) -> Option<Owner> {
    controller(object)
        .or_else(|| flux(object))
        .or_else(|| helm(object))
        .or_else(|| argo(object))
        .or_else(|| k0s(object))
}

fn label<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.pointer("/metadata/labels")?.get(name)?.as_str()
}

fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(name)?.as_str()
}

/// The object as `kubectl` names it: `deployment.apps/web -n apps`.
fn by_kubectl(object: &Value) -> String {
    ObjectKey::of(object).map_or_else(String::new, |key| {
        let namespace = key.namespace.as_ref().map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
        format!("{}/{}{namespace}", key.kind.qualified().to_lowercase(), key.name)
    })
}

fn controller(object: &Value) -> Option<Owner> {
    let references = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = references.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
    let text = |name: &str| owner.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = format!("the {} `{}`", text("kind"), text("name"));
    let steps = format!("declare that {} and leave this object to it, or give this one another name", text("kind"));
    Some(Owner::new(name, steps))
}

fn flux(object: &Value) -> Option<Owner> {
    let of = |group: &str| {
        let name = label(object, &format!("{group}/name"))?;
        Some((name, label(object, &format!("{group}/namespace")).unwrap_or("flux-system")))
    };
    if let Some((name, namespace)) = of("kustomize.toolkit.fluxcd.io") {
        let steps = format!(
            "first `flux suspend kustomization {name} -n {namespace}`, take the object out of what it applies and set \
             `deletionPolicy: Orphan` there, then `kubectl label {} kustomize.toolkit.fluxcd.io/name- \
             kustomize.toolkit.fluxcd.io/namespace-`, plan again with `adopt`, and resume it once the object is labctl's",
            by_kubectl(object)
        );
        return Some(Owner::new(format!("the Flux Kustomization {namespace}/{name}"), steps));
    }
    let (name, namespace) = of("helm.toolkit.fluxcd.io")?;
    let steps = format!(
        "declare the HelmRelease {namespace}/{name} and leave what its chart makes to it, or first `flux suspend \
         helmrelease {name} -n {namespace}`, delete the release's Secrets (`kubectl delete secret -n {namespace} -l \
         owner=helm,name={name}`), delete the HelmRelease, take its labels and those `meta.helm.sh` annotations off the \
         object, and plan again with `adopt`"
    );
    Some(Owner::new(format!("the Flux HelmRelease {namespace}/{name}"), steps))
}

fn helm(object: &Value) -> Option<Owner> {
    let name = annotation(object, "meta.helm.sh/release-name")?;
    let namespace = annotation(object, "meta.helm.sh/release-namespace").unwrap_or("default");
    // `helm uninstall` asks the chart what to keep, and not the object.
    let steps = format!(
        "declare the release as a chart and leave what it makes to it, or have Helm forget the release, which leaves all \
         that it made where it is: first `kubectl delete secret -n {namespace} -l owner=helm,name={name}`, then `kubectl \
         annotate {object} meta.helm.sh/release-name- meta.helm.sh/release-namespace-`, and plan again with `adopt`",
        object = by_kubectl(object)
    );
    Some(Owner::new(format!("the Helm release {namespace}/{name}"), steps))
}

fn argo(object: &Value) -> Option<Owner> {
    let is_argo = |manager: &str| matches!(manager, "argocd-controller" | "argocd-application-controller");
    let by_manager = || {
        let applies = entries(object).iter().any(|entry| is_argo(&entry.manager) && entry.subresource.is_empty());
        applies.then(|| label(object, "app.kubernetes.io/instance")).flatten()
    };
    let tracked = annotation(object, "argocd.argoproj.io/tracking-id").map(|id| id.split(':').next().unwrap_or(id));
    let name = tracked.or_else(|| label(object, "argocd.argoproj.io/instance")).or_else(by_manager)?;
    let steps = format!(
        "first `argocd app set {name} --sync-policy none`, take the object out of what it syncs with the annotation \
         `argocd.argoproj.io/sync-options: Prune=false` on it, then `kubectl annotate {} \
         argocd.argoproj.io/tracking-id-`, and plan again with `adopt`",
        by_kubectl(object)
    );
    Some(Owner::new(format!("the Argo CD application {name}"), steps))
}

/// k0s applies the files below its `manifests` folder itself, and prunes what leaves it.
fn k0s(object: &Value) -> Option<Owner> {
    let stack = label(object, "k0s.k0sproject.io/stack")?;
    let steps = format!(
        "take it out of `/var/lib/k0s/manifests/{stack}/` on the controllers if you put it there; what k0s brings itself \
         can't be declared"
    );
    Some(Owner::new(format!("the stack `{stack}` of k0s"), steps))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(metadata: &Value) -> Value {
        let mut object =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "apps"}});
        object["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
        object
    }

    #[test]
    fn an_object_in_other_hands_says_whose_and_how_it_is_handed_over() {
        for (metadata, name, step) in [
            (
                json!({"annotations": {"meta.helm.sh/release-name": "t", "meta.helm.sh/release-namespace": "traefik"}}),
                "the Helm release traefik/t",
                "kubectl delete secret -n traefik -l owner=helm,name=t",
            ),
            (
                json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}),
                "the Flux Kustomization flux-system/apps",
                "flux suspend kustomization apps -n flux-system",
            ),
            (
                json!({"labels": {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "apps"},
                    "annotations": {"meta.helm.sh/release-name": "web"}}),
                "the Flux HelmRelease apps/web",
                "flux suspend helmrelease web -n apps",
            ),
            (
                json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:apps/web"}}),
                "the Argo CD application shop",
                "argocd app set shop",
            ),
            (
                json!({"ownerReferences": [{"apiVersion": "v1", "kind": "Shop", "name": "s", "uid": "1", "controller": true}]}),
                "the Shop `s`",
                "declare that Shop",
            ),
            (
                json!({"labels": {"k0s.k0sproject.io/stack": "metricserver"}}),
                "the stack `metricserver` of k0s",
                "manifests/metricserver/",
            ),
        ] {
            let owner = owner(&object(&metadata)).unwrap_or_else(|| panic!("{metadata}"));
            assert_eq!(owner.name, name);
            assert!(owner.steps.contains(step), "{}", owner.steps);
        }
    }

    #[test]
    fn what_a_person_made_of_a_chart_is_in_nobodys_hands() {
        let rendered = json!({"labels": {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "web"},
                              "ownerReferences": [{"kind": "Shop", "name": "s", "uid": "1"}]});
        assert_eq!(owner(&object(&rendered)), None);
    }
}
