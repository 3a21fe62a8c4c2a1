//! Scripts against a real `sh`, and replies that were cut anywhere.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use zeroize::Zeroizing;

use super::contents::{Contents, Source};
use super::outcome::StepOutcome;
use super::{reply, script};
use crate::lab::{Content, Mode, Part, SecretName};
use crate::observe::{Answer, Ask, Body, FileAnswer, Reply};
use crate::plan::{Act, Guard, Step};

/// Every secret is its own name, backwards.
struct Backwards;

impl Source for Backwards {
    fn secret(&self, name: &SecretName) -> Result<Zeroizing<Vec<u8>>, String> {
        Ok(Zeroizing::new(name.0.bytes().rev().collect()))
    }

    fn blob(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(vec![0, 159, 146, 150, b'\n', 0])
    }
}

const NONCE: &str = "labctl0123456789";

fn sh(folder: &Path, script: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut command = Command::new("sh");
    command.arg("-s").current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    child.wait_with_output().unwrap().stdout
}

fn ask_all(folder: &Path, asks: &[Ask]) -> (Vec<u8>, Reply) {
    let contents = Contents(&Backwards);
    let stdout = sh(folder, &script::probe(NONCE, asks, &contents).unwrap());
    let answers = reply::answers(NONCE, asks, reply::frames(NONCE, &stdout), &contents).unwrap();
    (stdout, answers)
}

fn act_all(folder: &Path, steps: &[Step]) -> Vec<StepOutcome> {
    let stdout = sh(folder, &script::leg(NONCE, steps, &Contents(&Backwards)).unwrap());
    reply::outcomes(steps, &reply::frames(NONCE, &stdout), "cut")
}

fn put(path: &str, content: Content) -> Step {
    Step::new("put", Act::Put { path: path.to_owned(), content, mode: Some(Mode(0o600)), owner: None, group: None })
}

#[test]
fn each_part_has_its_own_output_status_and_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let asks = [
        Ask::run(["printf", "a\\nb"]),
        Ask::run(["sh", "-c", "echo out; echo err >&2; exit 3"]),
        Ask::run(["labctl-no-such-program"]),
    ];
    let (_, reply) = ask_all(folder.path(), &asks);
    assert_eq!(reply.output(&asks[0]).unwrap().text(), "a\nb");
    let failed = reply.output(&asks[1]).unwrap();
    assert_eq!((failed.text().as_ref(), failed.stderr.as_str(), failed.code), ("out\n", "err", 3));
    assert!(reply.output(&asks[2]).unwrap().is_missing_program());
}

#[test]
fn a_part_that_reads_stdin_does_not_eat_the_script() {
    let folder = tempfile::tempdir().unwrap();
    let asks = [Ask::run(["cat"]), Ask::run(["echo", "still here"])];
    let (_, reply) = ask_all(folder.path(), &asks);
    assert_eq!(reply.output(&asks[0]).unwrap().text(), "");
    assert_eq!(reply.output(&asks[1]).unwrap().text(), "still here\n");
}

#[test]
fn a_file_is_read_with_its_mode_and_an_absent_one_is_absent() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(act_all(folder.path(), &[put("deep/er/x", Content::text("hi\n"))]), [StepOutcome::Done]);
    let asks = [Ask::file("deep/er/x"), Ask::file("deep/y"), Ask::file("deep/er/x/z"), Ask::file("deep")];
    let (_, reply) = ask_all(folder.path(), &asks);
    let FileAnswer::Regular { stat, body } = reply.file(&asks[0]).unwrap() else { panic!("{reply:?}") };
    assert_eq!((stat.mode, stat.length), (0o600, 3));
    assert_eq!(body, &Body::Bytes(b"hi\n".to_vec()));
    assert_eq!(reply.file(&asks[1]).unwrap(), &FileAnswer::Absent);
    assert_eq!(reply.file(&asks[2]).unwrap(), &FileAnswer::Absent);
    assert_eq!(reply.file(&asks[3]).unwrap(), &FileAnswer::Other("directory".to_owned()));
}

