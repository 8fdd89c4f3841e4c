//! Which connected nodes have announced that they take our gossip, and which stay silent.
//!
//! Gossipsub announces its topics when a peer's first connection opens, and never again. A peer that
//! still holds a connection of our earlier life sees no first one, so it never tells this life what
//! it takes, and nothing we publish would go to it until one of us restarts. Every node of a mesh
//! takes its topic: whoever stays silent is hung up on, and starts from nothing when it is back.
//!
//! Until then it doesn't count as connected: a connection beside remains of an earlier one ends at once.
//! A node that was silent before does, as sync needs no gossip. It gets more time with each attempt, so
//! that a slow link comes through in the end and a node that won't speak costs us little.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use certmesh_wire::NodeId;

/// How long a node may take at first. An announcement needs two or three round trips. It is longer
/// than dials may cross, so that the attempt after it isn't taken for a crossed dial too.
const FIRST_PATIENCE: Duration = Duration::from_secs(3);
/// The doublings of that after repeated silence: 24 seconds in the end.
const DOUBLINGS: u32 = 3;

#[derive(Debug, Default)]
struct Silent {
    /// Since when it is connected without a word; `None` while it isn't connected.
    since: Option<Instant>,
    /// How often it was hung up on without having spoken in between.
    times: u32,
}

impl Silent {
    fn overdue_at(&self) -> Option<Instant> {
        self.since.map(|since| since + FIRST_PATIENCE * (1 << self.times.min(DOUBLINGS)))
    }
}

/// The nodes that have not announced themselves. Those that have are not kept.
#[derive(Debug, Default)]
pub(crate) struct Hearing(BTreeMap<NodeId, Silent>);

impl Hearing {
    /// The node's first connection stands; its announcement is due. Returns whether it is worth
    /// waiting for, which it isn't after silence.
    pub(crate) fn opened(&mut self, now: Instant, node: NodeId) -> bool {
        let silent = self.0.entry(node).or_default();
        silent.since = Some(now);
        silent.times == 0
    }

    /// The node has announced that it takes our topic.
    pub(crate) fn heard(&mut self, node: NodeId) {
        self.0.remove(&node);
    }

    /// The node's last connection has ended.
    pub(crate) fn closed(&mut self, node: NodeId) {
        if let Some(silent) = self.0.get_mut(&node) {
            silent.since = None;
            if silent.times == 0 {
                self.0.remove(&node);
            }
        }
    }

    /// Forgets the nodes that this is false for.
    pub(crate) fn retain(&mut self, known: impl Fn(NodeId) -> bool) {
        self.0.retain(|node, _| known(*node));
    }

    /// A node whose time is over, and how often that has been so in a row. Each is told once.
    pub(crate) fn overdue(&mut self, now: Instant) -> Option<(NodeId, u32)> {
        let (node, silent) =
            self.0.iter_mut().find(|(_, silent)| silent.overdue_at().is_some_and(|at| at <= now))?;
        silent.since = None;
        silent.times = silent.times.saturating_add(1);
        Some((*node, silent.times))
    }

    /// When [`Hearing::overdue`] is worth asking again, if nothing else happens.
    pub(crate) fn next_overdue(&self) -> Option<Instant> {
        self.0.values().filter_map(Silent::overdue_at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId([1; 32]);

    #[test]
    fn a_node_that_speaks_is_left_alone() {
        let (now, mut hearing) = (Instant::now(), Hearing::default());
        assert!(hearing.opened(now, NODE));
        assert_eq!(hearing.next_overdue(), Some(now + FIRST_PATIENCE));
        hearing.heard(NODE);
        assert_eq!((hearing.next_overdue(), hearing.overdue(now + FIRST_PATIENCE)), (None, None));
    }

    #[test]
    fn a_silent_node_gets_more_time_each_time() {
        let (mut now, mut hearing) = (Instant::now(), Hearing::default());
        for (times, seconds) in [(1, 3), (2, 6), (3, 12), (4, 24), (5, 24)] {
            assert_eq!(hearing.opened(now, NODE), times == 1);
            let due = hearing.next_overdue().unwrap();
            assert_eq!(due, now + Duration::from_secs(seconds));
            assert_eq!(hearing.overdue(due - Duration::from_millis(1)), None);
            assert_eq!(hearing.overdue(due), Some((NODE, times)));
            assert_eq!(hearing.overdue(due), None, "told once");
            hearing.closed(NODE);
            now = due;
        }
        hearing.opened(now, NODE);
        hearing.heard(NODE);
        hearing.closed(NODE);
        hearing.opened(now, NODE);
        assert_eq!(hearing.next_overdue(), Some(now + FIRST_PATIENCE), "forgiven once it has spoken");
    }

    #[test]
    fn nothing_is_kept_of_nodes_that_are_gone() {
        let (now, mut hearing) = (Instant::now(), Hearing::default());
        hearing.opened(now, NODE);
        hearing.closed(NODE);
        assert!(hearing.0.is_empty());
        hearing.opened(now, NODE);
        hearing.overdue(now + FIRST_PATIENCE);
        hearing.retain(|_| false);
        assert!(hearing.0.is_empty());
    }
}
