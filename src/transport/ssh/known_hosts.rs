//! Reads `known_hosts` files, in the format that `sshd(8)` describes.
//!
//! In come the texts of the files, out goes what they say of one host and one key. No I/O.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// All entries of all files, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownHosts(Vec<Entry>);

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<Path>,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

#[derive(Debug, Clone)]
struct Entry {
    place: Place,
    marker: Option<Marker>,
    hosts: String,
    key_type: String,
    key: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    Revoked,
    Authority,
}

/// A host as it is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lookup {
    /// Its name in the files, `[host]:port` where the port is not 22.
    pub(super) name: String,
    /// Names under which the key is accepted too, where the first says nothing: that without the port, as ssh does, and
    /// those of before an address was changed.
    pub(super) others: Vec<String>,
}

/// What the files say of a key that a host offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is recorded.
    Known,
    /// Nothing is recorded for the host but, maybe, certificate authorities.
    Unknown(Vec<Place>),
    /// Other keys are recorded.
    Changed(Vec<KnownKey>),
    /// It is recorded as revoked.
    Revoked(Place),
}

/// A key that is recorded for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownKey {
    /// Where.
    pub place: Place,
    /// Its type, `ssh-ed25519`.
    pub key_type: String,
    /// The key as it goes over the wire.
    pub key: Vec<u8>,
}

impl KnownHosts {
    /// Adds the entries of one file. What is no entry is passed over, as ssh does.
    pub(super) fn read(&mut self, file: impl Into<PathBuf>, text: &str) {
        let file: Arc<Path> = file.into().into();
        for (i, line) in text.lines().enumerate() {
            self.0.extend(Entry::parse(&file, i + 1, line));
        }
    }

    /// What they say of this key of this host.
    pub(super) fn check(&self, host: &Lookup, key: &[u8]) -> Verdict {
        let verdict = self.check_name(&host.name, key);
        if !matches!(verdict, Verdict::Unknown(_)) {
            return verdict;
        }
        let others = host.others.iter().map(|name| self.check_name(name, key));
        others.into_iter().find(|other| matches!(other, Verdict::Known | Verdict::Revoked(_))).unwrap_or(verdict)
    }

    /// The types of the keys that are recorded for the host, so that the same can be asked for.
    pub(super) fn key_types(&self, host: &Lookup) -> Vec<String> {
        let names = std::iter::once(&host.name).chain(&host.others);
        let mut types: Vec<String> = Vec::new();
        for entry in names.flat_map(|name| self.naming(name)).filter(|entry| entry.marker.is_none()) {
            if !types.contains(&entry.key_type) {
                types.push(entry.key_type.clone());
            }
        }
        types
    }

    fn naming(&self, name: &str) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(move |entry| names(&entry.hosts, name))
    }

    fn check_name(&self, name: &str, key: &[u8]) -> Verdict {
        let (mut known, mut others, mut authorities) = (false, Vec::new(), Vec::new());
        for entry in self.naming(name) {
            match entry.marker {
                Some(Marker::Revoked) if entry.key == key => return Verdict::Revoked(entry.place.clone()),
                Some(Marker::Revoked) => {}
                Some(Marker::Authority) => authorities.push(entry.place.clone()),
                None if entry.key == key => known = true,
                None => others.push(KnownKey {
                    place: entry.place.clone(),
                    key_type: entry.key_type.clone(),
                    key: entry.key.clone(),
                }),
            }
        }
        match (known, others.is_empty()) {
            (true, _) => Verdict::Known,
            (false, false) => Verdict::Changed(others),
            (false, true) => Verdict::Unknown(authorities),
        }
    }
}

