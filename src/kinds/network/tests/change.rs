//! What is done about a difference, and what is refused.

use super::*;
use crate::plan::{Guard, Step};

#[test]
fn a_port_that_only_a_replaced_file_configures_is_not_left_with_nothing() {
    let host = Host::new().with("/etc/netplan", "01-netcfg.yaml", BY_HAND);
    let why = refusal(&format!("{REPLACES}{DECLARED}"), &host);
    assert!(why.contains("also configures `eth0`, which is not declared"), "{why}");
}

#[test]
fn replaced_files_are_renamed_after_the_own_one_is_written() {
    let toml = format!("{REPLACES}{DECLARED}{ETH0}").replace("192.168.8.254", "192.168.8.253");
    let work = work(&toml, &Host::new().with("/etc/netplan", "01-netcfg.yaml", BY_HAND));
    let about: Vec<&str> = work.steps.iter().map(|step| step.about.as_str()).collect();
    let at = |words: &str| about.iter().position(|about| *about == words).unwrap_or_else(|| panic!("{about:#?}"));
    assert!(
        at("write /etc/netplan/60-labctl.yaml")
            < at("rename /etc/netplan/01-netcfg.yaml to 01-netcfg.yaml.labctl-replaced")
    );
    assert_eq!(facts(&work, "hidden"), ["60-labctl.yaml", "01-netcfg.yaml"]);
}

#[test]
fn a_replaced_file_of_cloud_init_comes_with_a_warning() {
    let toml = format!("{REPLACES}{DECLARED}{ETH0}").replace("01-netcfg", "50-cloud-init");
    let notes = work(&toml, &Host::new().with("/etc/netplan", "50-cloud-init.yaml", BY_HAND)).notes;
    assert!(notes.iter().any(|note| note.starts_with("cloud-init may write 50-cloud-init.yaml again")), "{notes:?}");
}

#[test]
fn a_new_network_is_a_creation_of_all_its_devices() {
    let bare = Host::new().but("\"family\":\"inet\",\"local\":\"192.168.4.5\"", "\"family\":\"gone\"");
    let bare = ["eth1.8", "eth1.64", "bridge64"].into_iter().fold(bare, Host::without);
    assert_eq!(declared(VLANS, DECLARED).body.observe(&bare.reply()), Observation::Absent);
    let work = work(DECLARED, &bare);
    assert_eq!(facts(&work, "made"), ["bridge64", "eth1.64", "eth1.8"]);
    assert_eq!(facts(&work, "address"), ["bridge64 192.168.64.3/20", "eth1 192.168.4.5/24", "eth1.8 192.168.8.254/24"]);
    assert_eq!(facts(&work, "gateway"), ["bridge64 192.168.64.1", "eth1 192.168.4.1", "eth1.8 192.168.8.1"]);
}

