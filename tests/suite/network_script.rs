//! The script that guards a network change, run by a real `sh` in a host made of a folder: `ip`, `netplan` and
//! `systemctl` are scripts that note how they were called and answer from files.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SCRIPT: &str = include_str!("../../src/kinds/network/network.sh");

/// Notes the call; shows what the folder holds; a deleted device is gone from it.
const IP: &str = r#"#!/bin/sh
case "$*" in
  '-4 -o addr show') cat "$HOST/addresses" ;;
  '-4 -o addr show dev '*) grep " ${6} " "$HOST/addresses" ;;
  '-4 -o route show table main') cat "$HOST/routes" ;;
  '-4 route show match '*) cat "$HOST/on-link" ;;
  '-4 route show '*) grep "^$4 via $6 dev $8" "$HOST/routes" || : ;;
  'link del dev '*) echo "ip $*" >>"$HOST/calls"; rm -r "$HOST/sys/$4" ;;
  *neigh*) ;;
  *) echo "ip $*" >>"$HOST/calls" ;;
esac
"#;
const NETPLAN: &str = "#!/bin/sh\necho \"netplan $*\" >>\"$HOST/calls\"\n. \"$HOST/netplan\"\n";
const SYSTEMCTL: &str = "#!/bin/sh\necho \"systemctl $*\" >>\"$HOST/calls\"\ncat \"$HOST/units\"\n";
const PING: &str = "#!/bin/sh\nfor last; do :; done\ngrep -Fxq \"$last\" \"$HOST/answering\"\n";
const SLEEP: &str = "#!/bin/sh\n";

struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    /// With eth0 and eth1 up, and these facts about the change.
    fn new(facts: &str) -> Self {
        let host = Self { folder: tempfile::tempdir().unwrap() };
        for (name, text) in
            [("ip", IP), ("netplan", NETPLAN), ("systemctl", SYSTEMCTL), ("ping", PING), ("sleep", SLEEP)]
        {
            host.write(&format!("bin/{name}"), text);
            std::fs::set_permissions(host.path(&format!("bin/{name}")), std::fs::Permissions::from_mode(0o755))
                .unwrap();
        }
        for (name, text) in [
            ("here/network.sh", SCRIPT),
            ("here/facts", facts),
            ("here/staged/60-labctl.yaml", "network: {version: 2} # new\n"),
            ("addresses", "2: eth0    inet 10.0.2.15/24 brd 10.0.2.255 scope global eth0\n"),
            (
                "routes",
                "default via 10.0.2.2 dev eth0 proto static \n10.244.1.0/24 via 192.168.4.81 dev eth1 proto 17 \n",
            ),
            ("netplan", ""),
            ("on-link", "192.168.4.0/24 proto kernel\n"),
            ("units", "inactive\n"),
            ("answering", ""),
            ("calls", ""),
            ("sys/eth0/mtu", "1500\n"),
            ("sys/eth1/mtu", "1500\n"),
        ] {
            host.write(name, text);
        }
        host
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    fn run(&self, verb: &[&str]) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        Command::new("sh")
            .arg(self.path("here/network.sh"))
            .args(verb)
            .env_clear()
            .env("PATH", path)
            .env("HOST", self.folder.path())
            .env("LABCTL_NETWORK", self.path("here"))
            .env("LABCTL_NETPLAN_RUN", self.path("run-netplan"))
            .env("LABCTL_SYS_NET", self.path("sys"))
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    fn ok(&self, verb: &[&str]) {
        let output = self.run(verb);
        assert!(output.status.success(), "{verb:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn complaint(&self, verb: &[&str]) -> String {
        let output = self.run(verb);
        assert!(!output.status.success(), "{verb:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }

    /// How the programs were called that change something, since the last look.
    fn calls(&self) -> Vec<String> {
        let calls = self.read("calls");
        self.write("calls", "");
        calls.lines().filter(|call| !call.starts_with("systemctl is-active")).map(str::to_owned).collect()
    }

    fn has(&self, path: &str) -> bool {
        Path::exists(&self.path(path))
    }
}

const FACTS: &str = "owned eth1\nowned eth1.8\nmade eth1.8\naddress eth1.8 192.168.8.254/24\n\
                     gateway eth1.8 192.168.8.1\nhidden 60-labctl.yaml\nhidden 01-netcfg.yaml\n";

#[test]
fn what_is_staged_hides_the_old_files() {
    let host = Host::new(FACTS);
    host.ok(&["stage"]);
    assert_eq!(host.read("run-netplan/60-labctl.yaml"), "network: {version: 2} # new\n");
    assert_eq!(host.read("run-netplan/01-netcfg.yaml"), "network: {version: 2}\n");
}

#[test]
fn a_put_back_undoes_all_that_the_change_made_and_only_once() {
    let host = Host::new(FACTS);
    host.ok(&["save", "60", "45", "20"]);
    host.ok(&["stage"]);
    host.write("sys/eth1.8/mtu", "1500\n");
    host.write("sys/eth1/mtu", "9000\n");
    host.write("addresses", "3: eth1.8    inet 192.168.8.254/24 scope global eth1.8\n");
    host.write("routes", "default via 10.0.2.2 dev eth0 proto static \n");
    host.ok(&["put-back"]);
    assert_eq!(
        host.calls(),
        [
            "systemctl stop labctl-network.service",
            "ip link del dev eth1.8",
            "netplan apply",
            "ip addr add 10.0.2.15/24 dev eth0",
            "ip link set dev eth1 mtu 1500",
            "ip route replace 10.244.1.0/24 via 192.168.4.81 dev eth1 proto 17",
        ]
    );
    assert!(!host.has("run-netplan/60-labctl.yaml") && !host.has("run-netplan/01-netcfg.yaml"));
    assert_eq!(host.read("here/put-back"), "0\n");
    host.ok(&["put-back"]);
    assert_eq!(host.calls(), Vec::<String>::new());
    assert!(host.complaint(&["keep"]).contains("the host has put the old network back"));
}

#[test]
fn a_confirmed_network_is_not_put_back() {
    let host = Host::new(FACTS);
    host.ok(&["save", "60", "45", "20"]);
    host.ok(&["keep"]);
    host.calls();
    host.ok(&["put-back"]);
    host.ok(&["undo"]);
    assert_eq!(host.calls(), Vec::<String>::new());
    host.ok(&["settled"]);
}

#[test]
fn a_failed_put_back_is_told() {
    let host = Host::new(FACTS);
    host.ok(&["save", "60", "45", "20"]);
    host.write("netplan", "exit 78\n");
    host.ok(&["put-back"]);
    assert_eq!(host.calls().iter().filter(|call| *call == "netplan apply").count(), 2);
    assert!(host.complaint(&["undone"]).contains("netplan apply of the old network failed (78)"));
    assert!(host.has("here"));
}

#[test]
fn undoing_waits_for_the_timer_or_starts_it() {
    let host = Host::new(FACTS);
    host.ok(&["undo"]);
    assert_eq!(host.calls(), Vec::<String>::new());
    host.ok(&["settled"]);
    host.write("units", "active\ninactive\n");
    host.ok(&["undo"]);
    assert_eq!(host.calls(), ["systemctl start --no-block labctl-put-back.service"]);
    assert!(!host.run(&["settled"]).status.success());
    host.write("here/put-back", "0\n");
    host.ok(&["settled"]);
    host.ok(&["undone"]);
    assert!(!host.has("here"));
}

#[test]
fn what_is_missing_at_the_end_of_the_time_is_named() {
    let host = Host::new(FACTS);
    host.ok(&["save", "0", "0", "20"]);
    host.write("here/applied", "0\n");
    host.write("routes", "default via 10.0.2.2 dev eth0 proto static \n");
    let words = host.complaint(&["confirm"]);
    for line in [
        "eth1.8 does not have 192.168.8.254/24",
        "the gateway 192.168.8.1 does not answer on eth1.8 (nor did it before the change)",
        "lost in the change, and not labctl's: route 10.244.1.0/24 via 192.168.4.81 dev eth1 proto 17",
    ] {
        assert!(words.contains(line), "{line} is not in\n{words}");
    }
    host.write(
        "addresses",
        "2: eth0    inet 10.0.2.15/24 scope global eth0\n3: eth1.8    inet 192.168.8.254/24 scope\n",
    );
    host.write(
        "routes",
        "default via 10.0.2.2 dev eth0 proto static \n10.244.1.0/24 via 192.168.4.81 dev eth1 proto 17 \n",
    );
    host.write("answering", "192.168.8.1\n");
    host.ok(&["confirm"]);
}

#[test]
fn a_route_goes_with_the_network_of_its_next_hop() {
    let host = Host::new("owned eth1\n");
    host.ok(&["save", "0", "0", "20"]);
    host.write("here/applied", "0\n");
    host.write("routes", "default via 10.0.2.2 dev eth0 proto static \n");
    host.write("on-link", "");
    host.ok(&["confirm"]);
}

#[test]
fn a_network_that_netplan_did_not_apply_is_not_waited_for() {
    let host = Host::new(FACTS);
    host.ok(&["save", "600", "45", "20"]);
    host.write("netplan", "exit 78\n");
    host.ok(&["apply"]);
    assert!(host.complaint(&["confirm"]).contains("netplan apply failed (78)"));
}

#[test]
fn netplans_complaint_names_the_file_where_it_will_be() {
    let host = Host::new(FACTS);
    host.write("netplan", "echo \"$3/etc/netplan/60-labctl.yaml:3:1: Error in network definition\" >&2; exit 1\n");
    let root = host.path("check").display().to_string();
    assert_eq!(host.complaint(&["check", &root]), "/etc/netplan/60-labctl.yaml:3:1: Error in network definition\n");
}

#[test]
fn what_it_reads_is_never_evaluated() {
    let host = Host::new("made $(touch evil)\nmade `touch evil`\nhidden $(touch evil).yaml\nowned eth1; touch evil\n");
    host.write("routes", "default via $(touch evil) dev eth0 \n");
    for verb in [&["save", "60", "45", "20"] as &[&str], &["stage"], &["apply"], &["put-back"]] {
        host.run(verb);
    }
    assert!(!host.has("evil"));
}
