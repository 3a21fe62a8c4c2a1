//! Whoever runs labctl for a cluster: a folder with a lab file, and manifests beside it that one service applies.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;

use serde_json::Value;

use crate::support::control_plane::{Access, ControlPlane};
use crate::support::sshd::Sshd;
use crate::workspace::{Run, Workspace};

/// A lab of one cluster, `home`, with the service `things`: all manifests below `things/`.
pub(super) struct User {
    workspace: Workspace,
    head: String,
    things: String,
}

impl User {
    /// An admin of the cluster.
    pub(super) fn of(plane: &ControlPlane, lab: &str) -> Self {
        Self::at(lab, &plane.kubeconfig(Access::Admin))
    }

    /// Whoever the kubeconfig makes of them.
    pub(super) fn at(lab: &str, kubeconfig: &Path) -> Self {
        let head = head(lab, kubeconfig);
        let user = Self { workspace: Workspace::new(""), head, things: THINGS.to_owned() };
        user.tables("");
        user
    }

    /// Reads the kubeconfig from the node `n5`, through whose SSH server alone the cluster is reached.
    pub(super) fn through(sshd: &Sshd, lab: &str, kubeconfig: &Path) -> Self {
        let head = format!(
            "[lab]\nname = \"{lab}\"\n\n[nodes.n5]\naddress = \"192.168.4.5\"\nssh = {{ host = \"127.0.0.1\", port = {}, \
             user = \"{}\", identity = {:?}, known_hosts = \"known_hosts\" }}\n\n[clusters.home]\n\
             kubeconfig = {{ node = \"n5\", path = {kubeconfig:?} }}\n",
            sshd.port(),
            Sshd::user(),
            sshd.key(),
        );
        let user = Self { workspace: Workspace::new(""), head, things: THINGS.to_owned() };
        user.workspace.write("known_hosts", &sshd.known_hosts_line());
        user.tables("");
        user
    }

    /// Comes by another kubeconfig from now on.
    pub(super) fn comes_by(&self, kubeconfig: &Path) {
        let file = self.workspace.read("homelab.toml");
        let line = file.lines().find(|line| line.starts_with("kubeconfig = ")).expect("a kubeconfig");
        self.workspace.write("homelab.toml", &file.replace(line, &kubeconfig_line(kubeconfig)));
    }

    /// With a variable in labctl's environment.
    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.workspace = self.workspace.env(name, value);
        self
    }

    /// With these lines in the service's table.
    pub(super) fn says(&mut self, lines: &str) {
        self.things = format!("{THINGS}{lines}\n");
        self.tables("");
    }

    /// The lab file with these tables behind the service's.
    pub(super) fn tables(&self, tables: &str) {
        self.workspace.write("homelab.toml", &format!("{}{}{tables}", self.head, self.things));
    }

    /// The lab file with these tables in the place of the service's.
    pub(super) fn only(&self, tables: &str) {
        self.workspace.write("homelab.toml", &format!("{}{tables}", self.head));
    }

    /// Declares these objects in `things/NAME.yaml`.
    pub(super) fn has(&self, name: &str, documents: &str) {
        self.workspace.write(&format!("things/{name}.yaml"), documents);
    }

    /// Declares what that file of the tests' data says.
    pub(super) fn has_data(&self, path: &str) {
        let name = path.replace('/', "-");
        self.has(name.trim_end_matches(".yaml"), &data(path));
    }

    /// Takes `things/NAME.yaml` out of the lab.
    pub(super) fn lacks(&self, name: &str) {
        std::fs::remove_file(self.path(&format!("things/{name}.yaml"))).expect("a manifest");
    }

    /// Changes a piece of `things/NAME.yaml`, which must be there.
    pub(super) fn edit(&self, name: &str, from: &str, to: &str) {
        let path = format!("things/{name}.yaml");
        let text = self.workspace.read(&path);
        assert!(text.contains(from), "{from:?} is not in {path}:\n{text}");
        self.workspace.write(&path, &text.replace(from, to));
    }

    /// Runs labctl, and expects this exit code.
    pub(super) fn expect(&self, arguments: &[&str], code: i32) -> Run {
        let run = self.workspace.labctl(arguments);
        assert_eq!(run.code, code, "labctl {}\n{}\n{}", arguments.join(" "), run.stdout, run.stderr);
        run
    }

    /// The text of a plan that must end with this exit code.
    pub(super) fn plan(&self, code: i32) -> String {
        self.expect(&["plan"], code).stdout
    }

    /// The plan as JSON, whatever its exit code.
    pub(super) fn json(&self) -> Value {
        let run = self.workspace.labctl(&["plan", "--json"]);
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:#?}"))
    }

    /// What is planned of each object that is not as declared, by its address without the service's: its action, or
    /// `refused`.
    pub(super) fn planned(&self) -> BTreeMap<String, String> {
        let plan = self.json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let changes = plan["changes"].as_array().expect("changes").iter();
        let due = changes.filter(|change| change["action"] != "none" || !change["obstacle"].is_null());
        due.map(|change| {
            let address = text(&change["address"]);
            let name = address.split_once('/').map_or(address.clone(), |(_, name)| name.to_owned());
            let what = if change["obstacle"].is_null() { text(&change["action"]) } else { "refused".to_owned() };
            (name, what)
        })
        .collect()
    }

    /// Starts an apply whose output goes to the file `said`.
    pub(super) fn begin_to_apply(&self) -> Child {
        let said = std::fs::File::create(self.path("said")).expect("a file");
        let mut command = self.command(&["apply", "--auto-approve"]);
        command.stderr(said.try_clone().expect("a second handle")).stdout(said).spawn().expect("labctl starts")
    }

    /// Applies with further arguments, and expects this exit code.
    pub(super) fn apply_with(&self, arguments: &[&str], code: i32) -> Run {
        self.expect(&[&["apply", "--auto-approve"], arguments].concat(), code)
    }
}

impl Deref for User {
    type Target = Workspace;

    fn deref(&self) -> &Workspace {
        &self.workspace
    }
}

const THINGS: &str = "
[services.things]
kind = \"manifests\"
cluster = \"home\"
files = [\"things\"]
";

fn head(lab: &str, kubeconfig: &Path) -> String {
    format!("[lab]\nname = \"{lab}\"\n\n[clusters.home]\n{}\n", kubeconfig_line(kubeconfig))
}

fn kubeconfig_line(kubeconfig: &Path) -> String {
    format!("kubeconfig = {{ file = {:?} }}", kubeconfig.to_str().expect("a path of text"))
}

/// A file of the tests' data.
pub(super) fn data(path: &str) -> String {
    let path = folder().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the files in a folder of the tests' data, in order.
pub(super) fn files(path: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder().join(path)).expect("a folder of data").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/objects/data")
}

/// Asserts that all of these words stand in a text, however its lines are broken.
pub(super) fn assert_says(text: &str, words: &[&str]) {
    let joined = text.replace("\n  #  ", " ");
    for words in words {
        assert!(text.contains(words) || joined.contains(words), "{words:?} is not in\n{text}");
    }
}
