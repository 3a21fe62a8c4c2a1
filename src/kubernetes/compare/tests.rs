//! Objects as an API server of 1.34 gives them after labctl applied them, and what the file says then.

use serde_json::json;

use super::*;
use crate::kubernetes::applied;

const VERSION: &str = "apps/v1";

/// What the file said when `deployment` was applied.
fn desired() -> Value {
    json!({
        "apiVersion": VERSION, "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "apps", "labels": {"app": "web"}, "creationTimestamp": null},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [{
                        "name": "app",
                        "image": "web:1",
                        "args": ["--listen", ":80"],
                        "env": [{"name": "A", "value": "1000m"}, {"name": "B", "value": "$(A)"}],
                        "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
                        "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {}},
                        "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}]
                    }],
                    "nodeSelector": {"disk": "ssd"},
                    "tolerations": [{"key": "gpu", "operator": "Exists"}],
                    "volumes": [{"name": "data", "emptyDir": {}}],
                    "imagePullSecrets": []
                }
            }
        }
    })
}

/// The same as the server gives it.
fn live() -> Value {
    let container = json!({
        "name": "app", "image": "web:1", "imagePullPolicy": "IfNotPresent", "args": ["--listen", ":80"],
        "env": [{"name": "A", "value": "1000m"}, {"name": "B", "value": "$(A)"}],
        "ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}],
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}, "timeoutSeconds": 1,
                           "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"
    });
    json!({
        "apiVersion": VERSION, "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": "apps", "uid": "5c9c9a5e", "resourceVersion": "901", "generation": 1,
            "creationTimestamp": "2026-02-01T00:00:00Z",
            "labels": {"app": "web", "labctl.dev/lab": "mobius"},
            "annotations": {"deployment.kubernetes.io/revision": "1", "labctl.dev/address": "services.web",
                            "labctl.dev/digest": "d", "labctl.dev/origin": "made"},
            "managedFields": [
                {"manager": "labctl", "operation": "Apply", "apiVersion": VERSION, "fieldsType": "FieldsV1",
                 "time": "2026-02-01T00:00:00Z", "fieldsV1": owned()},
                {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status",
                 "apiVersion": VERSION, "fieldsType": "FieldsV1",
                 "fieldsV1": {"f:metadata": {"f:annotations": {".": {}, "f:deployment.kubernetes.io/revision": {}}},
                              "f:status": {"f:replicas": {}}}}
            ]
        },
        "spec": {
            "progressDeadlineSeconds": 600, "replicas": 2, "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {
                "metadata": {"labels": {"app": "web"}, "creationTimestamp": null},
                "spec": {
                    "containers": [container], "nodeSelector": {"disk": "ssd"},
                    "tolerations": [{"key": "gpu", "operator": "Exists"}],
                    "volumes": [{"name": "data", "emptyDir": {}}],
                    "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
                    "securityContext": {}, "terminationGracePeriodSeconds": 30
                }
            }
        },
        "status": {"replicas": 2}
    })
}

/// What the server notes of such an apply.
fn owned() -> Value {
    json!({
        "f:metadata": {"f:labels": {"f:app": {}, "f:labctl.dev/lab": {}},
                       "f:annotations": {"f:labctl.dev/address": {}, "f:labctl.dev/digest": {}, "f:labctl.dev/origin": {}}},
        "f:spec": {
            "f:replicas": {}, "f:selector": {},
            "f:template": {
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {
                    "f:containers": {"k:{\"name\":\"app\"}": {
                        ".": {}, "f:name": {}, "f:image": {}, "f:args": {},
                        "f:env": {"k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:value": {}},
                                  "k:{\"name\":\"B\"}": {".": {}, "f:name": {}, "f:value": {}}},
                        "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}},
                                    "k:{\"containerPort\":53,\"protocol\":\"UDP\"}":
                                        {".": {}, "f:containerPort": {}, "f:protocol": {}}},
                        "f:readinessProbe": {"f:httpGet": {"f:path": {}, "f:port": {}}},
                        "f:resources": {"f:requests": {"f:cpu": {}, "f:memory": {}}, "f:limits": {}},
                        "f:volumeMounts": {"k:{\"mountPath\":\"/data\"}": {".": {}, "f:mountPath": {}, "f:name": {}}}
                    }},
                    "f:nodeSelector": {}, "f:tolerations": {}, "f:imagePullSecrets": {},
                    "f:volumes": {"k:{\"name\":\"data\"}": {".": {}, "f:name": {}, "f:emptyDir": {}}}
                }
            }
        }
    })
}

