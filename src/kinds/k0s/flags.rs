//! Flags of k0s, as its process has them and as `k0s install` takes them.

use std::collections::BTreeMap;

/// Flags by their long names; a flag may be given several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Flags(BTreeMap<String, Vec<String>>);

/// Flags that take no word of their own (`k0s controller --help`, v1.36).
const SWITCHES: [&str; 9] = [
    "debug",
    "enable-cloud-provider",
    "enable-dynamic-config",
    "enable-k0s-cloud-provider",
    "enable-metrics-scraper",
    "enable-worker",
    "no-taints",
    "single",
    "verbose",
];

/// Short names.
const SHORT: [(&str, &str); 3] = [("-c", "config"), ("-d", "debug"), ("-v", "verbose")];

impl Flags {
    /// Those of a process: its arguments behind the program and the role.
    pub(super) fn of_process(args: &[String]) -> Self {
        let mut flags = Self::default();
        let mut words = args.iter().skip(2).peekable();
        while let Some(word) = words.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let short = SHORT.iter().find(|(short, _)| *short == name).map(|(_, long)| *long);
            // A word that is no flag is a token, which nobody should have put there; it is not kept.
            let Some(name) = short.or_else(|| name.strip_prefix("--")) else { continue };
            let takes_word = value.is_none() && !SWITCHES.contains(&name);
            let word = || if takes_word { words.next_if(|next| !next.starts_with('-')).cloned() } else { None };
            let value = value.or_else(word).unwrap_or_else(|| "true".to_owned());
            flags.0.entry(name.to_owned()).or_default().push(value);
        }
        flags
    }

    /// Those in a unit's file.
    pub(super) fn of_unit(text: &str) -> Self {
        let line = text.lines().find_map(|line| line.trim().strip_prefix("ExecStart="));
        Self::of_process(&words(line.unwrap_or_default()))
    }

    /// The value of a flag.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.last().map(String::as_str)
    }

    /// The same, with these instead of those of their names; without those whose new value is none.
    pub(super) fn with(&self, flags: &[(&str, Option<String>)]) -> Self {
        let mut all = self.0.clone();
        for (name, value) in flags {
            match value {
                Some(value) => drop(all.insert((*name).to_owned(), vec![value.clone()])),
                None => drop(all.remove(*name)),
            }
        }
        Self(all)
    }

    /// Those that are not among these.
    pub(super) fn without(&self, names: &[&str]) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(name, _)| !names.contains(&name.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        )
    }

    /// As `k0s install` takes them.
    pub(super) fn words(&self) -> Vec<String> {
        self.0.iter().flat_map(|(name, values)| values.iter().map(move |value| format!("--{name}={value}"))).collect()
    }
}

/// The words of a unit's command line: systemd's quotes and backslashes (systemd.service(5)), as far as k0s writes them.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut is_open) = (String::new(), None, false);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', _) => {
                is_open = true;
                match letters.next() {
                    // `\x20` is how the unit of k0s has a space.
                    Some('x') => {
                        let hex: String = letters.by_ref().take(2).collect();
                        word.extend(u8::from_str_radix(&hex, 16).ok().map(char::from));
                    }
                    next => word.extend(next),
                }
            }
            (quoting, Some(open)) if quoting == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(letter);
                is_open = true;
            }
            (space, None) if space.is_whitespace() => {
                if std::mem::take(&mut is_open) {
                    words.push(std::mem::take(&mut word));
                }
            }
            (letter, _) => {
                word.push(letter);
                is_open = true;
            }
        }
    }
    if is_open {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::Flags;

    fn of(words: &str) -> Flags {
        Flags::of_process(&words.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn flags_are_the_same_in_all_their_spellings() {
        let install = of("/usr/local/bin/k0s controller --config=/etc/k0s/k0s.yaml --enable-worker=true");
        assert_eq!(install, of("k0s controller -c /etc/k0s/k0s.yaml --enable-worker"));
        assert_eq!(install, of("k0s controller --enable-worker --config /etc/k0s/k0s.yaml"));
        assert_eq!(install.words(), ["--config=/etc/k0s/k0s.yaml", "--enable-worker=true"]);
    }

    #[test]
    fn a_units_flags_are_read_through_systemds_quotes() {
        let unit = "[Service]\nExecStart=/usr/local/bin/k0s controller --kubelet-extra-args=--node-ip=1.2.3.4\\x20--v=2 \
                    \"--labels=a=b c\"\n";
        let flags = Flags::of_unit(unit);
        assert_eq!(flags.get("kubelet-extra-args"), Some("--node-ip=1.2.3.4 --v=2"));
        assert_eq!(flags.get("labels"), Some("a=b c"));
    }

    #[test]
    fn what_is_declared_takes_the_place_of_what_is_there_and_the_rest_stays() {
        let flags = of("k0s controller --single --labels=a=b --debug")
            .with(&[("single", None), ("enable-worker", Some("true".to_owned()))]);
        assert_eq!(flags.words(), ["--debug=true", "--enable-worker=true", "--labels=a=b"]);
        assert_eq!(flags.without(&["debug", "enable-worker"]).words(), ["--labels=a=b"]);
    }
}
