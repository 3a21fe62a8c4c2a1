//! Hosts for the tests' k0s: VMs with a disk of the programs that it starts, and its binary in every version that is wanted.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;

use super::control_plane;
use super::sshd::free_port;
use super::vm::Cable;
use super::vm::Extras;
use super::vm::Vm;

/// What the binary says that it is where nothing is appended to it.
pub(crate) const VERSION: &str = "1.34.4+k0s.0";

/// The address of the control plane on the network between the hosts.
pub(crate) const CONTROLLER: &str = "192.168.4.5";

/// The address of the other host there.
pub(crate) const WORKER: &str = "192.168.4.81";

/// The host that is to be the control plane, as its last test left it.
pub(crate) fn controller() -> MutexGuard<'static, Vm> {
    static VM: OnceLock<Mutex<Vm>> = OnceLock::new();
    // etcd and an API server are on it.
    let boot = || Mutex::new(host("n5", Cable::First(cable()), 3072));
    VM.get_or_init(boot).lock().unwrap_or_else(PoisonError::into_inner)
}

/// The host that is to work for it. The control plane must have been booted before.
pub(crate) fn worker() -> MutexGuard<'static, Vm> {
    static VM: OnceLock<Mutex<Vm>> = OnceLock::new();
    let boot = || {
        let vm = host("m1-worker", Cable::Second(cable()), 1024);
        vm.ok(&format!("ip link set eth1 up && ip addr add {WORKER}/24 dev eth1"));
        vm.keep("clean");
        Mutex::new(vm)
    };
    VM.get_or_init(boot).lock().unwrap_or_else(PoisonError::into_inner)
}

fn cable() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(free_port)
}

fn host(name: &str, cable: Cable, memory: u32) -> Vm {
    let programs = Some(control_plane::folder().join("programs.ext4"));
    let vm = Vm::boot(&Extras { programs, memory: Some(memory), cable: Some(cable) });
    vm.ok(&format!("hostname {name} && echo {name} >/etc/hostname"));
    vm.keep("clean");
    vm
}

/// Puts a k0s of a version at a path.
pub(crate) fn binary(path: &Path, version: &str) {
    fs::copy(control_plane::folder().join("k0s"), path).expect("a copy of the tests' k0s");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
    let mut file = fs::OpenOptions::new().append(true).open(path).expect("the copy");
    // `versionMark` in its own source.
    write!(file, "\nk0s version: v{version}\n").expect("its version");
}
