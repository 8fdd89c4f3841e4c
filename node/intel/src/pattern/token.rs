//! The tokens of a STIX pattern (STIX 2.1, section 9, and the OASIS grammar `STIXPattern.g4`).
//!
//! One reader serves both the strict [`parse`](super::parse) and the lenient [`terms`](super::terms): what a literal
//! holds is given as it was written, and each judges it for itself.

use std::borrow::Cow;

/// One token; keywords are words, since only their place tells them from names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword, a type, a property: letters, digits, `_` and `-`, beginning with a letter or `_`.
    Word(&'a str),
    /// A string literal: what stands between its quotes, as it was written.
    Text(&'a str),
    /// A literal with a type, `t'…'`, `b'…'` or `h'…'`: its letter, and what stands between its quotes.
    Typed(&'a str, &'a str),
    /// An integer or a float, as it was written.
    Number(&'a str),
    /// `=` or `==`.
    Equal,
    /// `!=` or `<>`.
    NotEqual,
    /// `<`, `<=`, `>` or `>=`.
    Order(&'static str),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `:`
    Colon,
    /// `.`
    Dot,
    /// `,`
    Comma,
    /// `*`
    Star,
    /// The beginning, `'` or `/*`, of a literal or a comment that has no end; the last token.
    Unfinished(&'static str),
    /// A character that no token begins with.
    Unknown(char),
}

/// Operators and punctuation, longer ones before their beginnings.
const SIGNS: [(&str, Token<'static>); 16] = [
    ("==", Token::Equal),
    ("=", Token::Equal),
    ("!=", Token::NotEqual),
    ("<>", Token::NotEqual),
    ("<=", Token::Order("<=")),
    (">=", Token::Order(">=")),
    ("<", Token::Order("<")),
    (">", Token::Order(">")),
    ("(", Token::Open),
    (")", Token::Close),
    ("[", Token::OpenBracket),
    ("]", Token::CloseBracket),
    (":", Token::Colon),
    (".", Token::Dot),
    (",", Token::Comma),
    ("*", Token::Star),
];

/// The words that name no type and no property.
const KEYWORDS: [&str; 19] = [
    "AND",
    "OR",
    "NOT",
    "FOLLOWEDBY",
    "LIKE",
    "MATCHES",
    "ISSUPERSET",
    "ISSUBSET",
    "EXISTS",
    "LAST",
    "IN",
    "START",
    "STOP",
    "SECONDS",
    "WITHIN",
    "REPEATS",
    "TIMES",
    "true",
    "false",
];

/// The tokens of a pattern, each with the byte it begins at, without spaces and comments.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'a> {
    length: usize,
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(pattern: &'a str) -> Self {
        Self { length: pattern.len(), rest: pattern }
    }

    /// Takes `length` bytes, which must end at a character's boundary.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Passes spaces and comments; false at a comment without its end.
    fn skip_blanks(&mut self) -> bool {
        loop {
            self.rest = self.rest.trim_start();
            let after = match self.rest.as_bytes() {
                [b'/', b'*', ..] => self.rest[2..].find("*/").map(|end| end + 4),
                [b'/', b'/', ..] => Some(self.rest.find(['\n', '\r']).unwrap_or(self.rest.len())),
                _ => return true,
            };
            match after {
                Some(length) => self.take(length),
                None => return false,
            };
        }
    }

    fn unfinished(&mut self, beginning: &'static str) -> Token<'a> {
        self.rest = "";
        Token::Unfinished(beginning)
    }

    fn word_or_typed(&mut self) -> Token<'a> {
        let length = self.rest.bytes().position(|b| !in_word(b)).unwrap_or(self.rest.len());
        let word = self.take(length);
        match (word, self.rest.starts_with('\'')) {
            ("t" | "b" | "h", true) => self.text(|inner| Token::Typed(word, inner)),
            _ => Token::Word(word),
        }
    }

    fn text(&mut self, token: impl Fn(&'a str) -> Token<'a>) -> Token<'a> {
        self.take(1);
        let Some(length) = literal_len(self.rest) else {
            return self.unfinished("'");
        };
        let inner = self.take(length);
        self.take(1);
        token(inner)
    }

    /// `12`, `+1.5`, `-.5`: a sign, digits, and a dot with the digits after it; nothing if there are no digits.
    fn number(&mut self) -> Option<Token<'a>> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let sign = usize::from(self.rest.starts_with(['+', '-']));
        let whole = sign + digits(&self.rest[sign..]);
        let fraction = self.rest[whole..].strip_prefix('.').map_or(0, digits);
        let length = if fraction > 0 { whole + 1 + fraction } else { whole };
        (length > sign).then(|| Token::Number(self.take(length)))
    }

    fn sign(&mut self, first: char) -> Token<'a> {
        let known = SIGNS.iter().find(|(text, _)| self.rest.starts_with(text));
        self.take(known.map_or(first.len_utf8(), |(text, _)| text.len()));
        known.map_or(Token::Unknown(first), |(_, token)| *token)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (Token<'a>, usize);

    fn next(&mut self) -> Option<(Token<'a>, usize)> {
        let ended = self.skip_blanks();
        let place = self.length - self.rest.len();
        if !ended {
            return Some((self.unfinished("/*"), place));
        }
        let first = self.rest.chars().next()?;
        let token = match first {
            'a'..='z' | 'A'..='Z' | '_' => self.word_or_typed(),
            '\'' => self.text(Token::Text),
            '0'..='9' | '+' | '-' | '.' => self.number().unwrap_or_else(|| self.sign(first)),
            _ => self.sign(first),
        };
        Some((token, place))
    }
}

/// Whether `text` could be one [`Token::Word`].
pub(super) fn is_word(text: &str) -> bool {
    let begins = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    text.bytes().next().is_some_and(begins) && text.bytes().all(in_word)
}

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The length of a literal up to its closing quote.
fn literal_len(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    while let Some((place, byte)) = bytes.next() {
        match byte {
            b'\'' => return Some(place),
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    None
}

/// Resolves `\'` and `\\`; a backslash before anything else stands for itself, as in patterns that tools wrote
/// carelessly.
pub(super) fn unescape(inner: &str) -> Cow<'_, str> {
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = (character == '\\').then(|| characters.next_if(|c| *c == '\'' || *c == '\\'));
        text.push(escaped.flatten().unwrap_or(character));
    }
    Cow::Owned(text)
}

/// What [`unescape`] reads as `text`.
pub(super) fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}
