use crate::support::vm::BOOT;
use crate::support::vm::Vm;

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn it_is_debian_13_with_openzfs_2_3() {
    let vm = Vm::fresh();
    let said = vm.ok(". /etc/os-release; echo $ID $VERSION_ID; uname -r; zfs version; systemctl is-system-running");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "debian 13");
    assert!(lines[1].starts_with("6.12."), "{said}");
    assert!(lines[2].starts_with("zfs-2.3."), "{said}");
    assert!(lines[3].starts_with("zfs-kmod-2.3."), "{said}");
    assert_eq!(lines[4], "running", "{}", vm.ok("systemctl --failed"));
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn six_blank_disks_have_stable_names() {
    let vm = Vm::fresh();
    let disks = vm.ok("cd /dev/disk/by-id; ls -d virtio-labdisk*; wipefs -n virtio-labdisk*");
    let names = ["0", "1", "2", "3", "4", "5"].map(|index| format!("virtio-labdisk{index}\n")).concat();
    assert_eq!(disks, names);
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_reset_takes_back_memory_and_disks() {
    let vm = Vm::fresh();
    let boot = vm.boot_id();
    vm.ok("zpool create tank /dev/disk/by-id/virtio-labdisk0; zfs create tank/data; echo kept > /tank/data/file");
    vm.ok("touch /etc/by-a-test; sync; ip link add dummy0 type dummy");

    vm.reset();
    assert_eq!(vm.boot_id(), boot);
    assert_eq!(vm.sh("zpool list tank").code, 1);
    assert_eq!(vm.ok("ls /etc/by-a-test /sys/class/net/dummy0 2>/dev/null | wc -l").trim(), "0");
    assert_eq!(vm.ok("wipefs -n /dev/disk/by-id/virtio-labdisk0"), "");
    let behind = vm.ok("date +%s").trim().parse::<u64>().expect("a time").abs_diff(now());
    assert!(behind < 10, "the clock is {behind} s off");
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn a_power_cut_loses_what_was_not_on_disk() {
    let vm = Vm::fresh();
    let boot = vm.boot_id();
    vm.ok("zpool create tank /dev/disk/by-id/virtio-labdisk1; echo kept > /tank/file; sync; zpool sync");
    vm.ok("echo kept > /etc/kept; sync; echo lost > /etc/lost; echo lost > /run/lost");

    vm.power_cut();
    vm.wait_for_ssh(BOOT);
    assert_ne!(vm.boot_id(), boot);
    assert_eq!(vm.ok("cat /etc/kept"), "kept\n");
    assert_eq!(vm.sh("cat /etc/lost /run/lost").stdout, "");
    vm.ok("until [ -e /tank/file ]; do sleep 0.1; done; cat /tank/file");
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn the_switch_answers_as_gateway_of_every_network() {
    let vm = Vm::fresh();
    vm.ok("ip link set eth1 up; ip addr add 192.168.4.5/24 dev eth1; ping -c1 -W5 192.168.4.1");
    for (vlan, address, gateway) in [
        (8, "192.168.8.5/24", "192.168.8.1"),
        (16, "192.168.16.5/20", "192.168.16.1"),
        (64, "192.168.64.5/20", "192.168.64.1"),
    ] {
        vm.ok(&format!(
            "ip link add link eth1 name eth1.{vlan} type vlan id {vlan}; ip link set eth1.{vlan} up; \
             ip addr add {address} dev eth1.{vlan}; ping -c1 -W5 {gateway}"
        ));
    }
    assert_ne!(vm.sh("ping -c1 -W1 192.168.4.77").code, 0);
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn users_differ_in_what_sudo_asks_of_them() {
    let vm = Vm::fresh();
    assert_eq!(vm.sh_as("jax", "sudo -n id -u").stdout, "0\n");
    assert_eq!(vm.sh_as("pat", "sudo -n id -u").code, 1);
    assert_eq!(vm.sh_as("nosudo", "sudo -n id -u").code, 1);
    let with_password = format!("echo {} | sudo -S -p '' id -u", vm.pat_password());
    assert_eq!(vm.sh_as("pat", &with_password).stdout, "0\n");
    assert_eq!(vm.sh_as("nosudo", &with_password).code, 1);
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn packages_come_from_the_hosts_own_archive() {
    let vm = Vm::fresh();
    let simulated = vm.ok("apt-get -s install lab-greeter");
    assert!(simulated.contains("Inst lab-hello-data (1.0"), "{simulated}");
    vm.ok("apt-get install -y lab-hello=1.0");
    assert_eq!(vm.ok("lab-hello; apt-get install -qq -y lab-hello >/dev/null; lab-hello"), "hello 1.0\nhello 1.1\n");
    vm.ok("apt-get install -y lab-daemon; systemctl enable --now lab-daemon; systemctl is-active lab-daemon");
}

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn the_management_address_can_move() {
    let vm = Vm::fresh();
    vm.ok("ip addr add 10.0.2.16/24 dev eth0");
    let banner = std::process::Command::new("ssh-keyscan")
        .args(["-t", "ed25519", "-p", &vm.moved_port().to_string(), "127.0.0.1"])
        .output()
        .expect("ssh-keyscan");
    let key = String::from_utf8(banner.stdout).expect("text");
    assert!(std::fs::read_to_string(vm.known_hosts()).expect("known_hosts").contains(key.trim()), "{key}");
    vm.ok("ping -c1 -W5 10.0.2.2");
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    since.expect("a time after 1970").as_secs()
}
