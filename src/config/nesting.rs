//! How deep brackets are nested, looked at before the text is parsed: `toml` follows them by recursion, and what is not
//! closed escapes its own limit of 80, until the stack is full.

/// The deepest nesting that is handed on.
const DEEPEST: usize = 128;

/// The byte of the first bracket that is too deep.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut open, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match bytes[at] {
            b'#' => at = line_end(bytes, at),
            quote @ (b'"' | b'\'') => {
                at = string_end(bytes, at, quote);
                continue;
            }
            bracket @ (b'{' | b'[') => {
                open.push(bracket);
                if open.len() > DEEPEST {
                    return Some(at);
                }
            }
            b'}' => drop(open.pop_if(|last| *last == b'{')),
            b']' => drop(open.pop_if(|last| *last == b'[')),
            _ => {}
        }
        at += 1;
    }
    None
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length)
}

/// The byte after a string that begins at `at`. One on a single line ends with it, closed or not.
fn string_end(bytes: &[u8], at: usize, quote: u8) -> usize {
    let is_long = bytes[at..].starts_with(&[quote; 3]);
    let mut at = at + if is_long { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' && bytes.get(at + 1).is_some_and(|next| is_long || *next != b'\n') => at += 1,
            b'\n' if !is_long => return at,
            byte if byte == quote && !is_long => return at + 1,
            byte if byte == quote && bytes[at..].starts_with(&[quote; 3]) => return at + 3,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::too_deep;

    #[test]
    fn what_is_opened_and_never_closed_is_too_deep_whatever_is_closed_in_between() {
        assert_eq!(too_deep(&"t = { v = 1\n[n]\n".repeat(127)), None);
        assert!(too_deep(&"t = { v = 1\n[n]\n".repeat(5000)).is_some());
        assert!(too_deep(&"a = [ }".repeat(200)).is_some());
    }

    #[test]
    fn brackets_in_strings_and_comments_and_closed_ones_are_not_counted() {
        let brackets = "{[".repeat(500);
        for text in [
            format!("# {brackets}\na = 1\n"),
            format!("a = '{brackets}'\nb = \"\\\"{brackets}\"\n"),
            format!("a = '''\n{brackets}'\n'''\nb = \"\"\"{brackets}\\\"\"\"\"\n"),
            "a = { b = [1] }\n[c]\n".repeat(500),
        ] {
            assert_eq!(too_deep(&text), None, "{}", &text[..40]);
        }
        assert_eq!(too_deep(&format!("a = 'it\nb = {brackets}")).map(|at| at > 10), Some(true));
    }
}
