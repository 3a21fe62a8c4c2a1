//! A network that locks nobody out: applied, cut, left alone by a killed labctl, lost in a power cut, moved.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::operator::Operator;
use crate::support::vm::Vm;

/// Far more than an emulated host needs on a machine with nothing else to do.
const PATIENCE: Duration = Duration::from_secs(400);

const ETH1: &str = r#"
[nodes.n5.network.eth1]
native = { vlan = "services", address = "192.168.4.5" }
tagged = { vips = "192.168.8.254", iot = { bridge = "bridge64", address = "192.168.64.3" } }
"#;

/// The management port as the image has it, declared: 10.0.2.15, the default route through 10.0.2.2.
const ETH0: &str = "\n[nodes.n5.network.eth0]\nnative = { vlan = \"management\", address = \"10.0.2.15\" }\n\
                    routes = [{ to = \"0.0.0.0/0\", via = \"10.0.2.2\" }]\n";

fn settings(lines: &str) -> String {
    format!("[nodes.n5.network]\n{lines}\n")
}

/// What the host's network is, in the words of its own tools.
fn state(vm: &Vm) -> String {
    vm.ok(
        "ip -br -4 addr; ip -4 route; bridge link | cut -d' ' -f2-; for f in /etc/netplan/*; do echo $f; cat $f; done",
    )
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// The router of VLAN 8 no longer answers: a change that relies on it stays without confirmation.
fn break_gateway(vm: &Vm) {
    vm.ok("ip -n switch link set eth2.8 down");
}

fn mend_gateway(vm: &Vm) {
    vm.ok("ip -n switch link set eth2.8 up");
}

/// An apply that has changed the network and now waits for a gateway that does not answer.
fn unconfirmed(vm: &Vm, operator: &Operator) -> Child {
    let mut apply = operator.command(&["apply", "--auto-approve"]);
    let child = apply.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the new network is applied", || vm.sh("test -e /run/labctl/network/applied").code == 0);
    assert!(vm.ok("ip -br -4 addr show dev eth1.8").contains("192.168.8.254/24"));
    child
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_change_that_cuts_the_management_link_is_put_back_by_the_host() {
    let vm = Vm::fresh();
    let before = state(&vm);
    let cut = ETH0.replace("10.0.2.15", "10.0.2.99");
    let operator = Operator::of(&vm, &(settings("replaces = [\"01-netcfg.yaml\"]\nconfirm_within = \"10s\"") + &cut));
    operator.replace("\naddress = \"10.0.2.15\"", "\naddress = \"10.0.2.99\"");
    let run = operator.labctl(&["apply", "--auto-approve"]);
    assert_ne!(run.code, 0, "{run:#?}");
    for words in ["no fresh connection within", "what was there before has been put back"] {
        assert!(run.stdout.contains(words) || run.stderr.contains(words), "{words} is not in {run:#?}");
    }
    assert_eq!(state(&vm), before);
    assert_eq!(vm.ok("ls /run/netplan /run/labctl/network 2>/dev/null | grep -v : || true").trim(), "");
    assert!(vm.ok("journalctl -o cat -u labctl-put-back").contains("labctl: the old network is back (0)"));
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_gateway_that_does_not_answer_is_named_and_the_old_network_put_back() {
    let vm = Vm::fresh();
    break_gateway(&vm);
    let before = state(&vm);
    let operator = Operator::of(&vm, &(settings("confirm_within = \"30s\"") + ETH1));
    let run = operator.labctl(&["apply", "--auto-approve"]);
    assert_ne!(run.code, 0, "{run:#?}");
    let words = "the gateway 192.168.8.1 does not answer on eth1.8 (nor did it before the change)";
    assert!(run.stdout.contains(words) || run.stderr.contains(words), "{run:#?}");
    assert_eq!(state(&vm), before, "the devices that the change made are gone again");
    mend_gateway(&vm);
    operator.replace("30s", "120s");
    operator.apply();
    operator.expect_no_changes();
}

/// Makes the lock of a killed labctl as old as one that nobody holds any more.
fn pass_the_time_of_a_dead_lock(vm: &Vm) {
    vm.ok("touch -c -d '10 minutes ago' /var/lib/labctl/lock");
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_killed_labctl_leaves_a_host_that_puts_the_old_network_back() {
    let vm = Vm::fresh();
    let before = state(&vm);
    break_gateway(&vm);
    let operator = Operator::of(&vm, &(settings("confirm_within = \"60s\"") + ETH1));
    let mut apply = unconfirmed(&vm, &operator);
    apply.kill().unwrap();
    apply.wait().unwrap();

    let meanwhile = operator.labctl(&["plan"]);
    assert_eq!(meanwhile.code, 1, "{meanwhile:#?}");
    assert!(meanwhile.stdout.contains("a network change of another run waits for another"), "{meanwhile:#?}");

    until("the host has put the old network back", || vm.sh("test -e /run/labctl/network/put-back").code == 0);
    assert_eq!(state(&vm), before);
    mend_gateway(&vm);
    assert!(operator.plan(0).stdout.contains("cut off in the middle of it"));
    pass_the_time_of_a_dead_lock(&vm);
    operator.apply();
    operator.expect_no_changes();
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_power_cut_before_the_confirmation_brings_the_old_network_back() {
    let vm = Vm::fresh();
    let before = state(&vm);
    break_gateway(&vm);
    let operator = Operator::of(&vm, &(settings("confirm_within = \"300s\"") + ETH1));
    let mut apply = unconfirmed(&vm, &operator);
    vm.power_cut();
    apply.kill().unwrap();
    apply.wait().unwrap();
    vm.wait_for_boot();
    until("the host has come up with the old network", || state(&vm) == before);
    pass_the_time_of_a_dead_lock(&vm);
    operator.apply();
    operator.expect_no_changes();
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn what_labctl_made_goes_and_what_others_have_set_stays() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, &(settings("confirm_within = \"120s\"") + ETH1));
    operator.apply();
    vm.ok("ip link add link eth1 name eth1.99 type vlan id 99 && ip addr add 10.9.9.9/24 dev eth1.99 && ip link set eth1.99 up
           ip route add 10.244.1.0/24 via 192.168.4.81 dev eth1 proto 17
           ip link add tap0 type dummy && ip link set tap0 master bridge64 && ip link set tap0 up");
    operator.expect_no_changes();
    let others = || {
        vm.ok("ip -br -4 addr show dev eth1.99; ip route show 10.244.1.0/24; ip -br link show master bridge64 | grep -c ^tap0")
    };
    let before = others();

    operator.replace("vips = \"192.168.8.254\", ", "");
    let plan = operator.plan(0).stdout;
    assert!(plan.contains("`eth1.8` is deleted"), "{plan}");
    operator.apply();
    operator.expect_no_changes();
    assert_eq!(vm.sh("ip link show eth1.8").code, 1);
    assert_eq!(others(), before);

    // The whole table leaves the file.
    operator.declare("");
    operator.apply();
    assert_eq!(
        vm.ok("ls /etc/netplan /sys/class/net").split_whitespace().collect::<Vec<_>>().join(" "),
        "/etc/netplan: 01-netcfg.yaml /sys/class/net: eth0 eth1 eth1.99 lo tap0"
    );
    operator.expect_no_changes();
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_second_file_is_a_conflict_until_it_is_replaced_and_labctl_follows_its_moved_address() {
    let vm = Vm::fresh();
    let moved = ETH0.replace("10.0.2.15", "10.0.2.16");
    let operator = Operator::of(&vm, &(settings("confirm_within = \"120s\"") + &moved));
    operator.replace("\naddress = \"10.0.2.15\"", "\naddress = \"10.0.2.16\"");
    let refused = operator.labctl(&["plan"]);
    for words in ["`/etc/netplan/01-netcfg.yaml` says something of `eth0` as well", "`replaces = [\"01-netcfg.yaml\"]`"]
    {
        assert!(refused.stdout.contains(words), "{words} is not in {refused:#?}");
    }

    operator.replace("confirm_within", "replaces = [\"01-netcfg.yaml\"]\nconfirm_within");
    operator.replace(
        &format!("port = {}", vm.port()),
        &format!("port = {}, previous = \"127.0.0.1:{}\"", vm.moved_port(), vm.port()),
    );
    operator.apply();
    operator.expect_no_changes();
    // The old address is gone, and the file that had it is aside.
    assert_ne!(vm.sh("true").code, 0);
    operator.declare("");
    operator.replace(&format!("port = {}", vm.port()), &format!("port = {}", vm.moved_port()));
    let gone = operator.labctl(&["apply", "--auto-approve"]);
    // What labctl took over is not destroyed when it leaves the file.
    assert_eq!(gone.code, 0, "{gone:#?}");
    assert!(gone.stdout.contains("stays as it is"), "{gone:#?}");
}
