//! The same scenarios on the real host and in the simulated lab, side by side: observations, plans and outcomes are
//! equal. What the host told is kept beside each scenario, where `cargo test` compares the simulation with it;
//! `LABCTL_WRITE_GENERATED=1` writes it anew.

use crate::scenario::simulated::Simulated;
use crate::scenario::{Scenario, Stage, head};
use crate::support::vm::{BOOT, Vm};
use crate::workspace::{Run, Workspace};

/// The emulated host as a stage.
struct Host<'a> {
    vm: &'a Vm,
    workspace: Workspace,
    head: String,
}

impl<'a> Host<'a> {
    fn new(vm: &'a Vm, tables: &str) -> Self {
        let head = head(&format!(
            "host = \"127.0.0.1\", port = {}, identity = {:?}, known_hosts = {:?}, connect_timeout = \"60s\", \
             user = \"jax\", sudo = true",
            vm.port(),
            vm.key().to_str().unwrap(),
            vm.known_hosts().to_str().unwrap(),
        ));
        Self { vm, workspace: Workspace::new(&format!("{head}{tables}")), head }
    }
}

impl Stage for Host<'_> {
    fn declare(&mut self, tables: &str) {
        self.workspace.write("homelab.toml", &format!("{}{tables}", self.head));
    }

    fn replace(&mut self, from: &str, to: &str) {
        let file = self.workspace.read("homelab.toml");
        assert!(file.contains(from), "{from:?} is not in the file:\n{file}");
        self.workspace.write("homelab.toml", &file.replace(from, to));
    }

    fn labctl(&mut self, arguments: &[&str]) -> Run {
        self.workspace.labctl(arguments)
    }

    fn by_hand(&mut self, script: &str) -> Result<String, String> {
        Ok(self.vm.ok(script))
    }

    fn happen(&mut self, event: &[&str]) {
        match event {
            ["reboot"] => {
                self.vm.ok("sync");
                self.vm.power_cut();
                self.vm.wait_for_ssh(BOOT);
                self.vm.ok("systemctl is-system-running --wait >/dev/null || true");
            }
            ["down"] => self.vm.set_management_link(false),
            ["up"] => {
                self.vm.set_management_link(true);
                self.vm.wait_for_ssh(BOOT);
            }
            ["spoil", program, status, words @ ..] => {
                self.vm.ok(&format!(
                    "p=$(command -v {program}); mv $p $p.whole; printf '#!/bin/sh\\necho {} >&2; exit {status}\\n' > $p; \
                     chmod 755 $p",
                    words.join(" ")
                ));
            }
            ["mend", program] => {
                self.vm.ok(&format!("p=$(command -v {program}); mv $p.whole $p"));
            }
            ["silence", address] => self.set_gateway(address, "down"),
            ["answer", address] => self.set_gateway(address, "up"),
            _ => panic!("{event:?} is nothing that the emulated host can be made to do"),
        }
    }

    fn has_an_end(&self) -> bool {
        false
    }
}

impl Host<'_> {
    /// The switch's end of the VLAN that the gateway is in.
    fn set_gateway(&self, address: &str, state: &str) {
        self.vm
            .ok(&format!("ip -n switch link set $(ip -n switch -br addr | grep -w {address} | cut -d@ -f1) {state}"));
    }
}

/// Plays the scenario on both.
fn agree(name: &str) {
    let scenarios = Scenario::all();
    let scenario = scenarios.iter().find(|scenario| scenario.name == name).unwrap();
    let vm = Vm::fresh();
    let real = scenario.play(&mut Host::new(&vm, scenario.opening()));
    let simulated = scenario.play(&mut Simulated::new(scenario.opening()));
    if std::env::var_os("LABCTL_WRITE_GENERATED").is_some() {
        std::fs::write(scenario.kept(), real.told()).unwrap();
    }
    let kept = std::fs::read_to_string(scenario.kept()).unwrap_or_default();
    let (real_told, told) = (real.whole(), simulated.whole());
    let is_equal = real.scenes.starts_with(&simulated.scenes) && !simulated.scenes.is_empty();
    let difference = similar::TextDiff::from_lines(&real_told, &told);
    assert!(is_equal, "{}", difference.unified_diff().header("host", "simulation"));
    assert_eq!(kept, real.told(), "what is kept is not what the host tells");
}

#[test]
fn every_scenario_has_its_test_here() {
    let names: Vec<String> = Scenario::all().into_iter().map(|scenario| scenario.name).collect();
    assert_eq!(names, NAMES);
}

macro_rules! agreements {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            #[ignore = "real lab: run tests/lab/run"]
            fn $name() {
                agree(stringify!($name));
            }
        )*
    };
}

agreements! { files network packages pools tuning units whole }
