//! The programs of a control plane and how each is started.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;

use super::super::tied::Tied;

/// The programs that `tests/lab/build-control-plane` makes, as one control plane runs them.
pub(super) struct Programs {
    folder: PathBuf,
    home: PathBuf,
    namespace: Option<PathBuf>,
}

/// The folder of the programs, built first if this machine has none yet.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/build-control-plane");
        let output =
            Command::new(script).stderr(Stdio::inherit()).output().expect("tests/lab/build-control-plane starts");
        assert!(output.status.success(), "tests/lab/build-control-plane failed");
        PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
    })
}

impl Programs {
    /// They run in the network namespace, if one is given.
    pub(super) fn built(home: &Path, namespace: Option<&Path>) -> Self {
        let folder = folder().to_owned();
        Self { folder, home: home.to_owned(), namespace: namespace.map(Path::to_owned) }
    }

    pub(super) fn command(&self, program: &str) -> Command {
        // At home, kubectl and helm keep what they have discovered, and kwok looks for settings: each cluster is a home.
        let mut command = Command::new("env");
        command.arg(format!("HOME={}", self.home.display()));
        if let Some(namespace) = &self.namespace {
            command.arg("nsenter").arg(format!("--net={}", namespace.display()));
        }
        command.arg(self.folder.join(program));
        command
    }

    /// etcd with the API server.
    pub(super) fn api_server(&self, dir: &Path, address: &str, port: u16) -> Command {
        let file = |name: &str| dir.join(name).display().to_string();
        let mut command = self.command("control-plane");
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
        let mut controllers = self.command("control-plane");
        controllers.args([
            "controllers".to_owned(),
            format!("--kubeconfig={}", file("controllers.kubeconfig")),
            format!("--service-account-private-key-file={}", file("accounts.key")),
            format!("--root-ca-file={}", file("ca.crt")),
            // On a machine that has other work, kwok is late with its signs of life, and pods of a node that is taken for
            // lost never become ready again.
            "--node-monitor-grace-period=1h".to_owned(),
        ]);
        let mut scheduler = self.command("control-plane");
        scheduler.args(["scheduler".to_owned(), format!("--kubeconfig={}", file("scheduler.kubeconfig"))]);
        for command in [&mut controllers, &mut scheduler] {
            command.args(["--secure-port=0", "--leader-elect=false"]);
        }
        let mut kwok = self.command("kwok");
        kwok.args([format!("--kubeconfig={}", file("kwok.kubeconfig")), "--manage-all-nodes=true".to_owned()]);
        vec![
            Tied::spawn(&controllers, &dir.join("controllers.log"), None),
            Tied::spawn(&scheduler, &dir.join("scheduler.log"), None),
            Tied::spawn(&kwok, &dir.join("kwok.log"), Some(dir)),
        ]
    }
}