#[test]
fn a_folder_is_read_with_what_lies_below_and_a_missing_one_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    act_all(folder.path(), &[put("d/lab/b c.json", Content::text("{}\n")), put("d/a.json", Content::text("1"))]);
    act_all(folder.path(), &[put("d/a.txt", Content::text("not this one"))]);
    let asks = [
        Ask::Folder { path: "d".into(), suffix: ".json".into() },
        Ask::Folder { path: "e".into(), suffix: String::new() },
    ];
    let (_, reply) = ask_all(folder.path(), &asks);
    let files = reply.folder(&asks[0]).unwrap();
    let bodies: Vec<_> = files
        .iter()
        .map(|(name, file)| match file {
            FileAnswer::Regular { body: Body::Bytes(bytes), .. } => (name.as_str(), bytes.as_slice()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(bodies, [("a.json", b"1".as_slice()), ("lab/b c.json", b"{}\n")]);
    assert!(reply.folder(&asks[1]).unwrap().is_empty());
}

#[test]
fn a_secret_is_compared_where_it_is_and_its_bytes_stay_in_transport() {
    let folder = tempfile::tempdir().unwrap();
    let content = Content::Parts(vec![Part::Text("token = ".into()), Part::Secret(SecretName("drawkcab".into()))]);
    act_all(folder.path(), &[put("x", content.clone()), put("y", Content::text("token = nothing!"))]);
    assert_eq!(std::fs::read_to_string(folder.path().join("x")).unwrap(), "token = backward");
    let asks = ["x", "y"].map(|path| Ask::Same { path: path.into(), content: content.clone() });
    let (_, reply) = ask_all(folder.path(), &asks);
    for (ask, same) in asks.iter().zip([true, false]) {
        let FileAnswer::Regular { body, .. } = reply.file(ask).unwrap() else { panic!("{reply:?}") };
        assert_eq!(body, &Body::Same(same));
    }
    assert!(!format!("{reply:?}").contains("backward"));
}

#[test]
fn a_blob_is_written_whole_and_compared_by_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let sha256 = "0".repeat(64);
    let wrong = Content::Blob { source: "b".into(), sha256, length: 6 };
    act_all(folder.path(), &[put("b", wrong.clone())]);
    let bytes = std::fs::read(folder.path().join("b")).unwrap();
    assert_eq!(bytes, Backwards.blob("b").unwrap());
    let right = Content::Blob { source: "b".into(), sha256: hex(&bytes), length: 6 };
    let asks = [right, wrong].map(|content| Ask::Same { path: "b".into(), content });
    let (_, reply) = ask_all(folder.path(), &asks);
    for (ask, same) in asks.iter().zip([true, false]) {
        assert!(
            matches!(reply.file(ask), Ok(FileAnswer::Regular { body, .. }) if *body == Body::Same(same)),
            "{reply:?}"
        );
    }
}

fn hex(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let mut hex = String::new();
    for byte in sha2::Sha256::digest(bytes) {
        hex += &format!("{byte:02x}");
    }
    hex
}

#[test]
fn no_step_runs_after_one_that_failed_and_its_last_words_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let steps = [
        Step::run("one", ["touch", "one"]),
        Step::run("two", ["sh", "-c", "echo oh no >&2; exit 4"]),
        Step::run("three", ["touch", "three"]),
    ];
    let outcomes = act_all(folder.path(), &steps);
    assert_eq!(outcomes, [StepOutcome::Done, StepOutcome::Failed { code: 4, words: vec!["oh no".to_owned()] }]);
    assert!(folder.path().join("one").exists() && !folder.path().join("three").exists());
}

