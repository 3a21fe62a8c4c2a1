//! The host N5 as a whole: from bare pools to `No changes.`, drift by hand, and a host that was there before labctl.

use crate::support::operator::Operator;
use crate::support::vm::Vm;

/// What of N5 the VM can be: ports, VLANs, a bridge, pools, datasets, volumes, files, sysctls, modules, packages, units.
const N5: &str = r#"
[nodes.n5.network]
confirm_within = "60s"
[nodes.n5.network.eth1]
native = { vlan = "services", address = "192.168.4.5" }
tagged = { vips = "192.168.8.254", sandbox = "192.168.16.254", iot = { bridge = "bridge64", address = "192.168.64.3" } }

[nodes.n5.modules]
br_netfilter = "loaded"

[nodes.n5.sysctls]
"net.ipv4.ping_group_range" = "0 2147483647"
"vm.swappiness" = 10

[nodes.n5.packages]
lab-greeter = "present"
lab-hello = "1.0"

[nodes.n5.files."/etc/lab/motd"]
content = """
Welcome to N5.
"""

[nodes.n5.units."lab-clock.service"]
content = """
[Unit]
Description=Waits

[Service]
ExecStart=/bin/sleep infinity

[Install]
WantedBy=multi-user.target
"""
enabled = true
running = true

[pools.vms]
node = "n5"
properties = { compression = "lz4", atime = "off" }
[pools.vms.volumes.HomeAssistant]
size = "128MiB"
[pools.vms.datasets."homelab/adguard"]
properties = { quota = "64MiB", recordsize = "16KiB" }

[pools.ai]
node = "n5"
devices = ["/dev/disk/by-id/virtio-labdisk1"]
properties = { autotrim = "on", atime = "off" }
[pools.ai.datasets.models]
properties = { recordsize = "1MiB" }
"#;

/// The pools that are there before labctl.
const BARE_POOLS: &str = "zpool create vms /dev/disk/by-id/virtio-labdisk0";

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn from_bare_pools_one_apply_makes_the_host_as_the_file_says() {
    let vm = Vm::fresh();
    vm.ok(BARE_POOLS);
    let operator = Operator::of(&vm, N5);
    let plan = operator.plan(0).stdout;
    for address in [
        "nodes.n5.network",
        "nodes.n5.modules.br_netfilter",
        "nodes.n5.sysctls.\"vm.swappiness\"",
        "nodes.n5.packages.lab-greeter",
        "nodes.n5.files.\"/etc/lab/motd\"",
        "nodes.n5.units.\"lab-clock.service\"",
        "pools.vms.volumes.HomeAssistant",
        "pools.vms.datasets.\"homelab/adguard\"",
        "pools.ai",
        "pools.ai.datasets.models",
    ] {
        assert!(plan.contains(&format!("# {address} will be ")), "{address} is not in the plan:\n{plan}");
    }
    assert!(plan.contains("lab-hello-data"), "what apt would add besides is named:\n{plan}");
    operator.apply();
    operator.expect_no_changes();

    // Read without labctl. `on` is lz4 by another name, so the default of a new pool is not set again.
    let zfs = "zfs get -Hp -o value volsize vms/HomeAssistant; zfs get -Hp -o value,source quota,recordsize vms/homelab/adguard; \
               zfs get -H -o value,source compression,atime vms; zpool get -H -o value autotrim ai; zfs get -Hp -o value recordsize ai/models";
    assert_eq!(vm.ok(zfs), "134217728\n67108864\tlocal\n16384\tlocal\non\tdefault\noff\tlocal\non\n1048576\n");
    let links = vm.ok("ip -d -br addr show; ip -d link show eth1.64");
    for words in ["192.168.4.5/24", "192.168.8.254/24", "192.168.16.254/20", "192.168.64.3/20", "id 64", "bridge64"] {
        assert!(links.contains(words), "{words} is not in\n{links}");
    }
    let netplan =
        vm.ok("netplan get; stat -c %a /etc/netplan/60-labctl.yaml; ls /run/netplan /run/labctl 2>/dev/null || true");
    for words in ["eth1.8:", "192.168.8.254/24", "bridge64:", "600\n"] {
        assert!(netplan.contains(words), "{words} is not in\n{netplan}");
    }
    assert_eq!(
        vm.ok("sysctl -n vm.swappiness net.ipv4.ping_group_range; cat /sys/module/br_netfilter/initstate"),
        "10\n0\t2147483647\nlive\n"
    );
    assert_eq!(
        vm.ok("cat /etc/lab/motd; systemctl is-active lab-clock; systemctl is-enabled lab-clock"),
        "Welcome to N5.\nactive\nenabled\n"
    );
    assert_eq!(vm.ok("dpkg-query -W -f '${Version}\\n' lab-hello lab-hello-data lab-greeter | wc -l"), "3\n");
    vm.ok("ping -c 1 -W 3 192.168.64.1");

    // All of it survives a power cut.
    vm.ok("sync");
    vm.power_cut();
    vm.wait_for_boot();
    operator.expect_no_changes();
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn drift_by_hand_is_found_named_and_mended() {
    let vm = Vm::fresh();
    vm.ok(BARE_POOLS);
    let operator = Operator::of(&vm, N5);
    operator.apply();
    vm.ok(
        "zfs set quota=32M vms/homelab/adguard && ip addr del 192.168.8.254/24 dev eth1.8 && chmod 0600 /etc/lab/motd \
           && systemctl stop lab-clock && sysctl -q vm.swappiness=60",
    );
    let plan = operator.plan(0).stdout;
    for words in [
        "# pools.vms.datasets.\"homelab/adguard\" will be updated in-place\n  # (lab changed)",
        "# nodes.n5.network will be updated in-place\n  # (lab changed)",
        "# nodes.n5.files.\"/etc/lab/motd\" will be updated in-place\n  # (lab changed)",
        "# nodes.n5.units.\"lab-clock.service\" will be updated in-place\n  # (lab changed)",
        "# nodes.n5.sysctls.\"vm.swappiness\" will be updated in-place\n  # (lab changed)",
        "Plan: 0 to add, 5 to change, 0 to destroy.",
        "\"0600\" -> \"0644\"",
        "192.168.8.254/24",
    ] {
        assert!(plan.contains(words), "{words} is not in the plan:\n{plan}");
    }
    operator.apply();
    operator.expect_no_changes();
    assert_eq!(vm.ok("zfs get -Hp -o value quota vms/homelab/adguard; stat -c %a /etc/lab/motd; systemctl is-active lab-clock; sysctl -n vm.swappiness"),
        "67108864\n644\nactive\n10\n");
    assert!(vm.ok("ip -br addr show eth1.8").contains("192.168.8.254/24"));
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_plan_of_the_unchanged_host_makes_one_connection_and_one_exec() {
    let vm = Vm::fresh();
    vm.ok(BARE_POOLS);
    vm.ok("sed -i '/^LogLevel/d' /etc/ssh/sshd_config; echo 'LogLevel VERBOSE' >> /etc/ssh/sshd_config; systemctl restart ssh");
    let operator = Operator::of(&vm, N5);
    operator.apply();
    let count = |words: &str| -> usize {
        vm.ok(&format!("journalctl -u ssh -o cat | grep -c '{words}' || true")).trim().parse().unwrap()
    };
    let before = (count("Accepted publickey for jax"), count("Starting session: .* for jax"));
    operator.expect_no_changes();
    let after = (count("Accepted publickey for jax"), count("Starting session: .* for jax"));
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1));
}

