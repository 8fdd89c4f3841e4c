//! The strict reading of a pattern.
//!
//! A pattern is valid here when OASIS's own validator says so (`stix2-patterns` 2.1.2, its checks for STIX 2.1). The
//! rules are
//!
//! 1. the grammar of STIX 2.1 patterning (section 9), as in the validator's `STIXPattern.g4`: [`super::token`],
//!    [`comparison`] and [`literal`] say it piece by piece;
//! 2. its `validator.py`: no two qualifiers of one kind directly behind one `[…]`, and, from its `helpers.py`, nothing
//!    but spaces and `(` before the first `[`, not even a comment;
//! 3. its `object_validator.py`: values compared with a known hash have that hash's form, see [`hashes`];
//! 4. its `inspector.py`, which stops with an error at an index below 0 and at an index behind `hashes`.
//!
//! It neither compares START with STOP nor knows calendars, and takes 0 for WITHIN and REPEATS, and so do we. Two limits
//! are ours, where its recursion would end at some depth or other: [`MAX_LEN`] and [`MAX_DEPTH`]. `tests/fuzz` holds the
//! two against each other.

mod comparison;
mod hashes;
mod literal;

use super::fault::{PatternFault, unexpected};
use super::token::{Token, Tokens};
use super::tree::{Join, Node, Pattern, Qualifier};

/// The longest pattern in bytes; real ones reach 65 kB.
pub const MAX_LEN: usize = 1024 * 1024;
/// The deepest nesting of parentheses and brackets.
pub const MAX_DEPTH: usize = 128;

/// Reads a pattern by the rules at the head of this module, in time and memory linear in its length.
///
/// # Errors
/// The first place at which it breaks one.
pub fn parse(pattern: &str) -> Result<Pattern<'_>, PatternFault> {
    if pattern.len() > MAX_LEN {
        let problem = format!("the pattern has {} bytes; at most {MAX_LEN} are read", pattern.len());
        return Err(PatternFault::at(pattern, 0, problem));
    }
    let mut parser = Parser::new(pattern);
    parser.check_beginning()?;
    parser.pattern()?;
    Ok(Pattern::new(parser.nodes))
}

type Parsed<T> = Result<T, PatternFault>;

struct Parser<'a> {
    pattern: &'a str,
    tokens: Tokens<'a>,
    /// The token that is looked at, and where it begins.
    token: Option<Token<'a>>,
    place: usize,
    nodes: Vec<Node<'a>>,
    /// The groups that are open, the innermost last; the first is the whole pattern.
    groups: Vec<Group>,
}

/// What a group holds, and so how it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// The whole pattern.
    Pattern,
    /// Observations in parentheses.
    Observations,
    /// Comparisons in brackets.
    Observation,
    /// Comparisons in parentheses.
    Comparisons,
}

/// An open group: the operands so far of FOLLOWEDBY, of OR in the last of these, and of AND in the last of those.
struct Group {
    holds: Holds,
    followed: Vec<usize>,
    or: Vec<usize>,
    and: Vec<usize>,
}

impl Holds {
    /// Whether the group is made of observations.
    fn observations(self) -> bool {
        matches!(self, Holds::Pattern | Holds::Observations)
    }

    fn operand(self) -> &'static str {
        match self.observations() {
            true => "[ or (",
            false => "a comparison, such as file:name = 'a.exe'",
        }
    }

    fn after_operand(self) -> &'static str {
        match self {
            Holds::Pattern => "AND, OR, FOLLOWEDBY, a qualifier or the end",
            Holds::Observations => "AND, OR, FOLLOWEDBY, a qualifier or )",
            Holds::Observation => "AND, OR or ]",
            Holds::Comparisons => "AND, OR or )",
        }
    }
}

impl<'a> Parser<'a> {
    fn new(pattern: &'a str) -> Self {
        let tokens = Tokens::new(pattern);
        let mut parser =
            Self { pattern, tokens, token: None, place: 0, nodes: Vec::new(), groups: Vec::new() };
        parser.advance();
        parser
    }

    /// OASIS's `brackets_check`.
    fn check_beginning(&self) -> Parsed<()> {
        let rest = self.pattern.trim_start_matches(|c: char| c == '(' || c.is_whitespace());
        match rest.starts_with("//") || rest.starts_with("/*") {
            true => {
                Err(self.fault(self.pattern.len() - rest.len(), "a comment can't stand before the first ["))
            }
            false => Ok(()),
        }
    }

    fn pattern(&mut self) -> Parsed<()> {
        self.open(Holds::Pattern)?;
        while let Some(holds) = self.groups.last().map(|group| group.holds) {
            match (holds.observations(), self.token) {
                (true, Some(Token::Open)) => self.open_at_token(Holds::Observations)?,
                (true, Some(Token::OpenBracket)) => self.open_at_token(Holds::Observation)?,
                (false, Some(Token::Open)) => self.open_at_token(Holds::Comparisons)?,
                (false, Some(Token::Word(_))) => {
                    let comparison = self.comparison()?;
                    self.operand(Node::Comparison(comparison));
                    self.after_operand()?;
                }
                _ => return Err(self.unexpected(holds.operand())),
            }
        }
        Ok(())
    }

