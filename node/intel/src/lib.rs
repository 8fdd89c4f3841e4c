//! Intelligence as values: STIX objects and bundles, patterns, observables and TLP.
//!
//! Everything here is a function of the bytes it is given. There is no I/O, no clock and no async, and nothing knows of
//! records, members or the mesh. The bytes come from hostile peers, so every reader is linear in time, bounded in
//! memory, free of recursion, and answers with a typed fault where it can't answer with a value.
//!
//! - [`object`] reads an object leniently, alike on every node; [`validate`] is the strict check before publishing.
//! - [`bundle`] cuts a file into the exact texts of its objects; [`mark`] adds a TLP marking to one of them, and
//!   [`revoke`] takes one back.
//! - [`observable`] turns objects, and [`question`] what an analyst types, into keys that meet in an index.
//! - [`pattern`] reads STIX patterns.
//! - [`recognise`] tells what a typed value is, [`compose`] makes objects of values, and [`caution`] says what publishing
//!   them would harm.
//! - [`formats`] writes the lists that SOC tools read; [`allow`] is what none of them holds.
//! - [`tlp`] is the order of sharing; [`display`] makes foreign text safe to show; [`near`] knows what was meant by a slip.

pub mod allow;
pub mod bundle;
pub mod caution;
pub mod compose;
pub mod display;
pub mod formats;
mod json;
mod key;
pub mod mark;
pub mod near;
mod normal;
pub mod object;
pub mod observable;
pub mod pattern;
pub mod question;
pub mod recognise;
pub mod revoke;
pub mod timestamp;
pub mod tlp;
pub mod validate;

pub use object::{Object, ObjectFault};
pub use observable::{Mention, Observable};
pub use question::Question;
pub use tlp::Tlp;
