//! The codes of what is wrong with the shape of the file; the rules (`crate::rules`) have their own.

/// A fault of shape: the file can't be understood at this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// LAB001
    Syntax,
    /// LAB002
    UnknownKey,
    /// LAB003
    MissingKey,
    /// LAB004
    Type,
    /// LAB005
    Value,
    /// LAB006
    Reference,
    /// LAB007
    Name,
    /// LAB008
    Contradiction,
    /// LAB009
    Include,
    /// LAB010
    Twice,
    /// LAB011
    Source,
    /// LAB012
    Slot,
    /// LAB013
    Subnet,
    /// LAB014
    Manifest,
    /// LAB015
    Unfetched,
    /// LAB016
    Encrypted,
}

/// One row of the reference: code, name, what it means.
pub type CodeRow = (Code, &'static str, &'static str, &'static str);

/// All of them, in order.
pub const CODES: &[CodeRow] = &[
    (
        Code::Syntax,
        "LAB001",
        "syntax",
        "The text is not TOML. All such errors of all files are shown at once; nothing else is looked at before they are gone.",
    ),
    (
        Code::UnknownKey,
        "LAB002",
        "unknown-key",
        "A key that its table does not have. The nearest known key is named; keys are never passed through.",
    ),
    (Code::MissingKey, "LAB003", "missing-key", "A table lacks a key that it can't do without."),
    (
        Code::Type,
        "LAB004",
        "type",
        "A value of the wrong type: a number where a text belongs, a text where a list belongs.",
    ),
    (
        Code::Value,
        "LAB005",
        "value",
        "A value that can't be read: a size without a unit that anybody knows, an address with five parts, a mode that is not octal.",
    ),
    (
        Code::Reference,
        "LAB006",
        "reference",
        "A name that is declared nowhere: a VLAN, a node, a secret, the address in `after`.",
    ),
    (Code::Name, "LAB007", "name", "An empty name, or one that the thing it stands for can't bear."),
    (
        Code::Contradiction,
        "LAB008",
        "contradiction",
        "Keys that exclude each other, or of which exactly one must be there.",
    ),
    (
        Code::Include,
        "LAB009",
        "include",
        "An `include` pattern that matches no file, leaves the folder of homelab.toml, or stands in an included file.",
    ),
    (Code::Twice, "LAB010", "declared-twice", "Two files declare the same table or key."),
    (
        Code::Source,
        "LAB011",
        "source",
        "A file named by `source` that can't be read, or does not lie beside or below homelab.toml.",
    ),
    (Code::Slot, "LAB012", "slot", "A slot that the text does not have."),
    (
        Code::Subnet,
        "LAB013",
        "host-bits",
        "A subnet with bits set behind its prefix: 192.168.4.5/24 is an address, 192.168.4.0/24 a subnet.",
    ),
    (
        Code::Manifest,
        "LAB014",
        "manifest",
        "A manifest that can't be read, or what stands in it is no object that an API server takes: no kind, no name, a value that is not base64 in the `data` of a Secret, a namespace where there can be none.",
    ),
    (
        Code::Unfetched,
        "LAB015",
        "not-fetched",
        "A warning: a file from elsewhere that was never fetched, so that nothing can be said of what it holds. `plan` and `apply` fetch it.",
    ),
    (
        Code::Encrypted,
        "LAB016",
        "encrypted",
        "Something that SOPS has encrypted where labctl can't have it decrypted: outside of the values of a Secret, or in a file from elsewhere.",
    ),
];

impl Code {
    /// As it is printed: `LAB002`.
    pub fn as_str(self) -> &'static str {
        CODES.iter().find(|row| row.0 == self).map_or("LAB000", |row| row.1)
    }
}

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn every_code_stands_once_and_at_its_number() {
        for (number, (code, text, ..)) in CODES.iter().enumerate() {
            assert_eq!(*text, format!("LAB{:03}", number + 1));
            assert_eq!(*code as usize, number);
        }
    }
}