#[test]
fn a_guard_that_does_not_hold_keeps_its_step_from_running() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x"), "as seen").unwrap();
    let ask = Ask::file("x");
    let (_, reply) = ask_all(folder.path(), std::slice::from_ref(&ask));
    let Ok(FileAnswer::Regular { stat, .. }) = reply.file(&ask) else { panic!("{reply:?}") };
    let guard = Guard::File { path: "x".into(), state: stat.state.clone() };
    let output = Guard::Output { argv: vec!["cat".into(), "x".into()], stdout: "as seen\n".into() };
    let step = put("x", Content::text("new")).guarded(guard).guarded(output);
    assert_eq!(act_all(folder.path(), std::slice::from_ref(&step)), [StepOutcome::Done]);
    let outcomes = act_all(folder.path(), std::slice::from_ref(&step));
    assert!(matches!(outcomes.as_slice(), [StepOutcome::Stale { guard, .. }] if guard == "x"), "{outcomes:?}");
    let absent = put("x", Content::text("other")).guarded(Guard::File { path: "x".into(), state: "absent".into() });
    assert!(matches!(act_all(folder.path(), &[absent]).as_slice(), [StepOutcome::Stale { .. }]));
    assert_eq!(std::fs::read_to_string(folder.path().join("x")).unwrap(), "new");
}

#[test]
fn what_a_guard_relies_on_may_end_in_a_space() {
    let folder = tempfile::tempdir().unwrap();
    let route = Guard::Output { argv: vec!["printf".into(), "via eth0 \\n".into()], stdout: "via eth0 \n".into() };
    let step = put("x", Content::text("new")).guarded(route);
    assert_eq!(act_all(folder.path(), &[step]), [StepOutcome::Done]);
}

#[test]
fn a_write_leaves_nothing_beside_the_file_and_takes_over_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    act_all(folder.path(), &[put("x", Content::text("1"))]);
    let keep = Act::Put { path: "x".into(), content: Content::text("2"), mode: None, owner: None, group: None };
    act_all(folder.path(), &[Step::new("keep", keep)]);
    let (_, reply) = ask_all(folder.path(), &[Ask::file("x")]);
    assert!(matches!(reply.file(&Ask::file("x")), Ok(FileAnswer::Regular { stat, .. }) if stat.mode == 0o600));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_is_kept_of_a_file_is_for_its_owner_alone_and_goes_after_a_month() {
    let folder = tempfile::tempdir().unwrap();
    let keep = |path: &str| {
        let act = Act::Keep { path: path.to_owned(), below: "state/lab/replaced".to_owned() };
        act_all(folder.path(), &[Step::new("keep", act)])
    };
    assert_eq!(keep("etc/it's a file"), [StepOutcome::Done], "nothing is there");
    assert!(!folder.path().join("state").exists());

    std::fs::create_dir(folder.path().join("etc")).unwrap();
    std::fs::write(folder.path().join("etc/it's a file"), "before\n").unwrap();
    assert_eq!(keep("etc/it's a file"), [StepOutcome::Done]);
    let copies = folder.path().join("state/lab/replaced/etc");
    let names = || std::fs::read_dir(&copies).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let copy = names().pop().unwrap();
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "before\n");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&copy), mode(&copies), mode(&folder.path().join("state/lab"))), (0o600, 0o700, 0o755));

    // Thirty days are not over, then they are.
    std::fs::rename(&copy, copies.join("old")).unwrap();
    let age = |days: u64| {
        let then = std::time::SystemTime::now() - std::time::Duration::from_hours(24 * days);
        std::fs::File::options().write(true).open(copies.join("old")).unwrap().set_modified(then).unwrap();
    };
    for (days, left) in [(30, 2), (32, 1)] {
        age(days);
        assert_eq!(keep("etc/it's a file"), [StepOutcome::Done]);
        assert_eq!(names().iter().filter(|path| path.is_file()).count(), left, "{days} days");
    }
}

#[test]
fn a_greeting_before_the_first_frame_is_passed_over() {
    let contents = Contents(&Backwards);
    let asks = [Ask::run(["true"])];
    let mut stdout = b"Welcome to n5!\nlabctl0123 is not a frame\n".to_vec();
    stdout.extend(sh(Path::new("."), &script::probe(NONCE, &asks, &contents).unwrap()));
    let reply = reply::answers(NONCE, &asks, reply::frames(NONCE, &stdout), &contents).unwrap();
    assert_eq!(reply.output(&asks[0]).map(|output| output.code), Ok(0));
}

