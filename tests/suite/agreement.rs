//! The simulated lab does what the real host did: every scenario is played against it, and what it tells is compared
//! with what the host told, which is kept beside the scenario. `tests/lab/run agreement` plays them on both.

use std::fmt::Write as _;

use crate::scenario::Scenario;
use crate::scenario::simulated::Simulated;

#[test]
fn the_simulated_host_tells_what_the_real_one_told() {
    let scenarios = Scenario::all();
    assert!(scenarios.len() > 5, "the scenarios are there");
    let mut wrong = String::new();
    for scenario in scenarios {
        let told = scenario.play(&mut Simulated::new(scenario.opening())).told();
        let kept = std::fs::read_to_string(scenario.kept()).unwrap_or_default();
        // Where the simulation knows no more, the host has gone on alone.
        if !kept.starts_with(&told) || (kept != told && !kept[told.len()..].starts_with("== act ")) {
            let difference = similar::TextDiff::from_lines(&kept, &told);
            let _ = writeln!(wrong, "{}\n{}", scenario.name, difference.unified_diff().header("host", "simulation"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
