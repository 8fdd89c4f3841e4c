//! The terms of a pattern that an index can use, found leniently.
//!
//! Real patterns break the grammar and are meant all the same (`file:hashes.SHA-256`, an `or` in lower case, a bracket
//! too many), so this is one pass over the tokens that passes over whatever it does not understand. It keeps a stack of
//! the open brackets, bounded by [`MAX_DEPTH`], only to tell which terms stand by themselves.

use std::borrow::Cow;

use super::path::{Path, Step};
use super::token::{Token, Tokens, unescape};

/// The most steps of a path; a longer one is passed over.
const MAX_STEPS: usize = 64;
/// The most values of a pattern; what follows is passed over.
pub const MAX_VALUES: usize = 8_192;
/// The deepest nesting that is told apart; all terms of a group that nests deeper are partial.
const MAX_DEPTH: usize = 128;
/// The most comparisons of a reference's type in one chain of ANDs that can be found to be no condition.
const MAX_TYPES: usize = 4;

/// One comparison with values that are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term<'a> {
    /// What is compared.
    pub path: Path<'a>,
    /// How it is compared.
    pub operator: Operator,
    /// The strings and numbers it is compared with, unescaped; never empty, and one unless the operator is IN.
    pub values: Vec<Cow<'a, str>>,
    /// Whether it takes more than one of these values at some time to match the pattern: the term stands under AND or
    /// FOLLOWEDBY, must be seen repeatedly, or only between two times.
    pub partial: bool,
}

/// How a term compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`: it is the value.
    Equal,
    /// `IN`: it is one of the values.
    In,
    /// `ISSUBSET`: it is a network within the value, or an address in it.
    Subset,
    /// `ISSUPERSET`: it is a network that the value lies in.
    Superset,
}

/// The terms of `pattern`, in order, at most [`MAX_VALUES`] values in all.
///
/// What is denied is left out: `path != 'x'`, `path NOT IN ('x')`, `NOT path = 'x'`, and all of `NOT (…)`, which the
/// grammar doesn't have. Time and memory are linear in the pattern, and there is no recursion.
pub fn terms(pattern: &str) -> impl Iterator<Item = Term<'_>> {
    let tokens = Tokens::new(pattern);
    let (found, open, group) = (Vec::new(), Vec::new(), Group::default());
    let mut reading =
        Reading { tokens, ahead: None, found, values: 0, open, group, deeper: 0, negated: false };
    reading.ahead = reading.tokens.next().map(|(token, _)| token);
    reading.run();
    reading.found.into_iter()
}

/// One open bracket or parenthesis, or the whole pattern.
#[derive(Debug, Default)]
struct Group {
    /// The first term of the group, of its current chain of ANDs, and of the chain's last operand.
    start: usize,
    chain: usize,
    operand: usize,
    /// What the chain asks for: its operands, and the ANDs between them.
    operands: usize,
    ands: usize,
    /// The chain's own comparisons of a reference's type.
    types: Vec<usize>,
    /// Every term of the group is partial.
    followed: bool,
    /// Every term of the group is denied.
    negated: bool,
}

struct Reading<'a> {
    tokens: Tokens<'a>,
    ahead: Option<Token<'a>>,
    found: Vec<Term<'a>>,
    values: usize,
    open: Vec<Group>,
    group: Group,
    /// How many brackets are open beyond [`MAX_DEPTH`].
    deeper: usize,
    /// A `NOT` has been read just now.
    negated: bool,
}

impl<'a> Reading<'a> {
    fn run(&mut self) {
        while let Some(token) = self.advance() {
            let negated = std::mem::take(&mut self.negated);
            match token {
                Token::Word(word) if self.ahead == Some(Token::Colon) => self.condition(word, negated),
                Token::Word(word) => self.keyword(word),
                Token::Open | Token::OpenBracket => self.open(negated),
                Token::Close | Token::CloseBracket => self.close(),
                _ => {}
            }
        }
        while !self.open.is_empty() {
            self.close();
        }
        self.end_group();
    }

