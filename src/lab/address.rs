//! The name of a resource: its path in the file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A path in `homelab.toml`, written as TOML writes a dotted key: `nodes.n5.files."/etc/x.conf"`. What a table of the
/// file expands to hangs below it, behind a slash: `services.web/Deployment.apps/web/nginx`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Address {
    segments: Vec<String>,
    below: Option<String>,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address: {fault}")]
pub struct AddressError {
    text: String,
    fault: &'static str,
}

impl Address {
    /// The address with these path segments, unquoted.
    pub fn new<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self { segments: segments.into_iter().map(Into::into).collect(), below: None }
    }

    /// The address one level below.
    #[must_use]
    pub fn child(&self, segment: impl Into<String>) -> Self {
        let mut segments = self.segments.clone();
        segments.push(segment.into());
        Self { segments, below: None }
    }

    /// The address of what the table expands to, by its name there.
    #[must_use]
    pub fn below(&self, name: impl Into<String>) -> Self {
        Self { segments: self.segments.clone(), below: Some(name.into()) }
    }

    /// The address of the table that it hangs below, where it does.
    #[must_use]
    pub fn table(&self) -> Self {
        Self { segments: self.segments.clone(), below: None }
    }

    /// The same below `to`, where it is `from` or lies below it.
    pub fn rebased(&self, from: &Self, to: &Self) -> Option<Self> {
        let rest = self.segments.strip_prefix(from.segments.as_slice()).filter(|_| from.covers(self))?;
        let segments = to.segments.iter().chain(rest).cloned().collect();
        Some(Self { segments, below: self.below.clone() })
    }

    /// The path, unquoted.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Whether `other` is this address or lies below it: `nodes.n5` covers `nodes.n5.sysctls."vm.swappiness"`.
    pub fn covers(&self, other: &Self) -> bool {
        match &self.below {
            None => other.segments.starts_with(&self.segments),
            Some(_) => other == self,
        }
    }
}

fn is_bare(segment: &str) -> bool {
    !segment.is_empty() && segment.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.segments.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            if is_bare(segment) {
                f.write_str(segment)?;
            } else {
                // TOML's basic string knows JSON's escapes, so JSON's quoting is TOML's.
                f.write_str(&serde_json::Value::from(segment.as_str()).to_string())?;
            }
        }
        self.below.iter().try_for_each(|below| write!(f, "/{below}"))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let fault = |fault| AddressError { text: text.to_owned(), fault };
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            let (segment, after) = if rest.starts_with('"') {
                let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                let segment = values.next().and_then(Result::ok).ok_or_else(|| fault("a quoted part has no end"))?;
                (segment, &rest[values.byte_offset()..])
            } else if let Some(quoted) = rest.strip_prefix('\'') {
                let (segment, after) = quoted.split_once('\'').ok_or_else(|| fault("a quoted part has no end"))?;
                (segment.to_owned(), after)
            } else {
                let end = rest.find(['.', '/']).unwrap_or(rest.len());
                if !is_bare(&rest[..end]) {
                    return Err(fault("a part that is not letters, digits, `_` or `-` needs quotes, as in TOML"));
                }
                (rest[..end].to_owned(), &rest[end..])
            };
            segments.push(segment);
            if after.is_empty() {
                return Ok(Self { segments, below: None });
            }
            if let Some(below) = after.strip_prefix('/') {
                return match below {
                    "" => Err(fault("nothing stands behind its slash")),
                    below => Ok(Self { segments, below: Some(below.to_owned()) }),
                };
            }
            rest = after.strip_prefix('.').ok_or_else(|| fault("parts are separated by dots"))?;
        }
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_is_quoted_as_toml_quotes_keys() {
        let address = Address::new(["nodes", "n5", "files", "/etc/x.conf"]);
        assert_eq!(address.to_string(), r#"nodes.n5.files."/etc/x.conf""#);
    }

    #[test]
    fn what_is_printed_can_be_typed() {
        for segments in
            [vec!["lab"], vec!["a", "b\"c", "d.e", "ü\n"], vec!["pools", "vms", "volumes", "Home Assistant"]]
        {
            let address = Address::new(segments);
            assert_eq!(address.to_string().parse::<Address>().as_ref(), Ok(&address));
        }
    }

    #[test]
    fn single_quotes_are_read_too_because_shells_eat_double_ones() {
        assert_eq!("a.'b.c'".parse(), Ok(Address::new(["a", "b.c"])));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "a..b", "a.", "a b", "\"a", "\"a\"b", "/etc", "a/"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_service_expands_to_hangs_below_it() {
        let service = Address::new(["services", "web"]);
        let object = service.below("Deployment.apps/web/nginx");
        assert_eq!(object.to_string(), "services.web/Deployment.apps/web/nginx");
        assert_eq!("services.web/Deployment.apps/web/nginx".parse().as_ref(), Ok(&object));
        assert_eq!(object.table(), service);
        assert!(service.covers(&object) && object.covers(&object) && !object.covers(&service));
        assert!(!object.covers(&service.below("Deployment.apps/web/nginx-2")));
    }

    #[test]
    fn an_address_below_a_table_that_moved_keeps_its_own_end() {
        let address = |text: &str| text.parse::<Address>().unwrap();
        let rebased = |text: &str| address(text).rebased(&address("services.web"), &address("services.www"));
        assert_eq!(rebased("services.web/Service/web/a"), Some(address("services.www/Service/web/a")));
        assert_eq!(rebased("services.web2"), None);
    }

    #[test]
    fn an_address_covers_itself_and_what_lies_below() {
        let node: Address = "nodes.n5".parse().unwrap();
        assert!(node.covers(&node) && node.covers(&node.child("files")));
        assert!(!node.covers(&"nodes.n50".parse().unwrap()));
    }
}
