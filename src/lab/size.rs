//! Sizes as people write them and as ZFS does.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Size(pub u64);

/// Why a text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// No number at its beginning.
    #[error("`{0}` does not begin with a number")]
    NoNumber(String),
    /// A unit that nobody knows.
    #[error(
        "`{unit}` is no unit of size; write KiB, MiB, GiB, TiB (powers of 1024) or kB, MB, GB, TB (powers of 1000)"
    )]
    Unit {
        /// What stands after the number.
        unit: String,
    },
    /// More than fits, or part of a byte.
    #[error("`{0}` is not a whole number of bytes below 2^63")]
    OutOfRange(String),
}

impl Size {
    /// Reads ZFS's own words too, in which `K`, `M`, `G`, `T`, `P` are powers of 1024 (zfsconcepts(7)).
    pub fn parse_zfs(text: &str) -> Result<Self, SizeError> {
        let trimmed = text.trim();
        match trimmed.strip_suffix(|c: char| "KMGTP".contains(c)) {
            Some(number) if !number.ends_with(char::is_alphabetic) => {
                format!("{number}{}iB", &trimmed[number.len()..]).parse()
            }
            _ => trimmed.parse(),
        }
    }
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || fraction.contains('.') {
            return Err(SizeError::NoNumber(text.to_owned()));
        }
        let factor: u128 = match unit.trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            "PiB" => 1 << 50,
            "kB" => 1000,
            "MB" => 1000_u128.pow(2),
            "GB" => 1000_u128.pow(3),
            "TB" => 1000_u128.pow(4),
            "PB" => 1000_u128.pow(5),
            unit => return Err(SizeError::Unit { unit: unit.to_owned() }),
        };
        let out_of_range = || SizeError::OutOfRange(text.to_owned());
        let scale =
            10_u128.checked_pow(u32::try_from(fraction.len()).map_err(|_| out_of_range())?).ok_or_else(out_of_range)?;
        let digits: u128 = format!("{whole}{fraction}").parse().map_err(|_| out_of_range())?;
        let bytes = digits.checked_mul(factor).ok_or_else(out_of_range)?;
        if bytes % scale != 0 || bytes / scale >= 1 << 63 {
            return Err(out_of_range());
        }
        u64::try_from(bytes / scale).map(Self).map_err(|_| out_of_range())
    }
}

impl fmt::Display for Size {
    /// The largest unit of 1024 that leaves a whole number: what is printed can be typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u32); 5] = [("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
        for (unit, power) in UNITS {
            if self.0 != 0 && self.0.trailing_zeros() >= power {
                return write!(f, "{}{unit}", self.0 >> power);
            }
        }
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn people_write_powers_of_1024_and_of_1000() {
        for (text, bytes) in
            [("256GiB", 256 << 30), ("1.5 TiB", 3 << 39), ("5TB", 5_000_000_000_000), ("0", 0), ("512", 512)]
        {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn one_letter_is_left_to_zfs_because_people_mean_either() {
        assert!("128G".parse::<Size>().is_err());
        assert_eq!(Size::parse_zfs("128K"), Ok(Size(131_072)));
        assert_eq!(Size::parse_zfs("1M"), Ok(Size(1 << 20)));
        assert_eq!(Size::parse_zfs("256GiB"), Ok(Size(256 << 30)));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in
            ["", "GiB", "-1", "1.5", "99999999PiB", "1..5GiB", "1e9", "0.00000000000000000000000000000000000000001B"]
        {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_printed_can_be_typed() {
        for bytes in [0, 1, 1023, 1024, 1 << 30, 137_438_953_472, 157_000_000_000] {
            assert_eq!(Size(bytes).to_string().parse(), Ok(Size(bytes)));
        }
    }
}
