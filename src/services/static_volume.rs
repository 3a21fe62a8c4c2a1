//! `kind = "static-volume"`: a declared ZFS volume as a PersistentVolume, and the claim that is bound to it.
//!
//! Two ways: `local` lets the kubelet open the block device, whatever the volume is called. `zfs-localpv` hands it to
//! OpenEBS's driver, with snapshots and growth, and that knows names in lower case only.

use std::sync::Arc;

use serde_json::{Value, json};

use super::names::{is_label, label, said_or};
use super::{Draft, Expansion, Scene, Service, ServiceKind};
use crate::config::read::Read;
use crate::config::table::service_table;
use crate::config::tables::words;
use crate::config::{Code, Located, nearest};
use crate::kubernetes::PROTECT_ANNOTATION;
use crate::lab::{Address, Pool, Size, Volume};

/// The row of this kind.
pub(super) const KIND: ServiceKind = ServiceKind {
    name: "static-volume",
    about: "A declared ZFS volume as a PersistentVolume, and the claim that is bound to it.",
    provides: &[],
    read: |value, faults| StaticVolumeTable::read(value, faults).map(|table| Arc::new(table) as Arc<dyn Service>),
    schema: |generator| generator.subschema_for::<StaticVolumeTable>(),
};

/// The namespace in which OpenEBS's chart is installed by its own documentation.
const OPENEBS: &str = "openebs";

/// Keeps the driver from destroying the volume when the object is deleted: it waits for finalizers of others.
const FINALIZER: &str = "labctl.dev/protect";

service_table! {
    /// A declared ZFS volume as a PersistentVolume, and the claim that is bound to it. Neither is ever deleted by labctl.
    pub struct StaticVolumeTable of "static-volume" {
        /// The namespace of the claim.
        pub namespace: Located<String>,
        /// The address of the volume: `"pools.vms.volumes.HomeAssistant"`. Its size is the claim's.
        pub volume: Located<Address>,
        /// Who hands it out; `local` where absent.
        pub driver: Option<Located<Driver>>,
        /// What a pod sees; `block` where absent.
        pub mode: Option<Mode>,
        /// `ReadWriteOnce` where absent.
        pub access: Option<Access>,
        /// The storage class of both; none where absent. With `zfs-localpv` the class must be there: it allows to grow.
        pub storage_class: Option<Located<String>>,
        /// The name of the claim; that of the table where absent.
        pub claim: Option<Located<String>>,
        /// The name of the PersistentVolume; that of the claim where absent.
        pub name: Option<Located<String>>,
        /// With `zfs-localpv`: the driver's namespace; `openebs` where absent.
        pub driver_namespace: Option<Located<String>>,
    }
}

words! {
    /// Who hands out a volume.
    pub enum Driver {
        /// The kubelet, by the path of the block device.
        Local = "local",
        /// OpenEBS's driver for ZFS.
        ZfsLocalpv = "zfs-localpv",
    }
}

words! {
    /// What a pod sees of a volume.
    pub enum Mode {
        /// A block device.
        Block = "block",
        /// A filesystem (ext4), made by the kubelet on an empty device.
        Filesystem = "filesystem",
    }
}

words! {
    /// How many may use a volume.
    pub enum Access {
        /// The pods of one node.
        ReadWriteOnce = "ReadWriteOnce",
        /// One pod.
        ReadWriteOncePod = "ReadWriteOncePod",
    }
}

/// The volume with where it lies.
struct Found<'a> {
    pool: &'a Pool,
    path: &'a str,
    volume: &'a Volume,
}

