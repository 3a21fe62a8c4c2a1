//! Rights on the VM: sudo without a password, with one, without any, and a plan that needs none.

use crate::support::operator::Operator;
use crate::support::vm::Vm;

const FILE: &str = "
[nodes.n5.files.\"/etc/labctl-test.conf\"]
content = \"x\\n\"
";

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn sudo_without_a_password_does_what_root_can() {
    let vm = Vm::fresh();
    let operator = Operator::of(&vm, FILE);
    operator.apply();
    operator.expect_no_changes();
    assert_eq!(vm.ok("stat -c '%U %a' /etc/labctl-test.conf"), "root 644\n");
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn sudo_that_wants_a_password_takes_it_from_a_secret_and_shows_it_to_nobody() {
    let vm = Vm::fresh();
    let secret = "\n[secrets.pat]\nenv = \"PAT\"\n";
    let login = "user = \"pat\", sudo = true, sudo_password = { secret = \"pat\" }";
    let operator = Operator::as_user(&vm, login, &format!("{FILE}{secret}")).env("PAT", vm.pat_password());
    let run = operator.expect(&["apply", "--auto-approve", "-vvv"], 0);
    operator.expect_no_changes();
    assert!(!format!("{run:?}").contains(vm.pat_password()), "{run:#?}");
    let traces = vm.sh(&format!("grep -rlF {} /etc /var/lib /var/log /tmp /run/log 2>/dev/null", vm.pat_password()));
    assert_eq!(traces.stdout, "", "the password left a trace");
    // The password is not wanted any more: it must not fall into the hands of the shell.
    vm.ok("echo 'pat ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/zz-pat");
    operator.expect_no_changes();
    let run = operator.expect(&["plan"], 0);
    assert!(!format!("{run:?}").contains(vm.pat_password()), "{run:#?}");
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn sudo_that_wants_a_password_and_gets_none_or_a_wrong_one_says_so_at_once() {
    let vm = Vm::fresh();
    let without = Operator::as_user(&vm, "user = \"pat\", sudo = true", FILE);
    let run = without.plan(4);
    assert!(
        run.stdout.contains("sudo wants a password there") && run.stdout.contains("sudo_password"),
        "{}",
        run.stdout
    );
    let login = "user = \"pat\", sudo = true, sudo_password = { secret = \"pat\" }";
    let wrong = Operator::as_user(&vm, login, &format!("{FILE}\n[secrets.pat]\nenv = \"PAT\"\n")).env("PAT", "guess");
    let run = wrong.plan(4);
    assert!(run.stdout.contains("does not take the password"), "{}", run.stdout);
    assert!(!run.stdout.contains("guess"), "{}", run.stdout);
}

#[test]
#[ignore = "real lab: run tests/lab/run"]
fn a_login_without_sudo_plans_what_it_may_read_and_the_rest_is_unknown() {
    let vm = Vm::fresh();
    vm.ok("install -m 0600 /dev/null /etc/labctl-hidden.conf");
    let hidden = "\n[nodes.n5.files.\"/etc/labctl-hidden.conf\"]\ncontent = \"y\\n\"\nmode = \"0600\"\n";
    let operator = Operator::as_user(&vm, "user = \"nosudo\", sudo = true", &format!("{FILE}{hidden}"));
    operator.plan(4);
    let run = operator.expect(&["plan", "--read-only"], 1);
    assert!(run.stdout.contains("labctl-test.conf\" will be created"), "{}", run.stdout);
    assert!(run.stdout.contains("labctl-hidden.conf\" is unknown, not missing"), "{}", run.stdout);
}
