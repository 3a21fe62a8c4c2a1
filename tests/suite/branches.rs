//! A lab in a Git repository, and the edits that ten pull requests make to it.

use std::process::Command;

use crate::workspace::Workspace;

pub(crate) const LAB: &str = r#"# The lab.
[lab]
name = "home"

[vlans.home]
id      = 1
subnet  = "192.168.1.0/24"
gateway = "192.168.1.1"

[nodes.server]
address = "192.168.1.10"
ssh     = { user = "root" }

[nodes.server.network.enp1s0]
native = "home"

[nodes.server.packages]
htop = "3.4.0-1"

[nodes.server.files."/etc/motd"]
content = "hello\n"

[nodes.mini]
address = "192.168.1.11"
ssh     = { user = "root" }

[nodes.mini.sysctls]
"vm.swappiness" = "10"

[pools.tank]
node = "server"

[pools.tank.volumes.data]
size = "200GiB"

[clusters.home]
kubeconfig = { node = "server", path = "/etc/kubeconfig" }

[services.web]
kind    = "manifests"
cluster = "home"
files   = ["web.yaml"]
"#;

pub(crate) const WEB: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  namespace: default\ndata:\n  version: \"1.0\"\n  page: |\n    one\n    two\n    three\n";

/// One pull request.
pub(crate) struct Branch {
    pub(crate) name: &'static str,
    /// File, what stands in it, what takes its place.
    pub(crate) edits: &'static [(&'static str, &'static str, &'static str)],
    /// The exit code of `labctl diff --detailed-exitcode`.
    pub(crate) code: i32,
    /// What it says, among other things.
    pub(crate) says: &'static [&'static str],
}

const SERVICE: &str = "\n[services.wiki]\nkind    = \"manifests\"\ncluster = \"home\"\nfiles   = [\"wiki.yaml\"]\n";
const WIKI: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: wiki\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: wiki\n  namespace: wiki\ndata:\n  title: Wiki\n";
/// What GitHub's tokens look like; this one never was one.
pub(crate) const TOKEN: &str = "ghp_000011112222333344445555666677778888";

pub(crate) const BRANCHES: &[Branch] = &[
    Branch {
        name: "address-moved",
        edits: &[("homelab.toml", "192.168.1.10", "192.168.1.20")],
        code: 2,
        says: &[
            "Plan: 0 to add, 1 to change, 0 to destroy.",
            "~ enp1s0.addresses = [\"192.168.1.10/24\"] -> [\"192.168.1.20/24\"]",
            "Warning: restarts networking on server",
            "nodes.server: SSH to root@192.168.1.10 -> SSH to root@192.168.1.20",
        ],
    },
    Branch {
        name: "service-added",
        edits: &[("homelab.toml", "", SERVICE), ("wiki.yaml", "", WIKI)],
        code: 2,
        says: &["# services.wiki/ConfigMap/wiki/wiki will be created", "Plan: 2 to add, 0 to change, 0 to destroy."],
    },
    Branch {
        name: "volume-shrunk",
        edits: &[("homelab.toml", "200GiB", "100GiB")],
        code: 8,
        says: &["`tank/data` would shrink from 200GiB to 100GiB", "Besides: 1 refused."],
    },
    Branch {
        name: "node-removed",
        edits: &[(
            "homelab.toml",
            "[nodes.mini]\naddress = \"192.168.1.11\"\nssh     = { user = \"root\" }\n\n[nodes.mini.sysctls]\n\"vm.swappiness\" = \"10\"\n",
            "",
        )],
        code: 2,
        says: &[
            "mini left the file: labctl no longer goes there, and it stays",
            "nodes.mini is gone: SSH to root@192.168.1.11",
            "0 to destroy, 1 to forget.",
        ],
    },
    Branch {
        name: "node-renamed",
        edits: &[
            ("homelab.toml", "[nodes.mini]", "[nodes.small]\nmoved   = \"nodes.mini\""),
            ("homelab.toml", "[nodes.mini.sysctls]", "[nodes.small.sysctls]"),
        ],
        code: 2,
        says: &[
            "nodes.small.sysctls.\"vm.swappiness\" has moved from nodes.mini.sysctls.\"vm.swappiness\"",
            "Plan: 0 to add, 0 to change, 0 to destroy.",
            "Besides: 1 marks to renew.",
        ],
    },
    Branch {
        name: "version-bumped",
        edits: &[("web.yaml", "\"1.0\"", "\"1.1\""), ("homelab.toml", "3.4.0-1", "3.4.1-1")],
        code: 2,
        says: &["~ data.version = \"1.0\" -> \"1.1\"", "~ version = \"3.4.0-1\" -> \"3.4.1-1\"", "2 to change"],
    },
    Branch {
        name: "syntax-error",
        edits: &[("homelab.toml", "id      = 1", "id      = = 1")],
        code: 3,
        says: &["error LAB001 homelab.toml:6:", "Nothing can be compared: the working tree is invalid."],
    },
    Branch {
        name: "secret-pasted",
        edits: &[("homelab.toml", "hello\\n", "ghp_000011112222333344445555666677778888\\n")],
        code: 3,
        says: &["error LAB306 homelab.toml:21:", "the text of `/etc/motd` holds a GitHub token"],
    },
    Branch { name: "no-change", edits: &[], code: 0, says: &["No changes. Both declare the same."] },
    Branch {
        name: "comment-only",
        edits: &[("homelab.toml", "# The lab.", "# The lab, at home.")],
        code: 0,
        says: &["No changes. Both declare the same."],
    },
];

/// Runs Git there.
pub(crate) fn git(workspace: &Workspace, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    let mut command = Command::new("git");
    command.arg("-C").arg(workspace.path("")).args(identity).args(arguments);
    let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// The lab, committed on `main`.
pub(crate) fn repository() -> Workspace {
    let workspace = Workspace::new(LAB);
    workspace.write("web.yaml", WEB);
    git(&workspace, &["init", "-q", "-b", "main"]);
    git(&workspace, &["add", "."]);
    git(&workspace, &["commit", "-q", "-m", "The lab"]);
    workspace
}

/// Makes the edits of a branch in the working tree.
pub(crate) fn edit(workspace: &Workspace, branch: &Branch) {
    for (path, old, new) in branch.edits {
        let text = if workspace.exists(path) { workspace.read(path) } else { String::new() };
        assert!(text.contains(old), "{}: `{old}` is not in {path}", branch.name);
        let edited = if old.is_empty() { text + new } else { text.replace(old, new) };
        workspace.write(path, &edited);
    }
}
