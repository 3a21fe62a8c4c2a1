//! Changes of bytes at random, and the dice that they are drawn with.

/// Random numbers by `SplitMix64`: the same seed, the same numbers, on every machine.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 where that is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap_or(u64::MAX)).unwrap_or(0)
    }

    pub(super) fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    pub(super) fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// A piece of that many bytes: mostly a short one.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let longest = if self.one_in(4) { length } else { 16 };
        start..(start + self.below(longest + 1)).min(length)
    }
}

/// Inputs longer than this are cut: long ones are slow, and `hostile` has the longest.
const LONGEST: usize = 256 * 1024;

/// Numbers at which something ends.
pub(super) const NUMBERS: [&str; 16] = [
    "0",
    "-1",
    "1",
    "255",
    "256",
    "65536",
    "4294967295",
    "4294967296",
    "1099511627776",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e999",
    "0.1",
    "99999999999999999999999999999999999999999999",
];

/// Pieces that are something special in many languages.
const SPECIAL: [&[u8]; 24] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\t",
    b"\"",
    b"'",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xc3",
    b"\xf0\x9f\x92",
    "\u{feff}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{1b}[31m".as_bytes(),
    "e\u{301}\u{301}\u{301}".as_bytes(),
    b"{}",
    b"[]",
    b"null",
    b"../",
    b"%s",
    b"$(x)",
    b"'''",
    b": ",
];

const BRACKETS: [(&[u8], &[u8]); 6] =
    [(b"[", b"]"), (b"{\"a\":", b"}"), (b"(", b")"), (b"{a=", b"}"), (b"- ", b""), (b"a.", b"")];

/// An input like this one, with pieces of another and of `words`.
pub(super) fn mutated(dice: &mut Dice, input: &[u8], other: &[u8], words: &[&str]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=dice.below(5) {
        once(dice, &mut bytes, other, words);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn once(dice: &mut Dice, bytes: &mut Vec<u8>, other: &[u8], words: &[&str]) {
    let at = dice.below(bytes.len() + 1);
    match dice.below(14) {
        0 if !bytes.is_empty() => {
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
        }
        1 => insert(bytes, at, &[dice.byte()]),
        2 => insert(bytes, at, SPECIAL[dice.below(SPECIAL.len())]),
        3 => {
            let range = dice.range(bytes.len());
            bytes.drain(range);
        }
        4 => {
            let piece = bytes[dice.range(bytes.len())].to_vec();
            let times = if dice.one_in(20) { 1000 } else { 1 };
            insert(bytes, at, &piece.repeat(times.min(LONGEST / piece.len().max(1))));
        }
        5 => {
            let piece = other[dice.range(other.len())].to_vec();
            insert(bytes, at, &piece);
        }
        6 => number(dice, bytes),
        7 if !words.is_empty() => insert(bytes, at, dice.of(words).as_bytes()),
        8 => nested(dice, bytes),
        9 => {
            let times = if dice.one_in(10) { 100_000 } else { 300 };
            let piece = [*bytes.get(at).unwrap_or(&b'a')].repeat(times);
            insert(bytes, at, &piece);
        }
        10 => lines(dice, bytes, |dice, lines| {
            let (a, b) = (dice.below(lines.len()), dice.below(lines.len()));
            lines.swap(a, b);
        }),
        11 => lines(dice, bytes, |dice, lines| {
            let at = dice.below(lines.len());
            let line = lines[at];
            lines.insert(at, line);
        }),
        12 => lines(dice, bytes, |dice, lines| {
            lines.remove(dice.below(lines.len()));
        }),
        _ => {
            let piece = bytes[dice.range(bytes.len())].to_vec();
            let range = dice.range(bytes.len());
            bytes.splice(range, piece);
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    if bytes.len() + piece.len() <= LONGEST {
        bytes.splice(at..at, piece.iter().copied());
    }
}

/// Another number in the place of one of its numbers.
fn number(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[at - 1].is_ascii_digit()))
        .collect();
    if starts.is_empty() {
        return;
    }
    let start = *dice.of(&starts);
    let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    bytes.splice(start..start + length, dice.of(&NUMBERS).bytes());
}

/// A piece of it within many brackets.
fn nested(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let range = dice.range(bytes.len());
    let (open, close) = dice.of(&BRACKETS);
    let depth = *dice.of(&[3, 40, 200, 5000]);
    let mut piece = open.repeat(depth);
    piece.extend_from_slice(&bytes[range.clone()]);
    piece.extend(close.repeat(depth));
    bytes.splice(range, piece);
}

fn lines(dice: &mut Dice, bytes: &mut Vec<u8>, change: impl Fn(&mut Dice, &mut Vec<&[u8]>)) {
    let whole = std::mem::take(bytes);
    let mut lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    if !lines.is_empty() {
        change(dice, &mut lines);
    }
    *bytes = lines.concat();
}
