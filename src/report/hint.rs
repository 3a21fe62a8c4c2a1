//! What to try when the cause of a failed command is known by its last words.

const HINTS: &[(&str, &str)] = &[
    ("No space left on device", "the disk is full; `df -h` on the node tells which"),
    ("Read-only file system", "the file system is mounted read-only; look at `dmesg` on the node for disk errors"),
    (
        "Could not get lock",
        "another apt is at work there and was waited for; run `labctl apply` again when it has ended",
    ),
    (
        "Unable to locate package",
        "its package index does not know the name; run `apt-get update` there, or look at the name",
    ),
    ("pool or dataset is busy", "something has it open; `fuser -vm` on its mountpoint tells what"),
    ("No such device or address", "the device is not there (any more); `lsblk` on the node lists what is"),
    ("Permission denied", "the login may not do that; `ssh.sudo = true` lets labctl act as root"),
    ("Operation not permitted", "the login may not do that; `ssh.sudo = true` lets labctl act as root"),
    ("invalid user", "the owner does not exist on the node"),
    ("invalid group", "the group does not exist on the node"),
    ("Module", "the kernel has no such module; `modprobe -v` on the node tells more"),
];

/// A remedy for what these lines say, where one is known.
pub fn hint(words: &[String]) -> Option<&'static str> {
    HINTS.iter().find(|(sign, _)| words.iter().any(|line| line.contains(sign))).map(|(_, hint)| *hint)
}
