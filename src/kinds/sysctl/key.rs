//! The name of a kernel parameter, in all its spellings.

use std::fmt;

/// A kernel parameter by its path below `/proc/sys`. `net.ipv4.conf.eth0/1.rp_filter` and
/// `net/ipv4/conf/eth0.1/rp_filter` are the same one: where a dot comes first, dots and slashes are exchanged
/// (sysctl.d(5)).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(String);

impl Key {
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim();
        match text.find(['.', '/']).map(|first| text.as_bytes()[first]) {
            Some(b'.') => Self(exchange(text)),
            _ => Self(text.to_owned()),
        }
    }

    /// Its path below `/proc/sys`.
    pub(super) fn path(&self) -> &str {
        &self.0
    }

    /// The network interface that it is about: `net/ipv4/conf/eth0.1/rp_filter`.
    pub(super) fn interface(&self) -> Option<&str> {
        match self.0.split('/').collect::<Vec<_>>()[..] {
            ["net", _, "conf" | "neigh", name, _] if !matches!(name, "all" | "default") => Some(name),
            _ => None,
        }
    }
}

fn exchange(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c == '.' {
                '/'
            } else if c == '/' {
                '.'
            } else {
                c
            }
        })
        .collect()
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&exchange(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn every_spelling_is_the_same_key() {
        for text in
            ["net.ipv4.conf.eth0/1.rp_filter", "net/ipv4/conf/eth0.1/rp_filter", " net/ipv4/conf/eth0.1/rp_filter "]
        {
            let key = Key::parse(text);
            assert_eq!(key.path(), "net/ipv4/conf/eth0.1/rp_filter");
            assert_eq!(key.to_string(), "net.ipv4.conf.eth0/1.rp_filter");
            assert_eq!(key.interface(), Some("eth0.1"));
        }
        assert_eq!(Key::parse("vm.swappiness").path(), "vm/swappiness");
        assert_eq!(Key::parse("net.ipv4.conf.all.rp_filter").interface(), None);
    }
}
