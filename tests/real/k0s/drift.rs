//! What happens in a cluster between the approval of a plan and its wave.

use super::lab::{SERVICES, operator, tables};
use crate::support::k0s::controller;

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn an_object_that_came_in_between_stops_its_wave_and_is_left_alone() {
    let vm = controller();
    vm.reset();
    let operator = operator(&vm, &format!("{}{SERVICES}", tables()));
    // Another hand, on the host itself, quicker than labctl: it acts as soon as the API answers, while the node is not
    // Ready yet.
    vm.ok("cat >/run/other.sh <<'END'
until k0s kubectl create service clusterip osaurus --tcp=80:80 2>/dev/null; do sleep 2; done
END
         setsid sh /run/other.sh </dev/null >/dev/null 2>&1 &");
    let run = operator.expect(&["apply", "--auto-approve"], 5);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains("services.osaurus/Service/default/osaurus"), "{said}");
    assert_eq!(
        vm.ok("k0s kubectl get service osaurus -o jsonpath='{.spec.ports[*].port} {.metadata.labels}'"),
        "80 {\"app\":\"osaurus\"}",
        "it is as the other hand has made it"
    );
    assert_eq!(vm.ok("k0s kubectl get nodes -o name"), "node/n5\n", "what came before stands");
}
