//! Promise 11 on a real host: planted values are in the files that they are for, and in nothing that labctl says, keeps or
//! runs there; and what was on the host before labctl is not told either.

use crate::support::operator::Operator;
use crate::support::vm::Vm;
use crate::workspace::Run;

/// What is declared: as a whole content, in a text, in a unit.
const DECLARED: [&str; 3] =
    ["canary-env-4711-of-a-file", "canary-file-0815-in-a-slot", "canary-command-1234-in-a-unit"];

/// What was there before labctl: a file that is taken over with another content, a network with a password, a unit's
/// environment and a program's argument.
const BY_HAND: [&str; 4] = [
    "canary-hand-2001-old-content",
    "canary-hand-2002-wifi",
    "canary-hand-2003-environment",
    "canary-hand-2004-argument",
];

const LAB: &str = r#"
[nodes.n5.files."/etc/lab/whole"]
content = { secret = "one" }
[nodes.n5.files."/etc/lab/slot"]
content = "token = {{ two }}\n"
slots = { two = { secret = "two" } }
mode = "0600"
[nodes.n5.units."lab-secret.service"]
content = """
[Unit]
Description=Has a secret

[Service]
Environment=TOKEN={{ three }}
ExecStart=/bin/sleep infinity

[Install]
WantedBy=multi-user.target
"""
slots = { three = { secret = "three" } }
enabled = true
running = true
[nodes.n5.files."/etc/lab/by-hand.env"]
content = "TOKEN=\n"
mode = "0600"
adopt = true

[secrets.pat]
env = "PAT"
[secrets.one]
env = "ONE"
[secrets.two]
file = "two.secret"
[secrets.three]
command = ["cat", "three.secret"]
"#;

/// What somebody has set up, with passwords of their own in it.
const SET_UP: &str = "install -d /etc/lab
(umask 077; echo TOKEN=canary-hand-2001-old-content >/etc/lab/by-hand.env
cat >/etc/netplan/70-wifi.yaml <<'END'
network:
  version: 2
  renderer: networkd
  wifis:
    wlan7: {dhcp4: true, optional: true, access-points: {home: {password: canary-hand-2002-wifi}}}
END
cat >/etc/systemd/system/backup.service <<'END'
[Unit]
Description=Backs up
[Service]
Environment=RESTIC_PASSWORD=canary-hand-2003-environment
ExecStart=/bin/sleep infinity canary-hand-2004-argument
[Install]
WantedBy=multi-user.target
END
)
systemctl daemon-reload && systemctl enable backup 2>/dev/null";

/// Keeps every command line and environment there is on the host, in memory, for as long as it runs.
const WATCH: &str = "cat >/run/watch.sh <<'END'
while :; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' >>/run/watch.lines; sleep 0.2; done
END
setsid sh /run/watch.sh </dev/null >/dev/null 2>&1 & echo $! >/run/watch.pid";

fn all(password: &str) -> Vec<&str> {
    DECLARED.into_iter().chain(BY_HAND).chain([password]).collect()
}

/// The files of the host that hold one, and the lines of its log. What netplan writes into `/run` for a wireless network is
/// its own affair.
fn holders(vm: &Vm, values: &[&str]) -> Vec<String> {
    let patterns: String = values.iter().map(|value| format!(" -e '{value}'")).collect();
    let search = format!(
        "sync; grep -rlaF --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev --exclude='wpa-*.conf'{patterns} / 2>/dev/null | sort || true"
    );
    let log = format!("journalctl -q -o cat -a | grep -F{patterns} || true");
    let mut holders: Vec<String> = vm.ok(&search).lines().map(ToOwned::to_owned).collect();
    holders.extend(vm.ok(&log).lines().map(ToOwned::to_owned));
    holders
}

