//! Tables in, pools and advertisements out.

use serde_json::json;

use crate::config::Sources;
use crate::lab::{Lab, Object, load};
use crate::report::diagnostics::render;

const LAB: &str = r#"
[lab]
name = "home"
[vlans.services]
id = 4
subnet = "192.168.4.0/24"
gateway = "192.168.4.1"
reserved = { dns = "192.168.4.53" }
[vlans.vips]
id = 8
subnet = "192.168.8.0/24"
[nodes.n5]
address = "192.168.4.5"
[nodes.n5.network.enp197s0]
native = "services"
tagged = { vips = "192.168.8.254" }
[nodes.m1]
address = "192.168.4.81"
[nodes.m1.network.enp0s1]
native = "services"
[clusters.homelab]
kubeconfig = { node = "n5", path = "/etc/kubeconfig" }
[services.metallb]
kind = "metallb"
cluster = "homelab"
addresses = { dns = "192.168.4.53", traefik = { address = "192.168.8.50", nodes = ["n5"] } }
[services.metallb.pools.vips]
vlan = "vips"
range = "192.168.8.51-79"
"#;

fn lab() -> Lab {
    let mut sources = Sources::memory([("homelab.toml", LAB)]);
    for pin in crate::config::pins(&sources) {
        sources.insert_pinned(pin.sha256, pin.stand_in.unwrap().as_bytes());
    }
    let loaded = load(&sources);
    assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics, &sources, 100, false));
    loaded.lab.unwrap()
}

fn object<'l>(lab: &'l Lab, path: &str) -> &'l Object {
    let found = lab.objects.iter().find(|object| object.key.path() == path);
    found.unwrap_or_else(|| {
        panic!("no {path} in {:#?}", lab.objects.iter().map(|object| object.key.path()).collect::<Vec<_>>())
    })
}

#[test]
fn ranges_are_handed_out_and_fixed_addresses_kept_for_those_who_ask() {
    let lab = lab();
    let spec = |name: &str| {
        object(&lab, &format!("IPAddressPool.metallb.io/metallb-system/{name}")).manifest.json["spec"].clone()
    };
    assert_eq!(
        spec("vips"),
        json!({ "addresses": ["192.168.8.51-192.168.8.79"], "autoAssign": true, "avoidBuggyIPs": true })
    );
    assert_eq!(spec("dns"), json!({ "addresses": ["192.168.4.53/32"], "autoAssign": false, "avoidBuggyIPs": true }));
    assert_eq!(spec("traefik")["autoAssign"], false);
}

#[test]
fn a_pool_is_announced_on_the_devices_that_hold_an_address_of_its_vlan() {
    let lab = lab();
    let spec = |name: &str| {
        object(&lab, &format!("L2Advertisement.metallb.io/metallb-system/{name}")).manifest.json["spec"].clone()
    };
    let node = |name: &str| json!([{ "matchLabels": { "kubernetes.io/hostname": name } }]);
    assert_eq!(
        spec("vips"),
        json!({ "ipAddressPools": ["vips"], "interfaces": ["enp197s0.8"], "nodeSelectors": node("n5") })
    );
    // Two nodes with an address there, each on a device of its own.
    assert_eq!(spec("dns-enp197s0")["nodeSelectors"], node("n5"));
    assert_eq!(spec("dns-enp0s1")["nodeSelectors"], node("m1"));
}

#[test]
fn pools_wait_for_the_webhook_and_advertisements_for_pools_and_networks() {
    let lab = lab();
    let needs = |path: &str| object(&lab, path).needs.iter().map(|need| need.value.to_string()).collect::<Vec<_>>();
    let controller = "services.metallb/Deployment.apps/metallb-system/controller";
    assert_eq!(needs("IPAddressPool.metallb.io/metallb-system/vips"), [controller]);
    let pool = "services.metallb/IPAddressPool.metallb.io/metallb-system/vips";
    assert_eq!(needs("L2Advertisement.metallb.io/metallb-system/vips"), ["nodes.n5.network", pool, controller]);
}

#[test]
fn its_namespace_may_run_what_sends_packets_of_its_own() {
    let lab = lab();
    let labels = &object(&lab, "Namespace/metallb-system").manifest.json["metadata"]["labels"];
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "privileged");
}
