//! The test lab's host: a Debian VM with ZFS and netplan, one for the whole test binary.

mod login;
mod qemu;

use std::path::Path;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

pub(crate) use login::Output;
pub(crate) use qemu::Cable;
pub(crate) use qemu::Extras;

use login::Login;
use qemu::Machine;

/// How long an emulated machine may take from power to login.
pub(crate) const BOOT: Duration = Duration::from_mins(8);

pub(crate) struct Vm {
    machine: Machine,
    login: Login,
}

impl Vm {
    /// The VM of this test binary, booted at the first call; as the test before has left it.
    pub(crate) fn shared() -> MutexGuard<'static, Self> {
        static VM: OnceLock<Mutex<Vm>> = OnceLock::new();
        // A test that failed with the VM in its hands has not hurt it: the next one resets it.
        VM.get_or_init(|| Mutex::new(Self::boot(&Extras::default()))).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The VM of this test binary, as it was after its first boot.
    pub(crate) fn fresh() -> MutexGuard<'static, Self> {
        let vm = Self::shared();
        vm.reset();
        vm
    }

    /// One of a test's own.
    pub(crate) fn boot(extras: &Extras) -> Self {
        let machine = Machine::start(extras);
        let login = Login::new(&machine);
        let vm = Self { machine, login };
        vm.wait_for_boot();
        // What is still in memory must not be lost to the power cut of a test.
        vm.ok("sync");
        vm.keep("clean");
        vm
    }

    /// Memory, disks and devices as they were after the first boot.
    pub(crate) fn reset(&self) {
        self.return_to("clean");
    }

    /// Keeps memory, disks and devices as they are now under a name.
    pub(crate) fn keep(&self, name: &str) {
        self.machine.monitor(&format!("savevm {name}"));
    }

    /// Takes back what was kept under a name.
    pub(crate) fn return_to(&self, name: &str) {
        self.machine.monitor(&format!("loadvm {name}"));
        self.wait_for_ssh(BOOT);
        self.set_clock();
    }

    /// The guest's clock stood still since the snapshot.
    fn set_clock(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
        self.ok(&format!("date -s @{} >/dev/null", now.as_secs()));
    }

    /// Runs a script as root.
    pub(crate) fn sh(&self, script: &str) -> Output {
        self.login.run("root", script)
    }

    /// Runs a script as `root`, `jax` (sudo without a password), `pat` (sudo with one) or `nosudo`.
    pub(crate) fn sh_as(&self, user: &str, script: &str) -> Output {
        self.login.run(user, script)
    }

    /// What a script prints that runs as root and must succeed.
    pub(crate) fn ok(&self, script: &str) -> String {
        self.sh(script).expect_success(script)
    }

    /// Copies a file there, as root. It becomes a program.
    pub(crate) fn send(&self, from: &Path, to: &str) {
        self.login.send(from, to);
    }

    /// Takes the power away and gives it back: what the guest held in memory is lost. Does not wait for the boot.
    pub(crate) fn power_cut(&self) {
        self.machine.monitor("system_reset");
    }

    /// Pulls the management port's cable, or plugs it in again.
    pub(crate) fn set_management_link(&self, up: bool) {
        self.machine.monitor(if up { "set_link management on" } else { "set_link management off" });
    }

    /// Freezes the guest, or lets it go on.
    pub(crate) fn set_running(&self, running: bool) {
        self.machine.monitor(if running { "cont" } else { "stop" });
    }

    /// Waits until the host has started as a whole: a login works long before its network is as it will be.
    pub(crate) fn wait_for_boot(&self) {
        self.wait_for_ssh(BOOT);
        self.ok("systemctl is-system-running --wait >/dev/null || systemctl --failed --no-legend");
    }

    pub(crate) fn wait_for_ssh(&self, limit: Duration) {
        if let Err(last) = self.login.wait(limit) {
            panic!("no login within {limit:?}: {last}\n--- console ---\n{}", self.machine.console_tail());
        }
    }

    /// Changes with every boot.
    pub(crate) fn boot_id(&self) -> String {
        self.ok("cat /proc/sys/kernel/random/boot_id").trim().to_owned()
    }

    /// The loopback port that leads to 10.0.2.15:22, the management address.
    pub(crate) fn port(&self) -> u16 {
        self.machine.port
    }

    /// The loopback port that leads to 10.0.2.16:22, where a test may move the management address.
    pub(crate) fn moved_port(&self) -> u16 {
        self.machine.moved_port
    }

    /// A `known_hosts` file with the VM's key for both ports.
    pub(crate) fn known_hosts(&self) -> &Path {
        &self.login.known_hosts
    }

    /// The private key that every user of the VM lets in.
    pub(crate) fn key(&self) -> &Path {
        &self.machine.seed.key
    }

    /// `SHA256:…`
    pub(crate) fn host_fingerprint(&self) -> &str {
        &self.machine.seed.host_fingerprint
    }

    pub(crate) fn pat_password(&self) -> &str {
        &self.machine.seed.pat_password
    }

    /// The last lines of the serial console.
    pub(crate) fn console_tail(&self) -> String {
        self.machine.console_tail()
    }
}
