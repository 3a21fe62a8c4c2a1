//! A folder with a lab file, and the program run in it as a user would: no terminal, no colour, an empty environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A lab with one cluster, and the objects of `web.yaml` in it.
pub(crate) const ONE_CLUSTER: &str = r#"
[lab]
name = "t"
[nodes.a]
address = "10.0.0.1"
[clusters.c]
kubeconfig = { node = "a", path = "/etc/kubeconfig" }
[services.web]
kind = "manifests"
cluster = "c"
files = ["web.yaml"]
"#;

/// A folder that is gone when the test is.
pub(crate) struct Workspace {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

/// What the program said and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl Workspace {
    /// With this `homelab.toml`.
    pub(crate) fn new(lab: &str) -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() };
        workspace.write("homelab.toml", lab);
        workspace
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Every file below the folder with its content, in order.
    pub(crate) fn tree(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(self.folder.path(), &mut files);
        files.sort();
        files
    }

    /// A program that the commands of a local node find before all others.
    pub(crate) fn program(self, name: &str, script: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        self.write(&format!("bin/{name}"), script);
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.path(&format!("bin/{name}")), executable).unwrap();
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        self.env("PATH", &path)
    }

    /// The program with these arguments, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labctl"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.path("home"));
        command.envs(self.environment.iter().cloned());
        command
    }

    pub(crate) fn labctl(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().unwrap();
        Run {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Applies, and expects that all is done.
    pub(crate) fn apply(&self) -> Run {
        let run = self.labctl(&["apply", "--auto-approve"]);
        assert_eq!(run.code, 0, "{run:#?}");
        run
    }

    /// Plans, and expects that nothing is left to do.
    pub(crate) fn expect_no_changes(&self) {
        let run = self.labctl(&["plan", "--detailed-exitcode"]);
        assert_eq!((run.code, run.stdout.as_str()), (0, "No changes. The lab matches the file.\n"), "{run:#?}");
    }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
}
