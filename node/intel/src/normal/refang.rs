//! Undoes defanging: what people write so that nobody clicks on it.
//!
//! - dots, at signs, colons and slashes in brackets, as signs or words: `[.]`, `(dot)`, `{.}`, `[ at ]`, `[:]`, `[://]`;
//!   half of the brackets (`evil[.com`, `evil.]com`), or around a label with its dot (`evil[.com]`);
//! - words and signs between spaces: ` dot `, ` at `;
//! - backslashes before signs: `\.`, `\/`; full-width signs; invisible characters that came along with a copy;
//! - schemes: `hxxp`, `hXXps`, `h**p`, `fxp`, and backslashes after them;
//! - quotes or angle brackets around it all.
//!
//! A pass takes one look at each character. Passes are repeated until nothing changes, a few times at most, so that what
//! is undone stays as it is when it is read again.

use std::borrow::Cow;

/// The most passes: defanging of what was defanged already. What needs more is nothing that a person wrote.
const MAX_PASSES: usize = 4;

/// What brackets may hold, and what it means.
const MARKS: [(&str, &str); 9] = [
    ("://", "://"),
    ("//", "//"),
    (".", "."),
    ("dot", "."),
    (":", ":"),
    ("/", "/"),
    ("@", "@"),
    ("at", "@"),
    ("-", "-"),
];
/// What may stand between spaces, and what it means.
const SPACED: [(&str, char); 4] = [("dot", '.'), (".", '.'), ("at", '@'), ("@", '@')];
/// Schemes without their `s`, and what they mean.
const SCHEMES: [(&str, &str); 7] = [
    ("hxxp", "http"),
    ("hxtp", "http"),
    ("htxp", "http"),
    ("h**p", "http"),
    ("meow", "http"),
    ("fxp", "ftp"),
    ("http", "http"),
];
const QUOTES: [(char, char); 6] =
    [('"', '"'), ('\'', '\''), ('`', '`'), ('<', '>'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')];

/// `text` without defanging and surrounding quotes, borrowed if there were none; nothing if it does not come to rest.
pub(crate) fn refanged(text: &str) -> Option<Cow<'_, str>> {
    let mut now = Cow::Borrowed(text);
    for _ in 0..MAX_PASSES {
        match pass(&now) {
            None => return Some(now),
            Some(next) => now = Cow::Owned(next),
        }
    }
    None
}

/// The text after one pass, if that changes it.
fn pass(text: &str) -> Option<String> {
    let bare = unquoted(text.trim());
    let scheme = scheme(bare);
    if scheme.is_none() && !bare.bytes().any(may_defang) {
        return (bare.len() < text.len()).then(|| bare.to_owned());
    }
    let (mut done, rest) = scheme.map_or((String::new(), bare), |(scheme, rest)| (scheme, rest));
    Marks { rest, done: &mut done }.undo();
    (done != text).then_some(done)
}

/// Whether a mark begins with this byte.
fn may_defang(byte: u8) -> bool {
    matches!(byte, b'[' | b'(' | b'{' | b'<' | b']' | b'\\' | b' ') || !byte.is_ascii()
}

fn unquoted(text: &str) -> &str {
    let within = |(open, close): (char, char)| text.strip_prefix(open)?.strip_suffix(close);
    QUOTES.into_iter().find_map(within).map_or(text, str::trim)
}

/// The scheme that was meant, with its colon, if the text begins with a defanged one; and what follows it.
fn scheme(text: &str) -> Option<(String, &str)> {
    let starts = |name: &&(&str, &str)| {
        text.get(..name.0.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.0))
    };
    let (name, meant) = SCHEMES.iter().find(starts)?;
    let rest = &text[name.len()..];
    let (s, rest) = match rest.strip_prefix(['s', 'S']) {
        Some(rest) => ("s", rest),
        None => ("", rest),
    };
    let rest = rest.strip_prefix(':')?;
    let slashed = rest.strip_prefix("\\\\");
    // What is written as it is meant is nothing to undo, unless its slashes lean.
    if *name == *meant && slashed.is_none() {
        return None;
    }
    let slashes = if slashed.is_some() { "//" } else { "" };
    Some((format!("{meant}{s}:{slashes}"), slashed.unwrap_or(rest)))
}

/// One pass over a text's marks.
struct Marks<'a, 'b> {
    rest: &'a str,
    done: &'b mut String,
}

impl Marks<'_, '_> {
    fn undo(mut self) {
        while let Some(first) = self.rest.chars().next() {
            let undone = match first {
                '[' | '(' | '{' | '<' => self.bracketed() || self.half_bracketed(),
                ']' => self.done.ends_with('.') && self.skip(1),
                ' ' => self.spaced(),
                '\\' => self.escaped(),
                _ if first.is_ascii() => false,
                _ => self.wide(first),
            };
            if !undone {
                self.done.push(first);
                self.skip(first.len_utf8());
            }
        }
    }

    /// Passes over so many bytes.
    fn skip(&mut self, length: usize) -> bool {
        self.rest = &self.rest[length..];
        true
    }

    /// `[.]` and the like, with or without spaces inside and around.
    fn bracketed(&mut self) -> bool {
        let inner = trim_spaces(&self.rest[1..]);
        let found = MARKS.iter().find_map(|(mark, meant)| {
            let rest = trim_spaces(strip_word(inner, mark)?).strip_prefix([']', ')', '}', '>'])?;
            Some((*meant, rest))
        });
        let Some((meant, rest)) = found else { return false };
        self.say(meant);
        self.rest = trim_spaces(rest);
        true
    }

