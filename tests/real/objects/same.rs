//! Objects whose YAML is known to make other tools see differences where there are none: one file each in `data/same`.

use std::collections::BTreeSet;

use super::user::{User, data, files};
use crate::support::control_plane::ControlPlane;

/// The rows of which labctl can't be sure without asking: each costs a dry run.
///
/// `false`, `0`, `""` and null, which the server leaves out, are not told from a field that somebody took away since;
/// times in another zone and what admission adds to a list that is owned whole are for the server to judge.
const ASK_THE_SERVER: &[&str] = &[
    "classes",
    "empty-texts-and-falsehoods",
    "lease-times",
    "nulls",
    "pod-with-admission",
    "samples.definitions.example.com",
];

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn what_others_see_as_different_is_the_same() {
    let plane = ControlPlane::shared();
    let user = User::of(plane, "same");
    let rows: Vec<String> = files("same").iter().map(|file| file.trim_end_matches(".yaml").to_owned()).collect();
    // A quota refuses pods until the server has taken notice of the defaults beside it: it comes when they are there.
    let (quotas, first): (Vec<&String>, Vec<&String>) = rows.iter().partition(|row| *row == "quotas");
    let has = |row: &str| {
        let text = data(&format!("same/{row}.yaml"));
        assert!(text.contains(&format!("name: {row}")), "the objects of {row} are called after it");
        user.has(row, &text);
    };
    for row in first {
        has(row);
    }
    user.apply();
    for row in quotas {
        has(row);
    }
    user.apply();
    // What others add by themselves, and is theirs.
    plane.kubectl(&["-n", "same", "annotate", "configmap", "annotations-of-others", "example.com/checked=today"]);
    plane.kubectl(&["-n", "same", "label", "configmap", "annotations-of-others", "example.com/zone=attic"]);
    plane.kubectl(&["-n", "same", "rollout", "status", "deployment/deployment-defaults", "--timeout=60s"]);

    let mark = plane.mark();
    let changed = user.planned();
    assert!(changed.is_empty(), "{changed:#?}\n{}", user.plan(0));
    let asked: BTreeSet<String> = mark
        .requests()
        .iter()
        .filter(|request| request.uri.contains("dryRun=All"))
        .map(|request| {
            request.uri.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned()
        })
        .collect();
    let asked: BTreeSet<&str> = asked
        .iter()
        .map(|name| rows.iter().find(|row| name.starts_with(row.as_str())).map_or(name.as_str(), String::as_str))
        .collect();
    assert_eq!(asked, ASK_THE_SERVER.iter().copied().collect());
    user.expect_no_changes();
}
