//! `curl`, `wget` and `sha256sum`, as far as binaries are fetched with them; and what the node says of itself.

use sha2::{Digest, Sha256};

use super::super::gap::Gap;
use super::super::k0s;
use super::super::machine::Machine;
use super::{Stdin, done, failed, said, unknown};
use crate::observe::Output;

/// Milliseconds that a binary takes to be fetched.
const FETCH: u64 = 15_000;

pub(super) fn curl(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    match arguments {
        ["--fail", "--silent", "--show-error", "--location", "--retry", _, "--output", path, "--", url] => {
            fetch(machine, url, path, (22, "curl: (22) The requested URL returned error: 404"))
        }
        _ => unknown("curl", arguments),
    }
}

pub(super) fn wget(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    match arguments {
        ["--no-verbose", _, "--output-document", path, "--", url] => {
            fetch(machine, url, path, (8, "ERROR 404: Not Found."))
        }
        _ => unknown("wget", arguments),
    }
}

/// What the file says lies at an address, lies there; nothing else does.
fn fetch(machine: &mut Machine, url: &str, path: &str, (code, words): (u32, &str)) -> Result<Output, Gap> {
    machine.pass(FETCH);
    let Some(download) = machine.surroundings.web.get(url).cloned() else { return failed(code, words) };
    if machine.condition.is_disk_full {
        return failed(23, "curl: (23) Failure writing output to destination");
    }
    let text = format!("{}sha256 {}\n", k0s::binary(download.version), download.sha256);
    machine.files.write(path, text, 0o644);
    done()
}

/// `sha256sum --check`. What was fetched has the digest that the file declares: nobody can know the bytes.
pub(super) fn sha256sum(machine: &mut Machine, arguments: &[&str], stdin: &mut Stdin) -> Result<Output, Gap> {
    let ["--check", "--strict", "-"] = arguments else { return unknown("sha256sum", arguments) };
    let lines = String::from_utf8_lossy(&stdin.rest()).into_owned();
    let Some((wanted, path)) = lines.lines().next().and_then(|line| line.split_once("  ")) else {
        return failed(1, "sha256sum: 'standard input': no properly formatted checksum lines found");
    };
    let Some(bytes) = machine.files.read(path) else {
        return failed(1, format!("sha256sum: {path}: No such file or directory"));
    };
    let text = String::from_utf8_lossy(bytes);
    let told = text.lines().find_map(|line| line.strip_prefix("sha256 ")).map(str::to_owned);
    let own = || Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if told.unwrap_or_else(own) == wanted {
        return said(format!("{path}: OK\n"));
    }
    failed(1, "sha256sum: WARNING: 1 computed checksum did NOT match")
}

pub(super) fn uname(machine: &mut Machine, arguments: &[&str], _: &mut Stdin) -> Result<Output, Gap> {
    match arguments {
        ["-n"] => said(format!("{}\n", machine.hostname())),
        ["-m"] => said("x86_64\n"),
        _ => unknown("uname", arguments),
    }
}
