//! `kubectl` from a machine that only has SSH.

use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Command;
use std::process::Stdio;

use super::lab::{operator, running, tables};
use crate::support::control_plane;

#[test]
#[ignore = "real lab: run `tests/lab/run`"]
fn kubectl_reaches_the_cluster_through_the_tunnel_as_long_as_it_is_open() {
    let vm = running();
    let operator = operator(&vm, &tables());
    let config = operator.path("config");
    let kubectl = |context: &str| {
        Command::new(control_plane::folder().join("kubectl"))
            .args(["--context", context, "get", "nodes", "-o", "name"])
            .env("KUBECONFIG", &config)
            .env("HOME", operator.path("home"))
            .output()
            .unwrap()
    };
    let into = config.to_str().unwrap();
    let mut tunnel = operator.command(&["kubeconfig", "homelab", "--tunnel", "--merge", "--into", into]);
    let mut tunnel = tunnel.stderr(Stdio::piped()).spawn().unwrap();
    // It says so once the port is open and the file has it.
    let said = BufReader::new(tunnel.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = said.into_iter().find(|line| line.starts_with("homelab: https://127.0.0.1:")).unwrap();
    assert!(line.ends_with("as long as this runs; Ctrl-C ends it."), "{line}");
    let nodes = kubectl("homelab");
    assert_eq!(String::from_utf8_lossy(&nodes.stdout), "node/n5\n", "{}", String::from_utf8_lossy(&nodes.stderr));

    Command::new("kill").args(["-INT", &tunnel.id().to_string()]).status().unwrap();
    assert!(tunnel.wait().unwrap().success());
    assert!(!kubectl("homelab").status.success(), "nothing listens there any more");
    // Nothing but SSH leads in: the API's port of the host is not one of this machine.
    let plain = operator.expect(&["kubeconfig", "homelab"], 0).stdout;
    assert!(plain.contains("current-context: homelab") && plain.contains(":6443"), "{plain}");
}
