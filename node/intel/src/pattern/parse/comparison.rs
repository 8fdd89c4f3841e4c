//! Comparisons: an object path, an operator, and what is compared with.

use std::borrow::Cow;

use super::super::fault::NAME;
use super::super::path::{Path, Step};
use super::super::token::{Token, is_keyword};
use super::super::tree::{Comparator, Comparison};
use super::{Parsed, Parser};

impl<'a> Parser<'a> {
    /// At a word: `file:name = 'a.exe'`, `EXISTS file:name`, `NOT EXISTS file:name`.
    pub(super) fn comparison(&mut self) -> Parsed<Comparison<'a>> {
        let negated = self.take_word("NOT");
        if negated || self.token == Some(Token::Word("EXISTS")) {
            self.expect_word("EXISTS")?;
            let path = self.path()?;
            return Ok(Comparison { path, negated, comparator: Comparator::Exists, operands: Vec::new() });
        }
        let path = self.path()?;
        let negated = self.take_word("NOT");
        let comparator = self.comparator()?;
        self.check_hash(&path, comparator)?;
        let operands = match comparator {
            Comparator::In => self.set()?,
            Comparator::Equal | Comparator::NotEqual => vec![self.primitive()?],
            Comparator::Like | Comparator::Matches | Comparator::IsSubset | Comparator::IsSuperset => {
                vec![self.string()?]
            }
            _ => vec![self.orderable("a string, a number, or a constant such as t'2026-01-31T08:00:00Z'")?],
        };
        Ok(Comparison { path, negated, comparator, operands })
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.token, Some(Token::Word(found)) if found == word);
        if found {
            self.advance();
        }
        found
    }

    fn path(&mut self) -> Parsed<Path<'a>> {
        let object_type = match self.token {
            Some(Token::Word(word)) if !is_keyword(word) => word,
            _ => return Err(self.unexpected("the type of an object, such as file")),
        };
        self.advance();
        self.expect(Token::Colon, ": and a property")?;
        let mut steps = vec![Step::Name(self.name()?)];
        loop {
            match self.token {
                Some(Token::Dot) => {
                    self.advance();
                    steps.push(Step::Name(self.name()?));
                }
                Some(Token::OpenBracket) => steps.push(Step::Item(self.item()?)),
                _ => return Ok(Path { object_type, steps }),
            }
        }
    }

    fn name(&mut self) -> Parsed<Cow<'a, str>> {
        let name = match self.token {
            Some(Token::Word(word)) if !is_keyword(word) && !word.contains('-') => Cow::Borrowed(word),
            Some(Token::Text(inner)) => self.unescaped(inner)?,
            _ => return Err(self.unexpected(NAME)),
        };
        self.advance();
        Ok(name)
    }

    /// At `[`.
    fn item(&mut self) -> Parsed<&'a str> {
        self.advance();
        let item = match self.token {
            Some(Token::Star) => {
                self.advance();
                "*"
            }
            _ => self.unsigned("* or the number of an item, from 0", false)?,
        };
        self.expect(Token::CloseBracket, "]")?;
        Ok(item)
    }

    fn comparator(&mut self) -> Parsed<Comparator> {
        let comparator = match self.token {
            Some(Token::Equal) => Comparator::Equal,
            Some(Token::NotEqual) => Comparator::NotEqual,
            Some(Token::Order("<")) => Comparator::Less,
            Some(Token::Order("<=")) => Comparator::LessOrEqual,
            Some(Token::Order(">")) => Comparator::Greater,
            Some(Token::Order(_)) => Comparator::GreaterOrEqual,
            Some(Token::Word("IN")) => Comparator::In,
            Some(Token::Word("LIKE")) => Comparator::Like,
            Some(Token::Word("MATCHES")) => Comparator::Matches,
            Some(Token::Word("ISSUBSET")) => Comparator::IsSubset,
            Some(Token::Word("ISSUPERSET")) => Comparator::IsSuperset,
            _ => return Err(self.unexpected("an operator, such as =, IN or LIKE")),
        };
        self.advance();
        Ok(comparator)
    }
}
