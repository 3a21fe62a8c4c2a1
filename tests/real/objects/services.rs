//! The service kinds that expand to objects, from a host's own network and pool to what the real CRDs accept.

use super::user::{User, assert_says, data};
use crate::support::control_plane::{Access, ControlPlane, crds};
use crate::support::operator::Operator;
use crate::support::vm::Vm;

/// What the host has for them: a VLAN with an address in it, a volume.
const HOST: &str = r#"
[nodes.n5.network]
confirm_within = "60s"
[nodes.n5.network.eth1]
native = { vlan = "services", address = "192.168.4.5" }
tagged = { vips = "192.168.8.254" }

[pools.vms]
node = "n5"
[pools.vms.volumes.HomeAssistant]
size = "128MiB"
[pools.vms.volumes.adguard]
size = "64MiB"
"#;

const SERVICES: &str = r#"
[services.base]
kind = "manifests"
cluster = "home"
files = ["base.yaml", "zfs"]
provides = ["zfs-localpv"]

[services.metallb]
kind = "metallb"
cluster = "home"
manifest = { file = "metallb.yaml" }
addresses = { dns = "192.168.4.53", traefik = { address = "192.168.8.50", nodes = ["n5"] } }
[services.metallb.pools.vips]
vlan = "vips"
range = "192.168.8.51-79"

[services.osaurus]
kind = "external"
cluster = "home"
namespace = "ai"
address = "192.168.4.11"
ports = { api = { port = 80, target = 1337 } }

[services.home-assistant]
kind = "static-volume"
cluster = "home"
namespace = "ai"
volume = "pools.vms.volumes.HomeAssistant"

[services.adguard]
kind = "static-volume"
cluster = "home"
namespace = "ai"
volume = "pools.vms.volumes.adguard"
driver = "zfs-localpv"
mode = "filesystem"
storage_class = "zfs"
"#;

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn what_services_make_of_a_hosts_network_and_pool_is_accepted_by_the_real_definitions() {
    let vm = Vm::fresh();
    vm.ok("zpool create vms /dev/disk/by-id/virtio-labdisk0");
    let plane = ControlPlane::start();
    let kubeconfig = plane.kubeconfig(Access::Admin);
    let cluster = format!("[clusters.home]\nkubeconfig = {{ file = {kubeconfig:?} }}\n");
    let operator = Operator::of(&vm, &format!("{HOST}{cluster}{SERVICES}"));
    operator.write("base.yaml", &data("services/base.yaml"));
    operator.write("metallb.yaml", &(data("services/metallb.yaml") + &definitions("metallb.io_")));
    operator.write("zfs/definitions.yaml", &definitions("zfs.openebs.io_"));
    operator.apply();
    operator.expect_no_changes();
    let get = |arguments: &[&str]| plane.kubectl(&[&["get"], arguments].concat());
    assert_eq!(
        get(&["-n", "metallb-system", "ipaddresspools", "-o", "jsonpath={.items[*].spec.addresses[*]}"]),
        "192.168.4.53/32 192.168.8.50/32 192.168.8.51-192.168.8.79"
    );
    assert_eq!(
        get(&["-n", "metallb-system", "l2advertisements", "-o", "jsonpath={.items[*].spec.interfaces[*]}"]),
        "eth1 eth1.8 eth1.8"
    );
    assert_eq!(get(&["-n", "ai", "pvc", "-o", "jsonpath={.items[*].status.phase}"]), "Bound Bound");
    assert_eq!(get(&["pv", "-o", "jsonpath={.items[*].spec.capacity.storage}"]), "64Mi 128Mi");
    assert_eq!(get(&["-n", "openebs", "zfsvolumes", "-o", "jsonpath={.items[*].status.state}"]), "Ready");
    assert_eq!(
        get(&["-n", "ai", "endpointslices", "-o", "jsonpath={.items[*].endpoints[*].addresses[*]}"]),
        "192.168.4.11"
    );

    // Data stays, whatever leaves the file.
    let mut kept = SERVICES.split("[services.home-assistant]");
    operator.declare(&format!("{HOST}{cluster}{}", kept.next().expect("the services before it")));
    let plan = operator.plan(0).stdout;
    assert_says(
        &plan,
        &["PersistentVolume/adguard is no longer declared and will be forgotten", "0 to destroy, 5 to forget."],
    );
    operator.apply();
    operator.expect_no_changes();
    assert_eq!(get(&["-n", "ai", "pvc", "-o", "jsonpath={.items[*].status.phase}"]), "Bound Bound");
}

/// The CRDs whose files begin so, as one text of documents.
fn definitions(prefix: &str) -> String {
    let files = std::fs::read_dir(crds()).expect("the folder").flatten().map(|file| file.path());
    let mut files: Vec<_> = files
        .filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)))
        .filter(|file| file.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    let texts = files.iter().map(|file| std::fs::read_to_string(file).expect("a CRD"));
    texts.map(|text| format!("---\n{}\n", text.trim_start_matches("---\n"))).collect()
}

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn a_machine_outside_of_the_cluster_has_a_name_in_it() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "external");
    user.only(
        "[services.base]\nkind = \"manifests\"\ncluster = \"home\"\nfiles = [\"things\"]\n\n[services.osaurus]\nkind = \"external\"\ncluster = \"home\"\n\
         namespace = \"external\"\naddress = \"192.168.4.11\"\nports = { api = { port = 80, target = 1337 }, dns = { port = 53, protocol = \"UDP\" } }\n",
    );
    user.has("namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: external}\n");
    user.apply();
    user.expect_no_changes();
    let get =
        |path: &str| plane.kubectl(&["-n", "external", "get", "endpointslices", "-o", &format!("jsonpath={path}")]);
    assert_eq!(get("{.items[*].metadata.name} {.items[*].endpoints[*].addresses[*]}"), "osaurus-1 192.168.4.11");
}
