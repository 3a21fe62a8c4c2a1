//! Secrets in files that SOPS has encrypted, with a program in the place of `sops` that decrypts by looking it up.

use std::os::unix::fs::PermissionsExt as _;

use crate::workspace::Workspace;

const LAB: &str = r#"
[lab]
name = "home"

[nodes.here]
connection = "local"

[nodes.here.files."out/token"]
content = { secret = "token" }

[nodes.here.files."out/both"]
content = "{{ token }} {{ port }}"
slots = { token = { secret = "token" }, port = { secret = "port" } }

[secrets.token]
sops = { file = "secrets/tokens.yaml", key = "cloudflare.token" }

[secrets.port]
sops = { file = "secrets/tokens.yaml", key = "port" }
"#;

const ENCRYPTED: &str = "cloudflare:\n    token: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\nport: ENC[AES256_GCM,data:x,iv:y,tag:z,type:int]\nsops:\n    version: 3.9.0\n";

/// A program called `sops` that says what stands beside the file in `.plain`, and notes that it ran.
const SOPS: &str = "#!/bin/sh\n[ \"$1\" = -d ] || exit 64\necho run >> \"$HOME/runs\"\ncat \"$2.plain\"\n";

fn workspace() -> Workspace {
    let workspace = Workspace::new(LAB);
    workspace.write("secrets/tokens.yaml", ENCRYPTED);
    workspace.write("secrets/tokens.yaml.plain", "cloudflare:\n    token: canary-4711\nport: 8080\n");
    workspace.write("home/runs", "");
    workspace
}

/// The same with the program.
fn with_sops() -> Workspace {
    let workspace = workspace();
    workspace.write("bin/sops", SOPS);
    let program = workspace.path("bin/sops");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", workspace.path("bin").display(), std::env::var("PATH").unwrap());
    workspace.env("PATH", &path)
}

#[test]
fn values_are_decrypted_once_a_file_and_stand_where_they_belong() {
    let workspace = with_sops();
    let run = workspace.apply();
    assert_eq!(workspace.read("out/token"), "canary-4711");
    assert_eq!(workspace.read("out/both"), "canary-4711 8080");
    assert!(!format!("{run:?}").contains("canary"), "{run:#?}");
    let before = workspace.read("home/runs").lines().count();
    workspace.expect_no_changes();
    assert_eq!(workspace.read("home/runs").lines().count(), before + 1);
}

#[test]
fn what_needs_no_lab_decrypts_nothing() {
    let workspace = with_sops();
    for arguments in [&["validate"][..], &["graph"]] {
        assert_eq!(workspace.labctl(arguments).code, 0);
    }
    assert_eq!(workspace.read("home/runs"), "");
}

#[test]
fn without_the_program_the_error_says_what_is_missing() {
    let workspace = workspace().env("PATH", "/nonexistent");
    let run = workspace.labctl(&["apply", "--auto-approve"]);
    assert_ne!(run.code, 0);
    let said = run.stdout + &run.stderr;
    assert!(said.contains("the program `sops` is not installed"), "{said}");
}
