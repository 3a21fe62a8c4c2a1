//! How long an object may take until it is ready.

use crate::kubernetes::is_built_in;
use crate::lab::ApiKind;

/// Group, kind, seconds. A Deployment's own limit is ten minutes (`progressDeadlineSeconds`); images are pulled in it.
const LIMITS: &[(&str, &str, u64)] = &[
    ("apps", "Deployment", 660),
    ("apps", "StatefulSet", 900),
    ("apps", "DaemonSet", 660),
    ("batch", "Job", 1800),
    ("", "Pod", 600),
    ("", "PersistentVolumeClaim", 120),
    ("apiextensions.k8s.io", "CustomResourceDefinition", 60),
    ("apiregistration.k8s.io", "APIService", 120),
    ("helm.toolkit.fluxcd.io", "HelmRelease", 900),
    ("helm.k0sproject.io", "Chart", 900),
    ("kustomize.toolkit.fluxcd.io", "Kustomization", 900),
    ("k0smotron.io", "Cluster", 900),
    ("kubevirt.io", "KubeVirt", 900),
    ("cdi.kubevirt.io", "CDI", 900),
    ("cdi.kubevirt.io", "DataVolume", 3600),
];

/// For the kinds of operators, which have conditions or not.
const OTHERS: u64 = 300;

/// Seconds that an object of a kind may take; none where it is ready as soon as it is there.
pub(super) fn limit(kind: &ApiKind) -> Option<u64> {
    let known = LIMITS.iter().find(|row| row.0 == kind.group() && row.1 == kind.kind).map(|row| row.2);
    known.or_else(|| (!is_built_in(kind)).then_some(OTHERS))
}