    /// After an operand: the operator that asks for the next one, or the ends of groups up to one.
    fn after_operand(&mut self) -> Parsed<()> {
        while let Some(group) = self.groups.last_mut() {
            let holds = group.holds;
            match (holds, self.token) {
                (_, Some(Token::Word("AND"))) => return self.advanced(),
                (_, Some(Token::Word("OR"))) => {
                    self.end_chain();
                    return self.advanced();
                }
                (Holds::Pattern | Holds::Observations, Some(Token::Word("FOLLOWEDBY"))) => {
                    self.end_alternatives();
                    return self.advanced();
                }
                (Holds::Observation, Some(Token::CloseBracket))
                | (Holds::Observations | Holds::Comparisons, Some(Token::Close))
                | (Holds::Pattern, None) => {
                    self.advance();
                    self.close()?;
                }
                _ => return Err(self.unexpected(holds.after_operand())),
            }
        }
        Ok(())
    }

    fn open_at_token(&mut self, holds: Holds) -> Parsed<()> {
        self.open(holds)?;
        self.advanced()
    }

    fn open(&mut self, holds: Holds) -> Parsed<()> {
        if self.groups.len() > MAX_DEPTH {
            return Err(self.fault(self.place, format!("parentheses nest more than {MAX_DEPTH} deep")));
        }
        self.groups.push(Group { holds, followed: Vec::new(), or: Vec::new(), and: Vec::new() });
        Ok(())
    }

    /// Ends the innermost group and makes it an operand of the one around it.
    fn close(&mut self) -> Parsed<()> {
        self.end_alternatives();
        let Some(mut group) = self.groups.pop() else {
            return Ok(());
        };
        let inner = self.join(Join::FollowedBy, &mut group.followed);
        match group.holds {
            Holds::Pattern => {}
            Holds::Comparisons => self.operand(Node::Group(inner)),
            Holds::Observations => {
                self.operand(Node::Group(inner));
                self.qualifiers(false)?;
            }
            Holds::Observation => {
                self.operand(Node::Observation(inner));
                self.qualifiers(true)?;
            }
        }
        Ok(())
    }

    /// Adds a node that a chain of ANDs, of one or more, continues with.
    fn operand(&mut self, node: Node<'a>) {
        self.nodes.push(node);
        if let Some(group) = self.groups.last_mut() {
            group.and.push(self.nodes.len() - 1);
        }
    }

    /// Ends a chain of ANDs: it is one alternative of an OR.
    fn end_chain(&mut self) {
        let Some(mut and) = self.groups.last_mut().map(|group| std::mem::take(&mut group.and)) else {
            return;
        };
        let chain = self.join(Join::And, &mut and);
        if let Some(group) = self.groups.last_mut() {
            group.or.push(chain);
        }
    }

    /// Ends a list of alternatives: it is what something else may follow.
    fn end_alternatives(&mut self) {
        self.end_chain();
        let Some(mut or) = self.groups.last_mut().map(|group| std::mem::take(&mut group.or)) else {
            return;
        };
        let alternatives = self.join(Join::Or, &mut or);
        if let Some(group) = self.groups.last_mut() {
            group.followed.push(alternatives);
        }
    }

    /// The place of the node that `operands`, at least one, make together.
    fn join(&mut self, join: Join, operands: &mut Vec<usize>) -> usize {
        if let [one] = operands[..] {
            return one;
        }
        self.nodes.push(Node::Joined(join, std::mem::take(operands)));
        self.nodes.len() - 1
    }

    /// The qualifiers behind the last operand; only behind a parenthesis may one kind stand twice.
    fn qualifiers(&mut self, once: bool) -> Parsed<()> {
        let mut seen = Vec::new();
        while let Some(Token::Word(word @ ("WITHIN" | "REPEATS" | "START"))) = self.token {
            if once && seen.contains(&word) {
                return Err(self
                    .fault(self.place, format!("a second {word} behind one [ ]; put ( ) around the first")));
            }
            if once {
                seen.push(word);
            }
            self.advance();
            let qualifier = self.qualifier(word)?;
            let Some(operand) = self.groups.last_mut().and_then(|group| group.and.pop()) else {
                return Ok(());
            };
            self.operand(Node::Qualified(operand, qualifier));
        }
        Ok(())
    }

    fn qualifier(&mut self, word: &str) -> Parsed<Qualifier<'a>> {
        Ok(match word {
            "WITHIN" => {
                let seconds = self.unsigned("a number of seconds", true)?;
                self.expect_word("SECONDS")?;
                Qualifier::Within(seconds)
            }
            "REPEATS" => {
                let times = self.unsigned("a whole number of times", false)?;
                self.expect_word("TIMES")?;
                Qualifier::Repeats(times)
            }
            _ => {
                let start = self.time()?;
                self.expect_word("STOP")?;
                Qualifier::StartStop(start, self.time()?)
            }
        })
    }

    fn expect_word(&mut self, word: &'static str) -> Parsed<()> {
        match self.token {
            Some(Token::Word(found)) if found == word => self.advanced(),
            _ => Err(self.unexpected(word)),
        }
    }

    fn expect(&mut self, token: Token<'static>, expected: &str) -> Parsed<()> {
        if self.token == Some(token) { self.advanced() } else { Err(self.unexpected(expected)) }
    }

    fn advance(&mut self) {
        let next = self.tokens.next();
        self.token = next.map(|(token, _)| token);
        self.place = next.map_or(self.pattern.len(), |(_, place)| place);
    }

    fn advanced(&mut self) -> Parsed<()> {
        self.advance();
        Ok(())
    }

    fn unexpected(&self, expected: &str) -> PatternFault {
        self.fault(self.place, unexpected(expected, self.token))
    }

    fn fault(&self, offset: usize, problem: impl Into<String>) -> PatternFault {
        PatternFault::at(self.pattern, offset, problem)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
