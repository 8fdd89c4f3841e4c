//! Makes text that someone else wrote safe to show in a terminal, a log line or an error.
//!
//! Zero-width spaces and joiners stay as they are: Khmer, Lao, Thai and Burmese are written with them.

use std::fmt::Write;

/// `text` with everything escaped that could move a cursor, break a line or reorder what is read, and cut to `max`
/// characters of output; a cut is shown by a final `…`, which counts.
///
/// Escapes are written as in Rust: `\n`, `\u{202e}`. A backslash stays single, so that Windows paths stay readable.
#[must_use]
pub fn safe(text: &str, max: usize) -> String {
    let mut shown = String::new();
    let (mut length, mut cut) = (0, 0);
    for character in text.chars() {
        let start = shown.len();
        push(&mut shown, character);
        length += shown[start..].chars().count();
        if length > max {
            shown.truncate(cut);
            shown.push('…');
            return shown;
        }
        if length < max {
            cut = shown.len();
        }
    }
    shown
}

fn push(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        c if is_active(c) => {
            let _ = write!(shown, "\\u{{{:x}}}", c as u32);
        }
        c => shown.push(c),
    }
}

/// Controls (C0, DEL, C1), bidi controls, line separators, and characters that carry hidden text.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // bidi
            | '\u{2028}' | '\u{2029}' // line and paragraph separators
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}') // marks, annotations, tags
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn escapes_what_acts_and_keeps_what_reads() {
        for (text, shown) in [
            ("plain", "plain"),
            ("ភាសា\u{200b}ខ្មែរ", "ភាសា\u{200b}ខ្មែរ"),
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("a\nb\tc", "a\\nb\\tc"),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
            ("C:\\x", "C:\\x"),
        ] {
            assert_eq!(safe(text, 80), shown);
        }
    }

    #[test]
    fn cuts_by_characters_of_output() {
        for (text, max, shown) in [
            ("abcdef", 6, "abcdef"),
            ("abcdef", 4, "abc…"),
            ("ab\n\n", 5, "ab\\n…"),
            ("ab\n\n", 6, "ab\\n\\n"),
            ("ab\u{202e}", 4, "ab…"),
        ] {
            assert_eq!(safe(text, max), shown);
        }
    }
}
