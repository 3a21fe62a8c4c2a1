//! `--untrusted`, on files of somebody who wants to know what is on the runner, or to run something there.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use labctl::config::sha256;

use crate::branches::{git, repository};
use crate::workspace::Workspace;

const CANARY: &str = "canary-2718-outside";

/// A repository whose files try everything, and what they are after: a folder beside it.
struct Hostile {
    workspace: Workspace,
    outside: tempfile::TempDir,
}

impl Hostile {
    fn new() -> Self {
        let outside = tempfile::tempdir().unwrap();
        let secret = outside.path().join("secret.toml");
        std::fs::write(&secret, format!("# {CANARY}\n")).unwrap();
        std::fs::create_dir(outside.path().join("manifests")).unwrap();
        std::fs::write(outside.path().join("manifests/a.yaml"), format!("a: {CANARY}\n")).unwrap();
        let workspace = repository();
        let ran = workspace.path("ran").display().to_string();
        let cached = format!("kind: ConfigMap\napiVersion: v1\nmetadata: {{ name: x }}\ndata: {{ a: {CANARY} }}\n");
        let digest = sha256(cached.as_bytes());
        let cache = outside.path().join("home/.cache/labctl/pinned");
        std::fs::create_dir_all(&cache).unwrap();
        std::fs::write(cache.join(&digest), &cached).unwrap();
        let workspace = workspace.env("HOME", outside.path().join("home").to_str().unwrap());
        symlink(&secret, workspace.path("linked.toml")).unwrap();
        symlink(outside.path(), workspace.path("folder")).unwrap();
        workspace.write(".gitattributes", "* filter=run diff=run\n");
        workspace.write("bare/HEAD", "ref: refs/heads/main\n");
        workspace.write("bare/config", &format!("[core]\nbare = true\nfsmonitor = touch {ran}\n"));
        workspace.write("bare/refs/x", "");
        workspace.write("bare/objects/x", "");
        let lab = LAB.replace("OUTSIDE", &outside.path().display().to_string()).replace("RAN", &ran);
        workspace.write("homelab.toml", &lab.replace("DIGEST", &digest));
        let (_, without_includes) = lab.split_once("]\n\n").unwrap();
        workspace.write("second.toml", &without_includes.replace("DIGEST", &digest));
        let valid = VALID.replace("OUTSIDE", &outside.path().display().to_string()).replace("RAN", &ran);
        workspace.write("valid.toml", &valid);
        let (harmless, _) = valid.split_once("[nodes.n.files.").unwrap();
        workspace.write("harmless.toml", harmless);
        let save = ["plan", "--lab", "simulated:sim", "--save-observations", "seen", "--file", "harmless.toml"];
        let saved = workspace.labctl(&save);
        assert_eq!(saved.code, 0, "{saved:#?}");
        workspace.write("bare/homelab.toml", "[lab]\nname = \"bare\"\n");
        git(&workspace, &["add", "-A"]);
        git(&workspace, &["commit", "-qm", "Hostile"]);
        Self { workspace, outside }
    }
}

const LAB: &str = r#"
include = ["/etc/*.toml", "../*.toml", "linked.toml", "folder/*.toml"]

[lab]
name = "hostile"

[nodes.n]
address = "192.0.2.1"
ssh     = { user = "root", identity = "OUTSIDE/secret.toml", known_hosts = "OUTSIDE/secret.toml" }

[nodes.n.files."/etc/absolute"]
source = "OUTSIDE/secret.toml"
[nodes.n.files."/etc/above"]
source = "../secret.toml"
[nodes.n.files."/etc/link"]
source = "linked.toml"
[nodes.n.files."/etc/in-a-linked-folder"]
source = "folder/secret.toml"
[nodes.n.files."/etc/token"]
content = { secret = "command" }

[clusters.c]
kubeconfig = { command = ["touch", "RAN"] }

[services.links]
kind    = "manifests"
cluster = "c"
files   = ["folder/manifests", "linked.toml", "folder/**/*.yaml"]

