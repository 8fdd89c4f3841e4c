//! Constants: what a literal may hold, by the lexer of the OASIS grammar.

use std::borrow::Cow;

use super::super::fault::quote;
use super::super::token::{Token, unescape};
use super::super::tree::Literal;
use super::{Parsed, Parser};

impl<'a> Parser<'a> {
    /// `('a', 5, true)` or `()`
    pub(super) fn set(&mut self) -> Parsed<Vec<Literal<'a>>> {
        self.expect(Token::Open, "a list in ( )")?;
        let mut literals = Vec::new();
        if self.token == Some(Token::Close) {
            self.advance();
            return Ok(literals);
        }
        loop {
            literals.push(self.primitive()?);
            match self.token {
                Some(Token::Comma) => self.advance(),
                Some(Token::Close) => break,
                _ => return Err(self.unexpected(", or )")),
            }
        }
        self.advance();
        Ok(literals)
    }

    pub(super) fn primitive(&mut self) -> Parsed<Literal<'a>> {
        match self.token {
            Some(Token::Word(word @ ("true" | "false"))) => {
                self.advance();
                Ok(Literal::Bool(word == "true"))
            }
            _ => self.orderable("a value, such as 'text', 5 or true"),
        }
    }

    /// Any constant but true and false, which have no order.
    pub(super) fn orderable(&mut self, expected: &str) -> Parsed<Literal<'a>> {
        let literal = match self.token {
            Some(Token::Text(_)) => return self.string(),
            Some(Token::Number(number)) => {
                self.check_number(number)?;
                Literal::Number(number)
            }
            Some(Token::Typed(letter, inner)) => {
                self.check_typed(letter, inner)?;
                Literal::Typed(letter, inner)
            }
            _ => return Err(self.unexpected(expected)),
        };
        self.advance();
        Ok(literal)
    }

    pub(super) fn string(&mut self) -> Parsed<Literal<'a>> {
        let Some(Token::Text(inner)) = self.token else {
            return Err(self.unexpected("a string in single quotes"));
        };
        let text = self.unescaped(inner)?;
        self.advance();
        Ok(Literal::Text(text))
    }

    /// The text of the string that is looked at, in which a backslash stands only before `'` and `\`.
    pub(super) fn unescaped(&self, inner: &'a str) -> Parsed<Cow<'a, str>> {
        let mut bytes = inner.bytes().enumerate();
        while let Some((place, byte)) = bytes.next() {
            if byte == b'\\' && !matches!(bytes.next(), Some((_, b'\\' | b'\''))) {
                let offset = self.place + 1 + place;
                return Err(self.fault(offset, "a backslash stands alone; in a string it is written \\\\"));
            }
        }
        Ok(unescape(inner))
    }

    /// A number without a minus: an integer, or a float too where `float` says so.
    pub(super) fn unsigned(&mut self, expected: &str, float: bool) -> Parsed<&'a str> {
        let number = match self.token {
            Some(Token::Number(number)) if !number.starts_with('-') && (float || !number.contains('.')) => {
                number
            }
            _ => return Err(self.unexpected(expected)),
        };
        self.check_number(number)?;
        self.advance();
        Ok(number)
    }

    pub(super) fn time(&mut self) -> Parsed<&'a str> {
        let Some(Token::Typed("t", inner)) = self.token else {
            return Err(self.unexpected("a time, such as t'2026-01-31T08:00:00Z'"));
        };
        self.check_typed("t", inner)?;
        self.advance();
        Ok(inner)
    }

    fn check_number(&self, number: &str) -> Parsed<()> {
        let digits = number.trim_start_matches(['+', '-']);
        match digits.len() > 1 && digits.starts_with('0') && !digits.contains('.') {
            true => Err(self.fault(self.place, format!("{} begins with 0", quote(number)))),
            false => Ok(()),
        }
    }

    fn check_typed(&self, letter: &str, inner: &str) -> Parsed<()> {
        let (sound, rule) = match letter {
            "h" => (is_hex(inner), "pairs of hexadecimal digits"),
            "b" => (is_base64(inner), "base64, with its = at the end"),
            _ => (is_time(inner), "a time in UTC, such as t'2026-01-31T08:00:00Z'"),
        };
        match sound {
            true => Ok(()),
            false => Err(self.fault(self.place, format!("{letter}'{}' must be {rule}", quote(inner)))),
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Groups of four, at least one, the last of which may end in `=` or `==`.
fn is_base64(text: &str) -> bool {
    let body = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    !text.is_empty() && text.len().is_multiple_of(4) && body.bytes().all(plain)
}

/// `YYYY-MM-DDThh:mm:ss[.s+]Z`, each number in its range, whatever the month's length.
fn is_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let shape = date.bytes().enumerate().all(|(place, byte)| match place {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let within = |place: usize, least: &str, most: &str| (least..=most).contains(&&date[place..place + 2]);
    let ranges = || {
        within(5, "01", "12")
            && within(8, "01", "31")
            && within(11, "00", "23")
            && within(14, "00", "59")
            && within(17, "00", "60")
    };
    let fraction = |rest: &str| {
        let digits = rest.strip_prefix('.').and_then(|rest| rest.strip_suffix('Z')).unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    shape && ranges() && (rest == "Z" || fraction(rest))
}
