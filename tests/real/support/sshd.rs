//! Real OpenSSH servers on loopback, without a VM: what logs in runs on this machine, as the user of the tests.

use std::fs;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

use super::apart::Apart;
use super::seed::fingerprint;
use super::seed::make_key;
use super::seed::public_line;
use super::seed::ran;
use super::tied::Tied;

/// Gives whoever logs in records, locks and copies apart from those of this machine; they go with the server's folder.
const OWN_RECORDS: &str = r#"
dir=$1; shift
for each in /var/lib/labctl /var/backups/labctl; do
  mkdir -p "$each" "$dir$each" && mount --bind "$dir$each" "$each" || exit
done
exec "$@"
"#;

pub(crate) struct Sshd {
    running: Option<Tied>,
    dir: TempDir,
    port: u16,
    settings: String,
    /// Counts the host keys that this server has had.
    generation: u32,
}

impl Sshd {
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// `settings` are further lines of `sshd_config`; the first value of a keyword wins, so they win.
    pub(crate) fn with(settings: &str) -> Self {
        let mut sshd = Self::prepare(free_port(), settings);
        sshd.run();
        sshd
    }

    /// Stands on that host. What comes to its loopback port here is handed over to it there.
    pub(crate) fn on(host: &Apart) -> Self {
        let listener = silent_listener();
        let sshd = Self::prepare(listener.local_addr().expect("an address").port(), "");
        let mut command = host.command("/usr/sbin/sshd");
        command.args(["-i", "-f"]).arg(sshd.path("sshd_config")).arg("-E").arg(sshd.path("log"));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                serve(&command, connection);
            }
        });
        sshd
    }

    fn prepare(port: u16, settings: &str) -> Self {
        let dir = TempDir::with_prefix("labctl-sshd-").expect("a temporary folder");
        let user = make_key(dir.path(), "user");
        fs::copy(user.with_extension("pub"), dir.path().join("authorized_keys")).expect("authorized_keys");
        let sshd = Self { running: None, dir, port, settings: settings.to_owned(), generation: 0 };
        make_key(sshd.dir.path(), "host0");
        sshd.write_config();
        sshd
    }

    fn write_config(&self) {
        // sshd started by root asks for it, and only the service makes it.
        let _ = fs::create_dir_all("/run/sshd");
        fs::write(self.path("sshd_config"), self.config()).expect("sshd_config");
    }

    fn run(&mut self) {
        self.write_config();
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", OWN_RECORDS, "own"]).arg(self.dir.path()).arg("/usr/sbin/sshd");
        command.args(["-D", "-f"]).arg(self.path("sshd_config")).arg("-E").arg(self.path("log"));
        self.running = Some(Tied::spawn(&command, &self.path("output"), None));
        self.wait_for_listener();
    }

    fn config(&self) -> String {
        format!(
            "{}\nPort {}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PidFile none\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nMaxStartups 200\nLogLevel VERBOSE\n",
            self.settings,
            self.port,
            self.host_key().display(),
            self.path("authorized_keys").display(),
        )
    }

    fn wait_for_listener(&self) {
        let listening = format!("port {}.", self.port);
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.log().lines().any(|line| line.starts_with("Server listening") && line.ends_with(&listening)) {
            let output = || fs::read_to_string(self.path("output")).unwrap_or_default();
            assert!(Instant::now() < deadline, "sshd does not listen: {}{}", self.log(), output());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the server; connections that it has accepted live on, new ones are refused.
    pub(crate) fn stop(&mut self) {
        self.running = None;
        fs::remove_file(self.path("log")).expect("the log of a server that ran");
    }

    /// Starts it again on the same port, with the same host key and an empty log.
    pub(crate) fn start_again(&mut self) {
        self.run();
    }

    /// Another machine at the same address: the server comes back with another host key.
    pub(crate) fn change_host_key(&mut self) {
        self.stop();
        self.generation += 1;
        make_key(self.dir.path(), &format!("host{}", self.generation));
        self.run();
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What is `/var/lib/labctl` to whoever logs in.
    pub(crate) fn records(&self) -> PathBuf {
        self.path("var/lib/labctl")
    }

    /// The private key that it lets in.
    pub(crate) fn key(&self) -> PathBuf {
        self.path("user")
    }

    /// Lets this key's owner in too.
    pub(crate) fn lets_in(&self, key: &Path) {
        let keys = fs::read_to_string(self.path("authorized_keys")).expect("authorized_keys");
        fs::write(self.path("authorized_keys"), format!("{keys}{}\n", public_line(key))).expect("authorized_keys");
    }

    /// The user that it lets in: the one who runs the tests.
    pub(crate) fn user() -> String {
        ran(Command::new("id").arg("-un")).trim().to_owned()
    }

    /// `SHA256:…` of its present host key.
    pub(crate) fn host_fingerprint(&self) -> String {
        fingerprint(&self.host_key())
    }

    /// The line of a `known_hosts` file for its present host key.
    pub(crate) fn known_hosts_line(&self) -> String {
        format!("[127.0.0.1]:{} {}\n", self.port, public_line(&self.host_key()))
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// How many connections it has seen since it started.
    pub(crate) fn connections(&self) -> usize {
        self.log().lines().filter(|line| line.starts_with("Connection from ")).count()
    }

    /// How many commands it has run since it started.
    pub(crate) fn commands(&self) -> usize {
        self.log().lines().filter(|line| line.starts_with("Starting session: command")).count()
    }

    fn host_key(&self) -> PathBuf {
        self.path(&format!("host{}", self.generation))
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::join(self.dir.path(), name)
    }
}

/// Runs the program on this connection. Nothing here holds on to the connection, or its client would not see its end.
fn serve(program: &Command, connection: TcpStream) {
    let output = connection.try_clone().expect("a second handle");
    let mut command = Command::new(program.get_program());
    command.args(program.get_args()).stdin(OwnedFd::from(connection)).stdout(OwnedFd::from(output));
    let mut child = command.spawn().expect("sshd starts");
    thread::spawn(move || child.wait());
}

/// A port where nothing listens: connections are refused.
pub(crate) fn free_port() -> u16 {
    silent_listener().local_addr().expect("an address").port()
}

/// A server that accepts connections, as the kernel does for whoever listens, and never says a word.
pub(crate) fn silent_listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a loopback port")
}