[services.fetched]
kind    = "manifests"
cluster = "c"
urls    = [{ url = "https://192.0.2.1/x.yaml", sha256 = "DIGEST" }]

[secrets.command]
command = ["touch", "RAN"]
[secrets.file]
file = "OUTSIDE/secret.toml"
"#;

/// Nothing is wrong with it, so that it comes through to the end.
const VALID: &str = r#"
[lab]
name = "valid"

[nodes.n]
address = "192.0.2.1"
ssh     = { user = "root", identity = "OUTSIDE/secret.toml", known_hosts = "OUTSIDE/secret.toml" }

[nodes.n.sysctls]
"vm.swappiness" = "1"
[nodes.n.files."/etc/token"]
content = { secret = "command" }
[nodes.n.files."/etc/other"]
content = { secret = "file" }

[clusters.c]
kubeconfig = { command = ["touch", "RAN"] }
[clusters.d]
kubeconfig = { file = "OUTSIDE/secret.toml" }

[services.objects]
kind    = "manifests"
cluster = "c"
files   = ["web.yaml"]

[secrets.command]
command = ["touch", "RAN"]
[secrets.file]
file = "OUTSIDE/secret.toml"
"#;

const CALLS: [&[&str]; 11] = [
    &["--untrusted", "validate", "--file", "valid.toml"],
    &["--untrusted", "diff", "main~1", "--file", "valid.toml", "--format", "markdown"],
    &["--untrusted", "graph", "--file", "valid.toml"],
    &["--untrusted", "plan", "--offline", "--observations", "seen", "--file", "valid.toml"],
    &["--untrusted", "validate", "--file", "second.toml"],
    &["--untrusted", "diff", "main~1", "--file", "second.toml"],
    &["--untrusted", "validate"],
    &["--untrusted", "diff", "main~1", "--format", "markdown"],
    &["--untrusted", "diff", "main~1", "main"],
    &["--untrusted", "graph"],
    &["--untrusted", "diff", "--file", "bare/homelab.toml"],
];

#[test]
fn files_of_a_stranger_bring_nothing_of_the_runner_into_what_is_printed() {
    let hostile = Hostile::new();
    for arguments in CALLS {
        let run = hostile.workspace.labctl(arguments);
        assert!(!format!("{run:?}").contains("2718"), "{arguments:?}: {run:#?}");
        assert!(!hostile.workspace.exists("ran"), "{arguments:?}");
    }
    // The valid file comes through to the end, and says what it would do on its way.
    let run = hostile.workspace.labctl(CALLS[1]);
    assert!(run.code == 0 && run.stdout.contains("touch") && run.stdout.contains("to add"), "{run:#?}");
    let run = hostile.workspace.labctl(CALLS[3]);
    assert!(run.code == 4 && run.stdout.contains("+ sysctl vm.swappiness"), "{run:#?}");
    let run = hostile.workspace.labctl(&["--untrusted", "validate"]);
    assert_eq!(run.code, 3, "{run:#?}");
    for (file, link) in [("homelab.toml", "linked.toml"), ("second.toml", "folder")] {
        let run = hostile.workspace.labctl(&["--untrusted", "validate", "--json", "--file", file]);
        let words = format!("`{link}` is a link, and `--untrusted` follows none");
        assert!(run.code == 3 && run.stdout.contains(&words), "{}", run.stdout);
    }
}

