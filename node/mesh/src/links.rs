//! The connections that stand with each peer, and which of them are remains to be closed.
//!
//! Both sides may dial at one moment; both connections may then live, and nothing needs agreeing.
//! But a peer dials only when it sees no connection to us. So when it connects to us, whatever
//! stood before is dead on its side, even if our side would take many seconds to notice: an earlier
//! connection of its own at once, one that we dialled unless it is so young that both dials may
//! have crossed. Only the side that is dialled closes anything, so two sides can't close each
//! other's choice.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use certmesh_wire::NodeId;
use libp2p::swarm::ConnectionId;

/// How long after one dial succeeded the other side's may still be on its way.
const DIALS_MAY_CROSS: Duration = Duration::from_secs(30);

/// One connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) id: ConnectionId,
    /// Whether the peer dialled us.
    pub(crate) inbound: bool,
    pub(crate) since: Instant,
}

impl Link {
    fn is_dead_beside(&self, newer: &Link) -> bool {
        let age = newer.since.saturating_duration_since(self.since);
        newer.inbound && (self.inbound || age >= DIALS_MAY_CROSS)
    }
}

/// All connections, by peer.
#[derive(Debug, Default)]
pub(crate) struct Links(BTreeMap<NodeId, Vec<Link>>);

impl Links {
    /// Notes a connection. Returns whether it is the peer's first, and the older ones to close.
    pub(crate) fn opened(&mut self, node: NodeId, link: Link) -> (bool, Vec<ConnectionId>) {
        let links = self.0.entry(node).or_default();
        let first = links.is_empty();
        let dead = links.iter().filter(|older| older.is_dead_beside(&link)).map(|older| older.id).collect();
        links.push(link);
        (first, dead)
    }

    /// Forgets a connection. Returns whether it was the peer's last.
    pub(crate) fn closed(&mut self, node: NodeId, id: ConnectionId) -> bool {
        let Some(links) = self.0.get_mut(&node) else { return false };
        links.retain(|link| link.id != id);
        let last = links.is_empty();
        if last {
            self.0.remove(&node);
        }
        last
    }

    /// Whether any connection stands.
    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId([1; 32]);

    fn link(id: usize, inbound: bool, since: Instant) -> Link {
        Link { id: ConnectionId::new_unchecked(id), inbound, since }
    }

    fn dead(older_inbound: bool, newer_inbound: bool, age: Duration) -> usize {
        let (now, mut links) = (Instant::now(), Links::default());
        assert_eq!(links.opened(NODE, link(1, older_inbound, now)), (true, vec![]));
        let (first, dead) = links.opened(NODE, link(2, newer_inbound, now + age));
        assert!(!first);
        dead.len()
    }

    #[test]
    fn only_what_the_peer_gave_up_is_closed() {
        let (young, old) = (Duration::from_secs(1), DIALS_MAY_CROSS);
        assert_eq!(dead(true, true, young), 1, "the peer dialled again: its first connection is gone");
        assert_eq!(dead(false, true, young), 0, "the dials crossed");
        assert_eq!(dead(false, true, old), 1, "the peer dialled: ours is dead on its side");
        assert_eq!(dead(true, false, old), 0, "the side that dials closes nothing");
    }

    #[test]
    fn the_last_close_is_told() {
        let (now, mut links) = (Instant::now(), Links::default());
        links.opened(NODE, link(1, true, now));
        links.opened(NODE, link(2, false, now));
        assert!(!links.closed(NODE, ConnectionId::new_unchecked(1)));
        assert!(links.any());
        assert!(links.closed(NODE, ConnectionId::new_unchecked(2)));
        assert!(!links.any() && !links.closed(NODE, ConnectionId::new_unchecked(2)));
    }
}
