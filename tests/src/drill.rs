//! Drills: something bad happens to a mesh of real nodes while everybody works, it is told as it
//! happens, and at the end a verdict says whether the mesh held.
//!
//! `scripts/drill` runs them for a person, and the whole-system tests run the same code. What a drill
//! demands is in its own file; what it never does is to hold a clock against the mesh where a
//! slower machine would be enough to fail: times are told, and bounded only by patience.

mod crash;
mod flood;
mod island;
mod lost_disk;
mod new_node;
mod rogue;
mod story;
mod verdict;
mod visible;

use std::path::PathBuf;

pub use story::Story;
pub use verdict::Verdict;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drill {
    /// One node is cut off from all others for so many seconds.
    Island {
        /// How long, in seconds.
        seconds: u64,
    },
    /// Random nodes are killed, in so many rounds.
    Crash {
        /// How often.
        rounds: u64,
    },
    /// A member sends as much as it can.
    Flood {
        /// Honest publications that are timed, quiet and under each kind of flood.
        samples: u64,
    },
    /// A member's key signs two histories.
    Rogue,
    /// A node joins a mesh that holds so many indicators.
    NewNode {
        /// Indicators.
        indicators: u64,
    },
    /// A node's data folder is deleted.
    LostDisk,
}

/// Where it happens.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Nodes of the mesh, one a member.
    pub nodes: usize,
    /// An absent or empty folder for it.
    pub folder: PathBuf,
    /// What chance is made of.
    pub seed: u64,
}

impl Drill {
    /// The fewest nodes that can show it: after any death, two others have to be there to confirm
    /// where a node's log ended.
    pub fn least_nodes(self) -> usize {
        match self {
            Self::Crash { .. } | Self::Rogue => 4,
            Self::Island { .. } | Self::Flood { .. } | Self::NewNode { .. } | Self::LostDisk => 3,
        }
    }

    /// Raises a mesh, lets it happen, and stops the mesh.
    ///
    /// # Panics
    /// If something that has to happen does not, with words that say what.
    pub fn run(self, stage: &Stage, story: &Story) -> Verdict {
        match self {
            Self::Island { seconds } => island::run(stage, story, seconds),
            Self::Crash { rounds } => crash::run(stage, story, rounds),
            Self::Flood { samples } => flood::run(stage, story, samples),
            Self::Rogue => rogue::run(stage, story),
            Self::NewNode { indicators } => new_node::run(stage, story, indicators),
            Self::LostDisk => lost_disk::run(stage, story),
        }
    }
}
