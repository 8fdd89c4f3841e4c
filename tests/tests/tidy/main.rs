//! Holds the house to its plan: which crate may build on which, who may name a wrapped crate, what
//! a source file looks like, and that the README tells the truth.
//!
//! Each rule is a function from values to the faults that it finds, so that it is also tried on a
//! bad example: a rule that can't fail would hold nothing.
#![allow(clippy::unwrap_used)]

mod floors;
mod layout;
mod readme;
mod sources;
mod tree;

/// Fails with every fault that a rule found, one a line.
#[track_caller]
fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
