//! A real Kubernetes control plane on loopback: etcd and the API server in one process, the controllers, the scheduler, and
//! kwok, which plays the kubelets of two nodes. Nothing listens behind a Service, and no operator is there.

mod access;
mod audit;
mod authority;
mod parts;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Output;
use std::sync::OnceLock;
use std::time::Duration;

use self::parts::Programs;
use super::apart::Apart;
use super::sshd::free_port;
use super::tied::Tied;
use super::wait::wait_until;

pub(crate) use self::access::Access;
pub(crate) use self::audit::Mark;
pub(crate) use self::parts::folder;

/// Generous, for a machine that has other work.
const START: Duration = Duration::from_mins(2);

/// Those of the example lab. kwok makes them ready and runs what is scheduled on them.
const NODES: &str = r"
{apiVersion: v1, kind: Node, metadata: {name: n5, labels: {kubernetes.io/hostname: n5, kubernetes.io/os: linux}}}
---
{apiVersion: v1, kind: Node, metadata: {name: m1-vm, labels: {kubernetes.io/hostname: m1-vm, kubernetes.io/os: linux}}}
";

/// Runs until it is dropped or the test process ends, however that ends.
pub(crate) struct ControlPlane {
    server: Option<Tied>,
    /// The others. The last one's keeper removes the folder, so they end after the server.
    parts: Vec<Tied>,
    programs: Programs,
    dir: PathBuf,
    address: String,
    port: u16,
    crds: OnceLock<()>,
}

impl ControlPlane {
    /// The one of this test process. Tests share it and keep apart by the names of their namespaces and labs.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// One of the test's own, to stop and start, or to spoil.
    pub(crate) fn start() -> Self {
        Self::at("127.0.0.1", &[])
    }

    /// Listens on 127.0.0.1 of that host alone.
    pub(crate) fn on(host: &Apart) -> Self {
        Self::begin("127.0.0.1", &[], Some(host))
    }

    /// Listens on this loopback address alone. The server's certificate is good for the address and these names.
    pub(crate) fn at(address: &str, names: &[&str]) -> Self {
        Self::begin(address, names, None)
    }

    fn begin(address: &str, names: &[&str], host: Option<&Apart>) -> Self {
        let folder = tempfile::Builder::new().prefix("labctl-cluster-").tempdir().expect("a temporary folder");
        let dir = folder.path().to_owned();
        let programs = Programs::built(&dir, host.map(Apart::namespace));
        let port = free_port();
        authority::prepare(&dir, address, port, names);
        fs::write(dir.join("audit-policy.yaml"), audit::POLICY).expect("the audit policy");

        let mut plane = Self {
            server: None,
            parts: Vec::new(),
            programs,
            dir,
            address: address.to_owned(),
            port,
            crds: OnceLock::new(),
        };
        plane.start_server();
        plane.apply(access::RIGHTS);
        plane.apply(NODES);
        plane.parts = plane.programs.beside_the_server(&plane.dir);
        let _ = folder.keep();
        // The controllers, kwok: what answers is waited for, with the server's own means.
        plane.kubectl(&["wait", "--for=create", "serviceaccount/default", "--timeout=120s"]);
        plane.kubectl(&["wait", "--for=condition=Ready", "node", "--all", "--timeout=120s"]);
        plane
    }

    /// Ends etcd and the API server. The other parts stay and try to reach it.
    pub(crate) fn stop_server(&mut self) {
        self.server = None;
    }

    /// Starts them again on the same port with the same data, and waits until the server is ready.
    pub(crate) fn start_server(&mut self) {
        let command = self.programs.api_server(&self.dir, &self.address, self.port);
        let log = self.dir.join("apiserver.log");
        self.server = Some(Tied::spawn(&command, &log, None));
        let listens = || fs::read(&log).is_ok_and(|log| String::from_utf8_lossy(&log).contains("Serving securely on "));
        wait_until(START, listens, || tail(&log));
        let ready = || self.run("kubectl", Access::Harness, &["get", "--raw", "/readyz"]).status.success();
        wait_until(START, ready, || tail(&log));
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its folder: logs, keys, data.
    pub(crate) fn folder(&self) -> &Path {
        &self.dir
    }

    /// A kubeconfig file whose only context leads to the server in this way.
    pub(crate) fn kubeconfig(&self, access: Access) -> PathBuf {
        access.kubeconfig(&self.dir)
    }

    /// The same through another loopback port: a wire, a tunnel.
    pub(crate) fn kubeconfig_through(&self, access: Access, port: u16) -> PathBuf {
        let text = fs::read_to_string(self.kubeconfig(access)).expect("a kubeconfig");
        let path = self.dir.join(format!("{access:?}-{port}.kubeconfig"));
        fs::write(&path, text.replace(&format!(":{}\n", self.port), &format!(":{port}\n"))).expect("a kubeconfig");
        path
    }

    /// What `kubectl` prints, which must succeed. It is somebody else than labctl, may do everything, and its requests are
    /// not in the audit log.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        succeeded(arguments, self.run("kubectl", Access::Harness, arguments))
    }

    /// `kubectl` as somebody in particular, with its requests in the audit log.
    pub(crate) fn kubectl_as(&self, access: Access, arguments: &[&str]) -> Output {
        self.run("kubectl", access, arguments)
    }

    /// What `helm` prints, which must succeed.
    pub(crate) fn helm(&self, arguments: &[&str]) -> String {
        succeeded(arguments, self.run("helm", Access::Harness, arguments))
    }

    /// Applies documents of YAML, server-side, as the field manager `harness`.
    pub(crate) fn apply(&self, documents: &str) {
        let file = tempfile::NamedTempFile::with_suffix(".yaml").expect("a temporary file");
        fs::write(file.path(), documents).expect("the documents");
        let path = file.path().to_str().expect("a path of text");
        self.kubectl(&["apply", "--server-side", "--field-manager=harness", "-f", path]);
    }

    /// Applies all CRDs that labctl's services bring along, once, and waits until the server serves them.
    pub(crate) fn with_crds(&self) -> &Self {
        self.crds.get_or_init(|| {
            let folder = crds();
            self.kubectl(&["apply", "--server-side", "--field-manager=harness", "-f", folder.to_str().expect("text")]);
            self.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=120s"]);
        });
        self
    }

    /// Counts requests from here on.
    pub(crate) fn mark(&self) -> Mark {
        Mark::at_the_end(self.dir.join("audit.log"))
    }

    fn run(&self, program: &str, access: Access, arguments: &[&str]) -> Output {
        self.programs
            .command(program)
            .args(arguments)
            .env("KUBECONFIG", self.kubeconfig(access))
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"))
    }
}

/// The folder of the CRDs, one file each.
pub(crate) fn crds() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/crds");
    let folder = std::env::var_os("LABCTL_TEST_CRDS").map_or_else(beside, PathBuf::from);
    assert!(folder.is_dir(), "no CRDs in {}: set LABCTL_TEST_CRDS to the folder that holds them", folder.display());
    folder
}

fn succeeded(arguments: &[&str], output: Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("text")
}

fn tail(log: &Path) -> String {
    let text = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
