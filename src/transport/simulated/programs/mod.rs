//! The programs of the simulated nodes, by `argv[0]`.
//!
//! Each knows the arguments that labctl's asks and steps use. An argument beyond them is a gap, never a success.

mod apt;
mod disks;
mod entries;
mod files;
mod ip;
mod k0s;
mod sed;
mod shell;
mod systemd;
mod text;
mod tuning;
mod web;
mod zfs;

pub(super) use apt::INDEX as PACKAGE_INDEX;

use super::gap::Gap;
use super::machine::Machine;
use crate::lab::Os;
use crate::observe::Output;

/// What a program does with its arguments and its input.
type Run = fn(&mut Machine, &[&str], &mut Stdin) -> Result<Output, Gap>;

/// A program.
pub(super) struct Program {
    pub(super) name: &'static str,
    needs: Needs,
    pub(super) run: Run,
}

/// What a node needs to have a program.
#[derive(Debug, Clone, Copy)]
enum Needs {
    /// POSIX: every node has it.
    Nothing,
    /// It is a Linux.
    Linux,
    /// Its own file.
    Itself,
    /// It is a Linux with this package.
    Package(&'static str),
}

impl Program {
    pub(super) fn is_on(&self, machine: &Machine) -> bool {
        match self.needs {
            Needs::Nothing => true,
            Needs::Linux => machine.os == Os::Linux,
            Needs::Itself => machine.os == Os::Linux && k0s::is_there(machine, self.name),
            Needs::Package(name) => machine.os == Os::Linux && machine.packages.version(name).is_some(),
        }
    }
}

const fn everywhere(name: &'static str, run: Run) -> Program {
    Program { name, needs: Needs::Nothing, run }
}

const fn linux(name: &'static str, run: Run) -> Program {
    Program { name, needs: Needs::Linux, run }
}

const fn brought_by(name: &'static str, package: &'static str, run: Run) -> Program {
    Program { name, needs: Needs::Package(package), run }
}

/// All programs.
const PROGRAMS: &[Program] = &[
    everywhere("touch", entries::touch),
    everywhere("basename", files::basename),
    everywhere("cat", files::cat),
    everywhere("chgrp", entries::chgrp),
    everywhere("chmod", files::chmod),
    everywhere("chown", entries::chown),
    everywhere("cp", files::cp),
    everywhere("ln", entries::ln),
    everywhere("ls", entries::ls),
    everywhere("mkdir", files::mkdir),
    everywhere("mv", files::mv),
    everywhere("readlink", files::readlink),
    everywhere("rm", files::rm),
    everywhere("stat", entries::stat),
    everywhere("sync", files::sync),
    everywhere("find", files::find),
    brought_by("zfs", "zfsutils-linux", zfs::zfs),
    brought_by("zpool", "zfsutils-linux", zfs::zpool),
    linux("lsblk", disks::lsblk),
    linux("blkid", disks::blkid),
    linux("wipefs", disks::wipefs),
    linux("apt-get", apt::apt_get),
    linux("apt-cache", apt::apt_cache),
    linux("apt-mark", apt::apt_mark),
    linux("dpkg-query", apt::dpkg_query),
    linux("sysctl", tuning::sysctl),
    linux("modprobe", tuning::modprobe),
    linux("modinfo", tuning::modinfo),
    linux("ip", ip::ip),
    brought_by("ping", "iputils-ping", ip::ping),
    brought_by("netplan", "netplan.io", ip::netplan),
    linux("systemctl", systemd::systemctl),
    linux("systemd-run", systemd::systemd_run),
    linux("journalctl", systemd::journalctl),
    Program { name: "k0s", needs: Needs::Itself, run: k0s::k0s },
    Program { name: ".labctl-k0s", needs: Needs::Itself, run: k0s::beside },
    everywhere("curl", web::curl),
    linux("wget", web::wget),
    everywhere("sha256sum", web::sha256sum),
    everywhere("uname", web::uname),
    everywhere("tail", text::tail),
    everywhere("sh", shell::sh),
    everywhere("env", shell::env),
    everywhere("date", shell::date),
    everywhere("sleep", shell::sleep),
    everywhere("uname", shell::uname),
    everywhere("true", shell::yes),
    everywhere("false", shell::no),
    everywhere("echo", text::echo),
    everywhere("printf", text::printf),
    everywhere("test", shell::test),
    everywhere("[", shell::bracket),
    everywhere("grep", text::grep),
    everywhere("sed", sed::sed),
    everywhere("cut", text::cut),
    everywhere("tr", text::tr),
];

/// The program of that name; a path counts as its last part.
pub(super) fn find(name: &str) -> Option<&'static Program> {
    let name = name.rsplit('/').next().unwrap_or(name);
    PROGRAMS.iter().find(|program| program.name == name)
}

/// What a program reads: taken whole, or line by line by the shell's `read`.
#[derive(Debug, Clone, Default)]
pub(super) struct Stdin {
    bytes: Vec<u8>,
    at: usize,
}

impl Stdin {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    /// All that has not been read yet.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let rest = self.bytes[self.at..].to_vec();
        self.at = self.bytes.len();
        rest
    }

    /// The next line without its end; nothing at the end of the input.
    pub(super) fn line(&mut self) -> Option<String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| *byte == b'\n')?;
        let line = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length + 1;
        Some(line)
    }
}

/// A program that printed this and succeeded.
fn said(stdout: impl Into<Vec<u8>>) -> Result<Output, Gap> {
    Ok(Output { stdout: stdout.into(), ..Output::default() })
}

/// A program that said nothing and succeeded.
fn done() -> Result<Output, Gap> {
    said("")
}

/// A program that failed.
fn failed(code: u32, stderr: impl Into<String>) -> Result<Output, Gap> {
    Ok(Output { stderr: stderr.into(), code, ..Output::default() })
}

/// A program that was called in a way that the simulation does not know.
fn unknown(program: &str, arguments: &[&str]) -> Result<Output, Gap> {
    Err(Gap::new(format!("{program} does not know `{program} {}`", arguments.join(" "))))
}
