//! The frames in which a node's shell answers.

use labctl::lab::{Content, SecretName};
use labctl::observe::Ask;
use labctl::plan::{Act, Guard, Step};
use labctl::transport::{Contents, Source, StepOutcome, read_outcomes, read_reply};
use zeroize::Zeroizing;

use super::super::hunt::Target;
use super::kind;

const NONCE: &str = "labctl0123456789abcdef";

pub(super) struct Reply;

struct Nothing;

impl Source for Nothing {
    fn secret(&self, _: &SecretName) -> Result<Zeroizing<Vec<u8>>, String> {
        Ok(Zeroizing::new(b"value".to_vec()))
    }

    fn blob(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(vec![0, 255])
    }
}

fn asks() -> Vec<Ask> {
    let blob = Content::Blob { source: "x".into(), sha256: "ab".repeat(32), length: 2 };
    vec![
        Ask::run(["uname", "-r"]),
        Ask::file("/etc/x"),
        Ask::Folder { path: "/var/lib/labctl".into(), suffix: ".json".into() },
        Ask::Same { path: "/y".into(), content: Content::text("hi") },
        Ask::Same { path: "/z".into(), content: blob },
        Ask::Fed { argv: vec!["cat".into()], stdin: Content::text("x") },
    ]
}

fn leg() -> Vec<Step> {
    let guard = |argv: &str| Guard::Output { argv: vec![argv.to_owned()], stdout: "x".into() };
    vec![
        Step::run("one", ["true"]).guarded(guard("a")).guarded(guard("b")),
        Step::new("two", Act::Remove { path: "/x".into() }),
        Step::run("three", ["true"]),
    ]
}

/// A part as `prelude.sh` frames it.
fn frame(part: usize, stdout: &str, stderr: &str, code: u32) -> String {
    format!("\n{NONCE} begin {part}\n{stdout}\n{NONCE} end {part} {code}\n{stderr}\n{NONCE} done {part}\n")
}

impl Target for Reply {
    fn name(&self) -> &'static str {
        "reply"
    }

    fn seeds(&self) -> Vec<(String, Vec<u8>)> {
        let state = "regular file|644|root|root|2|17 2026-01-02 03:04:05.000000000 +0000";
        let file = |name: &str| format!("\n{NONCE} file {name}\n{state}\n{{}}");
        let probe = [
            frame(0, "6.12.0\n", "", 0),
            frame(1, &format!("{state}\nhi"), "", 0),
            frame(2, &(file("a b.json") + &file("lab/c.json")), "", 0),
            frame(3, "", "stat: cannot statx '/y': No such file or directory", 1),
            frame(4, &format!("{state}\n{}\n", "ab".repeat(32)), "", 0),
            frame(5, "x", "not found", 127),
        ];
        let done = [
            frame(0, "", "", 0),
            frame(0, "", "", 0),
            frame(0, "out", "", 0),
            frame(1, "", "", 0),
            frame(2, "", "", 0),
        ];
        let end = |parts: usize| format!("\n{NONCE} all {parts}\n");
        vec![
            ("a probe".to_owned(), format!("Welcome to the node\n{}{}", probe.concat(), end(6)).into_bytes()),
            ("a leg".to_owned(), format!("{}{}", done.concat(), end(3)).into_bytes()),
            ("a leg that failed".to_owned(), frame(0, "", "", 0).into_bytes()),
            ("a stale leg".to_owned(), (frame(0, "", "", 0) + &frame(0, "", "y", 1)).into_bytes()),
        ]
    }

    fn words(&self) -> &'static [&'static str] {
        &[
            "\nlabctl0123456789abcdef begin 0\n",
            "\nlabctl0123456789abcdef end 0 0\n",
            "\nlabctl0123456789abcdef end 1 1\n",
            "\nlabctl0123456789abcdef done 0\n",
            "\nlabctl0123456789abcdef all 3\n",
            "\nlabctl0123456789abcdef file x\n",
            "labctl0123456789abcdef",
            " begin ",
            " end ",
            "No such file or directory",
            "regular file|",
            "directory|755|",
            "|1099511627776|",
            "|18446744073709551616|",
        ]
    }

    fn run(&self, input: &[u8]) -> String {
        let asks = asks();
        let answers = match read_reply(NONCE, &asks, input, &Contents(&Nothing)) {
            Ok(None) => "nothing".to_owned(),
            Ok(Some(reply)) => {
                let word = |ask| kind(&format!("{:?}", reply.answer(ask))).chars().take(16).collect::<String>();
                asks.iter().map(word).collect()
            }
            Err(error) => error.to_string(),
        };
        let leg = leg();
        let outcomes = read_outcomes(NONCE, &leg, input, "it was cut");
        if let Some(outcomes) = &outcomes {
            assert!((1..=leg.len()).contains(&outcomes.len()), "{outcomes:?}");
            let done = outcomes.iter().take_while(|outcome| **outcome == StepOutcome::Done).count();
            assert!(done + 1 >= outcomes.len(), "nothing is begun after what is not done: {outcomes:?}");
        }
        answers + &kind(&format!("{outcomes:?}"))
    }
}
