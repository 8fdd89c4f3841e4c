//! Where in an object something stands, such as `kill_chain_phases[0].phase_name`.

use std::fmt;

use crate::object::{ObjectFault, quote};

/// A place in an object: a property, an item of a list, and so on inwards.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'p> {
    /// The object itself.
    Object,
    Property(&'p Place<'p>, &'p str),
    Item(&'p Place<'p>, usize),
}

impl<'p> Place<'p> {
    pub(super) fn property(&'p self, name: &'p str) -> Self {
        Place::Property(self, name)
    }

    pub(super) fn item(&'p self, index: usize) -> Self {
        Place::Item(self, index)
    }

    /// The fault that nothing stands here; `why` says what it is for.
    pub(super) fn missing(&self, why: &str) -> ObjectFault {
        ObjectFault::Missing(self.to_string().into(), why.to_owned())
    }

    /// The fault that `why`, which completes a sentence that begins with this place.
    pub(super) fn wrong(&self, why: impl Into<String>) -> ObjectFault {
        ObjectFault::Wrong(self.to_string().into(), why.into())
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Object => Ok(()),
            Place::Property(Place::Object, name) => f.write_str(&quote(name)),
            Place::Property(outer, name) => write!(f, "{outer}.{}", quote(name)),
            Place::Item(outer, index) => write!(f, "{outer}[{index}]"),
        }
    }
}
