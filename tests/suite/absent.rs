//! Nodes that are away: by leave of the file, of the person, or of nobody.

use labctl::cli::Skipping;
use labctl::lab::Ground;
use labctl::observe::Ask;
use labctl::transport::Transport as _;
use labctl::transport::simulated::{Fault, Moment, Trouble};

use crate::simulated::{Bench, wait};
use crate::workspace::Workspace;

/// Two nodes with a file each; that of `b` needs that of `a`. `AWAY` stands in the table of `a`.
const LAB: &str = r#"
[lab]
name = "t"
[nodes.a]
address = "10.0.0.1"
AWAY
[nodes.a.files."/etc/one"]
content = "1"
[nodes.b]
address = "10.0.0.2"
[nodes.b.files."/etc/two"]
content = "2"
[nodes.b.files."/etc/three"]
content = "3"
after = ['nodes.a.files."/etc/one"']
"#;

const SIMULATED: [&str; 2] = ["--lab", "simulated"];

/// The lab, simulated and kept, whose node `a` is switched off.
fn lab(away: &str) -> Workspace {
    let workspace = Workspace::new(&LAB.replace("AWAY", away));
    // Whatever is kept between calls is there from the first apply on.
    let first = run(&workspace, &["apply", "--auto-approve", "--target", "nodes.b.files.\"/etc/two\""]);
    assert_eq!(first.0, 0, "{first:?}");
    assert_eq!(workspace.labctl(&["demo", "break", "a", "down"]).code, 0);
    workspace
}

fn run(workspace: &Workspace, words: &[&str]) -> (i32, String, String) {
    let run = workspace.labctl(&[words, &SIMULATED[..]].concat());
    (run.code, run.stdout, run.stderr)
}

#[test]
fn an_optional_node_that_is_away_is_listed_and_no_error() {
    let workspace = lab("optional = true");
    let (code, out, _) = run(&workspace, &["plan"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("    1 resource is not evaluated: the node is optional\n"), "{out}");
    assert!(out.contains("it needs nodes.a.files.\"/etc/one\", which will not be as declared"), "{out}");
    let (code, json, _) = run(&workspace, &["plan", "--json", "--exclude", "nodes.a"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["not_evaluated"]["a"], &json["errored"]), (0, &"optional".into(), &false.into()));
}

#[test]
fn without_leave_the_same_is_an_error_of_its_own_and_all_else_goes_on() {
    for (flag, words) in [
        (None, "1 resource is unknown, not missing"),
        (Some("--skip-unreachable"), "1 resource is not evaluated (`--skip-unreachable`)"),
    ] {
        let workspace = lab("");
        workspace.write("homelab.toml", &LAB.replace("AWAY", "").replace("content = \"2\"", "content = \"two\""));
        let flags: Vec<&str> = ["apply", "--auto-approve"].into_iter().chain(flag).collect();
        let (code, out, err) = run(&workspace, &flags);
        assert_eq!(code, 4, "{out}{err}");
        assert!(out.contains(words) && out.contains("Apply complete! Resources: 0 added, 1 changed"), "{out}{err}");
        assert!(out.contains("/etc/three") && !out.contains("1 added"), "what needs it is not made: {out}");
    }
}

#[test]
fn with_only_the_absent_missing_nothing_is_left_to_do() {
    let workspace = lab("optional = true");
    let text = LAB.replace("AWAY", "optional = true");
    workspace.write("homelab.toml", text.split("[nodes.b.files.\"/etc/three\"]").next().unwrap());
    let (code, out, _) = run(&workspace, &["plan", "--detailed-exitcode"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("No changes. What could be reached matches the file.\n"), "{out}");
}

#[test]
fn what_may_be_away_is_waited_for_once_a_run_and_all_else_is_asked_again() {
    let text = LAB.replace("AWAY", "optional = true");
    let (a, b) = (Ground::Node("a".to_owned()), Ground::Node("b".to_owned()));
    let ask = [Ask::run(["true"])];
    for all in [false, true] {
        let bench = Bench::new(&text);
        let cut = |node: &str| Fault { node: node.to_owned(), at: Moment::Probe(1), what: Trouble::DropBefore };
        let lab = bench.simulated(bench.found(0), vec![cut("a"), cut("b")]);
        let skipping = Skipping::new(&lab, &bench.lab, all);
        assert!(wait(skipping.probe(&a, &ask)).is_err() && wait(skipping.probe(&b, &ask)).is_err());
        assert!(wait(skipping.probe(&a, &ask)).is_err(), "though it would answer now");
        assert_eq!(wait(skipping.probe(&b, &ask)).is_err(), all);
    }
}
