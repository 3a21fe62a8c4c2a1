//! What somebody does to a node behind labctl's back: for `labctl demo break`, and for faults of an operator.

use std::fmt;
use std::net::Ipv4Addr;

use super::gap::Gap;
use super::machine::Machine;
use super::programs::Stdin;
use crate::plan::shell_line;

/// One such deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mischief {
    /// A component of k0s does not stay up.
    Crash(String),
    /// All components of k0s stay up again.
    Heal,
    /// The node is switched off.
    Down,
    /// It is switched on again.
    Up,
    /// It starts anew.
    Reboot,
    /// Its disk fills up.
    DiskFull,
    /// There is room again.
    DiskFree,
    /// A file gets another content.
    File(String),
    /// Another apt has apt's locks for so many seconds.
    AptLock(u64),
    /// A program does nothing any more but fail.
    Spoil {
        /// Its name.
        program: String,
        /// Its exit status.
        status: u32,
        /// What it says.
        words: String,
    },
    /// A spoiled program works again.
    Mend(String),
    /// A gateway answers no more.
    Silence(Ipv4Addr),
    /// It answers again.
    Answer(Ipv4Addr),
    /// A command is run there as root, with the node's simulated programs.
    Command(Vec<String>),
}

/// Why words are no mischief, or why it could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MischiefError {
    /// The words mean nothing.
    #[error("{}; known are:\n{}", if words.is_empty() { "say what to break".to_owned() } else { format!("`{words}` is nothing that can be broken") }, help())]
    Unknown {
        /// What was said.
        words: String,
    },
    /// The node's own program refused, or the simulation has no such one.
    #[error("`{command}`: {why}")]
    Failed {
        /// The command.
        command: String,
        /// Its complaint.
        why: String,
    },
}

/// What can be said, and what it comes to.
const FORMS: [(&str, &str); 20] = [
    ("property DATASET NAME=VALUE", "sets a ZFS property"),
    ("address DEVICE ADDRESS", "takes an address from a device, as in `192.168.8.254/24`"),
    ("link DEVICE", "takes a link down"),
    ("mode FILE MODE", "changes a file's mode"),
    ("file FILE", "changes what is in a file"),
    ("remove FILE", "removes a file"),
    ("sysctl KEY=VALUE", "sets a kernel parameter"),
    ("unload MODULE", "unloads a kernel module"),
    ("stop UNIT", "stops a unit"),
    ("disable UNIT", "disables a unit"),
    ("uninstall PACKAGE", "removes a package"),
    ("disk-full", "leaves no room on the disk (`disk-free`: room again)"),
    ("apt-lock SECONDS", "lets another apt have apt's locks for so long"),
    ("spoil PROGRAM STATUS WORDS…", "lets a program fail (`mend PROGRAM`: it works again)"),
    ("crash COMPONENT", "lets a component of k0s crash over and over (`heal`: it stays up again)"),
    ("silence ADDRESS", "lets a gateway answer no more (`answer ADDRESS`: it does again)"),
    ("reboot", "starts the node anew"),
    ("down", "switches the node off"),
    ("up", "switches it on again"),
    ("run PROGRAM ARGUMENT…", "runs one of the simulated programs"),
];

/// Everything that can be said, line by line.
pub(super) fn help() -> String {
    FORMS.iter().map(|(form, words)| format!("  {form:<28} {words}\n")).collect()
}

