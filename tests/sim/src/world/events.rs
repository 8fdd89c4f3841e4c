//! What is to happen, in the order of its time; what has the same time, in the order in which it was
//! put there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use certmesh_engine::Document;

use crate::plan::Fault;

/// What travels between two nodes.
#[derive(Debug, Clone)]
pub(super) enum Message {
    Gossip(Arc<[u8]>),
    Question { life: u64, pull: u64, bytes: Arc<[u8]> },
    Answer { life: u64, pull: u64, bytes: Arc<[u8]> },
}

/// One thing that is to happen.
#[derive(Debug)]
pub(super) enum Event {
    Turn { node: usize, life: u64 },
    Checked { node: usize, life: u64 },
    WakePeer { node: usize, life: u64, peer: usize, token: u64 },
    Expire { node: usize, life: u64, peer: usize, pull: u64 },
    Deliver { to: usize, from: usize, epoch: u64, message: Message },
    Connect { one: usize, other: usize },
    Start { node: usize },
    Restart { node: usize },
    Hand { node: usize, documents: Vec<Document> },
    Publish { node: usize },
    Act { node: usize },
    Fault { fault: Fault, mean_ms: u64 },
    EndPartition { cut: u64 },
    Change { mean_ms: u64 },
    Follow { node: usize, life: u64 },
    Steal { node: usize },
    CutThief { node: usize },
    Help,
    SwitchOff { node: usize, away_ms: u64 },
    Replace { node: usize },
}

#[derive(Debug)]
struct Scheduled {
    at_ms: u64,
    number: u64,
    event: Event,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_ms, self.number).cmp(&(other.at_ms, other.number))
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Scheduled>>,
    number: u64,
}

impl Queue {
    /// This happens at this time, milliseconds since the run began.
    pub(super) fn put(&mut self, at_ms: u64, event: Event) {
        self.number += 1;
        self.heap.push(Reverse(Scheduled { at_ms, number: self.number, event }));
    }

    /// What happens next, if it happens before this time.
    pub(super) fn take_before(&mut self, end_ms: u64) -> Option<(u64, Event)> {
        if self.heap.peek().is_none_or(|next| next.0.at_ms >= end_ms) {
            return None;
        }
        self.heap.pop().map(|next| (next.0.at_ms, next.0.event))
    }
}
