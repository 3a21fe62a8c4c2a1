//! The tables that would declare what is there.

use super::*;

#[test]
fn a_survey_declares_what_the_files_say_so_that_only_adoption_is_left() {
    let host = Host::new().with("/etc/netplan", "01-netcfg.yaml", BY_HAND);
    let lab = lab(VLANS, "");
    let surveyed = Networks.survey(&lab, &lab.nodes["n5"], &host.reply()).unwrap();
    let table = |surveyed: &Surveyed| format!("[{}]\n{}", surveyed.address, toml::to_string(&surveyed.entry).unwrap());
    insta::assert_snapshot!(surveyed.iter().map(table).collect::<Vec<_>>().join("\n"), @r#"
    [vlans.vlan1]
    id = 1
    subnet = "10.0.2.0/24"

    [nodes.n5.network]
    replaces = ["01-netcfg.yaml"]

    [eth0]
    native = "vlan1"
    address = "10.0.2.15"

    [[eth0.routes]]
    to = "0.0.0.0/0"
    via = "10.0.2.2"

    [eth1]
    native = "services"
    address = "192.168.4.5"
    resolvers = ["192.168.4.53"]
    default_route = false

    [eth1.tagged]
    vips = "192.168.8.254"

    [eth1.tagged.iot]
    address = "192.168.64.3"
    bridge = "bridge64"
    "#);
}

#[test]
fn a_survey_leaves_out_the_subnet_that_nobody_knows() {
    let bare = "network: {ethernets: {eth1: {}}, vlans: {eth1.8: {id: 8, link: eth1}, eth1.64: {id: 64, link: eth1}, \
                eth1.16: {id: 16, link: eth1}}, bridges: {bridge64: {interfaces: [eth1.64]}}}";
    let lab = lab(VLANS, "");
    let host = Host::new().with("/etc/netplan", "01-netcfg.yaml", bare);
    let surveyed = Networks.survey(&lab, &lab.nodes["n5"], &host.reply()).unwrap();
    assert_eq!(surveyed[0].address.to_string(), "vlans.vlan16");
    assert_eq!(surveyed[0].entry.to_string(), "{ id = 16 }");
    assert_eq!(
        surveyed[1].entry["eth1"]["tagged"].to_string(),
        "{ vlan16 = {}, iot = { bridge = \"bridge64\" }, vips = {} }"
    );
}