fn compared(desired: &Value, live: &Value, is_as_applied: bool) -> Comparison {
    compare(desired, live, applied(live).as_ref(), is_as_applied)
}

fn paths(differences: &[FieldDifference]) -> Vec<String> {
    differences.iter().map(|difference| difference.path.to_string()).collect()
}

fn set(object: &mut Value, pointer: &str, value: Value) {
    let (above, name) = pointer.rsplit_once('/').unwrap();
    match object.pointer_mut(above).unwrap() {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        above => above[name] = value,
    }
}

const APP: &str = "/spec/template/spec/containers/0";

/// What `live` differs in when the file says `value` at `pointer`.
fn edited(pointer: &str, value: Value) -> Comparison {
    let mut desired = desired();
    set(&mut desired, pointer, value);
    compared(&desired, &live(), false)
}

#[test]
fn what_was_applied_is_unchanged_whatever_the_server_added() {
    assert_eq!(compared(&desired(), &live(), true), Comparison::default());
    assert_eq!(compared(&desired(), &live(), false), Comparison::default(), "even without the digest");
}

#[test]
fn something_empty_that_the_server_filled_is_as_applied_or_for_the_server_to_say() {
    let (mut desired, mut live) = (desired(), live());
    set(&mut desired, "/spec/strategy", json!({}));
    set(&mut live, "/metadata/managedFields/0/fieldsV1/f:spec/f:strategy", json!({}));
    assert!(compared(&desired, &live, true).is_equal());
    assert_eq!(paths(&compared(&desired, &live, false).differs), ["spec.strategy"]);
}

#[test]
fn an_empty_map_that_holds_labctls_marks_alone_is_as_desired() {
    let mut desired = desired();
    set(&mut desired, "/metadata/annotations", json!({}));
    assert!(compared(&desired, &live(), false).is_equal());
}

#[test]
fn an_empty_text_stands_for_the_default_that_the_server_has_for_it() {
    let (mut desired, mut live) = (desired(), live());
    set(&mut desired, "/spec/template/spec/containers/0/imagePullPolicy", json!(""));
    assert!(!compared(&desired, &live, true).is_equal(), "it is nobody's");
    let app = "/metadata/managedFields/0/fieldsV1/f:spec/f:template/f:spec/f:containers/k:{\"name\":\"app\"}";
    live.pointer_mut(app).unwrap()["f:imagePullPolicy"] = json!({});
    assert!(compared(&desired, &live, true).is_equal());
    assert!(!compared(&desired, &live, false).is_equal(), "the file may have said another one before");
}

#[test]
fn something_empty_that_others_fill_costs_no_dry_run_at_every_plan() {
    // `kubectl create namespace --dry-run=client -o yaml` prints `spec: {}`; the server adds a finalizer and owns nothing.
    let (mut desired, mut live) = (desired(), live());
    set(&mut desired, "/metadata/annotations", json!({}));
    set(&mut desired, "/spec/strategy", json!({}));
    set(&mut live, "/metadata/annotations", json!({"deployment.kubernetes.io/revision": "1"}));
    set(&mut live, "/spec/strategy", json!({"type": "RollingUpdate"}));
    assert!(compared(&desired, &live, true).is_equal());
    assert!(!compared(&desired, &live, false).is_equal(), "an edit of the file is for the server to say");
    // A map that somebody else owns whole, since.
    set(&mut desired, "/spec/template/spec/nodeSelector", json!({}));
    set(&mut live, "/spec/template/spec/nodeSelector", json!({"disk": "theirs"}));
    let managed = live.pointer_mut("/metadata/managedFields").unwrap().as_array_mut().unwrap();
    managed[0]["fieldsV1"]["f:spec"]["f:template"]["f:spec"].as_object_mut().unwrap().remove("f:nodeSelector");
    managed.push(json!({"manager": "them", "operation": "Update", "apiVersion": VERSION, "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:nodeSelector": {}}}}}}));
    assert!(!compared(&desired, &live, true).is_equal());
}