    fn advance(&mut self) -> Option<Token<'a>> {
        let next = self.tokens.next().map(|(token, _)| token);
        std::mem::replace(&mut self.ahead, next)
    }

    fn advance_if(&mut self, wanted: impl Fn(Token<'a>) -> bool) -> Option<Token<'a>> {
        if self.ahead.is_some_and(wanted) { self.advance() } else { None }
    }

    fn keyword(&mut self, word: &str) {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        if is("AND") {
            self.group.ands += 1;
        } else if is("OR") {
            self.end_chain();
        } else if is("FOLLOWEDBY") {
            self.end_chain();
            self.group.followed = true;
        } else if is("NOT") {
            self.negated = true;
        } else if is("START") || is("REPEATS") && self.ahead != Some(Token::Number("1")) {
            self.mark_from(self.group.operand);
        }
    }

    fn open(&mut self, negated: bool) {
        if self.open.len() == MAX_DEPTH {
            self.group.followed = true;
            self.group.negated |= negated;
            self.deeper += 1;
            return;
        }
        let (start, negated) = (self.found.len(), negated || self.group.negated);
        let inner = Group { start, chain: start, operand: start, negated, ..Group::default() };
        self.open.push(std::mem::replace(&mut self.group, inner));
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
            return;
        }
        let Some(outer) = self.open.pop() else {
            return;
        };
        self.end_group();
        let start = std::mem::replace(&mut self.group, outer).start;
        self.group.operand = start;
        self.group.operands += 1;
    }

    fn end_group(&mut self) {
        self.end_chain();
        if self.group.followed {
            self.mark_from(self.group.start);
        }
    }

    /// After the last operand of a chain of ANDs: its terms are partial if it has several conditions.
    fn end_chain(&mut self) {
        let implied = self.group.types.iter().filter(|place| self.is_implied(**place)).count();
        let conditions = self.group.operands.max(self.group.ands + 1);
        if conditions > implied + 1 {
            self.mark_from(self.group.chain);
        }
        let next = self.found.len();
        let Group { chain, operand, operands, ands, types, .. } = &mut self.group;
        (*chain, *operand, *operands, *ands) = (next, next, 0, 0);
        types.clear();
    }

    fn mark_from(&mut self, first: usize) {
        for term in &mut self.found[first..] {
            term.partial = true;
        }
    }

    /// Whether the chain has another term on the reference whose type is compared at `place`, as in
    /// `dst_ref.type = 'ipv4-addr' AND dst_ref.value = '192.0.2.1'`, where the type says nothing more.
    fn is_implied(&self, place: usize) -> bool {
        let compared = &self.found[place];
        let same = |other: &Term<'a>| {
            other.path.object_type == compared.path.object_type && stem(other) == stem(compared)
        };
        let chain = self.found.iter().enumerate().skip(self.group.chain);
        chain.filter(|(index, _)| *index != place).any(|(_, other)| same(other))
    }

    /// After a word and before the colon of its path.
    fn condition(&mut self, object_type: &'a str, negated: bool) {
        self.group.operand = self.found.len();
        self.group.operands += 1;
        let Some(term) = self.comparison(object_type) else {
            return;
        };
        let fits = self.values + term.values.len() <= MAX_VALUES;
        if negated || self.group.negated || !fits || term.values.is_empty() {
            return;
        }
        if is_type_of_reference(&term) && self.group.types.len() < MAX_TYPES {
            self.group.types.push(self.found.len());
        }
        self.values += term.values.len();
        self.found.push(term);
    }

    fn comparison(&mut self, object_type: &'a str) -> Option<Term<'a>> {
        self.advance();
        let mut steps = vec![Step::Name(self.name()?)];
        while let Some(step) = self.step() {
            steps.push(step.filter(|_| steps.len() < MAX_STEPS)?);
        }
        let operator = self.operator()?;
        let values = if operator == Operator::In { self.list()? } else { vec![self.literal()?] };
        Some(Term { path: Path { object_type, steps }, operator, values, partial: false })
    }

    /// The next step of a path; `None` when the path ends here, `Some(None)` when it is broken.
    fn step(&mut self) -> Option<Option<Step<'a>>> {
        if self.advance_if(|token| token == Token::Dot).is_some() {
            return Some(self.name().map(Step::Name));
        }
        self.advance_if(|token| token == Token::OpenBracket)?;
        Some(self.item().map(Step::Item))
    }

    fn name(&mut self) -> Option<Cow<'a, str>> {
        match self.advance_if(|token| matches!(token, Token::Word(_) | Token::Text(_)))? {
            Token::Word(word) => Some(Cow::Borrowed(word)),
            Token::Text(inner) => Some(unescape(inner)),
            _ => None,
        }
    }

    fn item(&mut self) -> Option<&'a str> {
        let item = match self.advance_if(|token| matches!(token, Token::Star | Token::Number(_)))? {
            Token::Number(number) => number,
            _ => "*",
        };
        self.advance_if(|token| token == Token::CloseBracket).map(|_| item)
    }

    fn operator(&mut self) -> Option<Operator> {
        let operator = match self.ahead? {
            Token::Equal => Operator::Equal,
            Token::Word(word) if word.eq_ignore_ascii_case("IN") => Operator::In,
            Token::Word(word) if word.eq_ignore_ascii_case("ISSUBSET") => Operator::Subset,
            Token::Word(word) if word.eq_ignore_ascii_case("ISSUPERSET") => Operator::Superset,
            _ => return None,
        };
        self.advance();
        Some(operator)
    }

    /// The strings and numbers of a list in parentheses, at most [`MAX_VALUES`].
    fn list(&mut self) -> Option<Vec<Cow<'a, str>>> {
        self.advance_if(|token| token == Token::Open)?;
        let mut values = Vec::new();
        loop {
            match self.ahead? {
                Token::Close => break,
                Token::Text(_) | Token::Number(_) if values.len() < MAX_VALUES => {
                    values.extend(self.literal())
                }
                Token::Text(_) | Token::Number(_) | Token::Typed(..) | Token::Word(_) | Token::Comma => {
                    self.advance();
                }
                _ => return None,
            }
        }
        self.advance();
        Some(values)
    }

    fn literal(&mut self) -> Option<Cow<'a, str>> {
        match self.advance_if(|token| matches!(token, Token::Number(_) | Token::Text(_)))? {
            Token::Number(number) => Some(Cow::Borrowed(number)),
            Token::Text(inner) => Some(unescape(inner)),
            _ => None,
        }
    }
}

/// The path without its last step.
fn stem<'t, 'a>(term: &'t Term<'a>) -> &'t [Step<'a>] {
    term.path.steps.split_last().map_or(&[], |(_, before)| before)
}

fn is_type_of_reference(term: &Term<'_>) -> bool {
    let mut names = term.path.steps.iter().rev().filter_map(Step::name);
    let is_type = term.operator == Operator::Equal && names.next() == Some("type");
    is_type && names.next().is_some_and(|name| name.ends_with("_ref") || name.ends_with("_refs"))
}

#[cfg(test)]
mod tests;
