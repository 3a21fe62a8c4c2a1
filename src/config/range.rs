//! A range of addresses as people write it.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::Diagnostic;
use super::read::{Read, bad_value, text};
use super::tree::Value;

/// Addresses from one to another, both of them in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressRange {
    /// The first.
    pub first: Ipv4Addr,
    /// The last.
    pub last: Ipv4Addr,
}

impl AddressRange {
    /// The range of one address.
    pub fn of(address: Ipv4Addr) -> Self {
        Self { first: address, last: address }
    }

    /// Whether the address is in it.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&address)
    }

    /// Whether some address is in both.
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// What is left of it without an address: nothing, one range or two.
    pub fn without(self, address: Ipv4Addr) -> Vec<Self> {
        if !self.contains(address) {
            return vec![self];
        }
        let number = u32::from(address);
        let below = (self.first < address).then(|| Self { first: self.first, last: Ipv4Addr::from(number - 1) });
        let above = (address < self.last).then(|| Self { first: Ipv4Addr::from(number + 1), last: self.last });
        below.into_iter().chain(above).collect()
    }

    /// Reads `192.168.8.51-79`, `192.168.8.51-192.168.8.79`, `192.168.8.64/27` or one address.
    fn parse(text: &str) -> Option<Self> {
        if let Some((first, last)) = text.split_once('-') {
            let first: Ipv4Addr = first.trim().parse().ok()?;
            let last = last.trim();
            let last = last.parse().ok().or_else(|| ending(first, last))?;
            return (first <= last).then_some(Self { first, last });
        }
        if text.contains('/') {
            let net: Ipv4Net = text.parse().ok()?;
            return (net == net.trunc()).then(|| Self { first: net.network(), last: net.broadcast() });
        }
        text.trim().parse().ok().map(Self::of)
    }
}

/// The address that begins as `first` and ends as `end` says: `192.168.8.51` and `79` are `192.168.8.79`.
fn ending(first: Ipv4Addr, end: &str) -> Option<Ipv4Addr> {
    let whole = first.to_string();
    let kept: Vec<&str> = whole.split('.').take(4_usize.checked_sub(end.split('.').count())?).collect();
    [kept.join(".").as_str(), end].join(".").parse().ok()
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

impl Read for AddressRange {
    fn read(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<Self> {
        let text = text(value, "a range in quotes: `\"192.168.8.51-79\"`", faults)?;
        let read = Self::parse(text);
        if read.is_none() {
            let summary = format!("`{text}` is no range of addresses");
            let help = "write the first address and the last, the lower one first: `\"192.168.8.51-79\"`, or a subnet: `\"192.168.8.64/27\"`";
            faults.push(bad_value(&value.place, summary, "this range", help));
        }
        read
    }
}

impl JsonSchema for AddressRange {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AddressRange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A range of addresses: `192.168.8.51-79`, `192.168.8.64/27`",
            "pattern": r"^[0-9.]+( *- *[0-9.]+|/[0-9]{1,2})?$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::AddressRange;

    #[test]
    fn an_address_is_taken_out_of_a_range_wherever_it_lies() {
        let without = |text, address: &str| -> Vec<String> {
            let range = AddressRange::parse(text).unwrap();
            range.without(address.parse().unwrap()).iter().map(ToString::to_string).collect()
        };
        assert_eq!(without("10.0.0.0-255", "10.0.0.7"), ["10.0.0.0-10.0.0.6", "10.0.0.8-10.0.0.255"]);
        assert_eq!(without("10.0.0.0-1", "10.0.0.0"), ["10.0.0.1"]);
        assert_eq!(without("10.0.0.1", "10.0.0.1"), Vec::<String>::new());
        assert_eq!(without("10.0.0.1", "10.0.0.2"), ["10.0.0.1"]);
        assert_eq!(without("255.255.255.254-255", "255.255.255.255"), ["255.255.255.254"]);
    }

    #[test]
    fn ranges_are_read_as_people_write_them() {
        let read = |text| AddressRange::parse(text).map(|range| range.to_string());
        let whole = Some("192.168.8.51-192.168.8.79".to_owned());
        for text in ["192.168.8.51-79", "192.168.8.51 - 192.168.8.79", "192.168.8.51-8.79"] {
            assert_eq!(read(text), whole, "{text}");
        }
        assert_eq!(read("192.168.8.64/27"), Some("192.168.8.64-192.168.8.95".to_owned()));
        assert_eq!(read("192.168.8.50"), Some("192.168.8.50".to_owned()));
        for text in ["", "-", "192.168.8.79-51", "192.168.8.51-256", "192.168.8.51/27", "a-b", "192.168.8.1-1.2.3.4.5"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
