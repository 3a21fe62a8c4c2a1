//! QEMU's process: the image with an overlay, scratch disks, three network ports, a monitor and a console.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use super::super::monitor;
use super::super::seed::Seed;
use super::super::seed::ran;
use super::super::seed::random_word;
use super::super::tied::Tied;

const SCRATCH_DISKS: usize = 6;

/// What makes a machine other than the usual one.
#[derive(Default)]
pub(crate) struct Extras {
    /// An image that becomes the disk `labprograms`, read-only.
    pub(crate) programs: Option<PathBuf>,
    /// MiB of memory.
    pub(crate) memory: Option<u32>,
    /// A cable to another machine, in the switch.
    pub(crate) cable: Option<Cable>,
}

/// One end of a cable between two machines, through a loopback port.
#[derive(Clone, Copy)]
pub(crate) enum Cable {
    /// The machine that is started first.
    First(u16),
    /// The other one.
    Second(u16),
}

pub(crate) struct Machine {
    _qemu: Tied,
    pub(crate) dir: PathBuf,
    pub(crate) seed: Seed,
    pub(crate) port: u16,
    pub(crate) moved_port: u16,
}

impl Machine {
    pub(crate) fn start(extras: &Extras) -> Self {
        let image = image();
        let dir = tempfile::Builder::new().prefix("labctl-vm-").tempdir().expect("a temporary folder").keep();
        let seed = Seed::make(&dir);
        let (port, moved_port) = free_ports();

        let mut qemu = Command::new("qemu-system-x86_64");
        qemu.args(["-accel", "tcg,thread=multi", "-smp", "2", "-m", &extras.memory.unwrap_or(2048).to_string()])
            // 5-level page tables only make every miss of the emulated TLB dearer; nothing runs machines in the machine.
            .args(["-cpu", "max,la57=off,svm=off"])
            .args(["-nodefaults", "-display", "none", "-no-user-config"]);
        let text = |path: &Path| path.display().to_string();
        let kernel_line = format!(
            "root=LABEL=root rw net.ifnames=0 console=ttyS0 quiet systemd.show_status=error mitigations=off \
             tsc=reliable panic=1 \
             systemd.machine_id={}",
            random_word()
        );
        qemu.args(["-kernel", &text(&image.join("vmlinuz")), "-initrd", &text(&image.join("initrd"))])
            .args(["-append", &kernel_line])
            .args(["-serial", &format!("file:{}", text(&dir.join("console")))])
            .args(["-qmp", &format!("unix:{},server=on,wait=off", text(&dir.join("monitor")))]);

        overlay(&image.join("root.ext4"), &dir.join("root.qcow2"));
        disk(&mut qemu, &dir.join("root.qcow2"), "labroot", "format=qcow2");
        for index in 0..SCRATCH_DISKS {
            let path = dir.join(format!("disk{index}.qcow2"));
            ran(Command::new("qemu-img").args(["create", "-q", "-f", "qcow2"]).arg(&path).arg("1G"));
            disk(&mut qemu, &path, &format!("labdisk{index}"), "format=qcow2");
        }
        disk(&mut qemu, &seed.disk, "labseed", "format=raw,read-only=on");
        if let Some(programs) = &extras.programs {
            disk(&mut qemu, programs, "labprograms", "format=raw,read-only=on");
        }

        let forward = format!(
            "user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:22,\
             hostfwd=tcp:127.0.0.1:{moved_port}-10.0.2.16:22"
        );
        let series = if matches!(extras.cable, Some(Cable::Second(_))) { "42" } else { "41" };
        let port_of = |id: &str, net: u8, more: &str| {
            format!("virtio-net-pci,id={id},netdev=net{net},mac=52:54:00:4c:{series}:0{net}{more},romfile=")
        };
        qemu.args(["-netdev", &forward])
            .args(["-netdev", "hubport,id=net1,hubid=1", "-netdev", "hubport,id=net2,hubid=1"])
            .args(["-device", &port_of("management", 0, "")])
            // `ctrl_vlan=off`: `loadvm` forgets which VLANs a port lets through, and it would let none through.
            .args(["-device", &port_of("lab", 1, ",ctrl_vlan=off")])
            .args(["-device", &port_of("switch", 2, ",ctrl_vlan=off")]);
        if let Some(cable) = extras.cable {
            let end = match cable {
                Cable::First(port) => format!("socket,id=cable,listen=127.0.0.1:{port}"),
                Cable::Second(port) => format!("socket,id=cable,connect=127.0.0.1:{port}"),
            };
            qemu.args(["-netdev", &end, "-netdev", "hubport,id=net3,hubid=1,netdev=cable"]);
        }

        let tied = Tied::spawn(&qemu, &dir.join("qemu.log"), Some(&dir));
        Self { _qemu: tied, dir, seed, port, moved_port }
    }

    /// Runs a command of QEMU's monitor that says nothing when it succeeds.
    pub(crate) fn monitor(&self, line: &str) {
        let said = monitor::run(&self.dir.join("monitor"), line);
        assert!(said.is_empty(), "monitor: {line}: {said}");
    }

    /// What QEMU itself had to say, and the last lines of the serial console.
    pub(crate) fn console_tail(&self) -> String {
        let read = |name| String::from_utf8_lossy(&fs::read(self.dir.join(name)).unwrap_or_default()).into_owned();
        let console = read("console");
        let lines: Vec<&str> = console.lines().collect();
        read("qemu.log") + &lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

/// The folder of the image, built first if this machine has none of it yet.
fn image() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/build-image");
    let output = Command::new(script).stderr(Stdio::inherit()).output().expect("tests/lab/build-image starts");
    assert!(output.status.success(), "tests/lab/build-image failed");
    PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
}

fn overlay(base: &Path, overlay: &Path) {
    let mut create = Command::new("qemu-img");
    ran(create.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]).arg(base).arg(overlay));
}

/// `cache=unsafe`: what the guest has written survives its power cut in any case, only the machine's own would hurt.
fn disk(qemu: &mut Command, path: &Path, serial: &str, options: &str) {
    qemu.args(["-drive", &format!("if=none,id={serial},file={},cache=unsafe,{options}", path.display())])
        .args(["-device", &format!("virtio-blk-pci,drive={serial},serial={serial}")]);
}

/// Both are held at once, so that they differ.
fn free_ports() -> (u16, u16) {
    let bind = || TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let (first, second) = (bind(), bind());
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    (port(&first), port(&second))
}
