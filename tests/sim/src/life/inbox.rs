//! The two queues of a node: what analysts and gossip bring goes before what sync brings in bulk.

use std::collections::VecDeque;

use certmesh_engine::Document;
use certmesh_wire::{Frontier, LogId};

use crate::life::checking::Checked;
use crate::life::effects::Receipt;

/// Inputs of a kind that may wait; gossip beyond is dropped, the rest holds back its sender.
const ROOM: usize = 1_024;

/// One thing to do.
#[derive(Debug)]
pub(crate) enum Input {
    /// Publish these objects as one record.
    Publish(Vec<String>),
    /// Judge a gossiped message.
    Gossip(Receipt),
    /// Take records that a peer sent on request.
    Records(usize, Vec<Vec<u8>>),
    /// Take bodies that a peer sent on request.
    Bodies(usize, Vec<(LogId, u64, Vec<u8>)>),
    /// Take rosters and manifests, from a peer or from the operator.
    Documents(Option<usize>, Vec<Document>),
    /// Take what a check has brought.
    Checked(Box<Checked>),
    /// Take proofs of forks.
    Forks(usize, Vec<[Vec<u8>; 2]>),
    /// Take word of how far a peer is.
    Told(usize, Frontier),
    /// Finish what has begun, and end.
    Stop,
}

impl Input {
    /// Whether it may hold much that nobody waits for.
    pub(super) fn is_bulk(&self) -> bool {
        matches!(self, Self::Records(..) | Self::Bodies(..) | Self::Checked(_) | Self::Forks(..))
    }
}

/// What waits for a turn.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    live: VecDeque<Input>,
    bulk: VecDeque<Input>,
}

impl Inbox {
    /// Puts an input at the end of its queue; whether there was room.
    pub(super) fn put(&mut self, input: Input) -> bool {
        if matches!(input, Input::Gossip(_)) && self.live.len() >= ROOM {
            return false;
        }
        if input.is_bulk() {
            self.bulk.push_back(input)
        } else {
            self.live.push_back(input)
        }
        true
    }

    /// The next input that somebody waits for.
    pub(super) fn next_live(&mut self) -> Option<Input> {
        self.live.pop_front()
    }

    /// The next input.
    pub(super) fn next(&mut self) -> Option<Input> {
        self.live.pop_front().or_else(|| self.bulk.pop_front())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.live.is_empty() && self.bulk.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.live.len() + self.bulk.len()
    }
}