#[test]
fn an_edit_of_the_file_is_a_difference() {
    for (pointer, value, path) in [
        ("/spec/replicas", json!(3), "spec.replicas"),
        ("/metadata/labels/tier", json!("front"), "metadata.labels.tier"),
        ("/spec/template/spec/containers/0/image", json!("web:2"), "spec.template.spec.containers[app].image"),
        (
            "/spec/template/spec/containers/0/args",
            json!(["--listen", ":8080"]),
            "spec.template.spec.containers[app].args",
        ),
        ("/spec/template/spec/containers/0/env/0/value", json!("1"), "spec.template.spec.containers[app].env[A].value"),
        (
            "/spec/template/spec/containers/0/resources/requests/cpu",
            json!("1001m"),
            "spec.template.spec.containers[app].resources.requests.cpu",
        ),
        (
            "/spec/template/spec/containers/0/readinessProbe/httpGet/port",
            json!("80"),
            "spec.template.spec.containers[app].readinessProbe.httpGet.port",
        ),
        ("/spec/template/spec/nodeSelector/disk", json!("hdd"), "spec.template.spec.nodeSelector"),
        ("/spec/selector", json!({}), "spec.selector"),
        ("/spec/template/spec/tolerations/0/effect", json!("NoExecute"), "spec.template.spec.tolerations"),
        (
            "/spec/template/spec/volumes/0/emptyDir",
            json!({"medium": "Memory"}),
            "spec.template.spec.volumes[data].emptyDir",
        ),
        ("/spec/strategy", json!({"type": "Recreate"}), "spec.strategy.type"),
        ("/spec/template/spec/hostNetwork", json!(false), "spec.template.spec.hostNetwork"),
    ] {
        let found = edited(pointer, value);
        assert_eq!(paths(&found.differs), [path], "{pointer}: {found:#?}");
        assert!(found.removed.is_empty(), "{pointer}: {found:#?}");
    }
}

#[test]
fn what_leaves_the_file_is_a_removal() {
    for (above, name, gone) in [
        ("/spec", "replicas", vec!["spec.replicas"]),
        ("/metadata", "labels", vec!["metadata.labels.app"]),
        (
            APP,
            "ports",
            vec![
                "spec.template.spec.containers[app].ports[53,UDP].containerPort",
                "spec.template.spec.containers[app].ports[53,UDP].protocol",
                "spec.template.spec.containers[app].ports[80,TCP].containerPort",
            ],
        ),
        ("/spec/template/spec", "nodeSelector", vec!["spec.template.spec.nodeSelector.disk"]),
        (
            "/spec/template/spec",
            "tolerations",
            vec!["spec.template.spec.tolerations[0].key", "spec.template.spec.tolerations[0].operator"],
        ),
    ] {
        let mut desired = desired();
        desired.pointer_mut(above).unwrap().as_object_mut().unwrap().remove(name);
        let found = compared(&desired, &live(), false);
        assert_eq!(paths(&found.removed), gone, "{name}: {found:#?}");
        assert!(found.differs.is_empty(), "{name}: {found:#?}");
    }
    let mut desired = desired();
    desired.pointer_mut(&format!("{APP}/env")).unwrap().as_array_mut().unwrap().remove(0);
    let found = compared(&desired, &live(), false);
    assert_eq!(
        paths(&found.removed),
        ["spec.template.spec.containers[app].env[A].name", "spec.template.spec.containers[app].env[A].value",]
    );
}

