//! Debian's order of versions: what is older, what is newer.
//!
//! `[EPOCH:]UPSTREAM[-REVISION]`, compared part by part as deb-version(7) says: runs of other characters and runs of
//! digits take turns, letters come before all else, and `~` before even the end.

use std::cmp::Ordering;

/// Compares two versions as dpkg does.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (parts(a), parts(b));
    a.0.cmp(&b.0).then_with(|| part(a.1, b.1)).then_with(|| part(a.2, b.2))
}

fn parts(version: &str) -> (u64, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch.parse().unwrap_or_default(), upstream, revision)
}

fn part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (words_a, rest_a) = split(a, |c| !c.is_ascii_digit());
        let (words_b, rest_b) = split(b, |c| !c.is_ascii_digit());
        let (digits_a, after_a) = split(rest_a, |c| c.is_ascii_digit());
        let (digits_b, after_b) = split(rest_b, |c| c.is_ascii_digit());
        let order = words(words_a, words_b).then_with(|| number(digits_a, digits_b));
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (after_a, after_b);
    }
    Ordering::Equal
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// Numbers of any length: the one with more digits is greater.
fn number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn words(a: &str, b: &str) -> Ordering {
    // 0 is the end of the text.
    let weight = |c: Option<char>| match c {
        Some('~') => -1,
        None => 0,
        Some(c) if c.is_ascii_alphabetic() => i64::from(u32::from(c)),
        Some(c) => i64::from(u32::from(c)) + 256,
    };
    let length = a.chars().count().max(b.chars().count());
    let at = |text: &str, i| weight(text.chars().nth(i));
    (0..length).map(|i| at(a, i).cmp(&at(b, i))).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::compare;

    #[test]
    fn versions_are_ordered_as_dpkg_orders_them() {
        // Each line was checked with `dpkg --compare-versions`.
        let ascending = [
            "1.0~rc1-1",
            "1.0-1~bpo12+1",
            "1.0-1",
            "1.0-1+b1",
            "1.0a-1",
            "1.0+dfsg-1",
            "1.0.1-1",
            "1.2-1",
            "1.10-1",
            "2:0.1-1",
        ];
        for (older, newer) in ascending.iter().zip(&ascending[1..]) {
            assert_eq!(compare(older, newer), Ordering::Less, "{older} {newer}");
            assert_eq!(compare(newer, older), Ordering::Greater, "{newer} {older}");
        }
        assert_eq!(compare("1.01-1", "1.1-01"), Ordering::Equal);
        assert_eq!(compare("2025b-0+deb12u1", "2025b-0+deb12u2"), Ordering::Less);
    }
}
