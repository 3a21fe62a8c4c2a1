//! A plan's steps as a script for `sh` that a person can read, change and run without labctl.
//!
//! Secrets stand in it as `$LABCTL_SECRET_NAME`. Each node's part is a function of its own, to be run on that node.

use super::script::PRELUDE;
use crate::lab::{Content, Ground, Part};
use crate::plan::{Act, Change, Guard, Plan, Step, quote, shell_line};

/// The script: what it needs, then the due changes by ground.
pub fn plain_script(plan: &Plan) -> String {
    let mut grounds: Vec<&Ground> = plan.changes.iter().map(|change| &change.ground).collect();
    grounds.sort();
    grounds.dedup();
    let mut script = format!(
        "#!/bin/sh\n# The steps of a plan of the lab {}. Run it on the node, as root, with the node's name as its argument.\n\
         set -eu\nN=$$\n{PRELUDE}\n",
        one_line(&plan.lab)
    );
    for ground in &grounds {
        let due: Vec<&Change> =
            plan.changes.iter().filter(|change| change.ground == **ground && change.is_due()).collect();
        if due.is_empty() {
            continue;
        }
        script += &format!("\nif [ \"${{1:-}}\" = {} ]; then\n", quote(ground.name()));
        for change in due {
            script += &format!("\n  # {}\n", one_line(&change.address.to_string()));
            for step in &change.steps {
                script += &lines(step);
            }
        }
        script += "\nfi\n";
    }
    script
}

/// What stands in a comment, which ends with its line.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn lines(step: &Step) -> String {
    let mut lines = String::new();
    for guard in &step.guards {
        lines += &match guard {
            Guard::Output { argv, stdout } => {
                format!("  same_output {} {}\n", quote(stdout.trim_end_matches('\n')), shell_line(argv))
            }
            Guard::File { path, state } => format!("  same_file {} {}\n", quote(state), quote(path)),
            // `kubectl` has no word for it; what it does with the object is safe without.
            Guard::Api(_) => String::new(),
        };
    }
    lines + "  " + &act(step) + "\n"
}

fn act(step: &Step) -> String {
    match &step.act {
        Act::Run { argv, stdin: None } => shell_line(argv),
        Act::Run { argv, stdin: Some(content) } => format!("feed {} {}", data(content), shell_line(argv)),
        Act::Put { path, content, mode, owner, group } => format!(
            "put {} '{}' {} {} '' {}",
            quote(path),
            mode.map(|mode| format!("{:o}", mode.0)).unwrap_or_default(),
            quote(owner.as_deref().unwrap_or_default()),
            quote(group.as_deref().unwrap_or_default()),
            data(content)
        ),
        Act::Keep { path, below } => shell_line(["keep", path, below]),
        Act::Remove { path } => shell_line(["rm", "-f", "--", path]),
        Act::Reconnect { until, .. } if !until.is_empty() => format!("until {}; do sleep 1; done", shell_line(until)),
        Act::Reconnect { .. } => format!(": {}", quote(&step.about)),
        Act::Api(call) => super::kubectl::line(call),
    }
}

/// A content, encoded where the script runs, so that it can be read here.
fn data(content: &Content) -> String {
    let words = match content {
        Content::Blob { source, .. } => format!("cat -- {}", quote(source)),
        Content::Parts(parts) => {
            let words = parts.iter().map(|part| match part {
                Part::Text(text) => quote(text),
                Part::Secret(name) => format!("\"${{{}:?}}\"", variable(&name.0)),
                // What that program prints on its ground is to be put there by whoever runs the script.
                Part::Output { ground, argv } => {
                    let words = format!("what this prints on {ground}: {}", shell_line(argv));
                    format!("\"${{LABCTL_OUTPUT:?{}}}\"", words.replace(['"', '$', '`', '\\', '}'], ""))
                }
            });
            format!("printf %s {}", words.collect::<String>())
        }
    };
    format!("\"$({words} | base64)\"")
}

fn variable(secret: &str) -> String {
    let name = secret.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    format!("LABCTL_SECRET_{}", name.collect::<String>())
}
