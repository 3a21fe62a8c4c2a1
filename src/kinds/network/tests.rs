//! A node whose `ip` answered as in `fixtures/` (Debian 13's iproute2, eth1 with two VLANs and a bridge), with netplan
//! files and drift made up around it.

use super::netplan::{self, OWN};
use super::seen;
use super::*;
use crate::config::Sources;
use crate::kinds::{Goal, Task};
use crate::lab::load;
use crate::observe::{Answer, Body, FileAnswer, Output, Stat};
use crate::plan::{Act, Attributes, Difference, Guard, Mark, Obstacle, Origin, Step, Value};

const LINKS: &str = include_str!("fixtures/links.json");
const ROUTES: &str = include_str!("fixtures/routes.json");

const QUIET: &str = "labctl-put-back.timer inactive\nlabctl-put-back.service inactive\nuptime 100\ntool netplan\n\
                     tool ping\ntool systemd-run\n";

const VLANS: &str = r#"
[lab]
name = "mobius"
[vlans]
services = { id = 4, subnet = "192.168.4.0/24", gateway = "192.168.4.1" }
vips = { id = 8, subnet = "192.168.8.0/24", gateway = "192.168.8.1" }
iot = { id = 64, subnet = "192.168.64.0/20", gateway = "192.168.64.1" }
[nodes.n5]
address = "192.168.4.5"
"#;

/// The network that the fixtures show, declared.
const DECLARED: &str = r#"
[nodes.n5.network.eth1]
native = "services"
default_route = false
resolvers = ["192.168.4.53"]
tagged = { vips = "192.168.8.254", iot = { bridge = "bridge64", address = "192.168.64.3" } }
"#;

/// The same in a file of somebody else's.
const BY_HAND: &str = "
network:
  version: 2
  ethernets:
    eth0: {addresses: [10.0.2.15/24], routes: [{to: default, via: 10.0.2.2}]}
    eth1: {dhcp4: no, addresses: [192.168.4.5/24], nameservers: {addresses: [192.168.4.53]}}
  vlans:
    eth1.8: {id: 8, link: eth1, addresses: [192.168.8.254/24]}
    eth1.64: {id: 64, link: eth1}
  bridges:
    bridge64: {interfaces: [eth1.64], addresses: [192.168.64.3/20], parameters: {stp: no, forward-delay: 0s}}
";

struct Host {
    links: String,
    routes: String,
    state: String,
    files: Vec<(&'static str, String, String)>,
}

impl Host {
    fn new() -> Self {
        Self { links: LINKS.to_owned(), routes: ROUTES.to_owned(), state: QUIET.to_owned(), files: Vec::new() }
    }

    /// With labctl's own file as it writes it.
    fn applied(toml: &str) -> Self {
        let text = file(&work(toml, &Self::new().with("/etc/netplan", "60-labctl.yaml", "network: {version: 2}")));
        Self::new().with("/etc/netplan", OWN, &text)
    }

    fn with(mut self, folder: &'static str, name: &str, text: &str) -> Self {
        self.files.push((folder, name.to_owned(), text.to_owned()));
        self
    }

    /// `ip -j` says something else.
    fn but(mut self, from: &str, to: &str) -> Self {
        assert!(self.links.contains(from) || self.routes.contains(from), "{from}");
        self.links = self.links.replace(from, to);
        self.routes = self.routes.replace(from, to);
        self
    }

    /// The kernel has no such device.
    fn without(mut self, device: &str) -> Self {
        let links: Vec<serde_json::Value> = serde_json::from_str(&self.links).unwrap();
        let links: Vec<_> = links.into_iter().filter(|link| link["ifname"] != device).collect();
        self.links = serde_json::to_string(&links).unwrap();
        self
    }