fn found<'a>(values: &[&'a str], text: &str) -> Vec<&'a str> {
    values.iter().copied().filter(|value| text.contains(value)).collect()
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn planted_values_are_in_their_own_files_and_in_nothing_that_labctl_says_keeps_or_runs() {
    let vm = Vm::fresh();
    vm.ok(SET_UP);
    let password = vm.pat_password().to_owned();
    let values = all(&password);
    let before = holders(&vm, &values);
    assert_eq!(before, ["/etc/lab/by-hand.env", "/etc/netplan/70-wifi.yaml", "/etc/systemd/system/backup.service"]);
    vm.ok(WATCH);

    let login = "user = \"pat\", sudo = true, sudo_password = { secret = \"pat\" }";
    let operator = Operator::as_user(&vm, login, LAB).env("PAT", &password).env("ONE", DECLARED[0]);
    operator.write("two.secret", DECLARED[1]);
    operator.write("three.secret", DECLARED[2]);
    let mut runs: Vec<(String, Run)> = Vec::new();
    for arguments in [
        &["show", "n5", "--as-toml", "--undeclared"][..],
        &["plan", "--show-steps"],
        &["plan", "--json"],
        &["plan", "--out", "the.plan", "-vvv"],
        &["show", "the.plan", "--json"],
        &["apply", "the.plan", "-vvv"],
        &["show", "--journal", "--json"],
        &["show", "nodes.n5.files.\"/etc/lab/by-hand.env\""],
        &["show", "n5", "--as-toml", "--undeclared"],
        &["plan", "--detailed-exitcode"],
    ] {
        let run = operator.expect(arguments, 0);
        runs.push((arguments.join(" "), run));
    }
    // What is on the host is looked at again with another content in its place: the old one is not shown either.
    vm.ok("echo TOKEN=canary-hand-2001-old-content >/etc/lab/by-hand.env; sed -i s/1234/4321/ /etc/systemd/system/lab-secret.service");
    for arguments in [&["plan"][..], &["apply", "--auto-approve", "-vvv"]] {
        let run = operator.expect(arguments, 0);
        runs.push((arguments.join(" "), run));
    }
    for (arguments, run) in &runs {
        let said = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(found(&values, &said), Vec::<&str>::new(), "{arguments}:\n{said}");
    }

    vm.ok("kill $(cat /run/watch.pid)");
    let lines = vm.ok("cat /run/watch.lines; rm /run/watch.lines");
    assert!(lines.contains("sudo") && lines.contains("/bin/sleep"), "what ran was watched");
    // The unit has its secret in its environment, because the file says so.
    let by_intent = [DECLARED[2]];
    let seen: Vec<&str> = found(&values, &lines).into_iter().filter(|value| !by_intent.contains(value)).collect();
    assert_eq!(seen, Vec::<&str>::new(), "in a process list of the host");
    let own = [
        "/etc/lab/slot",
        "/etc/lab/whole",
        "/etc/netplan/70-wifi.yaml",
        "/etc/systemd/system/backup.service",
        "/etc/systemd/system/lab-secret.service",
    ];
    // What somebody else had written and labctl wrote over is kept for them, for root alone.
    let (kept, held): (Vec<String>, Vec<String>) = holders(&vm, &values)
        .into_iter()
        .partition(|path| path.starts_with("/var/backups/labctl/mobius/etc/lab/by-hand.env."));
    assert_eq!(held, own);
    assert_eq!(vm.ok(&format!("stat -c %a {}", kept.join(" "))), "600\n");
    assert_eq!(vm.ok("stat -c %a /etc/lab/slot /etc/lab/whole"), "600\n600\n");
    for (path, bytes) in operator.tree() {
        let text = String::from_utf8_lossy(&bytes);
        let expected = path.ends_with("two.secret") || path.ends_with("three.secret");
        assert!(expected || found(&values, &text).is_empty(), "in {}", path.display());
    }

    // The searches would find one.
    vm.ok(&format!("{WATCH}; env X={0} sleep 2; echo {0} >/var/lib/forgotten; logger {0}", DECLARED[0]));
    vm.ok("kill $(cat /run/watch.pid)");
    let lines = vm.ok("cat /run/watch.lines; rm /run/watch.lines");
    assert!(found(&values, &lines).contains(&DECLARED[0]), "the watch sees an environment");
    let after = holders(&vm, &values);
    for place in ["/var/lib/forgotten", DECLARED[0]] {
        assert!(after.iter().any(|holder| holder == place), "{place} is not in {after:?}");
    }
}
