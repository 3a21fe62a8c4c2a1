//! Texts that mean something: addresses, subnets, durations, sizes, modes, dates. Each says what is wrong with a bad one.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::Ipv4Net;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::Diagnostic;
use super::codes::Code;
use super::read::{Read, bad_value, text, wrong_type};
use super::tree::{Data, Value};
use crate::lab::{Address, Mode, Size};

/// A subnet without host bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet(pub Ipv4Net);

/// A span of time as people write it: `90s`, `2m`, `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

/// A day: `2027-01-31`, TOML's own date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(pub jiff::civil::Date);

/// A plain value that a host keeps as text: a text or a whole number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar(pub String);

impl Read for Ipv4Addr {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let text = text(value, "an address in quotes: `\"192.168.4.5\"`", faults)?;
        let read = text.parse().ok();
        if read.is_none() {
            let help = match text.split_once('/') {
                Some((address, _)) if address.parse::<Self>().is_ok() => {
                    format!("write `\"{address}\"`: the prefix length comes from the VLAN's `subnet`")
                }
                _ => "write four numbers from 0 to 255: `\"192.168.4.5\"`".to_owned(),
            };
            let summary = format!("`{text}` is no IPv4 address");
            faults.push(bad_value(&value.place, summary, "this address", help));
        }
        read
    }
}

impl Read for IpAddr {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let text = text(value, "an address in quotes: `\"192.168.4.53\"`", faults)?;
        let read = text.parse().ok();
        if read.is_none() {
            let summary = format!("`{text}` is no IP address");
            let help = "write an IPv4 or IPv6 address: `\"1.1.1.1\"`, `\"2606:4700:4700::1111\"`";
            faults.push(bad_value(&value.place, summary, "this address", help));
        }
        read
    }
}

impl Read for Subnet {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let text = text(value, "a subnet in quotes: `\"192.168.4.0/24\"`", faults)?;
        let Ok(subnet) = text.parse::<Ipv4Net>() else {
            let summary = format!("`{text}` is no IPv4 subnet");
            let help = "write the address, a slash and the prefix length: `\"192.168.4.0/24\"`";
            faults.push(bad_value(&value.place, summary, "this subnet", help));
            return None;
        };
        if subnet != subnet.trunc() {
            let summary = format!("`{text}` has bits set behind its prefix");
            let fault = Diagnostic::error(Code::Subnet.as_str(), summary, value.place.clone(), "an address, no subnet");
            faults.push(fault.help(format!("the subnet is `\"{}\"`", subnet.trunc())));
            return None;
        }
        Some(Self(subnet))
    }
}

impl Read for Span {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let text = text(value, "a time with its unit, in quotes: `\"90s\"`", faults)?;
        let read = parse_span(text);
        if read.is_none() {
            let summary = format!("`{text}` is no span of time");
            let help = "write whole numbers with `ms`, `s`, `m`, `h` or `d`: `\"90s\"`, `\"2m\"`, `\"1h30m\"`";
            faults.push(bad_value(&value.place, summary, "this time", help));
        }
        read
    }
}

fn parse_span(text: &str) -> Option<Span> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let milliseconds: u64 = match &after[..end] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let part = number.parse::<u64>().ok()?.checked_mul(milliseconds)?;
        total = total.checked_add(Duration::from_millis(part))?;
        rest = after[end..].trim_start();
    }
    Some(Span(total))
}

impl Read for Size {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let text = text(value, "a size with its unit, in quotes: `\"256GiB\"`", faults)?;
        match text.parse() {
            Ok(size) => Some(size),
            Err(error) => {
                let help = match Size::parse_zfs(text) {
                    Ok(size) => format!("did you mean `\"{size}\"`?"),
                    Err(_) => "write a number and a unit: `\"256GiB\"`, `\"1.5TiB\"`, `\"500GB\"`".to_owned(),
                };
                faults.push(bad_value(&value.place, error.to_string(), "this size", help));
                None
            }
        }
    }
}

impl Read for Mode {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let text = text(value, "the mode in quotes: `\"0644\"`", faults)?;
        let octal = (3..=4).contains(&text.len()) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        let read = u32::from_str_radix(text, 8).ok().filter(|_| octal).map(Self);
        if read.is_none() {
            let summary = format!("`{text}` is no file mode");
            faults.push(bad_value(&value.place, summary, "this mode", "write three or four octal digits: `\"0644\"`"));
        }
        read
    }
}

impl Read for Day {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let Data::Moment(moment) = &value.data else {
            faults.push(wrong_type(value, "a date", "the day without quotes: `2027-01-31`"));
            return None;
        };
        let date = moment.date.filter(|_| moment.time.is_none());
        let date = date.and_then(|date| {
            let year = i16::try_from(date.year).ok()?;
            jiff::civil::Date::new(year, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()
        });
        if date.is_none() {
            let summary = format!("`{moment}` is no day");
            faults.push(bad_value(&value.place, summary, "this date", "write the day alone: `2027-01-31`"));
        }
        date.map(Self)
    }
}

impl Read for Address {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let text = text(value, "an address in quotes: `\"nodes.n5.network\"`", faults)?;
        match text.parse() {
            Ok(address) => Some(address),
            Err(error) => {
                let help = "write the path of a table in this file: `'nodes.n5.files.\"/etc/x.conf\"'`";
                faults.push(bad_value(&value.place, error.to_string(), "this address", help));
                None
            }
        }
    }
}

impl Read for Scalar {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        match &value.data {
            Data::Text(text) => Some(Self(text.split_whitespace().collect::<Vec<_>>().join(" "))),
            Data::Integer(number) => Some(Self(number.to_string())),
            Data::Boolean(truth) => {
                let word = if *truth { "on" } else { "off" };
                faults.push(wrong_type(
                    value,
                    "a text or a number",
                    &format!("what the host prints: `\"{word}\"`, `1`"),
                ));
                None
            }
            _ => {
                faults.push(wrong_type(value, "a text or a number", "the value as the host prints it, in quotes"));
                None
            }
        }
    }
}

/// Gives a type that is written as one text its schema.
macro_rules! text_schema {
    ($($type:ty, $name:literal, $words:literal, $($pattern:literal)?;)*) => {$(
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $words, $("pattern": $pattern)? })
            }
        }
    )*};
}

text_schema! {
    Subnet, "Subnet", "An IPv4 subnet: `192.168.4.0/24`", r"^[0-9.]+/[0-9]{1,2}$";
    Span, "Span", "A span of time: `90s`, `2m`, `1h30m`", r"^([0-9]+(ms|s|m|h|d) *)+$";
    Size, "Size", "A size with its unit: `256GiB` (powers of 1024) or `500GB` (powers of 1000)", r"^[0-9.]+ *([KMGTP]iB|[kMGTP]B|B)?$";
    Mode, "Mode", "File permissions, octal: `0644`", "^[0-7]{3,4}$";
    Address, "Address", "The path of a table in this file: `nodes.n5.network`",;
}

impl JsonSchema for Day {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    // Editors hand a TOML date to the schema as a text.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "A day, without quotes: `2027-01-31`" })
    }
}

impl JsonSchema for Scalar {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"] })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse_span;

    #[test]
    fn spans_of_time_are_read_as_people_write_them() {
        for (text, seconds) in [("90s", 90), ("2m", 120), ("1h30m", 5400), ("1h 30m", 5400), ("0s", 0), ("2d", 172_800)]
        {
            assert_eq!(parse_span(text).map(|span| span.0), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "m", "2 minutes", "-1s", "1.5h", "99999999999999999999s", "9999999999999999999d", "5µs"]
        {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }
}