    /// `[.` without its other half, or with a label before it: `evil[.com]`.
    fn half_bracketed(&mut self) -> bool {
        let Some(rest) = self.rest.strip_prefix("[.") else { return false };
        self.say(".");
        self.rest = rest;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let length = rest.find(|c| !plain(c)).unwrap_or(rest.len());
        if length > 0 && rest[length..].starts_with(']') {
            self.done.push_str(&rest[..length]);
            self.skip(length + 1);
        }
        true
    }

    /// ` dot ` and ` at `, and signs between spaces.
    fn spaced(&mut self) -> bool {
        let inner = trim_spaces(self.rest);
        let found = SPACED.iter().find_map(|(word, meant)| {
            let rest = strip_word(inner, word)?;
            rest.starts_with(' ').then_some((*meant, rest))
        });
        let Some((meant, rest)) = found else { return false };
        self.say(meant.encode_utf8(&mut [0; 4]));
        self.rest = trim_spaces(rest);
        true
    }

    /// A backslash before a sign that needs none.
    fn escaped(&mut self) -> bool {
        let before_sign = self.rest[1..].starts_with(['.', '/', ':', '@']);
        before_sign && self.skip(1)
    }

    fn wide(&mut self, first: char) -> bool {
        let meant = match first {
            '\u{ff0e}' | '\u{3002}' | '\u{ff61}' | '\u{2024}' => ".",
            '\u{ff20}' => "@",
            '\u{ff1a}' => ":",
            '\u{ff0f}' => "/",
            '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => "",
            _ => return false,
        };
        self.done.push_str(meant);
        self.skip(first.len_utf8())
    }

    /// A sign that spaces around it don't belong to.
    fn say(&mut self, sign: &str) {
        self.done.truncate(self.done.trim_end_matches(' ').len());
        self.done.push_str(sign);
    }
}

fn trim_spaces(text: &str) -> &str {
    text.trim_start_matches(' ')
}

/// What follows `word` at the beginning of `text`, in any case.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let start = text.get(..word.len())?;
    start.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::refanged;

    #[test]
    fn understands_the_usual_kinds() {
        for text in [
            "http://evil.example/a.b?c=d",
            "hxxp://evil.example/a.b?c=d",
            "hXXp://evil[.]example/a[.]b?c=d",
            "HxXp[:]//evil(.)example/a.b?c=d",
            "hxxp[://]evil{.}example/a.b?c=d",
            "h**p://evil[dot]example/a.b?c=d",
            "hxtp:\\\\evil(DOT)example/a.b?c=d",
            "http:\\\\evil.example/a.b?c=d",
            "http:\\/\\/evil.example\\/a.b?c=d",
            "meow://evil<.>example/a.b?c=d",
            "hxxp:[//]evil[ . ]example[/]a.b?c=d",
            "hxxp://evil [.] example/a.b?c=d",
            "hxxp://evil dot example/a.b?c=d",
            "hxxp://evil\\.example/a.b?c=d",
            "hxxp://evil[.example/a.b?c=d",
            "hxxp://evil.]example/a.b?c=d",
            "hxxp://evil[.example]/a.b?c=d",
            "hxxp://evil[[.]]example/a.b?c=d",
            "hxxp：//evil．example／a。b?c=d",
            "hxxp://ev\u{200b}il.\u{ad}example/a.b?c=d",
            "\"hxxp://evil[.]example/a.b?c=d\"",
            " <http://evil.example/a.b?c=d> ",
            "`'http://evil.example/a.b?c=d'`",
        ] {
            assert_eq!(refanged(text).as_deref(), Some("http://evil.example/a.b?c=d"), "{text}");
        }
        for (text, meant) in [
            ("joe[at]evil[dot]com", "joe@evil.com"),
            ("joe(@)evil.com", "joe@evil.com"),
            ("joe at evil dot com", "joe@evil.com"),
            ("joe AT evil . com", "joe@evil.com"),
            ("hxxps://a", "https://a"),
            ("fxps://a", "ftps://a"),
            ("203[.]0(.)113{.}7", "203.0.113.7"),
            ("2001[:]db8[:]:1", "2001:db8::1"),
            ("evil[-]host.com", "evil-host.com"),
        ] {
            assert_eq!(refanged(text).as_deref(), Some(meant), "{text}");
        }
    }

    #[test]
    fn leaves_plain_text_alone() {
        for text in [
            "http://[2001:db8::1]/(x)",
            "evil.com",
            "hxxp",
            "hxxpress.com",
            "[x]",
            "C:\\Windows\\x.exe",
            "a dotted name",
            "he's at",
            "(datum)",
            "",
        ] {
            assert!(matches!(refanged(text), Some(Cow::Borrowed(same)) if same == text), "{text}");
        }
    }

    #[test]
    fn comes_to_rest_or_gives_up() {
        assert_eq!(refanged(&format!("a{}.{}b", "[".repeat(50), "]".repeat(50))), None);
        let long = "[.".repeat(100_000);
        assert_eq!(refanged(&long).map(|text| text.len()), Some(100_000));
    }

    proptest! {
        #[test]
        fn what_is_undone_stays(text in "\\PC{0,30}", likely in "[\\[\\](){}<>.@ \\\\/:hxtpsdoa\"'-]{0,40}") {
            for text in [text, likely] {
                if let Some(once) = refanged(&text) {
                    prop_assert_eq!(refanged(&once), Some(once.clone()));
                }
            }
        }
    }
}
