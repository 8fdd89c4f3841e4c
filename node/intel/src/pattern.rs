//! STIX patterns: read strictly into a tree ([`parse`]), and leniently for the terms that an index can use ([`terms`]).
//!
//! What is published must parse; what arrives is searched for terms whether it does or not. Real patterns are 65 kB
//! long and have thousands of terms, and hostile ones nest without end, so nothing here recurses, by term or by depth,
//! and all of it is linear in the pattern.

mod fault;
mod parse;
mod path;
mod terms;
mod token;
mod tree;

pub use fault::PatternFault;
pub use parse::{MAX_DEPTH, MAX_LEN, parse};
pub use path::{Path, Step};
pub use terms::{MAX_VALUES, Operator, Term, terms};
pub use tree::{Comparator, Comparison, Literal, Pattern};
