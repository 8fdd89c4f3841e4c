//! Events on their way to the node, which may be slower than the network.
//!
//! The swarm never waits for the node. Gossip that finds the queue full is dropped, and sync brings
//! it later. Who is connected is never lost: it waits here, at most two events for each node,
//! because a connection that came and went while nobody listened cancels out.

use std::collections::VecDeque;

use tokio::sync::mpsc::{Permit, Sender};

use crate::Event;

/// The sending end of the node's events.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Sender<Event>,
    waiting: VecDeque<Event>,
}

impl Outbox {
    /// An outbox for this queue.
    pub(crate) fn new(queue: Sender<Event>) -> Self {
        Self { queue, waiting: VecDeque::new() }
    }

    /// Delivers a gossiped payload if there is room. Returns whether there was.
    pub(crate) fn offer(&mut self, event: Event) -> bool {
        // Whoever is behind with who is connected is behind with gossip too, and the order holds.
        self.waiting.is_empty() && self.queue.try_send(event).is_ok()
    }

    /// Delivers who connected or disconnected, soon if not at once.
    pub(crate) fn must_send(&mut self, event: Event) {
        if let Event::Disconnected(node) = event {
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
    use certmesh_wire::NodeId;
    use tokio::sync::mpsc;

    use super::*;

    const NODE: NodeId = NodeId([1; 32]);

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
