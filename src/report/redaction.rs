//! The values of secrets taken out of what is printed, whoever put them there: a program that repeats its input in an
//! error must not bring it to a terminal or a log.
//!
//! Values are learnt when they are had. They are found plain, in base64 (at any offset within what was encoded) and as
//! in a URL. What is shorter than four bytes is not looked for: it would be found everywhere.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// What stands in the place of a value.
const INSTEAD: &str = "(secret)";

/// The shortest value that is looked for, in bytes.
const SHORTEST: usize = 4;

/// The forms of all values that this process has had, the longest first. Every output goes past here, so they are the
/// process's own.
static FORMS: RwLock<Vec<Zeroizing<String>>> = RwLock::new(Vec::new());

/// Remembers a value that must not be printed.
pub fn learn(value: &[u8]) {
    let mut forms = FORMS.write().unwrap_or_else(PoisonError::into_inner);
    for form in self::forms(value) {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
}

/// The text without the values that were learnt.
pub fn redacted(text: &str) -> Cow<'_, str> {
    let forms = FORMS.read().unwrap_or_else(PoisonError::into_inner);
    without(text, &forms)
}

fn without<'a>(text: &'a str, forms: &[Zeroizing<String>]) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for form in forms.iter().filter(|form| !form.is_empty()) {
        if text.contains(form.as_str()) {
            text = Cow::Owned(text.replace(form.as_str(), INSTEAD));
        }
    }
    text
}

/// The forms in which a value may be printed.
fn forms(value: &[u8]) -> Vec<Zeroizing<String>> {
    if value.len() < SHORTEST {
        return Vec::new();
    }
    let mut forms = Vec::new();
    if let Ok(text) = std::str::from_utf8(value) {
        forms.push(Zeroizing::new(text.to_owned()));
        // Programs tend to repeat one line of several, and JSON escapes what is in it.
        let lines = text.lines().map(str::trim).filter(|line| line.len() >= 2 * SHORTEST);
        forms.extend(lines.map(|line| Zeroizing::new(line.to_owned())));
        let json = serde_json::to_string(text).unwrap_or_default();
        forms.push(Zeroizing::new(json.trim_matches('"').to_owned()));
    }
    for lower in [false, true] {
        forms.push(in_url(value, lower));
    }
    for offset in 0..3 {
        forms.extend(in_base64(value, offset));
    }
    forms.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    forms.dedup();
    forms
}

/// As in a URL (RFC 3986, section 2.1), with hexadecimal digits of either case.
fn in_url(value: &[u8], lower: bool) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(value.len() * 3));
    for byte in value {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(*byte)),
            byte if lower => text.push_str(&format!("%{byte:02x}")),
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// The part of an encoding that depends on the value alone, where so many bytes stand before it within a group of three.
fn in_base64(value: &[u8], offset: usize) -> Vec<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(vec![0; offset]);
    bytes.extend_from_slice(value);
    // The digits that bits of the bytes before and after it go into, too, are not its own.
    let first = (offset * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    let cut = |text: String| {
        let text = Zeroizing::new(text);
        Zeroizing::new(text.get(first..last).unwrap_or_default().to_owned())
    };
    let forms = [cut(STANDARD_NO_PAD.encode(&*bytes)), cut(URL_SAFE_NO_PAD.encode(&*bytes))];
    forms.into_iter().filter(|form| form.len() >= SHORTEST).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::{prop_assert, proptest};

    use super::{forms, in_url, without};

    fn clean(text: &str, value: &str) -> String {
        let mut forms = forms(value.as_bytes());
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        without(text, &forms).into_owned()
    }

    #[test]
    fn a_value_is_taken_out_plain_in_base64_in_a_url_and_in_json() {
        let value = "pa/ss \"wörd\"+1";
        for (text, clean_text) in [
            (format!("login {value}!"), "login (secret)!"),
            (format!("{{\"a\":{}}}", serde_json::to_string(value).unwrap()), "{\"a\":\"(secret)\"}"),
            (format!("https://h/?t={}", &*in_url(value.as_bytes(), true)), "https://h/?t=(secret)"),
        ] {
            assert_eq!(clean(&text, value), clean_text);
        }
        assert_eq!(clean("a b", "a"), "a b", "what is too short would be found everywhere");
        assert_eq!(clean("x -----BEGIN KEY----- y", "-----BEGIN KEY-----\nabc\n"), "x (secret) y");
    }

    proptest! {
        #[test]
        fn no_encoding_of_a_text_around_it_hides_a_value(before in "[a-z:]{0,9}", after in "[a-z:]{0,9}", value in "[A-Z0-9+/ ]{8,30}") {
            let encoded = STANDARD.encode(format!("{before}{value}{after}"));
            let cleaned = clean(&encoded, &value);
            // What is left of it in the digits at its edges is less than a byte on each side.
            prop_assert!(cleaned.contains("(secret)"), "{cleaned}");
            let decoded = STANDARD.decode(cleaned.replace("(secret)", "")).unwrap_or_default();
            prop_assert!(!String::from_utf8_lossy(&decoded).contains(&value));
        }
    }
}
