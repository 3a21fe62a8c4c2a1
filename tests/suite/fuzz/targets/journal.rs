//! The reader of journals.

use labctl::apply::journal::{Event, parse, unfinished};
use labctl::report;

use super::super::hunt::Target;
use super::super::json;
use super::super::mutation::{self, Dice};

pub(super) struct Journal;

impl Target for Journal {
    fn name(&self) -> &'static str {
        "journal"
    }

    fn seeds(&self) -> Vec<(String, Vec<u8>)> {
        let line = |event: &str| format!("{{\"at\":\"2026-01-02T03:04:05Z\",\"run\":\"1a2b3c4d\",{event}}}\n");
        let (address, ground) = (r#""address":"nodes.n5.files.\"/etc/x\"""#, r#""ground":{"node":"n5"}"#);
        let lines = [
            line(
                r#""event":"begin","lab":"t","against":"real","who":"jax@laptop","labctl":"0.1.0","revision":{"commit":"ab"},"changes":2"#,
            ),
            line(&format!(r#""event":"intent",{address},{ground},"steps":["write /etc/x"]"#)),
            line(&format!(r#""event":"result",{address},"done":1"#)),
            line(&format!(r#""event":"intent",{address},{ground},"steps":["a","b"],"put_back":true"#)),
            line(&format!(r#""event":"result",{address},"done":1,"stopped":{{"failed":3}},"put_back":true"#)),
            line(&format!(r#""event":"result",{address},"done":0,"stopped":"stale""#)),
            line(r#""event":"interrupt","at_once":true"#),
            line(r#""event":"from a newer labctl","x":[1,2]"#),
            line(&format!(
                r#""event":"end","done":1,"failed":1,"not_started":0,"cut":[{}]"#,
                &address["\"address\":".len()..]
            )),
        ];
        vec![
            ("whole".to_owned(), lines.concat().into_bytes()),
            ("unfinished".to_owned(), lines[..2].concat().into_bytes()),
        ]
    }

    /// Mostly a line stays JSON.
    fn mutated(&self, dice: &mut Dice, input: &[u8], other: &[u8]) -> Vec<u8> {
        if dice.one_in(3) {
            return mutation::mutated(dice, input, other, self.words());
        }
        let mut lines: Vec<Vec<u8>> = input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let at = dice.below(lines.len());
        if let Ok(mut value) = serde_json::from_slice(&lines[at]) {
            json::mutated(dice, &mut value, self.words());
            lines[at] = value.to_string().into_bytes();
        }
        lines.join(&b'\n')
    }

    fn words(&self) -> &'static [&'static str] {
        &[
            "begin",
            "intent",
            "result",
            "interrupt",
            "end",
            "event",
            "\"stopped\":\"lost\"",
            "\"stopped\":{\"failed\":4294967296}",
            "9999-12-31T23:59:60Z",
            "-009999-01-01T00:00:00Z",
            "2026-01-02T03:04:05.999999999+25:59",
            "nodes.a.b[",
            "\"a\".",
        ]
    }

    fn run(&self, input: &[u8]) -> String {
        let (entries, damaged) = parse(input);
        report::journal(&entries);
        for entry in &entries {
            let text = serde_json::to_string(entry).unwrap();
            // What a newer labctl noted is known by nothing but that.
            let is_same = serde_json::from_str::<labctl::apply::journal::Entry>(&text).is_ok_and(|read| read == *entry);
            assert!(is_same || entry.event == Event::Other, "an entry is read as it was written: {text}");
        }
        let open = unfinished(&entries, "t", "real");
        let events: Vec<_> = entries.iter().take(6).map(|entry| std::mem::discriminant(&entry.event)).collect();
        format!("{events:?} {} {}", damaged.min(3), open.len())
    }
}
