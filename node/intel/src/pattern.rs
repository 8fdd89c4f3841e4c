//! STIX patterns: their tokens ([`Tokens`]), and the equality comparisons in them ([`Equalities`]).
//!
//! The comparisons are found in one pass over the tokens, wherever they stand: under AND, OR, FOLLOWEDBY or in
//! parentheses. There is no recursion and no tree, since real patterns have thousands of terms. What is not understood
//! is passed over.

mod token;

use std::borrow::Cow;
use std::fmt;
use std::iter::Peekable;

pub use token::{Token, Tokens};

/// The most steps of a path; a longer one is passed over.
const MAX_STEPS: usize = 64;

/// One comparison `path = literal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equality<'a> {
    /// What is compared.
    pub path: Path<'a>,
    /// The string or number that it equals, unescaped.
    pub value: Cow<'a, str>,
}

/// An object path, such as `file:hashes.'SHA-256'` or `domain-name:resolves_to_refs[*].value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<'a> {
    /// The type of the object that is observed, such as `file`.
    pub object_type: &'a str,
    /// The way to the property; never empty.
    pub steps: Vec<Step<'a>>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// A property's or a dictionary key's name, unquoted.
    Name(Cow<'a, str>),
    /// An item of a list: `[*]` or `[2]`, without the brackets.
    Item(&'a str),
}

/// The equality comparisons of a pattern with strings and numbers, in order, as an iterator.
///
/// Negated ones are left out: `path != 'x'`, `path NOT = 'x'`, `NOT path = 'x'`. `NOT (…)`, which the grammar doesn't
/// have, ends the reading, so that nothing of what it denies is taken for what it says.
#[derive(Debug, Clone)]
pub struct Equalities<'a> {
    tokens: Peekable<Tokens<'a>>,
}

impl<'a> Equalities<'a> {
    /// The comparisons of `pattern`.
    #[must_use]
    pub fn new(pattern: &'a str) -> Self {
        Self { tokens: Tokens::new(pattern).peekable() }
    }

    /// After the word and before the colon of a path: the comparison, if it is an equality with a literal.
    fn comparison(&mut self, object_type: &'a str) -> Option<Equality<'a>> {
        self.tokens.next();
        let mut steps = vec![Step::Name(self.name()?)];
        while let Some(step) = self.step() {
            steps.push(step.filter(|_| steps.len() < MAX_STEPS)?);
        }
        self.tokens.next_if_eq(&Token::Equal)?;
        let value = self.literal()?;
        Some(Equality { path: Path { object_type, steps }, value })
    }

    /// The next step of a path; `None` when the path ends here, `Some(None)` when it is broken.
    fn step(&mut self) -> Option<Option<Step<'a>>> {
        if self.tokens.next_if_eq(&Token::Dot).is_some() {
            return Some(self.name().map(Step::Name));
        }
        self.tokens.next_if_eq(&Token::OpenBracket)?;
        Some(self.item().map(Step::Item))
    }

    fn name(&mut self) -> Option<Cow<'a, str>> {
        match self.tokens.next_if(|token| matches!(token, Token::Word(_) | Token::Text(_)))? {
            Token::Word(word) => Some(Cow::Borrowed(word)),
            Token::Text(text) => Some(text),
            _ => None,
        }
    }

    fn item(&mut self) -> Option<&'a str> {
        let item = match self.tokens.next_if(|token| matches!(token, Token::Star | Token::Number(_)))? {
            Token::Number(number) => number,
            _ => "*",
        };
        self.tokens.next_if_eq(&Token::CloseBracket).map(|_| item)
    }

    fn literal(&mut self) -> Option<Cow<'a, str>> {
        match self.tokens.next_if(|token| matches!(token, Token::Number(_) | Token::Text(_)))? {
            Token::Number(number) => Some(Cow::Borrowed(number)),
            Token::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'a> Iterator for Equalities<'a> {
    type Item = Equality<'a>;

    fn next(&mut self) -> Option<Equality<'a>> {
        let mut negated = false;
        loop {
            let token = self.tokens.next()?;
            match (token, self.tokens.peek()) {
                (Token::Word(word), Some(Token::Colon)) => {
                    let found = self.comparison(word).filter(|_| !negated);
                    if found.is_some() {
                        return found;
                    }
                    negated = false;
                }
                (Token::Word(word), after) if word.eq_ignore_ascii_case("NOT") => {
                    if after == Some(&Token::Open) {
                        self.tokens = Tokens::new("").peekable();
                    }
                    negated = true;
                }
                _ => negated = false,
            }
        }
    }
}

