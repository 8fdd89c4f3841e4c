//! The simulator: the real engine over a simulated network, disk and clock, driven by one number.
//!
//! A run has a storm and a calm. In the storm messages get lost, come late and twice, cables are cut,
//! machines die in the middle of a commit, disks fill up or come back from old backups, clocks jump, and
//! fewer than a third of the members break the rules as they like; what must hold at every moment is
//! looked after in `watch`. In the calm nothing goes wrong any more, and all honest nodes must come to
//! agree, which is looked after in `world/settled`.
//!
//! In two runs of five the mesh itself changes (`council`, `world/changes`): members join, are expelled and change
//! their root keys, machines come and go, a node's key is stolen and cut off, documents contradict each other until a
//! higher round, a next version or a pin decides, and nodes are away until they know nobody any more. What the
//! members decided last is the truth that all nodes still in use have to come to (`world/standing`, `world/gone`).
//!
//! Everything that happens follows from a seed and the number of nodes: the same two, the same run.

mod adversary;
mod chance;
mod council;
mod disk;
mod founding;
mod life;
mod model;
mod plan;
mod reading;
mod tally;
mod trace;
mod verifying;
mod violation;
mod watch;
mod workload;
mod world;

pub use plan::{FEWEST_NODES, MOST_NODES};
pub use tally::Tally;
pub use violation::Violation;
pub use world::{Outcome, run};
