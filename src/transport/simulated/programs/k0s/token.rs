//! `k0s token`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::super::gap::Gap;
use super::super::super::k0s::{CA, Token, is_serving};
use super::super::super::machine::Machine;
use super::super::{done, failed, said, unknown};
use crate::observe::Output;

pub(super) fn token(machine: &mut Machine, arguments: &[&str]) -> Result<Output, Gap> {
    if !is_serving(machine) {
        return failed(1, "Error: Get \"https://localhost:6443\": dial tcp [::1]:6443: connect: connection refused");
    }
    match arguments {
        ["create", "--role", role @ ("worker" | "controller"), "--expiry", life] => create(machine, role, life),
        ["list", "--role", role] => {
            let line = |token: &&Token| token.role == *role;
            let lines = machine.k0s.tokens.iter().filter(line).map(|token| format!("{:<10}{role}\n", token.id));
            said(format!("{:<10}{:<10}EXPIRES AT\n{}", "ID", "ROLE", lines.collect::<String>()))
        }
        ["list"] => failed(1, "Error: unsupported role \"\"; supported roles are \"controller\" and \"worker\""),
        ["invalidate", id] => {
            machine.k0s.tokens.retain(|token| token.id != *id);
            done()
        }
        _ => unknown("k0s", arguments),
    }
}

fn create(machine: &mut Machine, role: &str, life: &str) -> Result<Output, Gap> {
    let is_single = machine.k0s.process.as_ref().is_some_and(|process| process.flag("single") == Some("true"));
    if is_single {
        return failed(1, "Error: refusing to create token: cannot join into a single node cluster");
    }
    let Some(minutes) = life.strip_suffix('m').and_then(|minutes| minutes.parse::<u64>().ok()) else {
        return unknown("k0s", &["token", "create", "--expiry", life]);
    };
    let number = crate::plan::digest(&(&machine.name, machine.clock.now(), machine.k0s.tokens.len()));
    let id = number[..6].to_owned();
    // As long as a real one, which is a compressed kubeconfig.
    let authority = machine.files.text(CA).unwrap_or_default();
    let secret: String = (0..18).map(|part| crate::plan::digest(&(&number, part))).collect();
    let text = STANDARD.encode(format!("{id}.{secret}.{authority}"));
    let until = (minutes > 0).then(|| machine.clock.now() + minutes * 60_000);
    machine.k0s.tokens.push(Token { id, role: role.to_owned(), text: text.clone(), until });
    said(format!("{text}\n"))
}
