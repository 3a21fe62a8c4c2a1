//! The whole way once: a bare host, one file, one apply.

use super::lab::{HOST, NETWORK, SERVICES, cluster, operator};
use crate::support::k0s::{VERSION, controller};

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn from_a_bare_host_one_apply_makes_a_cluster_with_its_objects_and_the_next_plan_is_empty() {
    let vm = controller();
    vm.reset();
    let operator = operator(&vm, &format!("{NETWORK}{HOST}{}{SERVICES}", cluster(VERSION, "")));
    operator.plan(0);
    let run = operator.labctl(&["apply", "--auto-approve"]);
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    operator.expect_no_changes();
}
