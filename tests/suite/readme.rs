//! What the documentation shows can be run, and what it names is there.

use std::path::Path;

use crate::workspace::Workspace;

fn document(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The lines of all blocks of a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    text.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix(&format!("{language}\n"))).collect()
}

/// The commands of the README, in order, as arguments of labctl; `None` for another program.
fn commands(readme: &str) -> Vec<Option<Vec<&str>>> {
    let lines = blocks(readme, "sh").into_iter().flat_map(str::lines);
    lines.map(|line| line.strip_prefix("cargo run -- ").map(|arguments| arguments.split(' ').collect())).collect()
}

#[test]
fn the_first_command_of_the_readme_plans_applies_and_plans_the_whole_lab() {
    let readme = document("README.md");
    let mut arguments = commands(&readme)[0].clone().expect("it runs labctl");
    arguments.push("--fast");
    let workspace = Workspace::new(&document("homelab.toml"));
    let run = workspace.labctl(&arguments);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stdout.contains("Apply complete!") && run.stdout.contains("No changes."), "{}", run.stdout);
    assert!(readme.contains("```sh\ncargo test\n```"));
}

#[test]
fn the_example_of_the_readme_applies_this_machine() {
    let readme = document("README.md");
    let arguments = commands(&readme)[2].clone().expect("it runs labctl");
    let workspace = Workspace::new("");
    workspace.write("examples/this-machine.toml", &document("examples/this-machine.toml"));
    let run = workspace.labctl(&arguments);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stdout.contains("Apply complete!"), "{}", run.stdout);
    let again = workspace.labctl(&arguments);
    assert_eq!(again.stdout, "No changes. The lab matches the file.\n", "{again:#?}");
}

#[test]
fn the_first_host_of_the_readme_is_a_valid_file() {
    let readme = document("README.md");
    let workspace = Workspace::new(blocks(&readme, "toml")[0]);
    let run = workspace.labctl(&["validate"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "The file is valid.\n"), "{run:#?}");
}

#[test]
fn ci_starts_with_the_test_command_of_the_readme() {
    let ci = document(".ci/run");
    let first = ci.lines().find(|line| line.starts_with("part '")).unwrap();
    assert_eq!(first, "part 'tests' cargo test");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        for link in document(name).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.starts_with("http") {
                assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(link).exists(), "{name}: {link}");
            }
        }
    }
}

#[test]
fn every_file_that_the_architecture_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for word in document("docs/architecture.md").split('`').skip(1).step_by(2) {
        let is_path = word.contains('/') && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        if is_path && !word.starts_with("services/") {
            let found = [root.join(word), root.join("src").join(word)].iter().any(|path| path.exists())
                || root.join("src/transport").join(word).exists();
            assert!(found, "{word}");
        }
    }
}

#[test]
fn every_source_file_is_within_the_bound() {
    fn check(folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                check(&path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                assert!(lines <= 500, "{} has {lines} lines", path.display());
            }
        }
    }
    for folder in ["src", "tests"] {
        check(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    }
}
