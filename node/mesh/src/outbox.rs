//! Events on their way to the node, which may be slower than the network.
//!
//! The swarm never waits for the node. Gossip that finds the queue full is dropped, and sync brings
//! it later. Who is connected is never lost: it waits here, at most two events for each node,
//! because a connection that came and went while nobody listened cancels out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use certmesh_wire::NodeId;
use tokio::sync::mpsc::{Permit, Sender};

use crate::{Event, limits};

/// A place among the events that wait for the node. One peer gets only so many.
#[derive(Debug)]
pub struct WaitingPlace(#[expect(dead_code, reason = "it is counted, never read")] Arc<()>);

/// The sending end of the node's events.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Sender<Event>,
    waiting: VecDeque<Event>,
    /// For each peer, one more reference than it has places.
    places: BTreeMap<NodeId, Arc<()>>,
}

impl Outbox {
    /// An outbox for this queue.
    pub(crate) fn new(queue: Sender<Event>) -> Self {
        Self { queue, waiting: VecDeque::new(), places: BTreeMap::new() }
    }

    /// A place for gossip from this peer, if it does not hold too many already.
    pub(crate) fn place(&mut self, peer: NodeId) -> Option<WaitingPlace> {
        let places = self.places.entry(peer).or_default();
        (Arc::strong_count(places) <= limits::EVENTS_PER_PEER).then(|| WaitingPlace(Arc::clone(places)))
    }

    /// Delivers a gossiped payload if there is room. Returns whether there was.
    pub(crate) fn offer(&mut self, event: Event) -> bool {
        // Whoever is behind with who is connected is behind with gossip too, and the order holds.
        self.waiting.is_empty() && self.queue.try_send(event).is_ok()
    }

    /// Delivers who connected or disconnected, soon if not at once.
    pub(crate) fn must_send(&mut self, event: Event) {
        if let Event::Disconnected(node) = event {
            self.places.remove(&node);
            let unread =
                self.waiting.iter().rposition(|waiting| matches!(waiting, Event::Connected(n) if *n == node));
            if let Some(unread) = unread {
                self.waiting.remove(unread);
                return;
            }
        }
        self.waiting.push_back(event);
    }

    /// Delivers what waits as soon as there is room for one event; pends for ever when nothing waits.
    /// Returns `false` when the node has stopped reading.
    pub(crate) async fn flush(&mut self) -> bool {
        if self.waiting.is_empty() {
            self.queue.closed().await;
            return false;
        }
        match self.queue.reserve().await {
            Ok(room) => {
                Self::send(room, &mut self.waiting);
                true
            }
            Err(_) => false,
        }
    }

    fn send(room: Permit<'_, Event>, waiting: &mut VecDeque<Event>) {
        if let Some(event) = waiting.pop_front() {
            room.send(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    const NODE: NodeId = NodeId([1; 32]);

    #[test]
    fn a_peer_gets_only_so_many_places() {
        let mut outbox = Outbox::new(mpsc::channel(1).0);
        let own: Vec<_> = (0..1_000).map_while(|_| outbox.place(NODE)).collect();
        assert_eq!(own.len(), limits::EVENTS_PER_PEER);
        assert!(outbox.place(NodeId([2; 32])).is_some(), "another peer has its own");
        drop(own);
        assert!(outbox.place(NODE).is_some());
    }

    #[tokio::test]
    async fn state_waits_and_cancels_out() {
        let (queue, mut events) = mpsc::channel(1);
        let mut outbox = Outbox::new(queue);
        outbox.must_send(Event::Connected(NODE));
        assert!(outbox.flush().await);
        for _ in 0..100 {
            outbox.must_send(Event::Disconnected(NODE));
            outbox.must_send(Event::Connected(NODE));
        }
        assert_eq!(outbox.waiting.len(), 2);
        assert!(!outbox.offer(Event::Connected(NODE)), "nothing overtakes what waits");
        assert!(matches!(events.recv().await, Some(Event::Connected(_))));
        assert!(outbox.flush().await);
        assert!(matches!(events.recv().await, Some(Event::Disconnected(_))));
        drop(events);
        assert!(!outbox.flush().await);
    }
}
