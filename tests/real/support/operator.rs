//! Whoever runs labctl against the VM: a folder with a lab file whose node `n5` is the VM, reached as `jax` with sudo.

use std::ops::Deref;

use super::vm::Vm;
use crate::workspace::{Run, Workspace};

/// A folder with a lab file for the VM.
pub(crate) struct Operator {
    workspace: Workspace,
    head: String,
}

impl Operator {
    /// With these tables behind `[lab]`, the VLANs of the VM's switch and `[nodes.n5]`.
    pub(crate) fn of(vm: &Vm, tables: &str) -> Self {
        Self::as_user(vm, "user = \"jax\", sudo = true", tables)
    }

    /// Logs in as `ssh` says: `user = "pat", sudo = true`.
    pub(crate) fn as_user(vm: &Vm, ssh: &str, tables: &str) -> Self {
        let head = format!(
            r#"
[lab]
name = "mobius"

[vlans.management]
id = 100
subnet = "10.0.2.0/24"
gateway = "10.0.2.2"
[vlans.services]
id = 4
subnet = "192.168.4.0/24"
gateway = "192.168.4.1"
[vlans.vips]
id = 8
subnet = "192.168.8.0/24"
gateway = "192.168.8.1"
[vlans.sandbox]
id = 16
subnet = "192.168.16.0/20"
gateway = "192.168.16.1"
[vlans.iot]
id = 64
subnet = "192.168.64.0/20"
gateway = "192.168.64.1"

[nodes.n5]
address = "10.0.2.15"
ssh = {{ host = "127.0.0.1", port = {}, identity = {:?}, known_hosts = {:?}, connect_timeout = "60s", {ssh} }}
"#,
            vm.port(),
            vm.key().to_str().unwrap(),
            vm.known_hosts().to_str().unwrap(),
        );
        Self { workspace: Workspace::new(&format!("{head}{tables}")), head }
    }

    /// The same with a variable in labctl's environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.workspace = self.workspace.env(name, value);
        self
    }

    /// Changes the tables behind the head.
    pub(crate) fn declare(&self, tables: &str) {
        self.workspace.write("homelab.toml", &format!("{}{tables}", self.head));
    }

    /// Changes a piece of the whole file, which must be there.
    pub(crate) fn replace(&self, from: &str, to: &str) {
        let file = self.workspace.read("homelab.toml");
        assert!(file.contains(from), "{from:?} is not in the file:\n{file}");
        self.workspace.write("homelab.toml", &file.replace(from, to));
    }

    /// Plans, and expects this exit code.
    pub(crate) fn plan(&self, code: i32) -> Run {
        self.expect(&["plan"], code)
    }

    /// Runs labctl, and expects this exit code.
    pub(crate) fn expect(&self, arguments: &[&str], code: i32) -> Run {
        let run = self.workspace.labctl(arguments);
        assert_eq!(run.code, code, "labctl {}\n{}\n{}", arguments.join(" "), run.stdout, run.stderr);
        run
    }
}

impl Deref for Operator {
    type Target = Workspace;

    fn deref(&self) -> &Workspace {
        &self.workspace
    }
}