impl Service for StaticVolumeTable {
    fn expand(&self, scene: &Scene<'_>, expansion: &mut Expansion) {
        let made_up = Located::new(scene.name.to_owned(), self.place.clone());
        let claim = said_or(self.claim.as_ref(), &made_up, expansion);
        let name = said_or(self.name.as_ref(), &Located::new(claim.clone(), self.place.clone()), expansion);
        let Some(found) = self.found(scene, expansion) else { return };
        let source = match self.driver.as_ref().map(|driver| driver.value) {
            Some(Driver::ZfsLocalpv) => self.imported(&found, expansion),
            Some(Driver::Local) | None => Some(("local", self.local(&found, expansion))),
        };
        let Some((key, source)) = source else { return };
        let spec = self.spec();
        let mut volume = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": { "name": name, "annotations": { PROTECT_ANNOTATION: "true" } },
            "spec": {
                "capacity": { "storage": quantity(found.volume.size.value) },
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {
                    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim, "namespace": self.namespace.value,
                },
                "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [
                    { "key": "kubernetes.io/hostname", "operator": "In", "values": [found.pool.node.value] },
                ] }] } },
            },
        });
        volume["spec"][key] = source;
        let mut bound = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": { "name": claim, "namespace": self.namespace.value, "annotations": { PROTECT_ANNOTATION: "true" } },
            "spec": { "volumeName": name, "resources": { "requests": { "storage": quantity(found.volume.size.value) } } },
        });
        for (field, value) in spec {
            bound["spec"][field] = value.clone();
            volume["spec"][field] = value;
        }
        match &self.storage_class {
            Some(class) => {
                volume["spec"]["storageClassName"] = json!(class.value);
                bound["spec"]["storageClassName"] = json!(class.value);
            }
            // A claim that says nothing gets the default class, and with it maybe a new volume.
            None => bound["spec"]["storageClassName"] = json!(""),
        }
        let mut volume = Draft::new(volume, self.place.clone()).after(self.volume.value.clone(), &self.volume.place);
        volume.provides.push(format!("persistent-volume:{name}"));
        if key == "csi" {
            volume = volume.needing(format!("zfs-volume:{}", base(found.path)), &self.volume.place);
        }
        expansion.drafts.push(volume);
        let bound = Draft::new(bound, self.place.clone())
            .needing(format!("persistent-volume:{name}"), &self.place)
            .needing(format!("namespace:{}", self.namespace.value), &self.namespace.place);
        expansion.drafts.push(bound);
    }
}

impl StaticVolumeTable {
    /// What PersistentVolume and claim say alike.
    fn spec(&self) -> Vec<(&'static str, Value)> {
        let access = match self.access {
            Some(Access::ReadWriteOncePod) => "ReadWriteOncePod",
            Some(Access::ReadWriteOnce) | None => "ReadWriteOnce",
        };
        let mode = if self.is_filesystem() { "Filesystem" } else { "Block" };
        vec![("accessModes", json!([access])), ("volumeMode", json!(mode))]
    }

    fn is_filesystem(&self) -> bool {
        matches!(self.mode, Some(Mode::Filesystem))
    }

    fn local(&self, found: &Found<'_>, expansion: &mut Expansion) -> Value {
        if let Some(namespace) = &self.driver_namespace {
            let summary = "`driver_namespace` belongs to `driver = \"zfs-localpv\"`";
            expansion.fault(Code::Contradiction, summary, &namespace.place, "not used", "remove it, or say the driver");
        }
        let mut source = json!({ "path": format!("/dev/zvol/{}/{}", found.pool.name, found.path) });
        if self.is_filesystem() {
            source["fsType"] = json!("ext4");
        }
        source
    }