impl fmt::Display for Path<'_> {
    /// As in a pattern, with quotes only where a name needs them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.object_type)?;
        for (place, step) in self.steps.iter().enumerate() {
            match step {
                Step::Item(item) => write!(f, "[{item}]")?,
                Step::Name(name) => {
                    f.write_str(if place == 0 { ":" } else { "." })?;
                    write_name(f, name)?;
                }
            }
        }
        Ok(())
    }
}

fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match plain {
        true => f.write_str(name),
        false => write!(f, "'{}'", name.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Equalities;

    fn found(pattern: &str) -> Vec<String> {
        Equalities::new(pattern).map(|term| format!("{}={}", term.path, term.value)).collect()
    }

    #[test]
    fn takes_equalities_wherever_they_stand() {
        for (pattern, expected) in [
            ("[domain-name:value = 'a.com']", &["domain-name:value=a.com"][..]),
            ("[domain-name:value='a.com'OR url:value=='b']", &["domain-name:value=a.com", "url:value=b"]),
            (
                "[file:hashes.'SHA-256' = 'ab' AND file:name = 'x']",
                &["file:hashes.'SHA-256'=ab", "file:name=x"],
            ),
            ("[file:hashes.sha256 = 'ab']", &["file:hashes.sha256=ab"]),
            ("[file:hashes.SHA-256 = 'ab']", &["file:hashes.'SHA-256'=ab"]),
            ("([a:b = '1'] FOLLOWEDBY [(a:c = '2')]) WITHIN 5 SECONDS", &["a:b=1", "a:c=2"]),
            ("[d:resolves_to_refs[*].value = 'x']", &["d:resolves_to_refs[*].value=x"]),
            (
                "[d:parts[0].x = 'x' AND autonomous-system:number = 15169]",
                &["d:parts[0].x=x", "autonomous-system:number=15169"],
            ),
            ("[app:cert.sha256 = 'x']", &["app:cert.sha256=x"]),
            (r"[file:name = 'it\'s \\ here']", &[r"file:name=it's \ here"]),
            ("[/* c:d = 'no' */ a:b = 'http://x' // c:d = 'no'\n]", &["a:b=http://x"]),
        ] {
            assert_eq!(found(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn leaves_everything_else() {
        for pattern in [
            "[a:b != 'x']",
            "[a:b <> 'x']",
            "[a:b NOT = 'x']",
            "[NOT a:b = 'x']",
            "[NOT (a:b = 'x' OR a:c = 'x')]",
            "[a:b > 5]",
            "[a:b >= 5]",
            "[a:b IN ('x', 'y')]",
            "[a:b LIKE 'x%']",
            "[a:b MATCHES 'a:b = x']",
            "[a:b = b'eA==']",
            "[a:b = true]",
            "[EXISTS a:b]",
            "[a:b = 'unfinished",
            "[a: = 'x']",
            "[a:b. = 'x']",
            "[a:b[x] = 'x']",
            "alert tcp any any -> any any (msg:\"x\";)",
            "",
        ] {
            assert!(found(pattern).is_empty(), "{pattern}");
        }
    }

    #[test]
    fn a_negation_covers_one_comparison() {
        assert_eq!(
            found("[a:b NOT = 'x' AND a:c = 'y' AND NOT a:d = 'z' AND a:e = 'w']"),
            ["a:c=y", "a:e=w"]
        );
    }

    #[test]
    fn length_and_depth_are_bounded_or_harmless() {
        let deep = format!("{}a:b = 'x'{}", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(found(&deep), ["a:b=x"]);
        let path = |steps: usize| found(&format!("[a:b{} = 'x']", ".c".repeat(steps))).len();
        assert_eq!((path(63), path(64), path(1_000_000)), (1, 0, 0));
        let long = vec!["a:b = 'x'"; 20_000].join(" AND ");
        assert_eq!(found(&long).len(), 20_000);
    }

    proptest! {
        #[test]
        fn never_panics(pattern in "\\PC{0,80}", likely in "[ab:.\\[\\]*()='\\\\ 0-9NOT/!<>-]{0,60}") {
            found(&pattern);
            found(&likely);
        }

        #[test]
        fn a_written_literal_is_read_back(value in "\\PC{0,40}") {
            let literal = value.replace('\\', "\\\\").replace('\'', "\\'");
            prop_assert_eq!(found(&format!("[a:b = '{literal}']")), [format!("a:b={value}")]);
        }
    }
}