/// A host as somebody set it up by hand, years ago.
const BY_HAND: &str = r"
zpool create vms /dev/disk/by-id/virtio-labdisk0 && zpool create tank /dev/disk/by-id/virtio-labdisk2
zfs set compression=lz4 atime=off vms && zfs create -V 64M vms/HomeAssistant && zfs create -o recordsize=1M tank/media
dd if=/dev/urandom of=/tank/media/photo bs=1M count=4 2>/dev/null
cat > /etc/netplan/02-lab.yaml <<'YAML'
network:
  version: 2
  ethernets:
    eth1: {addresses: [192.168.4.5/24]}
  vlans:
    eth1.8: {id: 8, link: eth1, addresses: [192.168.8.254/24]}
YAML
chmod 600 /etc/netplan/02-lab.yaml && netplan apply 2>/dev/null
echo 'vm.swappiness = 10' > /etc/sysctl.d/99-lab.conf && sysctl -q -p /etc/sysctl.d/99-lab.conf
printf '[Unit]\nDescription=Waits\n\n[Service]\nExecStart=/bin/sleep infinity\n\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/lab-clock.service
systemctl daemon-reload && systemctl enable --now lab-clock 2>/dev/null
";

/// Everything that must not change: files, kernel, ZFS; without labctl's marks.
const STATE: &str = "find /etc -type f -not -path '/etc/labctl*' -printf '%p %m %s %T@\\n' | sort; ip -br addr; ip route; sysctl vm.swappiness; \
    zfs get -Hp -o name,property,value,source all -t filesystem,volume | grep -vE 'labctl:|used|referenced|available|written|creat|ratio|snapshots_changed'; \
    systemctl show -p ActiveEnterTimestampMonotonic lab-clock; sha256sum /tank/media/photo";

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn an_existing_host_is_shown_as_a_file_adopted_without_a_change_and_then_planned_empty() {
    let vm = Vm::fresh();
    vm.ok(BY_HAND);
    let operator = Operator::of(&vm, "");
    let file = operator.expect(&["show", "n5", "--as-toml", "--undeclared"], 0).stdout;
    for words in ["HomeAssistant", "media", "vm.swappiness", "lab-clock.service", "02-lab.yaml", "192.168.8.254"] {
        assert!(file.contains(words), "{words} is not in\n{file}");
    }
    operator.write("homelab.toml", &file);
    let before = vm.ok(STATE);
    let plan = operator.plan(0).stdout;
    assert!(plan.contains("to adopt, 0 to add, 0 to change, 0 to destroy.\n"), "{file}\n{plan}");
    assert!(!plan.contains("Besides:"), "{file}\n{plan}");
    operator.expect(&["apply", "--adopt-only", "--auto-approve"], 0);
    assert_eq!(vm.ok(STATE), before, "adoption changed the host");
    operator.expect_no_changes();
}
