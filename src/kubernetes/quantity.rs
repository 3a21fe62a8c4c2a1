//! Amounts as Kubernetes writes them: `1000m` is `1`, `1Gi` is `1024Mi`, `1e3` is `1k`.
//!
//! Src: apimachinery `pkg/api/resource/quantity.go`. The API server writes them anew in one form of its own where the
//! schema of a built-in kind has a quantity, and nowhere else.

use serde_json::Value;

use super::{FieldPath, Part, scope::is_built_in};
use crate::lab::ApiKind;

/// An amount in billionths, the smallest that the server keeps; it rounds what is smaller up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i128);

const NANO: i128 = 1_000_000_000;

impl Quantity {
    /// Reads an amount from a text or a number.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    /// Reads an amount: a sign, a decimal number, and one of the suffixes; none where it isn't one.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix(['-', '+']) {
            Some(rest) => (text.starts_with('-'), rest),
            None => (false, text),
        };
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let (base, exponent) = factor(suffix)?;
        // digits * base^exponent * NANO / 10^fraction, with one division at the end.
        let mut above = digits.checked_mul(NANO)?;
        let mut below = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let power = base.checked_pow(exponent.unsigned_abs())?;
        if exponent < 0 {
            below = below.checked_mul(power)?;
        } else {
            above = above.checked_mul(power)?;
        }
        let rounded_up = above / below + i128::from(above % below != 0);
        Some(Self(if negative { -rounded_up } else { rounded_up }))
    }
}

/// Base and exponent of a suffix.
fn factor(suffix: &str) -> Option<(i128, i32)> {
    Some(match suffix {
        "" => (10, 0),
        "n" => (10, -9),
        "u" => (10, -6),
        "m" => (10, -3),
        "k" => (10, 3),
        "M" => (10, 6),
        "G" => (10, 9),
        "T" => (10, 12),
        "P" => (10, 15),
        "E" => (10, 18),
        "Ki" => (2, 10),
        "Mi" => (2, 20),
        "Gi" => (2, 30),
        "Ti" => (2, 40),
        "Pi" => (2, 50),
        "Ei" => (2, 60),
        _ => (10, suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

/// Maps whose values are quantities, by name, with the name of the field that they stand in where that must be known.
const MAPS: &[(&str, &[&str])] = &[
    ("resources", &["requests", "limits"]),
    ("allocatedResources", &[]),
    ("capacity", &[]),
    ("hard", &[]),
    ("overhead", &[]),
    ("limits", &["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"]),
];

/// Fields that are quantities themselves.
const FIELDS: &[&str] = &["sizeLimit", "divisor", "averageValue"];

/// Whether a field is a quantity by the schema of its kind.
pub(super) fn is_quantity(kind: &ApiKind, path: &FieldPath) -> bool {
    let free = matches!(kind.kind.as_str(), "ConfigMap" | "Secret");
    if free || !is_built_in(kind) || path.parts().first() != Some(&Part::field("spec")) {
        return false;
    }
    let names: Vec<&str> = path
        .parts()
        .iter()
        .map(|part| match part {
            Part::Field(name) => name.as_str(),
            _ => "[]",
        })
        .collect();
    let is_free = |names: &[&str]| names.iter().any(|name| matches!(*name, "labels" | "annotations" | "matchLabels"));
    match names.as_slice() {
        [above @ .., "metrics", "[]", _, "target", "value" | "averageValue"] => !is_free(above),
        [above @ .., field] if FIELDS.contains(field) => !is_free(above),
        [above @ .., outer, inner, _] if MAPS.iter().any(|(name, below)| name == outer && below.contains(inner)) => {
            !is_free(above)
        }
        [above @ .., "limits", "[]", inner, _] if MAPS.iter().any(|(n, b)| *n == "limits" && b.contains(inner)) => {
            !is_free(above)
        }
        [above @ .., map, _] if MAPS.iter().any(|(name, below)| name == map && below.is_empty()) => !is_free(above),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_amount_has_many_spellings() {
        for (left, right) in [
            ("1000m", "1"),
            ("1", "1.0"),
            ("0.5", "500m"),
            ("1Gi", "1024Mi"),
            ("1024", "1Ki"),
            ("1e3", "1k"),
            ("1E3", "1000"),
            ("12E", "12e18"),
            ("1500M", "1.5G"),
            ("+1", "1"),
            ("-1k", "-1000"),
            (".5", "0.5"),
            ("5.", "5"),
            ("100u", "0.1m"),
            ("1e-3", "1m"),
            ("0.0000000001", "1n"),
        ] {
            let parsed = Quantity::parse(left);
            assert!(parsed.is_some() && parsed == Quantity::parse(right), "{left} {right} {parsed:?}");
        }
        assert_eq!(Quantity::of(&1.into()), Quantity::parse("1000m"));
    }

    #[test]
    fn other_amounts_are_other_amounts() {
        for (left, right) in [("1G", "1Gi"), ("1m", "1M"), ("100m", "1"), ("1", "-1")] {
            assert_ne!(Quantity::parse(left), Quantity::parse(right), "{left} {right}");
        }
    }

    #[test]
    fn what_is_no_amount_is_not_compared_as_one() {
        for text in ["", "m", "1 Gi", "1gi", "1.2.3", "0x10", "1e", "one", "-", ".", "1e99"] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_quantity_is_where_the_schema_has_one() {
        let is = |version: &str, kind: &str, path: &[&str]| {
            is_quantity(&ApiKind::new(version, kind), &FieldPath::fields(path.iter().copied()))
        };
        let item = Part::value(&"x".into());
        let container = FieldPath::fields(["spec", "template", "spec", "containers"]).child(item.clone());
        let deployment = ApiKind::new("apps/v1", "Deployment");
        assert!(is_quantity(&deployment, &container.field("resources").field("limits").field("cpu")));
        assert!(!is_quantity(&deployment, &container.field("env").child(item).field("value")));
        assert!(!is_quantity(&deployment, &container.field("args").child(Part::Index(0))));
        assert!(is("v1", "PersistentVolumeClaim", &["spec", "resources", "requests", "storage"]));
        assert!(is("v1", "PersistentVolume", &["spec", "capacity", "storage"]));
        assert!(is("v1", "ResourceQuota", &["spec", "hard", "requests.cpu"]));
        let limits = FieldPath::fields(["spec", "limits"]).child(Part::Index(0)).field("default").field("memory");
        assert!(is_quantity(&ApiKind::new("v1", "LimitRange"), &limits));
        assert!(!is("v1", "ConfigMap", &["data", "capacity"]));
        assert!(!is("v1", "PersistentVolume", &["metadata", "labels", "capacity"]));
        assert!(!is("apps/v1", "Deployment", &["spec", "template", "metadata", "annotations", "sizeLimit"]));
        assert!(!is("helm.toolkit.fluxcd.io/v2", "HelmRelease", &["spec", "values", "resources", "limits", "cpu"]));
    }
}
