//! The program killed at the steps of an apply, the network change among them, and applied again.
#![allow(clippy::print_stdout, reason = "how many kill points were tried is a result")]

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::operator::Operator;
use crate::support::vm::Vm;

/// Little, so that many points can be tried: what is staged and confirmed, a file, a program that is run.
const HOST: &str = r#"
[nodes.n5.network]
confirm_within = "60s"
[nodes.n5.network.eth1]
native = { vlan = "services", address = "192.168.4.5" }
tagged = { vips = "192.168.8.254" }

[nodes.n5.files."/etc/lab/motd"]
content = "Welcome to N5.\n"

[pools.vms]
node = "n5"
[pools.vms.datasets.adguard]
properties = { quota = "64MiB", recordsize = "16KiB" }
"#;

/// What the host comes to: files with their modes, the network, ZFS. Not what tells of the way: who applied last, a lock that a
/// dead run left, copies of what was replaced.
const STATE: &str = "files() { find /etc /var/lib/labctl -type f -not -name applied -not -name 'lock*' \
      -not -name '*.cache' \"$@\"; }
    files -printf '%p %m\\n' | sort; files -exec sha256sum {} + | sort -k 2
    find /etc /run /var/lib -name '.labctl-*'
    ip -br -4 addr; ip -4 route | sort; ls /run/netplan /run/labctl/network 2>/dev/null
    zfs get -Hp -o name,property,value -s local all | sort";

/// When to kill.
#[derive(Debug, Clone, Copy)]
enum Point {
    /// When the journal has so many lines, and so long after that.
    Line(usize, Duration),
    /// As soon as the file is on the host: a part of the network change is done.
    Network(&'static str),
}

fn host() -> (std::sync::MutexGuard<'static, Vm>, Operator) {
    let vm = Vm::fresh();
    vm.ok("zpool create vms /dev/disk/by-id/virtio-labdisk0");
    let operator = Operator::of(&vm, HOST);
    (vm, operator)
}

fn lines(operator: &Operator) -> usize {
    if operator.exists(".labctl/journal.jsonl") { operator.read(".labctl/journal.jsonl").lines().count() } else { 0 }
}

/// Waits for the point, or for the end of the apply.
fn wait_for(point: Point, vm: &Vm, operator: &Operator, apply: &mut Child) {
    let is_there = || match point {
        Point::Line(count, _) => lines(operator) >= count,
        Point::Network(file) => vm.sh(&format!("test -e {file}")).code == 0,
    };
    while !is_there() && apply.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
    if let Point::Line(_, pause) = point {
        sleep(pause);
    }
}

/// Kills an apply at this point and applies again. What the host comes to, and whether something was in flight; nothing when
/// the apply was over before the point, as it can be some time after its last lines.
fn killed(point: Point) -> Option<(String, bool)> {
    let (vm, operator) = host();
    let mut apply = operator.command(&["apply", "--auto-approve"]);
    let mut apply = apply.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(point, &vm, &operator, &mut apply);
    apply.kill().unwrap();
    if apply.wait().unwrap().code().is_some() {
        let is_later = matches!(point, Point::Line(_, pause) if !pause.is_zero());
        assert!(is_later, "{point:?}: it was over before it was killed");
        return None;
    }

    // A network that nobody confirmed is put back by the host itself; until then nobody else changes it.
    let end = Instant::now() + Duration::from_mins(5);
    let again = loop {
        let again = operator.labctl(&["apply", "--auto-approve", "--lock-timeout", "240"]);
        if again.code == 0 {
            break again;
        }
        let is_waiting = ["a network change of another run waits", "the host is putting the old network back"]
            .iter()
            .any(|words| again.stdout.contains(words));
        assert!(is_waiting && Instant::now() < end, "{point:?}\n{}\n{}", again.stdout, again.stderr);
        sleep(Duration::from_secs(2));
    };
    let in_flight = again.stdout.contains("cut off in the middle of it");
    operator.expect_no_changes();
    Some((vm.ok(STATE), in_flight))
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn killed_at_its_steps_and_applied_again_it_comes_to_the_same_host() {
    let (expected, count) = {
        let (vm, operator) = host();
        operator.apply();
        operator.expect_no_changes();
        (vm.ok(STATE), lines(&operator))
    };
    assert!(count > 10, "the apply has fewer steps than these tests suppose: {count}");
    let mut points = vec![
        Point::Network("/run/labctl/network/network.sh"),
        Point::Network("/run/netplan/60-labctl.yaml"),
        Point::Network("/run/labctl/network/applied"),
    ];
    // As soon as it is noted, and while the host is at work.
    let pauses = [0, 400].map(Duration::from_millis);
    points.extend((1..count).flat_map(|line| pauses.map(|pause| Point::Line(line, pause))));
    // Among the few is one in the middle of the network change.
    let is_long = std::env::var_os("LABCTL_LONG").is_some_and(|long| long == "full");
    let (first, stride) = if is_long { (0, 1) } else { (2, 10) };
    let (mut tried, mut in_flight) = (0, 0);
    for point in points.into_iter().skip(first).step_by(stride) {
        let Some((found, was_in_flight)) = killed(point) else {
            println!("{point:?}: the apply was over before");
            continue;
        };
        let difference = similar::TextDiff::from_lines(&expected, &found).unified_diff().context_radius(0).to_string();
        assert!(difference.is_empty(), "{point:?}:\n{difference}");
        tried += 1;
        in_flight += usize::from(was_in_flight);
        println!("{point:?}: the same host{}", if was_in_flight { ", something was in flight" } else { "" });
    }
    println!("{tried} kill points, {in_flight} of them with something in flight");
    assert!(in_flight > 0, "no kill met a step");
    assert!(tried >= if is_long { 20 } else { 1 }, "most applies were over before they were killed");
}
