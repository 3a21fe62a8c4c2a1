//! Secrets: applied, compared, and never shown.

use super::user::{User, assert_says};
use crate::support::control_plane::ControlPlane;
use crate::support::seed::random_word;

const LOGIN: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: secrets}
---
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: secrets}
stringData:
  token: '{{ token }}'
  file: |
    user = jax
    token = {{ token }}
  open: written in the file
";

const TABLES: &str = "
[secrets.token]
env = \"LAB_TOKEN\"
";

#[test]
#[ignore = "real control plane: run `tests/lab/run`"]
fn the_value_of_a_secret_is_applied_and_appears_nowhere_else() {
    use base64::Engine as _;
    let plane = ControlPlane::shared();
    let (first, second) = (random_word(), random_word());
    let mut said = String::new();
    let mut user = User::of(plane, "secrets").env("LAB_TOKEN", &first);
    user.says("slots = { token = { secret = \"token\" } }");
    user.has("login", LOGIN);
    user.tables(TABLES);
    for arguments in [
        &["plan", "--show-steps", "-vv"][..],
        &["plan", "--json"],
        &["plan", "--show-steps=sh"],
        &["apply", "--auto-approve", "-vv"],
    ] {
        let run = user.expect(arguments, 0);
        said += &format!("{}\n{}\n", run.stdout, run.stderr);
    }
    user.expect_no_changes();
    let get = |key: &str| {
        plane.kubectl(&["-n", "secrets", "get", "secret/login", "-o", &format!("jsonpath={{.data.{key}}}")])
    };
    let encoded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    assert_eq!(get("token"), encoded(&first));
    assert_eq!(get("file"), encoded(&format!("user = jax\ntoken = {first}\n")));

    // Another value in the environment, and one that somebody put there by hand.
    let user = user.env("LAB_TOKEN", &second);
    let plan = user.plan(0);
    assert_says(&plan, &["~ data.token", "(differs)", "Plan: 0 to add, 1 to change, 0 to destroy."]);
    assert!(!plan.contains("data.open"), "{plan}");
    said += &plan;
    for arguments in [&["plan", "--show-steps", "-vv"][..], &["plan", "--json"], &["apply", "--auto-approve", "-vv"]] {
        let run = user.expect(arguments, 0);
        said += &format!("{}\n{}\n", run.stdout, run.stderr);
    }
    user.expect_no_changes();
    assert_eq!(get("token"), encoded(&second));
    let by_hand = random_word();
    let patch = format!("{{\"stringData\":{{\"token\":\"{by_hand}\"}}}}");
    plane.kubectl(&["-n", "secrets", "patch", "secret/login", "--type=merge", "--field-manager=labctl", "-p", &patch]);
    for arguments in [&["plan", "-vv"][..], &["plan", "--json"]] {
        let run = user.labctl(arguments);
        assert!(run.stdout.contains("data.token"), "{run:#?}");
        said += &format!("{}\n{}\n", run.stdout, run.stderr);
    }
    // A refusal of the server's, and a failure on the way.
    user.edit("login", "name: login,", "name: Login,");
    let run = user.labctl(&["apply", "--auto-approve", "-vv"]);
    assert_ne!(run.code, 0, "{run:#?}");
    said += &format!("{}\n{}\n", run.stdout, run.stderr);

    let audit = std::fs::read_to_string(plane.folder().join("audit.log")).expect("the audit log");
    for value in [&first, &second, &by_hand] {
        for value in [value.clone(), encoded(value), encoded(&format!("user = jax\ntoken = {value}\n"))] {
            assert!(!said.contains(&value), "a secret was said:\n{said}");
            assert!(!audit.contains(&value), "a secret is in the server's log of requests");
        }
        assert!(
            !plane.kubectl(&["-n", "kube-system", "get", "cm/labctl-secrets", "-o", "json"]).contains(value.as_str())
        );
    }
    assert!(said.contains("(differs)"), "{said}");
}
