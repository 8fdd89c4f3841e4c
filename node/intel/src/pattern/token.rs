//! The tokens of a STIX pattern (STIX 2.1, section 9, and the OASIS grammar `STIXPattern.g4`).

use std::borrow::Cow;

/// One token; keywords are words, since only their place tells them from names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token<'a> {
    /// A keyword, a type, a property: letters, digits, `_` and `-`, beginning with a letter or `_`.
    Word(&'a str),
    /// A string literal, unescaped.
    Text(Cow<'a, str>),
    /// A literal with a type: `t'…'`, `b'…'`, `h'…'`; the letter as it was written, and the inner text, unescaped.
    Typed(&'a str, Cow<'a, str>),
    /// An integer or a float, as it was written.
    Number(&'a str),
    /// `=` or `==`.
    Equal,
    /// `!=` or `<>`.
    NotEqual,
    /// `<`, `<=`, `>` or `>=`, as it was written.
    Order(&'a str),
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

/// The tokens of a pattern, without spaces and comments. A string literal without its end ends them.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    /// The tokens of `pattern`.
    #[must_use]
    pub fn new(pattern: &'a str) -> Self {
        Self { rest: pattern }
    }

    /// Takes `length` bytes, which must end at a character's boundary.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let after = match self.rest.get(..2) {
                Some("/*") => self.rest[2..].find("*/").map(|end| end + 4),
                Some("//") => self.rest.find(['\n', '\r']),
                _ => return,
            };
            self.take(after.unwrap_or(self.rest.len()));
        }
    }

    fn word_or_typed(&mut self) -> Option<Token<'a>> {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let length = self.rest.find(|c| !inside(c)).unwrap_or(self.rest.len());
        let word = self.take(length);
        match word {
            "t" | "b" | "h" if self.rest.starts_with('\'') => {
                self.text().map(|text| Token::Typed(word, text))
            }
            _ => Some(Token::Word(word)),
        }
    }

    fn text(&mut self) -> Option<Cow<'a, str>> {
        self.take(1);
        let Some((length, escaped)) = literal_len(self.rest) else {
            self.rest = "";
            return None;
        };
        let inner = self.take(length);
        self.take(1);
        Some(if escaped { Cow::Owned(unescape(inner)) } else { Cow::Borrowed(inner) })
    }

    fn number(&mut self) -> Token<'a> {
        let sign = usize::from(self.rest.starts_with(['+', '-']));
        let digits = self.rest[sign..].find(|c: char| !c.is_ascii_digit() && c != '.');
        let length = digits.map_or(self.rest.len(), |length| sign + length);
        Token::Number(self.take(length))
    }

    fn sign(&mut self, first: char) -> Token<'a> {
        let known = SIGNS.iter().find(|(text, _)| self.rest.starts_with(text));
        self.take(known.map_or(first.len_utf8(), |(text, _)| text.len()));
        known.map_or(Token::Unknown(first), |(_, token)| token.clone())
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        let mut ahead = self.rest.chars();
        let first = ahead.next()?;
        match first {
            'a'..='z' | 'A'..='Z' | '_' => self.word_or_typed(),
            '\'' => self.text().map(Token::Text),
            '0'..='9' => Some(self.number()),
            '+' | '-' if ahead.next().is_some_and(|c| c.is_ascii_digit()) => Some(self.number()),
            _ => Some(self.sign(first)),
        }
    }
}

/// The length of a literal up to its closing quote, and whether it has escapes.
fn literal_len(text: &str) -> Option<(usize, bool)> {
    let mut bytes = text.bytes().enumerate();
    let mut escaped = false;
    while let Some((place, byte)) = bytes.next() {
        match byte {
            b'\'' => return Some((place, escaped)),
            b'\\' => {
                escaped = true;
                bytes.next();
            }
            _ => {}
        }
    }
    None
}

/// Resolves `\'` and `\\`; a backslash before anything else stands for itself, as in patterns that tools wrote
/// carelessly.
fn unescape(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = (character == '\\').then(|| characters.next_if(|c| *c == '\'' || *c == '\\'));
        text.push(escaped.flatten().unwrap_or(character));
    }
    text
}
