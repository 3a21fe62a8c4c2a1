//! Whole files in, labs and findings out.

use crate::config::Sources;
use crate::lab::{Connection, Content, Lab, Mode, Part, load};
use crate::report::diagnostics::render;

fn lab(text: &str) -> Lab {
    let sources = Sources::memory([("homelab.toml", text)]);
    let loaded = load(&sources);
    let said = render(&loaded.diagnostics, &sources, 100, false);
    loaded.lab.unwrap_or_else(|| panic!("{said}"))
}

fn summaries(text: &str) -> Vec<String> {
    let loaded = load(&Sources::memory([("homelab.toml", text)]));
    assert!(loaded.lab.is_none());
    loaded.diagnostics.into_iter().map(|diagnostic| diagnostic.summary).collect()
}

const LAB: &str = r#"
[lab]
name = "mobius"
[vlans.services]
id = 4
subnet = "192.168.4.0/24"
gateway = "192.168.4.1"
[vlans.vips]
id = 8
subnet = "192.168.8.0/24"
[nodes.n5]
address = "192.168.4.5"
ssh = { user = "jax", sudo = true, connect_timeout = "2s" }
[nodes.n5.network]
replaces = ["01-netcfg.yaml"]
[nodes.n5.network.enp197s0]
native = "services"
tagged = { vips = "192.168.8.254" }
[nodes.n5.sysctls]
"net.ipv4.ping_group_range" = "0	2147483647"
"vm.swappiness" = { value = 10, adopt = true, hold = { because = "later", until = 2027-01-31 } }
[nodes.n5.files."/etc/token"]
content = { secret = "token" }
[nodes.n5.files."/etc/app.conf"]
content = "a {{ b }} {{ token }}\n"
slots = { token = { secret = "token" } }
after = ['nodes.n5.files."/etc/token"']
[secrets.token]
env = "TOKEN"
[pools.vms]
node = "n5"
properties = { compression = "lz4" }
[pools.vms.volumes.HomeAssistant]
size = "256GiB"
"#;

#[test]
fn the_node_has_its_own_address_and_a_default_route_on_the_port_that_carries_its_subnet() {
    let lab = lab(LAB);
    let port = &lab.nodes["n5"].network.as_ref().unwrap().ports["enp197s0"];
    assert_eq!(port.native.as_ref().unwrap().address.unwrap().to_string(), "192.168.4.5/24");
    assert_eq!(port.tagged[0].address.unwrap().to_string(), "192.168.8.254/24");
    assert_eq!(port.routes.len(), 1);
    assert_eq!(port.routes[0].via.to_string(), "192.168.4.1");
}

#[test]
fn values_are_those_of_the_host_and_what_is_not_said_is_filled_in() {
    let lab = lab(LAB);
    let node = &lab.nodes["n5"];
    assert_eq!(node.sysctls["net.ipv4.ping_group_range"].value, "0 2147483647");
    let swappiness = &node.sysctls["vm.swappiness"];
    assert_eq!(swappiness.value, "10");
    assert!(swappiness.meta.adopt);
    assert_eq!(swappiness.meta.hold.as_ref().unwrap().until.unwrap().to_string(), "2027-01-31");
    let Connection::Ssh(ssh) = &node.connection else { panic!("not over SSH") };
    assert_eq!((ssh.host.as_str(), ssh.sudo, ssh.connect_timeout.as_secs()), ("192.168.4.5", true, 2));
    assert_eq!(lab.pools["vms"].volumes["HomeAssistant"].size.value.to_string(), "256GiB");
}

#[test]
fn a_file_with_a_secret_is_the_owners_alone_and_only_slots_are_filled() {
    let lab = lab(LAB);
    let files = &lab.nodes["n5"].files;
    assert_eq!(files["/etc/token"].mode, Mode(0o600));
    let Content::Parts(parts) = &files["/etc/app.conf"].content else { panic!("no text") };
    assert_eq!(parts[0], Part::Text("a {{ b }} ".into()));
    assert!(matches!(&parts[1], Part::Secret(name) if name.0 == "token"));
    assert_eq!(parts[2], Part::Text("\n".into()));
}

#[test]
fn faults_of_several_tables_and_of_one_table_are_told_in_one_run() {
    let text = LAB
        .replace("id = 4\n", "id = \"4\"\nsubnett = 1\n")
        .replace("256GiB", "256G")
        .replace("node = \"n5\"", "node = \"n6\"")
        .replace("sudo = true", "sudo = \"yes\", usr = \"x\"");
    let found = summaries(&text);
    assert_eq!(found.len(), 6, "{found:#?}");
}

#[test]
fn what_after_names_must_be_declared() {
    let found = summaries(&LAB.replace("files.\"/etc/token\"'", "files.\"/etc/tokens\"'"));
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn a_source_is_read_from_the_tree_and_large_ones_are_known_by_their_digest() {
    let large = "x".repeat(256 * 1024 + 1);
    let root = "[lab]\nname='x'\n[nodes.a]\nconnection='local'\n[nodes.a.files]\nsmall.source='s'\nlarge.source='l'\n";
    let sources = Sources::memory([("homelab.toml", root), ("s", "text"), ("l", &large)]);
    let lab = load(&sources).lab.unwrap();
    let files = &lab.nodes["a"].files;
    assert_eq!(files["small"].content.as_text(), Some("text"));
    assert!(matches!(files["large"].content, Content::Blob { length, .. } if length == 262_145));
}
