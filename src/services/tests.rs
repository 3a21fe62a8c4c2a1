//! Small services: tables in, objects out.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::SERVICES;
use crate::config::Sources;
use crate::lab::{Lab, load};
use crate::report::diagnostics::render;

const LAB: &str = r#"
[lab]
name = "home"
[nodes.n5]
address = "192.168.4.5"
[nodes.m4]
os = "macos"
address = "192.168.4.14"
[pools.vms]
node = "n5"
[pools.vms.volumes]
HomeAssistant = { size = "256GiB" }
"k8s/db" = { size = "10GiB", properties = { refreservation = "none" } }
[clusters.homelab]
kubeconfig = { node = "n5", path = "/etc/kubeconfig" }
provides = ["namespace:ai", "namespace:vms", "zfs-localpv", "storage-class:zfs-vms"]
"#;

fn lab(service: &str) -> Lab {
    let text = format!("{LAB}\n[services.x]\ncluster = \"homelab\"\n{service}");
    let sources = Sources::memory([("homelab.toml", text.as_str())]);
    let loaded = load(&sources);
    assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics, &sources, 100, false));
    loaded.lab.unwrap()
}

fn objects(lab: &Lab) -> Vec<(String, &Value)> {
    lab.objects.iter().map(|object| (object.key.path(), &object.manifest.json)).collect()
}

#[test]
fn a_machine_outside_has_a_name_in_the_cluster_and_its_ports_are_translated() {
    let lab = lab(
        "kind = 'external'\nname = 'osaurus'\nnamespace = 'ai'\nnode = 'm4'\n[services.x.ports]\napi = { port = 8080, target = 1337 }\ndns = { port = 53, protocol = 'UDP' }\n",
    );
    let objects = objects(&lab);
    let (slice, service) = (objects[0].1, objects[1].1);
    assert_eq!(objects[0].0, "EndpointSlice.discovery.k8s.io/ai/osaurus-1");
    assert_eq!(objects[1].0, "Service/ai/osaurus");
    assert_eq!(
        service["spec"],
        json!({ "ports": [
        { "name": "api", "port": 8080, "targetPort": 1337, "protocol": "TCP" },
        { "name": "dns", "port": 53, "targetPort": 53, "protocol": "UDP" },
    ] })
    );
    assert_eq!(slice["metadata"]["labels"]["kubernetes.io/service-name"], "osaurus");
    assert_eq!(slice["ports"][0], json!({ "name": "api", "port": 1337, "protocol": "TCP" }));
    assert_eq!(slice["endpoints"][0]["addresses"], json!(["192.168.4.14"]));
}

#[test]
fn a_volume_of_any_name_is_handed_out_by_the_path_of_its_device() {
    let lab = lab(
        "kind = 'static-volume'\nclaim = 'homeassistant-disk'\nnamespace = 'vms'\nvolume = 'pools.vms.volumes.HomeAssistant'\n",
    );
    let objects = objects(&lab);
    let (volume, claim) = (objects[0].1, objects[1].1);
    assert_eq!(objects[0].0, "PersistentVolume/homeassistant-disk");
    assert_eq!(
        volume["spec"],
        json!({
            "accessModes": ["ReadWriteOnce"],
            "capacity": { "storage": "256Gi" },
            "claimRef": { "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": "homeassistant-disk", "namespace": "vms" },
            "local": { "path": "/dev/zvol/vms/HomeAssistant" },
            "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [
                { "key": "kubernetes.io/hostname", "operator": "In", "values": ["n5"] },
            ] }] } },
            "persistentVolumeReclaimPolicy": "Retain",
            "volumeMode": "Block",
        })
    );
    assert_eq!(objects[1].0, "PersistentVolumeClaim/vms/homeassistant-disk");
    assert_eq!(
        claim["spec"],
        json!({
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "256Gi" } },
            // Nothing said here would be the default class, and a new volume.
            "storageClassName": "",
            "volumeMode": "Block",
            "volumeName": "homeassistant-disk",
        })
    );
    let needs = |at: usize| lab.objects[at].needs.iter().map(|need| need.value.to_string()).collect::<Vec<_>>();
    assert_eq!(needs(0), ["pools.vms.volumes.HomeAssistant"]);
    assert_eq!(needs(1), ["services.x/PersistentVolume/homeassistant-disk"]);
}

#[test]
fn a_volume_is_imported_into_the_driver_as_it_is() {
    let lab = lab(
        "kind = 'static-volume'\nnamespace = 'vms'\nvolume = 'pools.vms.volumes.\"k8s/db\"'\ndriver = 'zfs-localpv'\nstorage_class = 'zfs-vms'\nmode = 'filesystem'\n",
    );
    let objects = objects(&lab);
    let imported = objects.iter().find(|(path, _)| path == "ZFSVolume.zfs.openebs.io/openebs/db").unwrap().1;
    assert_eq!(
        imported["spec"],
        json!({
            "capacity": "10737418240",
            "fsType": "ext4",
            "ownerNodeID": "n5",
            "poolName": "vms/k8s",
            "thinProvision": "yes",
            "volumeType": "ZVOL",
        })
    );
    assert_eq!(imported["status"], json!({ "state": "Ready" }));
    // Without a finalizer that is not its own the driver would destroy the volume with the object.
    assert_eq!(imported["metadata"]["finalizers"], json!(["labctl.dev/protect"]));
    let volume = objects.iter().find(|(path, _)| path == "PersistentVolume/x").unwrap().1;
    assert_eq!(
        volume["spec"]["csi"],
        json!({
            "driver": "zfs.csi.openebs.io", "fsType": "ext4", "volumeAttributes": { "openebs.io/poolname": "vms/k8s" }, "volumeHandle": "db",
        })
    );
    assert_eq!(volume["spec"]["storageClassName"], "zfs-vms");
}

#[test]
fn what_holds_data_is_protected() {
    for driver in ["local", "zfs-localpv"] {
        let lab = lab(&format!(
            "kind = 'static-volume'\nnamespace = 'vms'\nvolume = 'pools.vms.volumes.\"k8s/db\"'\ndriver = '{driver}'\n"
        ));
        for (path, object) in objects(&lab) {
            assert_eq!(object["metadata"]["annotations"][crate::kubernetes::PROTECT_ANNOTATION], "true", "{path}");
        }
    }
}

#[test]
fn every_kind_of_service_has_a_name_of_its_own_and_a_sentence_about_it() {
    let names: BTreeSet<_> = SERVICES.iter().map(|kind| kind.name).collect();
    assert_eq!(names.len(), SERVICES.len());
    assert!(SERVICES.iter().all(|kind| kind.about.ends_with('.')));
}