#[test]
fn a_reply_that_is_cut_at_any_byte_is_never_a_success_nor_an_absence() {
    let folder = tempfile::tempdir().unwrap();
    act_all(folder.path(), &[put("here", Content::text("x"))]);
    let contents = Contents(&Backwards);
    let asks = [Ask::run(["echo", "yes"]), Ask::file("here"), Ask::Folder { path: ".".into(), suffix: String::new() }];
    let (stdout, whole) = ask_all(folder.path(), &asks);
    for end in 0..stdout.len() {
        let frames = reply::frames(NONCE, &stdout[..end]);
        assert!(!frames.is_whole || end + 1 == stdout.len(), "cut at {end}");
        let reply = reply::answers(NONCE, &asks, frames, &contents).unwrap();
        for ask in &asks {
            let answer = reply.answer(ask);
            assert!(matches!(answer, Answer::Lost(_)) || answer == whole.answer(ask), "cut at {end}: {answer:?}");
        }
    }
}

#[test]
fn an_outcome_that_is_cut_at_any_byte_is_lost_or_true() {
    let folder = tempfile::tempdir().unwrap();
    let absent = Guard::File { path: "new".into(), state: "absent".into() };
    let steps = [
        Step::run("one", ["echo", "yes"]),
        put("new", Content::text("text\n")).guarded(absent.clone()),
        Step::run("two", ["sh", "-c", "echo words >&2; exit 3"]),
        Step::run("never", ["true"]),
    ];
    let stale = [Step::run("one", ["true"]), put("new", Content::text("other\n")).guarded(absent)];
    for steps in [&steps[..], &stale] {
        no_cut_is_taken_for_another_outcome(folder.path(), steps);
    }
}

fn no_cut_is_taken_for_another_outcome(folder: &Path, steps: &[Step]) {
    let stdout = sh(folder, &script::leg(NONCE, steps, &Contents(&Backwards)).unwrap());
    let whole = reply::outcomes(steps, &reply::frames(NONCE, &stdout), "cut");
    assert!(whole.len() > 1 && *whole.last().unwrap() != StepOutcome::Done, "{whole:?}");
    for end in 0..stdout.len() {
        let outcomes = reply::outcomes(steps, &reply::frames(NONCE, &stdout[..end]), "cut");
        for (outcome, truth) in outcomes.iter().zip(&whole) {
            assert!(outcome == truth || *outcome == StepOutcome::Lost("cut".to_owned()), "cut at {end}: {outcomes:?}");
        }
        assert!(!outcomes.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_name_breaks_out_of_its_quotes(name in "[^/\u{0}]{1,40}", text in "[^\u{0}]{0,60}") {
        // The two names that are folders by themselves.
        if name == "." || name == ".." {
            return Ok(());
        }
        let folder = tempfile::tempdir().unwrap();
        let path = format!("in/{name}");
        let echo = Ask::run(["printf", "%s|", &name, &text]);
        let step = put(&path, Content::text(text.clone()));
        prop_assert_eq!(act_all(folder.path(), std::slice::from_ref(&step)), [StepOutcome::Done]);
        let (_, reply) = ask_all(folder.path(), &[Ask::file(&path), echo.clone()]);
        prop_assert_eq!(reply.output(&echo).unwrap().text(), format!("{name}|{text}|"));
        let is_whole = matches!(reply.file(&Ask::file(&path)), Ok(FileAnswer::Regular { body: Body::Bytes(bytes), .. })
            if bytes.as_slice() == text.as_bytes());
        prop_assert!(is_whole, "{:?}", reply);
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), at in 0..400_usize) {
        let mut stdout = bytes;
        let at = at.min(stdout.len());
        let frame = format!("\n{NONCE} begin 0\n");
        stdout.splice(at..at, frame.into_bytes());
        let asks = [Ask::file("x")];
        let _ = reply::answers(NONCE, &asks, reply::frames(NONCE, &stdout), &Contents(&Backwards));
    }
}
