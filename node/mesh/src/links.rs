//! The connections that stand with each peer, and what a further one says of them.
//!
//! Both sides may dial at one moment; both connections may then live, and nothing needs agreeing.
//! But a peer dials only when it sees no connection to us. So when it connects to us, whatever
//! stood before is dead on its side, even if ours would take many seconds to notice: an earlier
//! connection of its own at once, one that we dialled unless it is so young that both dials may
//! have crossed. Only the side that is dialled concludes anything, so two sides can't close each
//! other's choice.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use certmesh_wire::NodeId;
use libp2p::Multiaddr;
use libp2p::swarm::ConnectionId;

/// How long after one dial succeeded the other side's may still be on its way: a handshake over half
/// the world. On a worse link, crossed dials may be taken for a restart, at the price of another
/// attempt; a restart within this time is taken for crossed dials, and heals once the silence is
/// noticed (see `hearing`).
const DIALS_MAY_CROSS: Duration = Duration::from_secs(1);

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: ConnectionId,
    /// Where the peer is, as seen from here.
    pub(crate) address: Multiaddr,
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

/// What a connection that has just opened is, beside those that stood before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// The only one.
    First,
    /// A second one, of dials that crossed.
    Crossed,
    /// One of a peer that has lost those before, most often by a restart.
    Anew,
}

/// All connections, by peer.
#[derive(Debug, Default)]
pub(crate) struct Links(BTreeMap<NodeId, Vec<Link>>);

impl Links {
    /// Notes a connection, and says what it is.
    pub(crate) fn opened(&mut self, node: NodeId, link: Link) -> Opening {
        let links = self.0.entry(node).or_default();
        let opening = match links.iter().any(|older| older.is_dead_beside(&link)) {
            true => Opening::Anew,
            false if links.is_empty() => Opening::First,
            false => Opening::Crossed,
        };
        links.push(link);
        opening
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

    /// Where the peer's newest connection leads; `None` when there is none.
    pub(crate) fn address(&self, node: NodeId) -> Option<&Multiaddr> {
        Some(&self.0.get(&node)?.last()?.address)
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
        Link { id: ConnectionId::new_unchecked(id), address: Multiaddr::empty(), inbound, since }
    }

    fn second(older_inbound: bool, newer_inbound: bool, age: Duration) -> Opening {
        let (now, mut links) = (Instant::now(), Links::default());
        assert_eq!(links.opened(NODE, link(1, older_inbound, now)), Opening::First);
        links.opened(NODE, link(2, newer_inbound, now + age))
    }

    #[test]
    fn only_the_dialled_side_concludes() {
        let (young, old) = (DIALS_MAY_CROSS / 2, DIALS_MAY_CROSS);
        assert_eq!(second(true, true, young), Opening::Anew, "the peer dialled twice: it lost the first");
        assert_eq!(second(false, true, young), Opening::Crossed);
        assert_eq!(second(false, true, old), Opening::Anew, "the peer dialled: ours is dead on its side");
        assert_eq!(second(true, false, old), Opening::Crossed);
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
