//! A rule that did not hold: what a run ends with when it finds one.

use std::fmt;

use certmesh_engine::store::StoreError;

/// What was violated, when and on which node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule, in a few words.
    pub rule: &'static str,
    /// What was found instead.
    pub what: String,
    /// The node that broke it, by its number.
    pub node: usize,
    /// Virtual time, milliseconds since the run began.
    pub at_ms: u64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, ms) = (self.at_ms / 1_000, self.at_ms % 1_000);
        write!(f, "{} (node {}, at {seconds}.{ms:03} s): {}", self.rule, self.node, self.what)
    }
}

/// Why a node's process ends before its time.
#[derive(Debug)]
pub(crate) enum End {
    /// Its disk failed, or the machine died with it.
    Disk,
    /// The machine died after a commit.
    Died,
    /// A rule does not hold: the run is over.
    Violated(Violation),
}

impl From<StoreError> for End {
    fn from(_: StoreError) -> Self {
        Self::Disk
    }
}

impl From<Violation> for End {
    fn from(violation: Violation) -> Self {
        Self::Violated(violation)
    }
}
