//! Commands as people read and copy them.

/// An argv as one line for `sh`. Every word is quoted where it needs it; nothing can break out.
pub fn shell_line<S: AsRef<str>>(argv: impl IntoIterator<Item = S>) -> String {
    let words: Vec<String> = argv.into_iter().map(|word| quote(word.as_ref())).collect();
    words.join(" ")
}

/// One word for `sh`.
pub fn quote(word: &str) -> String {
    // A NUL can't be in an argument at all; what takes its place is never a program, path or name that exists.
    shlex::try_quote(word).map_or_else(|_| quote(&word.replace('\0', "\u{fffd}")), std::borrow::Cow::into_owned)
}