#[test]
fn what_is_dropped_from_a_value_that_is_owned_whole_is_a_difference() {
    let mut live = live();
    set(&mut live, "/spec/template/spec/tolerations/0/effect", json!("NoSchedule"));
    let found = compared(&desired(), &live, false);
    assert_eq!(paths(&found.differs), ["spec.template.spec.tolerations"], "the file may have said it before");
    assert!(compared(&desired(), &live, true).is_equal(), "the file never said it: a default");
    let found = edited("/spec/template/spec/nodeSelector", json!({}));
    assert_eq!(paths(&found.differs), ["spec.template.spec.nodeSelector"]);
}

#[test]
fn a_change_by_others_of_what_labctl_owned_is_found_and_of_other_fields_is_not() {
    let mut live = live();
    let managed = live.pointer_mut("/metadata/managedFields").unwrap().as_array_mut().unwrap();
    managed[0].pointer_mut("/fieldsV1/f:spec").unwrap().as_object_mut().unwrap().remove("f:replicas");
    managed.push(
        json!({"manager": "kubectl-edit", "operation": "Update", "apiVersion": VERSION, "fieldsType": "FieldsV1",
                        "fieldsV1": {"f:spec": {"f:replicas": {}, "f:paused": {}}}}),
    );
    let taken = compared(&desired(), &live, true);
    assert_eq!((taken.unowned.len(), taken.differs.len()), (1, 0), "the value is the same: {taken:#?}");
    set(&mut live, "/spec/replicas", json!(5));
    set(&mut live, "/spec/paused", json!(true));
    let edited = compared(&desired(), &live, true);
    assert_eq!(paths(&edited.differs), ["spec.replicas"], "{edited:#?}");
}

#[test]
fn a_field_that_was_taken_away_in_the_cluster_is_a_difference() {
    let mut live = live();
    live.pointer_mut(APP).unwrap().as_object_mut().unwrap().remove("readinessProbe");
    let found = compared(&desired(), &live, true);
    assert_eq!(
        paths(&found.differs),
        [
            "spec.template.spec.containers[app].readinessProbe.httpGet.path",
            "spec.template.spec.containers[app].readinessProbe.httpGet.port",
        ]
    );
}

#[test]
fn the_order_of_items_counts_and_what_others_put_between_them_does_not() {
    let mut live = live();
    let env = live.pointer_mut(&format!("{APP}/env")).unwrap().as_array_mut().unwrap();
    env.insert(1, json!({"name": "INJECTED", "value": "x"}));
    assert!(compared(&desired(), &live, true).is_equal());
    let env = live.pointer_mut(&format!("{APP}/env")).unwrap().as_array_mut().unwrap();
    env.reverse();
    assert_eq!(paths(&compared(&desired(), &live, true).differs), ["spec.template.spec.containers[app].env"]);
}

#[test]
fn an_item_that_is_desired_twice_is_left_to_the_server() {
    let mut desired = desired();
    desired
        .pointer_mut(&format!("{APP}/env"))
        .unwrap()
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "A", "value": "1000m"}));
    assert!(!compared(&desired, &live(), false).is_equal());
}

#[test]
fn an_object_that_labctl_never_applied_is_equal_in_its_values_and_owned_by_others() {
    let mut live = live();
    set(&mut live, "/metadata/managedFields/0/manager", json!("kubectl-client-side-apply"));
    set(&mut live, "/metadata/managedFields/0/operation", json!("Update"));
    let found = compared(&desired(), &live, false);
    let differs = paths(&found.differs);
    assert_eq!(
        differs,
        ["spec.template.spec.containers[app].resources.limits", "spec.template.spec.imagePullSecrets"],
        "only what is empty, for the server to say"
    );
    assert!(found.unowned.iter().any(|path| path.to_string() == "spec.replicas"), "{:#?}", found.unowned);
}

#[test]
fn an_entry_of_another_version_says_nothing() {
    let mut live = live();
    set(&mut live, "/metadata/managedFields/0/apiVersion", json!("apps/v1beta2"));
    assert!(!compared(&desired(), &live, true).is_equal());
}

