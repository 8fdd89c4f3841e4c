//! STIX patterns: the terms in them that an index can use ([`terms`]).
//!
//! Real patterns are 65 kB long and have thousands of terms, and hostile ones nest without end, so nothing here
//! recurses, by term or by depth.

mod path;
mod terms;
mod token;

pub use path::{Path, Step};
pub use terms::{MAX_VALUES, Operator, Term, terms};
