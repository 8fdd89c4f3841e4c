//! A pattern as a tree, and its printing.

use std::borrow::Cow;
use std::fmt;

use super::path::Path;
use super::token::escape;

/// A pattern that keeps all rules, as a tree whose nodes stand side by side, so that no depth costs stack.
///
/// Printed, it is the same pattern without comments, with single spaces, `=` and `!=` for `==` and `<>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern<'a> {
    pub(super) nodes: Vec<Node<'a>>,
}

/// One node; the places are those of other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node<'a> {
    /// `file:name = 'x'`
    Comparison(Comparison<'a>),
    /// A parenthesis around comparisons or around observations.
    Group(usize),
    /// Comparisons in brackets.
    Observation(usize),
    /// Observations with a qualifier behind them.
    Qualified(usize, Qualifier<'a>),
    /// Two or more nodes that one operator joins.
    Joined(Join, Vec<usize>),
}

/// What joins comparisons or observations; a later one binds more closely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    FollowedBy,
    Or,
    And,
}

/// One comparison of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison<'a> {
    /// What is compared.
    pub path: Path<'a>,
    /// Whether `NOT` stands before the operator.
    pub negated: bool,
    /// How it is compared.
    pub comparator: Comparator,
    /// What it is compared with: nothing for EXISTS, any number of literals for IN, one literal otherwise.
    pub operands: Vec<Literal<'a>>,
}

/// The operators of comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `=` or `==`
    Equal,
    /// `!=` or `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `IN`
    In,
    /// `LIKE`
    Like,
    /// `MATCHES`
    Matches,
    /// `ISSUBSET`
    IsSubset,
    /// `ISSUPERSET`
    IsSuperset,
    /// `EXISTS`, which stands before its path.
    Exists,
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal<'a> {
    /// A string, unescaped.
    Text(Cow<'a, str>),
    /// An integer or a float, as it was written.
    Number(&'a str),
    /// A constant with a type: `h`, `b` or `t`, and what stands between its quotes.
    Typed(&'a str, &'a str),
    /// `true` or `false`
    Bool(bool),
}

/// What stands behind observations and narrows them; the numbers and times as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Qualifier<'a> {
    Within(&'a str),
    Repeats(&'a str),
    StartStop(&'a str, &'a str),
}

impl<'a> Pattern<'a> {
    /// Of nodes of which the last is the root.
    pub(super) fn new(nodes: Vec<Node<'a>>) -> Self {
        Self { nodes }
    }

    /// Every comparison, in the order in which they stand.
    pub fn comparisons(&self) -> impl Iterator<Item = &Comparison<'a>> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Comparison(comparison) => Some(comparison),
            _ => None,
        })
    }
}

impl Comparator {
    /// As it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Comparator::Equal => "=",
            Comparator::NotEqual => "!=",
            Comparator::Less => "<",
            Comparator::LessOrEqual => "<=",
            Comparator::Greater => ">",
            Comparator::GreaterOrEqual => ">=",
            Comparator::In => "IN",
            Comparator::Like => "LIKE",
            Comparator::Matches => "MATCHES",
            Comparator::IsSubset => "ISSUBSET",
            Comparator::IsSuperset => "ISSUPERSET",
            Comparator::Exists => "EXISTS",
        }
    }
}

/// What is still to be printed.
enum Piece<'p, 'a> {
    Node(usize),
    Sign(&'static str),
    Qualifier(&'p Qualifier<'a>),
}

impl fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pieces = vec![Piece::Node(self.nodes.len().saturating_sub(1))];
        while let Some(piece) = pieces.pop() {
            match piece {
                Piece::Sign(sign) => f.write_str(sign)?,
                Piece::Qualifier(qualifier) => write!(f, " {qualifier}")?,
                Piece::Node(place) => match &self.nodes[place] {
                    Node::Comparison(comparison) => write!(f, "{comparison}")?,
                    Node::Group(inner) => {
                        pieces.extend([Piece::Sign(")"), Piece::Node(*inner), Piece::Sign("(")]);
                    }
                    Node::Observation(inner) => {
                        pieces.extend([Piece::Sign("]"), Piece::Node(*inner), Piece::Sign("[")]);
                    }
                    Node::Qualified(inner, qualifier) => {
                        pieces.extend([Piece::Qualifier(qualifier), Piece::Node(*inner)]);
                    }
                    Node::Joined(join, operands) => {
                        for (index, operand) in operands.iter().enumerate().rev() {
                            pieces.push(Piece::Node(*operand));
                            pieces.extend((index > 0).then_some(Piece::Sign(join.sign())));
                        }
                    }
                },
            }
        }
        Ok(())
    }
}

impl Join {
    fn sign(self) -> &'static str {
        match self {
            Join::FollowedBy => " FOLLOWEDBY ",
            Join::Or => " OR ",
            Join::And => " AND ",
        }
    }
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.negated { "NOT " } else { "" };
        let (path, sign) = (&self.path, self.comparator.sign());
        match (self.comparator, self.operands.as_slice()) {
            (Comparator::Exists, _) => write!(f, "{not}{sign} {path}"),
            (Comparator::In, operands) => {
                write!(f, "{path} {not}{sign} (")?;
                for (index, operand) in operands.iter().enumerate() {
                    write!(f, "{}{operand}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            (_, operands) => {
                write!(f, "{path} {not}{sign}")?;
                operands.iter().try_for_each(|operand| write!(f, " {operand}"))
            }
        }
    }
}

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Text(text) => write!(f, "'{}'", escape(text)),
            Literal::Number(number) => f.write_str(number),
            Literal::Typed(letter, inner) => write!(f, "{letter}'{inner}'"),
            Literal::Bool(value) => write!(f, "{value}"),
        }
    }
}

impl fmt::Display for Qualifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Qualifier::Within(seconds) => write!(f, "WITHIN {seconds} SECONDS"),
            Qualifier::Repeats(times) => write!(f, "REPEATS {times} TIMES"),
            Qualifier::StartStop(start, stop) => write!(f, "START t'{start}' STOP t'{stop}'"),
        }
    }
}