#[test]
fn the_steps_of_a_change_in_order() {
    let work = work(DECLARED, &Host::applied(DECLARED));
    let about = |steps: &[Step]| steps.iter().map(|step| step.about.clone() + "\n").collect::<String>();
    insta::assert_snapshot!(about(&work.steps), @r"
    make room for the change
    put the script there that guards it
    put its facts there
    make a folder for the new files
    put the new netplan file there
    have netplan check it in a root of its own
    note what is there
    arm the timer that puts the old network back in 185 s
    stage the new files in /run/netplan
    run netplan apply, detached from the connection
    reach the node after the change
    connect afresh
    see addresses, routes and gateways in place
    confirm the new network
    write /etc/netplan/60-labctl.yaml
    flush the names to the disk
    remove /run/netplan/60-labctl.yaml
    disarm the timer
    clear up
    ");
    insta::assert_snapshot!(about(&work.put_back), @r"
    wait until the host can be reached
    have the host put the old network back
    wait until the old network is back
    connect afresh
    see that it is
    ");
    assert_eq!(work.disruption.as_deref(), Some("restarts networking on n5"));
}

#[test]
fn the_timer_is_armed_exactly_and_before_anything_is_staged() {
    let work = work(&format!("[nodes.n5.network]\nconfirm_within = \"60s\"\n{DECLARED}"), &Host::applied(DECLARED));
    let argv = |word: &str| {
        work.steps.iter().position(|step| matches!(&step.act, Act::Run { argv, .. } if argv.iter().any(|a| a == word)))
    };
    let arm = argv("--timer-property=AccuracySec=100ms").unwrap();
    assert_eq!(argv("--on-active=125s"), Some(arm));
    assert!(Some(arm) < argv("stage") && argv("stage") < argv("apply"));
}

#[test]
fn a_change_relies_on_the_files_and_the_addresses_that_were_seen() {
    let host = Host::applied(DECLARED);
    let guards = work(DECLARED, &host).steps[0].guards.clone();
    let state = format!("state-{}", host.files[0].2.len());
    assert!(guards.contains(&Guard::File { path: format!("/etc/netplan/{OWN}"), state }), "{guards:?}");
    assert!(guards.iter().any(|guard| matches!(guard, Guard::Output { stdout, .. } if stdout == "inactive")));
    assert!(guards.iter().any(|guard| matches!(guard, Guard::Output { stdout, .. } if stdout.starts_with("eth1 UP"))));
}

#[test]
fn a_vlan_that_left_the_file_is_deleted_and_one_made_by_hand_is_not() {
    let without = DECLARED.replace("vips = \"192.168.8.254\", ", "");
    let host = Host::applied(DECLARED);
    assert_eq!(differences(&without, &host), ["eth1.8.addresses: [\"192.168.8.254/24\"] -> -", "eth1.8.vlan: 8 -> -"]);
    assert_eq!(facts(&work(&without, &host), "left"), ["eth1.8"]);
    let by_hand = Host::applied(&without);
    assert_eq!(differences(&without, &by_hand), Vec::<String>::new());
    assert_eq!(facts(&work(&without, &by_hand), "left"), Vec::<String>::new());
}

#[test]
fn a_node_without_netplan_is_told_the_package() {
    let mut host = Host::applied(DECLARED);
    host.state = host.state.replace("tool netplan\n", "");
    assert_eq!(refusal(DECLARED, &host), "the node has no `netplan`; its package is `netplan.io`");
}

#[test]
fn a_device_of_somebody_else_under_a_declared_name_is_refused() {
    let host = Host::new().but("\"info_kind\":\"bridge\"", "\"info_kind\":\"dummy\"");
    assert!(refusal(DECLARED, &host).contains("`ip link del bridge64`"));
}

#[test]
fn a_network_whose_devices_were_not_asked_what_they_hold_is_not_changed() {
    let resource = declared(VLANS, &format!("{DECLARED}{ETH0}"));
    let mark = Mark::new("mobius", &resource.address, Origin::Made, &resource.body.desired());
    let reply = Host::applied(DECLARED).reply();
    let work = resource.body.work(&Task { goal: Goal::Create, mark: &mark, reply: &reply });
    assert!(matches!(&work.obstacle, Some(Obstacle::Refused(why)) if why.contains("could not be read")), "{work:?}");
    assert_eq!(work.steps, []);
}

#[test]
fn the_file_of_a_node_with_every_kind_of_device() {
    insta::assert_snapshot!(file(&work(&format!("{DECLARED}{ETH0}"), &Host::applied(DECLARED))), @r#"
    # Written by labctl from homelab.toml. What is changed here is undone by the next `labctl apply`.
    network:
      version: 2
      ethernets:
        eth0:
          renderer: networkd
          dhcp4: false
          addresses:
          - 10.0.2.15/24
          routes:
          - to: default
            via: "10.0.2.2"
        eth1:
          renderer: networkd
          dhcp4: false
          addresses:
          - 192.168.4.5/24
          nameservers:
            addresses:
            - "192.168.4.53"
      vlans:
        eth1.64:
          renderer: networkd
          id: 64
          link: eth1
          dhcp4: false
          link-local: []
          optional: true
        eth1.8:
          renderer: networkd
          id: 8
          link: eth1
          dhcp4: false
          addresses:
          - 192.168.8.254/24
      bridges:
        bridge64:
          renderer: networkd
          interfaces:
          - eth1.64
          dhcp4: false
          addresses:
          - 192.168.64.3/20
          parameters:
            stp: false
            forward-delay: 0
    "#);
}

#[test]
fn a_network_that_left_the_file_goes_with_its_devices_and_what_it_had_replaced_comes_back() {
    let host = Host::applied(DECLARED).with(
        "/etc/netplan",
        "01-netcfg.yaml.labctl-replaced",
        "network: {vlans: {eth1.8: {id: 8, link: eth1}}}",
    );
    let lab = lab(VLANS, DECLARED);
    let work = Networks.leftover(crate::lab::Site::Node(&lab.nodes["n5"]), NAME).remove(&host.reply());
    assert_eq!(facts(&work, "left"), ["bridge64", "eth1.64"]);
    assert_eq!(facts(&work, "hidden"), ["60-labctl.yaml", "01-netcfg.yaml"]);
    let about: Vec<&str> = work.steps.iter().map(|step| step.about.as_str()).collect();
    let at = |words: &str| about.iter().position(|about| *about == words).unwrap_or_else(|| panic!("{about:#?}"));
    assert!(
        at("rename /etc/netplan/01-netcfg.yaml.labctl-replaced to 01-netcfg.yaml")
            < at("remove /etc/netplan/60-labctl.yaml")
    );
}