impl Mischief {
    /// Reads what was typed.
    pub fn parse(words: &[String]) -> Result<Self, MischiefError> {
        let said: Vec<&str> = words.iter().map(String::as_str).collect();
        let command = |words: &[&str]| Ok(Self::Command(words.iter().map(|word| (*word).to_owned()).collect()));
        let unknown = || Err(MischiefError::Unknown { words: words.join(" ") });
        match said.as_slice() {
            ["down"] => Ok(Self::Down),
            ["up"] => Ok(Self::Up),
            ["reboot"] => Ok(Self::Reboot),
            ["disk-full"] => Ok(Self::DiskFull),
            ["disk-free"] => Ok(Self::DiskFree),
            ["apt-lock", seconds] => seconds.parse().map_or_else(|_| unknown(), |seconds| Ok(Self::AptLock(seconds))),
            ["spoil", program, status, words @ ..] => match status.parse() {
                Ok(status) => Ok(Self::Spoil { program: (*program).to_owned(), status, words: words.join(" ") }),
                Err(_) => unknown(),
            },
            ["mend", program] => Ok(Self::Mend((*program).to_owned())),
            ["crash", component] => Ok(Self::Crash((*component).to_owned())),
            ["heal"] => Ok(Self::Heal),
            ["silence", address] => address.parse().map_or_else(|_| unknown(), |address| Ok(Self::Silence(address))),
            ["answer", address] => address.parse().map_or_else(|_| unknown(), |address| Ok(Self::Answer(address))),
            ["file", path] => Ok(Self::File((*path).to_owned())),
            ["property", dataset, setting] => command(&["zfs", "set", setting, dataset]),
            ["address", device, address] => command(&["ip", "addr", "del", address, "dev", device]),
            ["link", device] => command(&["ip", "link", "set", "dev", device, "down"]),
            ["mode", path, mode] => command(&["chmod", "--", mode, path]),
            ["remove", path] => command(&["rm", "--", path]),
            ["sysctl", setting] => command(&["sysctl", "-q", "-w", setting]),
            ["unload", module] => command(&["modprobe", "-r", module]),
            ["stop", unit] => command(&["systemctl", "stop", unit]),
            ["disable", unit] => command(&["systemctl", "disable", unit]),
            ["uninstall", package] => command(&["apt-get", "remove", "-y", package]),
            ["run", argv @ ..] if !argv.is_empty() => command(argv),
            _ => unknown(),
        }
    }

    /// Does it; gives back what the program printed.
    pub(super) fn commit(&self, machine: &mut Machine) -> Result<String, MischiefError> {
        match self {
            Self::Down => machine.condition.is_down = true,
            Self::Up => {
                if std::mem::take(&mut machine.condition.is_down) {
                    machine.reboot();
                }
            }
            Self::Reboot => machine.reboot(),
            Self::DiskFull => machine.condition.is_disk_full = true,
            Self::DiskFree => machine.condition.is_disk_full = false,
            Self::AptLock(seconds) => {
                machine.condition.apt_locked_until = machine.clock.now().saturating_add(seconds.saturating_mul(1000));
            }
            Self::Spoil { program, status, words } => {
                if !machine.has_program(program) {
                    return Err(self.failure(format!("there is no program `{program}`")));
                }
                machine.condition.spoiled.insert(program.clone(), (*status, words.clone()));
            }
            Self::Mend(program) => drop(machine.condition.spoiled.remove(program)),
            Self::Crash(component) => machine.k0s.crashing = Some(component.clone()),
            Self::Heal => machine.k0s.crashing = None,
            Self::Silence(address) => drop(machine.surroundings.silent.insert(*address)),
            Self::Answer(address) => drop(machine.surroundings.silent.remove(address)),
            Self::File(path) => {
                let Some(mut bytes) = machine.files.read(path).map(<[u8]>::to_vec) else {
                    return Err(self.failure("there is no such file".to_owned()));
                };
                bytes.extend_from_slice(b"# changed by hand\n");
                machine.files.overwrite(path, bytes);
            }
            Self::Command(argv) => {
                return match machine.run(argv, &mut Stdin::default()) {
                    Ok(output) if output.code == 0 => Ok(output.text().into_owned()),
                    Ok(output) => Err(self.failure(output.complaint())),
                    Err(gap) => Err(self.gap(&gap)),
                };
            }
        }
        Ok(String::new())
    }

    fn gap(&self, gap: &Gap) -> MischiefError {
        self.failure(gap.to_string())
    }

    fn failure(&self, why: String) -> MischiefError {
        MischiefError::Failed { command: self.to_string(), why }
    }
}

impl fmt::Display for Mischief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = match self {
            Self::Spoil { program, status, words } => return write!(f, "spoil {program} {status} {words}"),
            Self::AptLock(seconds) => return write!(f, "apt-lock {seconds}"),
            Self::Silence(address) => return write!(f, "silence {address}"),
            Self::Answer(address) => return write!(f, "answer {address}"),
            Self::Mend(program) => vec!["mend", program],
            Self::Crash(component) => vec!["crash", component],
            Self::Heal => vec!["heal"],
            Self::Down => vec!["down"],
            Self::Up => vec!["up"],
            Self::Reboot => vec!["reboot"],
            Self::DiskFull => vec!["disk-full"],
            Self::DiskFree => vec!["disk-free"],
            Self::File(path) => vec!["file", path],
            Self::Command(argv) => {
                let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
                match argv.as_slice() {
                    ["chmod", "--", mode, path] => vec!["mode", path, mode],
                    _ => return write!(f, "run {}", shell_line(argv)),
                }
            }
        };
        f.write_str(&words.join(" "))
    }
}
