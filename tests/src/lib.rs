//! Drives real nodes: a mesh of processes on loopback that `scripts/mesh` raises, the operators'
//! command on each of them, and endpoints that are no nodes at all.
//!
//! The whole-system tests and the benchmark share it. What goes wrong here is a failed test, so
//! these functions panic, and say what they saw.
#![allow(clippy::unwrap_used)]

mod bundle;
mod chance;
mod disk;
pub mod drill;
mod holdings;
mod library;
mod mesh;
mod namespaces;
mod network;
mod node;
mod outsider;
mod patience;
mod pen;
mod places;
mod process;
mod program;
mod publishers;
mod relays;
mod soc;
mod unable;
mod watch;

pub use bundle::{Bundle, on_one_line};
pub use disk::Disk;
pub use holdings::{Holdings, agree, log_for_all};
pub use library::Library;
pub use mesh::{Mesh, stop_nodes_in};
pub use namespaces::{Namespaces, remove_all};
pub use network::Network;
pub use node::Node;
pub use outsider::{Outsider, Silent};
pub use patience::{PATIENCE, eventually, eventually_within, wait_until};
pub use pen::{Pen, Written};
pub use places::Place;
pub use program::{Outcome, certmesh, program, with_target_dir};
pub use publishers::{Acknowledged, Publishers};
pub use relays::Relays;
pub use soc::{Events, Kept, Reply, Tool, python, run_python};
pub use unable::unable;
pub use watch::Watch;
