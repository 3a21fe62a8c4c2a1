//! The programs of a control plane and how each is started.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use super::super::tied::Tied;

/// The folder that `tests/lab/build-control-plane` has made.
pub(super) struct Programs(PathBuf);

impl Programs {
    /// Builds them first if this machine has none yet.
    pub(super) fn built() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/build-control-plane");
        let output =
            Command::new(script).stderr(Stdio::inherit()).output().expect("tests/lab/build-control-plane starts");
        assert!(output.status.success(), "tests/lab/build-control-plane failed");
        Self(PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim()))
    }

    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.0.join(program)
    }

    /// etcd with the API server.
    pub(super) fn api_server(&self, dir: &Path, address: &str, port: u16) -> Command {
        let file = |name: &str| dir.join(name).display().to_string();
        let mut command = Command::new(self.path("control-plane"));
        command.args(["apiserver", &file("etcd")]);
        command.args([format!("--bind-address={address}"), format!("--secure-port={port}")]);
        // Where the Service `kubernetes` leads. It may not be loopback, nobody here uses it, and without it the server
        // would want a default route.
        command.args(["--advertise-address=192.0.2.1", "--service-cluster-ip-range=10.96.0.0/16"]);
        command.args([
            format!("--tls-cert-file={}", file("server.crt")),
            format!("--tls-private-key-file={}", file("server.key")),
            format!("--tls-sni-cert-key={},{}:localhost", file("expired.crt"), file("expired.key")),
            format!("--client-ca-file={}", file("ca.crt")),
        ]);
        command.args([
            format!("--service-account-key-file={}", file("accounts.pub")),
            format!("--service-account-signing-key-file={}", file("accounts.key")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        ]);
        command.args(["--authorization-mode=RBAC", "--allow-privileged"]);
        command.args([
            format!("--audit-policy-file={}", file("audit-policy.yaml")),
            format!("--audit-log-path={}", file("audit.log")),
            // Megabytes: the log would be renamed under whoever reads it.
            "--audit-log-maxsize=100000".to_owned(),
        ]);
        command
    }

    /// Starts the controllers, the scheduler and kwok. The last one takes the folder along when it ends.
    pub(super) fn beside_the_server(&self, dir: &Path) -> Vec<Tied> {
        let file = |name: &str| dir.join(name).display().to_string();
        let mut controllers = Command::new(self.path("control-plane"));
        controllers.args([
            "controllers".to_owned(),
            format!("--kubeconfig={}", file("controllers.kubeconfig")),
            format!("--service-account-private-key-file={}", file("accounts.key")),
            format!("--root-ca-file={}", file("ca.crt")),
        ]);
        let mut scheduler = Command::new(self.path("control-plane"));
        scheduler.args(["scheduler".to_owned(), format!("--kubeconfig={}", file("scheduler.kubeconfig"))]);
        for command in [&mut controllers, &mut scheduler] {
            command.args(["--secure-port=0", "--leader-elect=false"]);
        }
        // kwok looks for settings at home.
        let mut kwok = Command::new("env");
        kwok.arg(format!("HOME={}", dir.display())).arg(self.path("kwok"));
        kwok.args([format!("--kubeconfig={}", file("kwok.kubeconfig")), "--manage-all-nodes=true".to_owned()]);
        vec![
            Tied::spawn(&controllers, &dir.join("controllers.log"), None),
            Tied::spawn(&scheduler, &dir.join("scheduler.log"), None),
            Tied::spawn(&kwok, &dir.join("kwok.log"), Some(dir)),
        ]
    }
}
