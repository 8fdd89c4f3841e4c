//! Hostile input for the readers of `node/intel`.
//!
//! [`targets`] are what must hold of any bytes; `scripts/fuzz` runs them under libFuzzer, guided by coverage and begun
//! with the files in `seeds/`, and the gate runs them for a moment over the same files, broken by [`mutation`].
//! [`grammar`] makes STIX patterns, for comparison with OASIS's own validator.

pub mod grammar;
pub mod mutation;
pub mod targets;
