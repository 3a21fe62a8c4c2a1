//! What a test makes up for its host at run time: keys and a password. None of it is ever in the tree or the image.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

const SETUP: &str = r#"
set -eu
for user in root jax pat nosudo; do
  home=$(getent passwd "$user" | cut -d: -f6)
  install -d -m 700 -o "$user" -g "$user" "$home/.ssh"
  install -m 600 -o "$user" -g "$user" user.pub "$home/.ssh/authorized_keys"
done
install -m 600 host /etc/ssh/ssh_host_ed25519_key
install -m 644 host.pub /etc/ssh/ssh_host_ed25519_key.pub
printf 'pat:%s\n' "$(cat pat-password)" | chpasswd
"#;

pub(crate) struct Seed {
    /// The tar file that becomes a disk of the VM.
    pub(crate) disk: PathBuf,
    /// The private key that root, jax, pat and nosudo let in.
    pub(crate) key: PathBuf,
    /// The public line of the host's key.
    pub(crate) host_key: String,
    pub(crate) host_fingerprint: String,
    pub(crate) pat_password: String,
}

impl Seed {
    pub(crate) fn make(dir: &Path) -> Self {
        let seed = dir.join("seed");
        fs::create_dir(&seed).expect("the seed's folder");
        let pat_password = random_word();
        let key = make_key(dir, "user");
        let host = make_key(&seed, "host");
        fs::copy(key.with_extension("pub"), seed.join("user.pub")).expect("a copy of the public key");
        fs::write(seed.join("pat-password"), &pat_password).expect("the password file");
        fs::write(seed.join("setup.sh"), SETUP).expect("the setup script");

        let disk = dir.join("seed.tar");
        ran(Command::new("tar").arg("-C").arg(&seed).arg("-cf").arg(&disk).arg("."));
        Self { disk, key, host_key: public_line(&host), host_fingerprint: fingerprint(&host), pat_password }
    }
}

/// Makes an Ed25519 key pair, `dir/name` and `dir/name.pub`.
pub(crate) fn make_key(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    ran(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&path));
    path
}

pub(crate) fn public_line(key: &Path) -> String {
    let line = fs::read_to_string(key.with_extension("pub")).expect("the public key");
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// The fingerprint as `ssh` prints it, `SHA256:…`.
pub(crate) fn fingerprint(key: &Path) -> String {
    let listed = ran(Command::new("ssh-keygen").arg("-lf").arg(key.with_extension("pub")));
    listed.split_whitespace().nth(1).expect("a fingerprint").to_owned()
}

/// 32 random hexadecimal digits.
pub(crate) fn random_word() -> String {
    fs::read_to_string("/proc/sys/kernel/random/uuid").expect("a UUID").trim().replace('-', "")
}

/// What a program that must succeed prints.
pub(crate) fn ran(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
