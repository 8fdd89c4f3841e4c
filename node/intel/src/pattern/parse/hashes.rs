//! The forms of hashes, as OASIS's `object_validator.py` checks them.
//!
//! It looks at every path with a step `hashes`, takes the last step for the algorithm, in any case and with or without
//! hyphens, and holds the compared text against that algorithm's form, whatever the operator: so a list (IN) or a part of
//! a hash (LIKE) is refused for the algorithms it knows. Others, such as TLSH, are free.

use super::super::fault::quote;
use super::super::path::{Path, Step};
use super::super::token::Token;
use super::super::tree::Comparator;
use super::{Parsed, Parser};

/// The algorithms that are known by their number of hexadecimal digits.
const DIGITS: [(&str, usize); 12] = [
    ("MD5", 32),
    ("RIPEMD160", 40),
    ("SHA1", 40),
    ("SHA224", 56),
    ("SHA256", 64),
    ("SHA384", 96),
    ("SHA512", 128),
    ("SHA3224", 56),
    ("SHA3256", 64),
    ("SHA3384", 96),
    ("SHA3512", 128),
    ("WHIRLPOOL", 128),
];

/// What one algorithm's hashes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Digits(usize),
    /// MD6 has several lengths; the validator looks at the first 32 digits.
    FirstDigits(usize),
    Ssdeep,
}

impl Form {
    fn of(algorithm: &str) -> Option<Self> {
        let name = algorithm.to_uppercase().replace(['-', '\''], "");
        match name.as_str() {
            "MD6" => Some(Form::FirstDigits(32)),
            "SSDEEP" => Some(Form::Ssdeep),
            name => DIGITS.iter().find(|(known, _)| *known == name).map(|(_, digits)| Form::Digits(*digits)),
        }
    }

    fn fits(self, text: &str) -> bool {
        // A regular expression's $ stands before a last line break too.
        let line = text.strip_suffix('\n').unwrap_or(text);
        let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ssdeep = |byte: u8| byte.is_ascii_alphanumeric() || b"/+:.".contains(&byte);
        match self {
            Form::Digits(digits) => line.len() == digits && hex(line),
            Form::FirstDigits(digits) => text.get(..digits).is_some_and(hex),
            Form::Ssdeep => (1..=128).contains(&line.len()) && line.bytes().all(ssdeep),
        }
    }

    fn rule(self) -> String {
        match self {
            Form::Digits(digits) => format!("has {digits} hexadecimal digits"),
            Form::FirstDigits(digits) => format!("has at least {digits} hexadecimal digits"),
            Form::Ssdeep => "has 1 to 128 letters, digits, and / + : .".to_owned(),
        }
    }
}

impl Parser<'_> {
    /// After the operator of a comparison, at what it compares `path` with.
    pub(super) fn check_hash(&self, path: &Path<'_>, comparator: Comparator) -> Parsed<()> {
        if !path.steps.iter().any(|step| step.name() == Some("hashes")) {
            return Ok(());
        }
        let algorithm = match path.steps.last() {
            Some(Step::Name(algorithm)) => algorithm,
            Some(Step::Item(item)) if *item != "*" => {
                return Err(self.fault(self.place, format!("{path} names no algorithm behind hashes")));
            }
            _ => return Ok(()),
        };
        let Some(form) = Form::of(algorithm) else {
            return Ok(());
        };
        let algorithm = quote(algorithm);
        if comparator == Comparator::In {
            let advice = "write hashes one by one, with = and OR";
            return Err(self.fault(self.place, format!("IN can't be used with {algorithm}: {advice}")));
        }
        match self.compared_text() {
            Some(text) if !form.fits(&text) => {
                let (text, rule) = (quote(&text), form.rule());
                Err(self.fault(self.place, format!("'{text}' is no {algorithm} hash, which {rule}")))
            }
            _ => Ok(()),
        }
    }

    /// The token that is looked at as the validator's inspector keeps it: as it was written, without quotes.
    fn compared_text(&self) -> Option<String> {
        match self.token? {
            Token::Text(inner) => Some(inner.replace('\'', "")),
            Token::Typed(letter, inner) => Some(format!("{letter}{inner}")),
            Token::Number(text) | Token::Word(text @ ("true" | "false")) => Some(text.to_owned()),
            _ => None,
        }
    }
}