impl Entry {
    fn parse(file: &Arc<Path>, line: usize, text: &str) -> Option<Self> {
        let mut fields = text.split([' ', '\t']).filter(|field| !field.is_empty());
        let first = fields.next().filter(|field| !field.starts_with('#'))?;
        let (marker, hosts) = match first {
            "@revoked" => (Some(Marker::Revoked), fields.next()?),
            "@cert-authority" => (Some(Marker::Authority), fields.next()?),
            unknown if unknown.starts_with('@') => return None,
            hosts => (None, hosts),
        };
        let key_type = fields.next()?.to_owned();
        let key = BASE64_STANDARD.decode(fields.next()?.trim_end()).ok()?;
        let place = Place { file: Arc::clone(file), line };
        Some(Self { place, marker, hosts: hosts.to_owned(), key_type, key })
    }
}

/// Whether a list of patterns names a host: one matches, and none of the negated ones does.
fn names(patterns: &str, name: &str) -> bool {
    if let Some(hashed) = patterns.strip_prefix("|1|") {
        return is_hash_of(hashed, name);
    }
    let name = name.to_lowercase();
    let mut matched = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(negated) if is_match(negated.to_lowercase().as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None => matched |= is_match(pattern.to_lowercase().as_bytes(), name.as_bytes()),
        }
    }
    matched
}

/// `SALT|HASH`: HMAC-SHA1 of the name under the salt.
fn is_hash_of(hashed: &str, name: &str) -> bool {
    let Some((salt, hash)) = hashed.split_once('|') else { return false };
    let (Ok(salt), Ok(hash)) = (BASE64_STANDARD.decode(salt), BASE64_STANDARD.decode(hash)) else { return false };
    Hmac::<Sha1>::new_from_slice(&salt).is_ok_and(|hmac| hmac.chain_update(name).verify_slice(&hash).is_ok())
}

/// The hidden form of a name, `|1|SALT|HASH`.
pub(super) fn hash_name(name: &str, salt: &[u8; 20]) -> String {
    let hash = match Hmac::<Sha1>::new_from_slice(salt) {
        Ok(hmac) => hmac.chain_update(name).finalize().into_bytes().to_vec(),
        // HMAC takes keys of any length.
        Err(_) => return name.to_owned(),
    };
    format!("|1|{}|{}", BASE64_STANDARD.encode(salt), BASE64_STANDARD.encode(hash))
}