    fn reply(&self) -> Reply {
        let output = |text: &str| Answer::Output(Output { stdout: text.as_bytes().to_vec(), ..Output::default() });
        let answer = |ask: &Ask| match ask {
            Ask::Run(argv) if argv[0] == "ip" && argv.contains(&"addr".to_owned()) => output(&self.links),
            Ask::Run(argv) if argv[0] == "ip" => output(&self.routes),
            Ask::Run(argv) if argv[2].contains("tool %s") => output(&self.state),
            Ask::Run(_) => output("eth1 UP 192.168.4.5/24\n"),
            Ask::Folder { path, suffix } => Answer::Folder(
                self.files
                    .iter()
                    .filter(|(folder, name, _)| folder == path && name.ends_with(suffix))
                    .map(|(_, name, text)| (name.clone(), regular(text)))
                    .collect(),
            ),
            other => panic!("{other:?}"),
        };
        let mut asks = seen::asks();
        asks.extend(declared(VLANS, DECLARED).body.asks());
        asks.into_iter().map(|ask| (ask.clone(), answer(&ask))).collect()
    }
}

fn regular(text: &str) -> FileAnswer {
    let stat = Stat {
        mode: 0o600,
        owner: "root".into(),
        group: "root".into(),
        length: text.len() as u64,
        state: format!("state-{}", text.len()),
    };
    FileAnswer::Regular { stat, body: Body::Bytes(text.into()) }
}

fn lab(head: &str, toml: &str) -> Lab {
    let loaded = load(&Sources::memory([("homelab.toml", &format!("{head}{toml}") as &str)]));
    let faults: Vec<String> = loaded.diagnostics.into_iter().map(|fault| fault.summary).collect();
    loaded.lab.unwrap_or_else(|| panic!("{faults:?}"))
}

fn declared(head: &str, toml: &str) -> Resource {
    Networks.declare(&lab(head, toml)).remove(0)
}

fn observed(toml: &str, host: &Host) -> Attributes {
    match declared(VLANS, toml).body.observe(&host.reply()) {
        Observation::Present(observed) => observed,
        other => panic!("{other:?}"),
    }
}

/// Differences, `attribute: before -> after`.
fn differences(toml: &str, host: &Host) -> Vec<String> {
    let value = |value: &Option<Value>| match value {
        None => "-".to_owned(),
        Some(Value::Plain(json)) => json.to_string(),
        Some(other) => format!("{other:?}"),
    };
    let line = |d: Difference| format!("{}: {} -> {}", d.attribute, value(&d.before), value(&d.after));
    declared(VLANS, toml).body.compare(&observed(toml, host)).into_iter().map(line).collect()
}

fn work(toml: &str, host: &Host) -> Work {
    let resource = declared(VLANS, toml);
    let desired = resource.body.desired();
    let mark = Mark::new("mobius", &resource.address, Origin::Made, &desired);
    resource.body.work(&Task { goal: Goal::Create, mark: &mark, reply: &host.reply() })
}

fn refusal(toml: &str, host: &Host) -> String {
    match work(toml, host).obstacle {
        Some(Obstacle::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn put(work: &Work, end: &str) -> String {
    let text = work.steps.iter().find_map(|step| match &step.act {
        Act::Put { path, content, .. } if path.ends_with(end) => content.as_text(),
        _ => None,
    });
    text.unwrap_or_default().to_owned()
}

fn file(work: &Work) -> String {
    put(work, "/etc/netplan/60-labctl.yaml")
}

fn facts(work: &Work, word: &str) -> Vec<String> {
    put(work, "/facts")
        .lines()
        .filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '))
        .map(str::to_owned)
        .collect()
}

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

const REPLACES: &str = "[nodes.n5.network]\nreplaces = [\"01-netcfg.yaml\"]\n";
const ETH0: &str = r#"
[nodes.n5.network.eth0]
native = "management"
address = "10.0.2.15"
routes = [{ to = "0.0.0.0/0", via = "10.0.2.2" }]
[vlans.management]
id = 2
subnet = "10.0.2.0/24"
"#;

#[test]
fn a_host_whose_own_file_says_the_same_is_adopted_as_it_is() {
    let toml = format!("{REPLACES}{DECLARED}{ETH0}");
    let host = Host::new().with("/etc/netplan", "01-netcfg.yaml", BY_HAND);
    assert_eq!(differences(&toml, &host), Vec::<String>::new());
    assert!(declared(VLANS, &toml).meta.adopt);
}

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
    let work = Networks.leftover(&lab.nodes["n5"], NAME).remove(&host.reply());
    assert_eq!(facts(&work, "left"), ["bridge64", "eth1.64"]);
    assert_eq!(facts(&work, "hidden"), ["60-labctl.yaml", "01-netcfg.yaml"]);
    let about: Vec<&str> = work.steps.iter().map(|step| step.about.as_str()).collect();
    let at = |words: &str| about.iter().position(|about| *about == words).unwrap_or_else(|| panic!("{about:#?}"));
    assert!(
        at("rename /etc/netplan/01-netcfg.yaml.labctl-replaced to 01-netcfg.yaml")
            < at("remove /etc/netplan/60-labctl.yaml")
    );
}

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
