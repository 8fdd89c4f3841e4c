//! Drives real nodes: a mesh of processes on loopback that `scripts/mesh` raises, the operators'
//! command on each of them, and endpoints that are no nodes at all.
//!
//! The whole-system tests and the benchmark share it. What goes wrong here is a failed test, so
//! these functions panic, and say what they saw.
#![allow(clippy::unwrap_used)]

mod bundle;
mod mesh;
mod node;
mod outsider;
mod patience;
mod program;
mod watch;

pub use bundle::{Bundle, on_one_line};
pub use mesh::Mesh;
pub use node::Node;
pub use outsider::{Outsider, Silent};
pub use patience::{PATIENCE, eventually, wait_until};
pub use program::{Outcome, certmesh, program, with_target_dir};
pub use watch::Watch;
