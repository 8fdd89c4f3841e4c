//! One life of a simulated node: from its start to its stop or crash. It is the daemon's shell in
//! small: what comes in waits in two queues, a turn takes what waits, commits it together, and only
//! then lets verdicts, gossip and replies out (`node/src/driver.rs`, `node/src/sync.rs`).

mod asking;
mod checking;
mod documents;
mod effects;
mod inbox;
mod parked;
mod reader;
mod settling;
mod taking;
mod waiting;

use std::collections::VecDeque;
use std::sync::Arc;

use certmesh_engine::store::Store;
use certmesh_engine::{Engine, Membership, OpenFault, StopNote};
use certmesh_wire::{NodeId, SecretKey};

use crate::chance::Chance;
use crate::disk::Disk;
use crate::verifying::Verifier;
use crate::violation::{End, Violation};
use crate::watch::Watch;
use asking::Asked;
pub(crate) use asking::{LONGEST_BACK_OFF_MS, PERIOD_MS, Peers, QUESTION_MS};
use checking::Checked;
pub(crate) use effects::{Effect, Receipt};
use inbox::Inbox;
pub(crate) use inbox::Input;
use parked::ParkedWatch;
pub(crate) use reader::Reader;
use taking::Taken;
use waiting::Waiting;

/// What a life acts on, for one call.
pub(crate) struct Around<'a> {
    /// The number of this node.
    pub(crate) node: usize,
    pub(crate) store: &'a Disk,
    /// The time by this node's own clock, milliseconds since 1970 UTC.
    pub(crate) clock_ms: u64,
    /// The keys of all nodes, by their numbers.
    pub(crate) ids: &'a [NodeId],
    /// Which nodes keep the rules.
    pub(crate) honest: &'a [bool],
    pub(crate) reader: &'a mut Reader,
    pub(crate) watch: &'a mut Watch,
    pub(crate) verifier: &'a mut Verifier,
    pub(crate) chance: &'a mut Chance,
    /// What is to happen in consequence, in order.
    pub(crate) effects: Vec<Effect>,
}

impl Around<'_> {
    /// Virtual time, milliseconds.
    pub(crate) fn now(&self) -> u64 {
        self.watch.now
    }

    /// Whether the rules bind this node.
    pub(crate) fn is_honest(&self) -> bool {
        self.honest[self.node]
    }

    fn violation(&self, rule: &'static str, what: String) -> Violation {
        self.watch.violation(self.node, rule, what)
    }
}

/// A running process.
pub(crate) struct Life {
    /// Which of the node's lives this is.
    pub(crate) number: u64,
    pub(crate) engine: Engine,
    pub(crate) peers: Peers,
    inbox: Inbox,
    waiting: Waiting,
    parked: ParkedWatch,
    /// Checks under way, the oldest first.
    checking: VecDeque<Checked>,
    /// A turn is to come.
    due: bool,
    stopping: bool,
}

impl Life {
    /// The process of the node with this key starts on what its disk holds.
    pub(crate) fn start(
        number: u64,
        membership: Arc<Membership>,
        key: SecretKey,
        store: &Disk,
        note: Option<&StopNote>,
    ) -> Result<Self, OpenFault> {
        let engine = Engine::open(membership, key, store, note)?;
        Ok(Self {
            number,
            engine,
            peers: Peers::default(),
            inbox: Inbox::default(),
            waiting: Waiting::default(),
            parked: ParkedWatch::default(),
            checking: VecDeque::new(),
            due: false,
            stopping: false,
        })
    }

    /// Puts something in the queues, and sees to it that a turn comes.
    pub(crate) fn give(&mut self, input: Input, around: &mut Around<'_>) {
        if !self.inbox.put(input) {
            around.watch.tally.add("gossip dropped, queue full");
            return;
        }
        around.watch.tally.peak("inputs waiting", self.inbox.len() as u64);
        self.wake(around);
    }

    /// Sees to it that a turn comes, if there is anything to do.
    pub(crate) fn wake(&mut self, around: &mut Around<'_>) {
        if !self.due && (self.engine.has_more() || !self.inbox.is_empty()) {
            self.due = true;
            around.effects.push(Effect::Turn { after_ms: around.chance.between(1, 8) });
        }
    }

    /// Takes what waits, and commits it together. Whether the node has stopped.
    pub(crate) fn turn(&mut self, around: &mut Around<'_>) -> Result<bool, End> {
        self.due = false;
        let mut replies = Vec::new();
        if self.engine.has_more() {
            self.resume(around, &mut replies)?;
        }
        self.take_waiting(around, &mut replies)?;
        if self.stopping {
            return Ok(true);
        }
        for (peer, taken) in replies {
            self.reply(peer, taken, around)?;
        }
        self.wake(around);
        Ok(false)
    }

    /// A turn's answers to whoever runs a round with this peer.
    fn reply(&mut self, peer: usize, taken: Taken, around: &mut Around<'_>) -> Result<(), End> {
        match self.peers.replied(peer, taken) {
            Asked::More(input) => {
                self.give(input, around);
                Ok(())
            }
            Asked::Question => self.ask(peer, around),
            Asked::PutOff => self.put_off(peer, around),
            Asked::Nothing => Ok(()),
        }
    }

    /// Whether nothing is left to be done without news from outside.
    pub(crate) fn is_settled(&self) -> bool {
        let busy = self.engine.has_more() || self.engine.has_found_forks();
        !busy && self.inbox.is_empty() && self.checking.is_empty()
    }

    /// The text of the note that a clean stop leaves.
    pub(crate) fn stop_note(&self) -> Option<String> {
        self.engine.stop_note().map(|note| note.to_text())
    }
}

/// A commit that went through, unless the machine died in it.
fn survived(store: &Disk) -> Result<(), End> {
    if store.died() { Err(End::Died) } else { Ok(()) }
}

/// A place of the store as the trait that the engine asks for.
fn as_store(disk: &Disk) -> &dyn Store {
    disk
}