fn config_map(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "apps"}, "data": data})
}

fn applied_config_map(data: &Value) -> Value {
    let fields: Map<String, Value> =
        data.as_object().unwrap().keys().map(|key| (format!("f:{key}"), json!({}))).collect();
    let mut object = config_map(data);
    object["metadata"]["managedFields"] = json!([{"manager": "labctl", "operation": "Apply", "apiVersion": "v1",
                                                  "fieldsV1": {"f:data": fields}}]);
    object
}

#[test]
fn amounts_in_a_config_map_are_texts() {
    let live = applied_config_map(&json!({"cpu": "1", "text": "a: 1\nb: 2\n"}));
    assert!(compared(&config_map(&json!({"cpu": "1", "text": "a: 1\nb: 2\n"})), &live, true).is_equal());
    let found = compared(&config_map(&json!({"cpu": "1000m", "text": "a: 1\nb: 2"})), &live, false);
    assert_eq!(paths(&found.differs), ["data.cpu", "data.text"]);
}

#[test]
fn a_set_is_compared_by_its_values() {
    let object = |finalizers: &Value, owned: &Value| {
        let mut object = config_map(&json!({}));
        object["metadata"]["finalizers"] = finalizers.clone();
        object["metadata"]["managedFields"] = json!([
            {"manager": "labctl", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:metadata": {"f:finalizers": owned}, "f:data": {}}},
            {"manager": "guard", "operation": "Update", "apiVersion": "v1",
             "fieldsV1": {"f:metadata": {"f:finalizers": {".": {}, "v:\"guard/keep\"": {}}}}}
        ]);
        object
    };
    let live = object(&json!(["guard/keep", "labctl.dev/protect"]), &json!({"v:\"labctl.dev/protect\"": {}}));
    let mut desired = config_map(&json!({}));
    desired["metadata"]["finalizers"] = json!(["labctl.dev/protect"]);
    assert_eq!(compared(&desired, &live, true), Comparison::default());
    desired["metadata"]["finalizers"] = json!(["other"]);
    let found = compared(&desired, &live, false);
    assert_eq!(
        (paths(&found.differs), paths(&found.removed)),
        (vec!["metadata.finalizers[other]".to_owned()], vec!["metadata.finalizers[labctl.dev/protect]".to_owned()])
    );
}

#[test]
fn a_status_in_the_file_counts_where_labctl_could_apply_it() {
    let volume = |state: &str| {
        json!({"apiVersion": "zfs.openebs.io/v1", "kind": "ZFSVolume", "metadata": {"name": "ha"},
                                      "spec": {"capacity": "1"}, "status": {"state": state}})
    };
    let applied = |fields: Value| {
        let mut object = volume("Pending");
        object["metadata"]["managedFields"] =
            json!([{"manager": "labctl", "operation": "Apply", "apiVersion": "zfs.openebs.io/v1", "fieldsV1": fields}]);
        object
    };
    let with = applied(json!({"f:spec": {"f:capacity": {}}, "f:status": {"f:state": {}}}));
    assert_eq!(paths(&compared(&volume("Ready"), &with, true).differs), ["status.state"]);
    let without = applied(json!({"f:spec": {"f:capacity": {}}}));
    assert!(compared(&volume("Ready"), &without, true).is_equal(), "the server passes over it");
}

#[test]
fn an_empty_class_is_not_the_default_class() {
    let claim = |class: Option<&str>| {
        let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "d"}, "spec": {"volumeName": "d"}});
        if let Some(class) = class {
            claim["spec"]["storageClassName"] = class.into();
        }
        claim
    };
    let mut live = claim(None);
    live["metadata"]["managedFields"] = json!([{"manager": "labctl", "operation": "Apply", "apiVersion": "v1",
                                               "fieldsV1": {"f:spec": {"f:volumeName": {}}}}]);
    for is_as_applied in [false, true] {
        assert!(!compared(&claim(Some("")), &live, is_as_applied).is_equal());
    }
}
