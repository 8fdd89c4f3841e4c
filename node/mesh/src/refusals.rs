//! Which refused connections are worth a log line.
//!
//! An operator needs to see that a node without a place in the manifests knocks; a node that knocks
//! every second, or a stranger with a new key each time, must not fill the disk with it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use certmesh_wire::NodeId;

/// How long one line about a node stands for its further attempts.
const QUIET: Duration = Duration::from_secs(60);
/// Nodes that are told apart within [`QUIET`]; more are not mentioned until some of them fall silent.
const NODES: usize = 32;

#[derive(Debug)]
struct Mention {
    at: Instant,
    attempts: u64,
}

/// The nodes that were refused lately.
#[derive(Debug, Default)]
pub(crate) struct Refusals(BTreeMap<NodeId, Mention>);

impl Refusals {
    /// Notes a refused attempt. Returns the attempts since the last line when one is due.
    pub(crate) fn note(&mut self, now: Instant, node: NodeId) -> Option<u64> {
        if let Some(mention) = self.0.get_mut(&node) {
            return mention.again(now);
        }
        if self.0.len() >= NODES {
            self.0.retain(|_, mention| !mention.is_over(now));
        }
        if self.0.len() >= NODES {
            return None;
        }
        self.0.insert(node, Mention { at: now, attempts: 0 });
        Some(1)
    }
}

impl Mention {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) >= QUIET
    }

    fn again(&mut self, now: Instant) -> Option<u64> {
        self.attempts += 1;
        if !self.is_over(now) {
            return None;
        }
        self.at = now;
        Some(std::mem::take(&mut self.attempts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_minute() {
        let (start, mut refusals) = (Instant::now(), Refusals::default());
        assert_eq!(refusals.note(start, NodeId([1; 32])), Some(1));
        for second in 1..60 {
            assert_eq!(refusals.note(start + Duration::from_secs(second), NodeId([1; 32])), None);
        }
        assert_eq!(refusals.note(start + QUIET, NodeId([1; 32])), Some(60));
    }

    #[test]
    fn many_strangers_are_bounded() {
        let (start, mut refusals) = (Instant::now(), Refusals::default());
        let lines = (0..=255).filter(|n| refusals.note(start, NodeId([*n; 32])).is_some()).count();
        assert_eq!(lines, NODES);
        assert_eq!(refusals.note(start + QUIET, NodeId([255; 32])), Some(1));
    }
}
