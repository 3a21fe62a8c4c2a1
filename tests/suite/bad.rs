//! Files with faults, and what labctl says of each: a snapshot beside every one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use labctl::config::{CODES, Severity, Sources};
use labctl::lab::{self, Loaded};
use labctl::local::sources;
use labctl::report::diagnostics::render;
use labctl::rules::RULES;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/bad")
}

/// `NAME.toml`, or `NAME/homelab.toml` where it takes several files.
fn bad_files() -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, if path.is_dir() { path.join("homelab.toml") } else { path })
        })
        .filter(|(_, path)| path.is_file() && path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    files
}

fn read(path: &Path) -> (Sources, Loaded) {
    let sources = sources::load(path).unwrap();
    let loaded = lab::load(&sources);
    (sources, loaded)
}

#[test]
fn every_bad_file_is_answered_with_its_faults_and_a_remedy() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("bad/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (name, path) in bad_files() {
        let (sources, Loaded { lab, diagnostics }) = read(&path);
        assert!(!diagnostics.is_empty(), "{name}: nothing was found");
        let has_error = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        assert_eq!(lab.is_none(), has_error, "{name}: there is a lab exactly where there is no error");
        for diagnostic in &diagnostics {
            assert!(diagnostic.help.is_some(), "{name}: no help for `{}`", diagnostic.summary);
            assert!(!diagnostic.summary.ends_with('.'), "{name}: `{}` ends with a period", diagnostic.summary);
        }
        settings.bind(|| insta::assert_snapshot!(name.as_str(), render(&diagnostics, &sources, 80, false)));
    }
}

#[test]
fn every_code_has_a_bad_file_that_fires_it() {
    let fired: BTreeSet<&str> =
        bad_files().iter().flat_map(|(_, path)| read(path).1.diagnostics).map(|diagnostic| diagnostic.code).collect();
    let rules = RULES.iter().flat_map(|(_, rules)| *rules).map(|rule| rule.code);
    let never: Vec<_> = CODES.iter().map(|row| row.1).chain(rules).filter(|code| !fired.contains(code)).collect();
    assert_eq!(never, Vec::<&str>::new());
}
