//! Who runs labctl, and where: for locks and the journal, so that others can tell.

use std::process::{Command, Stdio};

/// `user@host`.
pub fn who() -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = variable("USER").or_else(|| variable("LOGNAME")).or_else(|| printed("id", &["-un"]));
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| printed("hostname", &[]));
    let plain = |text: Option<String>, instead: &str| {
        let text: String = text.unwrap_or_default().trim().chars().filter(|c| !c.is_control()).collect();
        if text.is_empty() { instead.to_owned() } else { text }
    };
    format!("{}@{}", plain(user, "somebody"), plain(host, "somewhere"))
}

/// Eight hexadecimal digits that tell one run from all others.
pub fn run_id() -> Result<String, String> {
    let mut bytes = [0_u8; 4];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers here: {error}"))?;
    Ok(format!("{:08x}", u32::from_be_bytes(bytes)))
}

fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
