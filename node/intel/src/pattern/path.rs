//! Object paths, which say what a comparison looks at.

use std::borrow::Cow;
use std::fmt;

use super::token::{escape, is_keyword, is_word};

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

impl Step<'_> {
    /// The name, if it is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Step::Name(name) => Some(name),
            Step::Item(_) => None,
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
    match is_word(name) && !name.contains('-') && !is_keyword(name) {
        true => f.write_str(name),
        false => write!(f, "'{}'", escape(name)),
    }
}