/// `*` is any text, `?` any one character.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where the last `*` stands, and how much of the name it is taken to cover.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == b'?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, covered)) => {
                    star = Some((at, covered + 1));
                    p = at + 1;
                    n = covered + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    use super::{KnownHosts, Lookup, Verdict, hash_name, is_match, names};

    const KEY: &[u8] = b"the key";
    const OTHER: &[u8] = b"another key";

    fn host(name: &str) -> Lookup {
        Lookup { name: name.to_owned(), others: Vec::new() }
    }

    /// `KEY` and `OTHER` stand for keys in the text.
    fn read(text: &str) -> KnownHosts {
        let text = text
            .replace("OTHER", &format!("ssh-ed25519 {}", BASE64_STANDARD.encode(OTHER)))
            .replace("KEY", &format!("ssh-ed25519 {}", BASE64_STANDARD.encode(KEY)));
        let mut known = KnownHosts::default();
        known.read("known_hosts", &text);
        known
    }

    fn lines(verdict: &Verdict) -> (&str, Vec<usize>) {
        match verdict {
            Verdict::Known => ("known", Vec::new()),
            Verdict::Unknown(places) => ("unknown", places.iter().map(|place| place.line).collect()),
            Verdict::Changed(keys) => ("changed", keys.iter().map(|key| key.place.line).collect()),
            Verdict::Revoked(place) => ("revoked", vec![place.line]),
        }
    }

    #[test]
    fn lines_say_what_ssh_takes_them_to_say() {
        let cases: [(&str, &str, &str, &[usize]); 18] = [
            ("n5 KEY", "n5", "known", &[]),
            ("", "n5", "unknown", &[]),
            ("n5 OTHER", "n5", "changed", &[1]),
            ("# n5 OTHER\n\nn5 OTHER\nn5\tKEY a comment", "n5", "known", &[]),
            ("# note\n\n  n5 \t OTHER\nn5 OTHER", "n5", "changed", &[3, 4]),
            ("m1,n5,192.168.4.5 KEY", "192.168.4.5", "known", &[]),
            ("N5.Lab KEY", "n5.lab", "known", &[]),
            ("*.lab KEY", "n5.lab", "known", &[]),
            ("*.lab,!n5.lab KEY", "n5.lab", "unknown", &[]),
            ("!n5.lab,*.lab KEY", "m1.lab", "known", &[]),
            ("n? KEY", "n5", "known", &[]),
            ("[n5]:2222 KEY", "[n5]:2222", "known", &[]),
            ("n5 KEY\n@revoked n5 KEY", "n5", "revoked", &[2]),
            ("n5 KEY\n@revoked * OTHER", "n5", "known", &[]),
            ("@cert-authority *.lab KEY", "n5.lab", "unknown", &[1]),
            ("@cert-authority n5 OTHER\nn5 KEY", "n5", "known", &[]),
            ("@strange n5 KEY", "n5", "unknown", &[]),
            ("n5 ssh-ed25519 not-base64!\nn5\nn5 ssh-ed25519", "n5", "unknown", &[]),
        ];
        for (text, name, word, places) in cases {
            let verdict = read(text).check(&host(name), KEY);
            assert_eq!(lines(&verdict), (word, places.to_vec()), "{name} in {text:?}");
        }
    }

    #[test]
    fn a_hidden_name_is_found_by_its_hash_alone() {
        let hidden = hash_name("[n5.lab]:2222", &[7; 20]);
        let known = read(&format!("{hidden} KEY"));
        assert!(!hidden.contains("n5"));
        assert_eq!(known.check(&host("[n5.lab]:2222"), KEY), Verdict::Known);
        assert_eq!(known.check(&host("n5.lab"), KEY), Verdict::Unknown(Vec::new()));
        assert_eq!(lines(&known.check(&host("[n5.lab]:2222"), OTHER)).0, "changed");
    }

    #[test]
    fn the_hash_is_that_of_ssh_keygen() {
        // Made by `ssh-keygen -H`.
        let hidden = "|1|AjOqdmlIxHsuTuaQ4e7wLErqyj0=|VLKLQosj4RFr9XiM/44xyqR09Og=";
        assert!(names(hidden, "n5"));
        assert!(!names(hidden, "m1"));
    }

    #[test]
    fn a_key_that_is_recorded_without_the_port_is_accepted_as_ssh_accepts_it() {
        let lookup = Lookup { name: "[n5]:2222".to_owned(), others: vec!["n5".to_owned()] };
        assert_eq!(read("n5 KEY").check(&lookup, KEY), Verdict::Known);
        assert_eq!(read("n5 OTHER").check(&lookup, KEY), Verdict::Unknown(Vec::new()));
        assert_eq!(lines(&read("n5 KEY\n[n5]:2222 OTHER").check(&lookup, KEY)), ("changed", vec![2]));
    }

    #[test]
    fn entries_of_several_files_count_together() {
        let mut known = read("n5 OTHER");
        known.read("more", &format!("n5 ssh-rsa {}", BASE64_STANDARD.encode(KEY)));
        assert_eq!(known.check(&host("n5"), KEY), Verdict::Known);
        assert_eq!(known.key_types(&host("n5")), ["ssh-ed25519", "ssh-rsa"]);
    }

    #[test]
    fn wildcards_match_as_in_ssh() {
        for (pattern, name) in [("*", ""), ("a*c", "abbc"), ("a*c", "ac"), ("*b*", "abc"), ("a?c", "abc"), ("**", "x")]
        {
            assert!(is_match(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in [("", "a"), ("a*c", "abcd"), ("a?c", "ac"), ("*b", "abc"), ("abc", "ab")] {
            assert!(!is_match(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
    }
}
