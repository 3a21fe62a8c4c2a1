//! What is observed, and what of it differs.

use super::*;
use crate::kinds::network::netplan;

#[test]
fn a_network_as_declared_has_no_differences() {
    assert_eq!(differences(DECLARED, &Host::applied(DECLARED)), Vec::<String>::new());
}

#[test]
fn drift_in_the_kernel_is_named_by_device() {
    let cases = [
        (
            ("\"local\":\"192.168.8.254\"", "\"local\":\"192.168.8.253\""),
            "eth1.8.addresses: [\"192.168.8.253/24\"] -> [\"192.168.8.254/24\"]",
        ),
        (("\"master\":\"bridge64\",", ""), "eth1.64.bridge: - -> \"bridge64\""),
        (("\"stp_state\":0", "\"stp_state\":1"), "bridge64.stp: true -> false"),
        (("\"forward_delay\":0", "\"forward_delay\":1500"), "bridge64.forward-delay: 15 -> 0"),
        (("\"id\":8,", "\"id\":9,"), "eth1.8.vlan: \"9 on eth1\" -> 8"),
        (
            ("\"dev\":\"eth0\",\"protocol\":\"static\"", "\"dev\":\"eth1\",\"protocol\":\"static\""),
            "eth1.routes: [\"default via 10.0.2.2\"] -> -",
        ),
    ];
    for ((from, to), expected) in cases {
        assert_eq!(differences(DECLARED, &Host::applied(DECLARED).but(from, to)), [expected], "{from}");
    }
}

#[test]
fn a_device_that_is_switched_off_or_gone_is_a_difference() {
    let off = Host::applied(DECLARED).but(
        "\"link\":\"eth1\",\"ifname\":\"eth1.8\",\"flags\":[\"BROADCAST\",\"MULTICAST\",\"UP\"",
        "\"link\":\"eth1\",\"ifname\":\"eth1.8\",\"flags\":[\"BROADCAST\",\"MULTICAST\"",
    );
    assert_eq!(differences(DECLARED, &off), ["eth1.8.up: false -> true"]);
    let gone = Host::applied(DECLARED).without("eth1.8");
    assert_eq!(differences(DECLARED, &gone), ["eth1.8.addresses: - -> [\"192.168.8.254/24\"]", "eth1.8.vlan: - -> 8"]);
}

#[test]
fn routes_that_programs_have_set_are_not_counted() {
    let theirs = r#"[{"dst":"10.244.1.0/24","gateway":"192.168.4.81","dev":"eth1","protocol":"17","flags":[]},"#;
    let mut host = Host::applied(DECLARED);
    host.routes = host.routes.replacen('[', theirs, 1);
    assert_eq!(differences(DECLARED, &host), Vec::<String>::new());
}

#[test]
fn a_file_that_differs_is_told_where_the_kernel_is_right() {
    let text = file(&work(DECLARED, &Host::applied(DECLARED))).replace("192.168.8.254", "192.168.8.9");
    let host = Host::new().with("/etc/netplan", OWN, &text);
    assert_eq!(differences(DECLARED, &host), ["file.eth1.8.addresses: [\"192.168.8.9/24\"] -> [\"192.168.8.254/24\"]"]);
    assert_eq!(
        differences(DECLARED, &Host::new()),
        ["eth1.nameservers: - -> [\"192.168.4.53\"]", "file: - -> \"/etc/netplan/60-labctl.yaml\""]
    );
}

#[test]
fn what_an_unfinished_change_left_in_run_is_a_difference() {
    let host = Host::applied(DECLARED);
    let text = host.files[0].2.clone();
    let host = host.with("/run/netplan", OWN, &text);
    assert_eq!(
        differences(DECLARED, &host),
        ["file: [\"/run/netplan/60-labctl.yaml\"] -> \"/etc/netplan/60-labctl.yaml\""]
    );
}

#[test]
fn a_second_file_about_a_declared_port_is_refused_with_its_key() {
    let second = "network: {ethernets: {eth1: {addresses: [192.168.4.99/24]}}}";
    let host = Host::applied(DECLARED).with("/etc/netplan", "90-more.yaml", second);
    assert_eq!(
        differences(DECLARED, &host),
        [
            "file.eth1.addresses: [\"192.168.4.5/24\",\"192.168.4.99/24\"] -> [\"192.168.4.5/24\"]",
            "replaces: [\"90-more.yaml\"] -> []",
        ]
    );
    let why = refusal(DECLARED, &host);
    assert!(why.contains("`/etc/netplan/90-more.yaml` says something of `eth1` as well (`addresses`)"), "{why}");
    assert!(why.contains("`replaces = [\"90-more.yaml\"]` in `[nodes.n5.network]`"), "{why}");
}

