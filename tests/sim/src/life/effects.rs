//! What a node wants done: everything that leaves it, and the times at which it wants to be woken.

use std::sync::Arc;

use certmesh_engine::Verdict;

use crate::life::Around;
use crate::violation::Violation;

/// A gossiped message at a node, whose verdict is awaited.
#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    /// The peer that sent it.
    pub(crate) from: usize,
    /// All its bytes.
    pub(crate) payload: Arc<[u8]>,
}

/// One thing to be done for a node.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Its next turn.
    Turn {
        /// Milliseconds from here on.
        after_ms: u64,
    },
    /// Its oldest check comes to its end.
    Checked {
        /// Milliseconds from here on.
        after_ms: u64,
    },
    /// A message of its own to its neighbours.
    Gossip(Arc<[u8]>),
    /// Pass a message on.
    Relay(Receipt),
    /// A question to a peer.
    Ask {
        /// The peer.
        peer: usize,
        /// The number of the question.
        pull: u64,
        /// The question.
        bytes: Vec<u8>,
    },
    /// Word that a peer is to be asked from the beginning.
    WakePeer {
        /// The peer.
        peer: usize,
        /// Which of its rests is to end.
        token: u64,
        /// Milliseconds from here on.
        after_ms: u64,
    },
    /// End the connection with a peer.
    HangUp {
        /// The peer.
        peer: usize,
    },
    /// The mesh is another: connect with those who are in it, and with nobody else.
    Follow,
}

impl Around<'_> {
    /// A message of the node's own goes to its neighbours.
    pub(super) fn gossip(&mut self, payload: Vec<u8>) -> Result<(), Violation> {
        if self.is_honest() {
            self.watch.gossiped(self.node, self.store, &payload)?;
        }
        self.effects.push(Effect::Gossip(payload.into()));
        Ok(())
    }

    /// The verdict on a message.
    pub(super) fn judge(&mut self, receipt: Receipt, verdict: Verdict) -> Result<(), Violation> {
        match verdict {
            Verdict::Accept => {
                if self.is_honest() {
                    self.watch.gossiped(self.node, self.store, &receipt.payload)?;
                }
                self.effects.push(Effect::Relay(receipt));
            }
            Verdict::Ignore => {}
            Verdict::Reject => {
                self.watch.tally.add("gossip rejected");
                self.blame_wrongly(receipt.from, "rejects what it has passed on")?;
            }
        }
        Ok(())
    }

    /// Ends the connection with a peer that is at fault.
    pub(super) fn hang_up(&mut self, peer: usize, why: &str) -> Result<(), Violation> {
        self.watch.tally.add("peers hung up on");
        self.blame_wrongly(peer, why)?;
        self.effects.push(Effect::HangUp { peer });
        Ok(())
    }

    /// Nobody who keeps the rules is blamed by another who does.
    fn blame_wrongly(&self, peer: usize, why: &str) -> Result<(), Violation> {
        if !(self.is_honest() && self.honest[peer]) {
            return Ok(());
        }
        Err(self.violation("no honest node punishes another", format!("it blames node {peer}: {why}")))
    }
}
