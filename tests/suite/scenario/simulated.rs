//! The simulated lab as a stage: the commands run as everywhere, with `--lab simulated:lab`.

use labctl::config::Sources;
use labctl::lab::load;
use labctl::transport::simulated::{Description, Mischief, World};

use super::{Stage, head};
use crate::workspace::{Run, Workspace};

/// The folder of the kept lab, in the workspace.
const FOLDER: &str = "lab";

/// The host as `tests/lab/README.md` has it.
const HOST: &str = include_str!("../../lab/host.toml");

/// A folder with a lab file and a simulated lab.
pub(crate) struct Simulated {
    workspace: Workspace,
    head: String,
}

impl Simulated {
    /// The host as it is after its first start.
    pub(crate) fn new(tables: &str) -> Self {
        // A forwarded port on loopback, as that of the emulated host: the host is reached at its own address.
        let head = head("host = \"127.0.0.1\", port = 22, user = \"jax\", sudo = true");
        let text = format!("{head}{tables}");
        let loaded = load(&Sources::memory([("homelab.toml", text.as_str())]));
        let lab = loaded.lab.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
        let world = World::found(&lab, 0).with("n5", &Description::parse(HOST).unwrap());
        let stage = Self { workspace: Workspace::new(&text), head };
        stage.keep(&world);
        stage
    }

    fn world(&self) -> World {
        World::from_json(&self.workspace.read(&format!("{FOLDER}/lab.json"))).unwrap()
    }

    fn keep(&self, world: &World) {
        self.workspace.write(&format!("{FOLDER}/lab.json"), &world.to_json());
    }

    fn commit(&mut self, mischief: &Mischief) -> Result<String, String> {
        let mut world = self.world();
        let printed = world.commit("n5", mischief).unwrap().map_err(|error| error.to_string());
        self.keep(&world);
        printed
    }
}

impl Stage for Simulated {
    fn declare(&mut self, tables: &str) {
        self.workspace.write("homelab.toml", &format!("{}{tables}", self.head));
    }

    fn replace(&mut self, from: &str, to: &str) {
        let file = self.workspace.read("homelab.toml");
        assert!(file.contains(from), "{from:?} is not in the file:\n{file}");
        self.workspace.write("homelab.toml", &file.replace(from, to));
    }

    fn labctl(&mut self, arguments: &[&str]) -> Run {
        let lab = format!("simulated:{FOLDER}");
        let run = self.workspace.labctl(&[arguments, &["--lab", &lab]].concat());
        assert!(run.stderr.contains("Simulated lab"), "{run:#?}");
        assert_eq!(self.world().gaps(), Vec::<String>::new());
        run
    }

    fn by_hand(&mut self, script: &str) -> Result<String, String> {
        self.commit(&Mischief::Command(["sh", "-c", script].map(str::to_owned).to_vec()))
    }

    fn happen(&mut self, event: &[&str]) {
        let words: Vec<String> = event.iter().map(|word| (*word).to_owned()).collect();
        self.commit(&Mischief::parse(&words).unwrap()).unwrap();
    }

    fn has_an_end(&self) -> bool {
        true
    }
}