    /// The volume as the driver's own: adds its `ZFSVolume`, and returns the `csi` source of the PersistentVolume.
    fn imported(&self, found: &Found<'_>, expansion: &mut Expansion) -> Option<(&'static str, Value)> {
        let name = base(found.path);
        if !is_label(name) {
            let summary = format!("the driver `zfs-localpv` can't import a volume called `{name}`");
            let help = format!(
                "say `driver = \"local\"`, which takes any name; or rename the volume on its node while nothing uses it \
                 (`zfs rename {0}/{1} {0}/{2}`) and here",
                found.pool.name,
                found.path,
                found.path.strip_suffix(name).unwrap_or_default().to_owned() + &label(name)
            );
            expansion.fault(Code::Name, summary, &self.volume.place, "it knows lower-case names only", help);
            return None;
        }
        let parents = found.path.strip_suffix(name).unwrap_or_default().trim_end_matches('/');
        let pool = if parents.is_empty() { found.pool.name.clone() } else { format!("{}/{parents}", found.pool.name) };
        // Without a reservation it is thin; a new volume is thick where the file says nothing.
        let reservation = ["refreservation", "reservation"].iter().find_map(|key| found.volume.properties.get(*key));
        let is_thin = reservation.is_some_and(|value| value.value == "none" || value.value == "0");
        let namespace = self.driver_namespace.as_ref().map_or(OPENEBS, |namespace| namespace.value.as_str());
        // The kind has no status subresource: without `Ready` the driver would make the volume, and with it it takes it
        // as it is. Properties that are not named are not set.
        let imported = json!({
            "apiVersion": "zfs.openebs.io/v1",
            "kind": "ZFSVolume",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "finalizers": [FINALIZER],
                "annotations": { PROTECT_ANNOTATION: "true" },
            },
            "spec": {
                "ownerNodeID": found.pool.node.value,
                "poolName": pool,
                "capacity": found.volume.size.value.0.to_string(),
                "volumeType": "ZVOL",
                "fsType": "ext4",
                "thinProvision": if is_thin { "yes" } else { "no" },
            },
            "status": { "state": "Ready" },
        });
        let mut draft = Draft::new(imported, self.place.clone())
            .after(self.volume.value.clone(), &self.volume.place)
            .needing("zfs-localpv", &self.driver.as_ref().map_or(&self.place, |driver| &driver.place).clone());
        draft.provides.push(format!("zfs-volume:{name}"));
        if let Some(class) = &self.storage_class {
            draft = draft.needing(format!("storage-class:{}", class.value), &class.place);
        }
        expansion.drafts.push(draft);
        let mut source = json!({
            "driver": "zfs.csi.openebs.io",
            "volumeHandle": name,
            "volumeAttributes": { "openebs.io/poolname": pool },
        });
        if self.is_filesystem() {
            source["fsType"] = json!("ext4");
        }
        Some(("csi", source))
    }

    fn found<'a>(&self, scene: &Scene<'a>, expansion: &mut Expansion) -> Option<Found<'a>> {
        let parts: Vec<&str> = self.volume.segments().iter().map(String::as_str).collect();
        let found = match parts.as_slice() {
            ["pools", pool, "volumes", path] => scene.lab.pools.get(*pool).and_then(|pool| {
                let (path, volume) = pool.volumes.get_key_value(*path)?;
                Some(Found { pool, path, volume })
            }),
            _ => None,
        };
        let is_broken =
            parts.get(1).is_some_and(|pool| scene.file.pools.declares(pool) && !scene.lab.pools.contains_key(*pool));
        if found.is_none() && !is_broken {
            let known: Vec<String> = scene
                .lab
                .pools
                .values()
                .flat_map(|pool| {
                    pool.volumes.keys().map(|path| Address::new(["pools", &pool.name, "volumes", path]).to_string())
                })
                .collect();
            let help = match nearest(&self.volume.value.to_string(), known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "declare it in `[pools.POOL.volumes.NAME]`, and write that path here".to_owned(),
            };
            let summary = format!("`{}` is no volume of this lab", self.volume.value);
            expansion.fault(Code::Reference, summary, &self.volume.place, "declared nowhere", help);
        }
        found
    }
}

/// The last part of a path below a pool.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A size as a quantity of the API: `256Gi`, or bytes.
fn quantity(size: Size) -> String {
    size.to_string().replace("iB", "i")
}
