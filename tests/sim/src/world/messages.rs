//! How messages get from node to node, and sometimes don't.

use std::sync::Arc;

use certmesh_engine::sync::{answer, frontier};
use certmesh_wire::{SyncAnswer, SyncRequest, sha256};

use super::World;
use super::events::{Event, Message};
use crate::chance::fixed;
use crate::life::QUESTION_MS;
use crate::life::{Input, Receipt};
use crate::violation::Violation;

/// Neighbours that a node passes gossip on to.
const GOSSIP_DEGREE: usize = 4;
/// How long a node that was hung up on is not connected with again, milliseconds.
const HUNG_UP_MS: u64 = 30_000;

impl World {
    /// A message of a node's own, or one that it has accepted, goes to its neighbours.
    pub(super) fn gossip(&mut self, node: usize, from: Option<usize>, payload: &Arc<[u8]>) {
        let now = self.watch.now;
        self.nodes[node].heard.note(payload, now);
        let seed = self.plan.seed;
        let near = |peer: &usize| fixed(&[seed, node.min(*peer) as u64, node.max(*peer) as u64]);
        let life = self.nodes[node].life.as_ref();
        let mut peers: Vec<_> = life.map(|life| life.peers.numbers().collect()).unwrap_or_default();
        peers.sort_by_key(near);
        for peer in peers.into_iter().take(GOSSIP_DEGREE).filter(|peer| Some(*peer) != from) {
            self.send(node, peer, Message::Gossip(Arc::clone(payload)), 0);
        }
    }

    /// Sends a message that is `late_ms` late by itself.
    pub(super) fn send(&mut self, from: usize, to: usize, message: Message, late_ms: u64) {
        let Some(epoch) = self.links.epoch(from, to) else { return };
        if !self.links.is_open(from, to) {
            return self.watch.tally.add("messages lost to partitions");
        }
        let weather = self.links.weather;
        // A question and its answer go over a connection that repeats what gets lost: they get
        // lost only when it gives up.
        let gossip = matches!(message, Message::Gossip(_));
        let loss = if gossip { weather.loss } else { weather.loss / 10 };
        if self.chance.hits(loss) {
            return self.watch.tally.add("messages lost");
        }
        let copies = 1 + u64::from(gossip && self.chance.hits(weather.duplicates));
        self.watch.tally.add_many("messages doubled", copies - 1);
        for _ in 0..copies {
            let way_ms = self.chance.between(weather.fastest_ms, weather.slowest_ms);
            let at_ms = self.watch.now + late_ms + way_ms;
            self.queue.put(at_ms, Event::Deliver { to, from, epoch, message: message.clone() });
        }
    }

    pub(super) fn deliver(
        &mut self,
        to: usize,
        from: usize,
        epoch: u64,
        message: Message,
    ) -> Result<(), Violation> {
        if self.links.epoch(from, to) != Some(epoch) {
            return Ok(());
        }
        let now = self.watch.now;
        match message {
            Message::Gossip(payload) => {
                self.watch.trace.note(now, "gossip", to, &payload);
                if !self.nodes[to].heard.note(&payload, now) {
                    return Ok(());
                }
                let receipt = Receipt { from, payload };
                self.with_life(to, |life, around| {
                    life.give(Input::Gossip(receipt), around);
                    Ok(())
                })
            }
            Message::Question { life, pull, bytes } => {
                self.watch.trace.note(now, "question", to, &bytes);
                self.answer(to, from, life, pull, &bytes)
            }
            Message::Answer { life, pull, bytes } => {
                self.watch.trace.note(now, "answer", to, &bytes);
                self.with_life_of(to, life, |life, around| life.answered(from, pull, &bytes, around))
            }
        }
    }

    /// A node asks a peer, and waits no longer than it would.
    pub(super) fn question(&mut self, node: usize, life: u64, peer: usize, pull: u64, bytes: Vec<u8>) {
        self.watch.tally.add("questions");
        let expires_ms = self.watch.now + QUESTION_MS;
        self.queue.put(expires_ms, Event::Expire { node, life, peer, pull });
        self.send(node, peer, Message::Question { life, pull, bytes: bytes.into() }, 0);
    }

    fn answer(
        &mut self,
        node: usize,
        asker: usize,
        life: u64,
        pull: u64,
        bytes: &[u8],
    ) -> Result<(), Violation> {
        if self.nodes[node].life.is_none() {
            return Ok(());
        }
        let Ok(request) = SyncRequest::decode(bytes) else {
            let what = "its question can't be read".to_owned();
            return Err(self.watch.violation(asker, "no node asks what can't be asked", what));
        };
        let Some((bytes, late_ms)) = self.make_answer(node, asker, &request)? else { return Ok(()) };
        let message = Message::Answer { life, pull, bytes: bytes.into() };
        self.send(node, asker, message, late_ms);
        Ok(())
    }

    /// The bytes of an answer, and how late it is; nothing, if none is given.
    fn make_answer(
        &mut self,
        node: usize,
        asker: usize,
        request: &SyncRequest,
    ) -> Result<Option<(Vec<u8>, u64)>, Violation> {
        let state = &mut self.nodes[node];
        let (membership, store) = (state.standing(), &state.disk);
        let told: SyncAnswer = answer(store, &membership, self.ids[asker], request).expect("a healthy disk");
        let Some(adversary) = &mut state.adversary else {
            self.watch.answered(node, &state.disk, &told)?;
            return Ok(Some((told.encode(), 0)));
        };
        let far = frontier(store, &membership, self.founding.code_of(asker)).expect("a healthy disk");
        Ok(adversary.answer(asker, request, told, far, &mut self.watch.tally))
    }

    /// Two nodes connect, if both run and are not connected.
    pub(super) fn connect(&mut self, one: usize, other: usize) -> Result<(), Violation> {
        let runs = |node: usize| self.nodes[node].life.is_some();
        let is_up = !runs(one) || !runs(other) || self.links.epoch(one, other).is_some();
        if is_up || !self.may_connect(one, other) || !self.links.connect(one, other) {
            return Ok(());
        }
        self.with_life(one, |life, around| life.connected(other, around))?;
        self.with_life(other, |life, around| life.connected(one, around))
    }

    /// A connection ends. It comes back after a while, if both want it.
    pub(super) fn disconnect(&mut self, one: usize, other: usize, back_ms: u64) -> Result<(), Violation> {
        if !self.links.disconnect(one, other) {
            return Ok(());
        }
        self.queue.put(self.watch.now + back_ms, Event::Connect { one, other });
        self.with_life(one, |life, around| life.disconnected(other, around))?;
        self.with_life(other, |life, around| life.disconnected(one, around))
    }

    pub(super) fn hang_up(&mut self, node: usize, peer: usize) -> Result<(), Violation> {
        self.disconnect(node, peer, HUNG_UP_MS)
    }
}

/// The name of a message among those that a node has heard.
pub(super) fn message_name(payload: &[u8]) -> u64 {
    u64::from_be_bytes(*sha256(&[payload]).first_chunk().expect("a digest has 32 bytes"))
}
