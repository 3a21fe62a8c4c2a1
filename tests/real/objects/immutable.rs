//! Fields that the server never changes: made anew where that harms nothing, refused where it is data.

use super::user::{User, assert_says};
use crate::support::control_plane::ControlPlane;

const ALL: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: fixed}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fixed}
provisioner: kubernetes.io/no-provisioner
parameters: {pool: one}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: fixed}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: app, image: \"registry.example/app:1\"}]
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: fixed-data}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: fixed
  claimRef: {namespace: fixed, name: data}
  hostPath: {path: /srv/fixed}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: fixed}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: fixed
  volumeName: fixed-data
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: fixed}
immutable: true
data: {mode: fast}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: fixed}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: \"registry.example/once:1\"}]}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: view, namespace: fixed}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: default}]
";

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_cannot_be_changed_is_made_anew_and_said_so() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "fixed");
    user.has("all", ALL);
    user.apply();
    user.expect_no_changes();
    let uid = || {
        plane.kubectl(&["-n", "fixed", "get", "pvc/data", "pv/fixed-data", "-o", "jsonpath={.items[*].metadata.uid}"])
    };
    let before = uid();
    user.edit("all", "pool: one", "pool: two");
    user.edit("all", "{app: web}", "{app: other}");
    user.edit("all", "mode: fast", "mode: slow");
    user.edit("all", "once:1", "once:2");
    user.edit("all", "name: view}", "name: edit}");
    let plan = user.plan(0);
    assert_says(
        &plan,
        &[
            "StorageClass.storage.k8s.io/fixed must be replaced",
            "`parameters.pool` can't be changed, so it is made anew",
            "Deployment.apps/fixed/web must be replaced",
            "stops all pods of the Deployment",
            "ConfigMap/fixed/settings must be replaced",
            "Job.batch/fixed/once must be replaced",
            "runs the Job again",
            "RoleBinding.rbac.authorization.k8s.io/fixed/view must be replaced",
            "Plan: 5 to add, 0 to change, 5 to destroy.",
        ],
    );
    user.apply();
    user.expect_no_changes();
    assert_eq!(uid(), before);

    // Data is never made anew.
    user.edit("all", "path: /srv/fixed", "path: /srv/other");
    user.edit("all", "volumeName: fixed-data", "volumeName: other-data");
    let plan = user.plan(8);
    assert_says(
        &plan,
        &[
            "PersistentVolume/fixed-data can't be done",
            "a volume is data",
            "PersistentVolumeClaim/fixed/data can't be done",
        ],
    );
    user.apply_with(&[], 8);
    assert_eq!(uid(), before);
    user.edit("all", "path: /srv/other", "path: /srv/fixed");
    user.edit("all", "volumeName: other-data", "volumeName: fixed-data");
    // Nor is it made smaller.
    user.edit("all", "requests: {storage: 1Gi}", "requests: {storage: 512Mi}");
    let run = user.labctl(&["plan"]);
    assert!(run.code == 1 || run.code == 8, "{run:#?}");
    assert_says(&run.stdout, &["PersistentVolumeClaim/fixed/data can't be done"]);
    user.edit("all", "requests: {storage: 512Mi}", "requests: {storage: 1Gi}");
    user.expect_no_changes();
}
