//! Why a text is no STIX pattern, and where.

use super::token::{Token, is_keyword};
use crate::display::safe;

/// The most characters that a fault quotes of the pattern.
const MAX_QUOTE: usize = 40;
/// What is expected behind `:` and `.` in a path.
pub(super) const NAME: &str = "a property's name";

/// The first place at which a text stops being a STIX pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct PatternFault {
    /// The byte of the pattern, from 0.
    pub offset: usize,
    /// The line, from 1.
    pub line: usize,
    /// The character in that line, from 1.
    pub column: usize,
    /// What was expected and what stands there, or which rule is broken; safe to show.
    pub problem: String,
}

impl PatternFault {
    /// A fault at the byte `offset` of `pattern`, which is a character's first.
    pub(super) fn at(pattern: &str, offset: usize, problem: impl Into<String>) -> Self {
        let before = pattern.get(..offset).unwrap_or(pattern);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            offset,
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: line.chars().count() + 1,
            problem: problem.into(),
        }
    }
}

/// A part of a pattern as a fault quotes it.
pub(super) fn quote(text: &str) -> String {
    safe(text, MAX_QUOTE)
}

/// What is wrong with `token`, which stands where `expected` should; without a token the pattern has ended.
pub(super) fn unexpected(expected: &str, token: Option<Token<'_>>) -> String {
    match token {
        None => format!("expected {expected}, but the pattern ends"),
        Some(Token::Unfinished("/*")) => "a comment begins here that has no end */".to_owned(),
        Some(Token::Unfinished(_)) => "a string begins here that has no closing '".to_owned(),
        Some(token) => {
            format!("expected {expected}, but {} stands there{}", written(token), hint(expected, token))
        }
    }
}

/// The token as a person would call it.
fn written(token: Token<'_>) -> String {
    match token {
        Token::Word(word) => quote(word),
        Token::Number(number) => quote(number),
        Token::Text(inner) => format!("the string '{}'", quote(inner)),
        Token::Typed(letter, inner) => format!("{letter}'{}'", quote(inner)),
        Token::Unknown(character) => quote(&character.to_string()),
        Token::Order(sign) | Token::Unfinished(sign) => sign.to_owned(),
        Token::Equal => "=".to_owned(),
        Token::NotEqual => "!=".to_owned(),
        Token::Open => "(".to_owned(),
        Token::Close => ")".to_owned(),
        Token::OpenBracket => "[".to_owned(),
        Token::CloseBracket => "]".to_owned(),
        Token::Colon => ":".to_owned(),
        Token::Dot => ".".to_owned(),
        Token::Comma => ",".to_owned(),
        Token::Star => "*".to_owned(),
    }
}

/// What people most often meant by a token in the wrong place.
fn hint(expected: &str, token: Token<'_>) -> String {
    match token {
        Token::Word(word) if expected == NAME && is_keyword(word) => {
            format!("; a property of that name stands in quotes: '{word}'")
        }
        Token::Word(word) if expected == NAME => {
            format!("; a name with a hyphen stands in quotes: '{}'", quote(word))
        }
        Token::Word(word) if is_keyword(&word.to_ascii_uppercase()) && !is_keyword(word) => {
            format!("; keywords are in capitals: {}", word.to_ascii_uppercase())
        }
        Token::Unknown('"' | '“' | '”' | '‘' | '’' | '`') => {
            "; strings stand in plain single quotes".to_owned()
        }
        _ => String::new(),
    }
}