#[test]
fn what_homelab_toml_has_no_words_for_is_told_and_a_password_in_it_is_not() {
    let more = BY_HAND.replace(
        "eth1: {dhcp4: no,",
        "eth1: {dhcp4: no, accept-ra: no, auth: {key-management: 802.1x, password: canary},",
    );
    let toml = format!("{REPLACES}{DECLARED}{ETH0}");
    let host = Host::new().with("/etc/netplan", "01-netcfg.yaml", &more);
    assert_eq!(differences(&toml, &host), ["file.eth1.accept-ra: false -> -", "file.eth1.auth: Differs -> -"]);
    assert!(!format!("{:?}{:?}", observed(&toml, &host), work(&toml, &host)).contains("canary"));
}

#[test]
fn a_file_that_only_names_a_declared_port_is_none_of_its_business() {
    let bare = "network: {ethernets: {eth1: {optional: true}}, vlans: {eth1.99: {id: 99, link: eth1}}}";
    let host = Host::applied(DECLARED).with("/etc/netplan", "90-more.yaml", bare);
    assert_eq!(differences(DECLARED, &host), Vec::<String>::new());
}

#[test]
fn a_host_whose_own_file_says_the_same_is_adopted_as_it_is() {
    let toml = format!("{REPLACES}{DECLARED}{ETH0}");
    let host = Host::new().with("/etc/netplan", "01-netcfg.yaml", BY_HAND);
    assert_eq!(differences(&toml, &host), Vec::<String>::new());
    assert!(declared(VLANS, &toml).meta.adopt);
}

#[test]
fn what_cannot_be_known_is_unknown() {
    let unknown = |toml: &str, host: &Host| match declared(VLANS, toml).body.observe(&host.reply()) {
        Observation::Unknown(why) => why,
        other => panic!("{other:?}"),
    };
    let mut armed = Host::applied(DECLARED);
    armed.state = armed.state.replace("timer inactive", "timer active").replace("uptime 100", "uptime 100\nfires 142");
    assert!(unknown(DECLARED, &armed).starts_with("a network change of another run waits for another 42 s for"));
    let missing = unknown(&DECLARED.replace("eth1", "eth7"), &Host::new());
    assert_eq!(missing, "the node has no interface `eth7`; it has `eth0`, `eth1`");
    let other_name = unknown(&DECLARED.replace("eth1", "ens5"), &Host::new());
    assert!(other_name.starts_with("`ens5` is another name of the interface `eth1`"), "{other_name}");
    let broken = Host::new().with("/etc/netplan", "50-broken.yaml", "network: [");
    assert!(unknown(DECLARED, &broken).starts_with("`/etc/netplan/50-broken.yaml` is not YAML"));
    let mut lost = Host::new();
    lost.links = "oops".to_owned();
    assert!(unknown(DECLARED, &lost).contains("`ip -j -d addr show` answered what can't be read"));
}

#[test]
fn netplan_reads_the_run_folder_first_and_files_by_name() {
    let host = Host::new()
        .with("/etc/netplan", "10-a.yaml", "network: {ethernets: {eth1: {mtu: 1400, addresses: [10.0.0.1/24]}}}")
        .with("/run/netplan", "10-a.yaml", "network: {ethernets: {eth1: {mtu: 1300}}}")
        .with("/lib/netplan", "05-b.yaml", "network: {ethernets: {eth1: {mtu: 1200, gateway4: 10.0.0.2}}}");
    let seen = seen::Seen::read(&host.reply(), &[]).unwrap();
    let files = netplan::at_boot(&seen.files, &std::collections::BTreeSet::new(), &std::collections::BTreeSet::new());
    let eth1 = &netplan::devices(files, &seen.live)["eth1"];
    assert_eq!((eth1.mtu, eth1.addresses.len()), (Some(1300), 0));
    assert_eq!(eth1.routes[0].to_string(), "default via 10.0.0.2");
}