#[test]
fn what_connects_or_runs_programs_is_refused_at_once() {
    let workspace = repository();
    for arguments in [
        ["--untrusted", "plan"].as_slice(),
        &["--untrusted", "apply", "--auto-approve"],
        &["--untrusted", "show", "nodes.mini"],
        &["--untrusted", "kubeconfig"],
        &["--untrusted", "trust", "mini"],
        &["--untrusted", "unlock", "x"],
        &["--untrusted", "demo", "--fast"],
    ] {
        let run = workspace.labctl(arguments);
        assert_eq!(run.code, 1, "{arguments:?}: {run:#?}");
        assert!(run.stderr.contains("`--untrusted` refuses"), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn a_root_file_that_is_a_link_or_lies_elsewhere_is_not_read() {
    let hostile = Hostile::new();
    let workspace = &hostile.workspace;
    let absolute = hostile.outside.path().join("secret.toml");
    for file in ["linked.toml", "folder/secret.toml", "../x.toml", absolute.to_str().unwrap()] {
        for command in ["validate", "diff"] {
            let run = workspace.labctl(&["--untrusted", command, "--file", file]);
            let is_refused = run.code == 3 && run.stderr.contains("is not read");
            assert!(is_refused && !format!("{run:?}").contains("2718"), "{file}: {run:#?}");
        }
    }
}

#[test]
fn trustworthy_files_say_the_same_with_and_without_it() {
    let workspace = repository();
    workspace.write("homelab.toml", &crate::branches::LAB.replace("200GiB", "300GiB"));
    let (with, without) = (workspace.labctl(&["--untrusted", "diff"]), workspace.labctl(&["diff"]));
    assert_eq!((with.code, with.stdout), (without.code, without.stdout));
}

/// The calls of a process and its children, as `strace` writes them.
fn traced(workspace: &Workspace, arguments: &[&str]) -> String {
    let inner = workspace.command(arguments);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-s", "4096", "-e", "trace=%file,%network,execve,execveat", "-o", "trace"]);
    command.arg(inner.get_program()).args(inner.get_args()).current_dir(workspace.path("")).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.output().unwrap();
    let trace = workspace.read("trace");
    std::fs::remove_file(workspace.path("trace")).unwrap();
    trace
}

/// The paths that were opened, or that a program was started from, whichever of `call`.
fn paths(trace: &str, calls: &[&str]) -> Vec<PathBuf> {
    let is_it = |line: &&str| {
        let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
        calls.iter().any(|name| call.starts_with(&format!("{name}("))) && !line.contains(" = -1 ")
    };
    let path = |line: &str| Some(PathBuf::from(line.split('"').nth(1)?));
    trace.lines().filter(is_it).filter_map(path).collect()
}

#[test]
#[ignore = "needs strace: `tests/untrusted` installs it and runs this"]
fn traced_nothing_runs_but_git_nothing_connects_and_nothing_outside_is_opened() {
    let hostile = Hostile::new();
    let workspace = &hostile.workspace;
    let here = std::fs::canonicalize(workspace.path("")).unwrap();
    for arguments in CALLS {
        let trace = traced(workspace, arguments);
        let own = PathBuf::from(env!("CARGO_BIN_EXE_labctl"));
        let started = paths(&trace, &["execve", "execveat"]);
        assert!(started.contains(&own), "the trace is empty: {trace}");
        let is_git = |path: &PathBuf| path.file_name().is_some_and(|name| name == "git");
        assert!(started.iter().all(|path| *path == own || is_git(path)), "{arguments:?}: {started:?}");
        for call in ["socket(", "connect(", "sendto(", "bind("] {
            assert!(!trace.contains(call), "{arguments:?}: {call}\n{trace}");
        }
        let system =
            ["/etc/ld.so", "/etc/gitconfig", "/lib", "/usr/lib", "/usr/share", "/proc", "/sys", "/dev", "/nix"];
        for path in paths(&trace, &["open", "openat", "openat2"]) {
            let is_here = path.is_relative() || path.starts_with(&here) || path.starts_with(workspace.path(""));
            let is_up = path.components().any(|part| part.as_os_str() == "..");
            let is_system = system.iter().any(|start| path.to_string_lossy().starts_with(start));
            assert!((is_here && !is_up) || is_system, "{arguments:?}: {path:?} was opened\n{trace}");
        }
        assert!(!trace.contains("canary"), "{arguments:?}");
    }
    // That the check can fail: without the flag, the cache in the home is opened.
    let trace = traced(workspace, &["validate", "--file", "second.toml"]);
    let opened = paths(&trace, &["open", "openat", "openat2"]);
    assert!(opened.iter().any(|path| path.starts_with(hostile.outside.path().join("home/.cache"))), "{opened:?}");
}
