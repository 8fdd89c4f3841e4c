//! One simulated machine: what outlives its processes.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use certmesh_engine::Membership;

use super::messages::message_name;
use crate::adversary::{Adversary, Pen};
use crate::disk::{Disk, Image};
use crate::founding::Founding;
use crate::life::{Life, Reader};
use crate::plan::Plan;

/// How long a node remembers the gossip that it has heard, milliseconds.
const MEMORY_MS: u64 = 120_000;

/// A machine.
pub(super) struct Node {
    pub(super) disk: Disk,
    /// The note of the last clean stop; it lies outside the disk that backups bring back.
    pub(super) note: Option<String>,
    /// Copies of the disk, the latest last.
    pub(super) images: Vec<Image>,
    /// Its disk came from a backup, and what it had acknowledged since is not all back yet.
    pub(super) recovering: bool,
    pub(super) life: Option<Life>,
    pub(super) lives: u64,
    pub(super) reader: Reader,
    /// How far its clock is off, milliseconds.
    pub(super) clock_offset_ms: i64,
    /// What the documents in its files amount to.
    pub(super) files: Arc<Membership>,
    /// What those amounted to that its process has read.
    pub(super) files_read: Arc<Membership>,
    pub(super) adversary: Option<Adversary>,
    pub(super) heard: Heard,
}

impl Node {
    pub(super) fn new(node: usize, plan: &Plan, founding: &Founding, membership: &Arc<Membership>) -> Self {
        let tricks = plan.tricks[node].clone();
        let pen = || Pen::new(founding.code_of(node), founding.keys[node].clone(), membership.mesh());
        Self {
            disk: Disk::default(),
            note: None,
            images: Vec::new(),
            recovering: false,
            life: None,
            lives: 0,
            reader: Reader::default(),
            clock_offset_ms: 0,
            files: Arc::clone(membership),
            files_read: Arc::clone(membership),
            adversary: (!tricks.is_empty()).then(|| Adversary::new(plan.seed, node, tricks, pen())),
            heard: Heard::default(),
        }
    }
}

impl Node {
    /// A process reads the documents in the files.
    pub(super) fn read_files(&mut self) {
        self.files_read = Arc::clone(&self.files);
    }

    /// What the documents that were read from its files and those that its store has kept amount to.
    pub(super) fn membership(&self) -> Arc<Membership> {
        let mut documents = self.files_read.documents().clone();
        documents.load(&self.disk).expect("a simulated disk can be read");
        // Most nodes have nothing but their files, and share what these amount to.
        if documents.ids() == self.files_read.documents().ids() {
            return Arc::clone(&self.files_read);
        }
        Arc::new(Membership::of(documents))
    }

    /// What the node works with, if it runs.
    pub(super) fn standing(&self) -> Arc<Membership> {
        let running = self.life.as_ref().map(|life| Arc::clone(life.engine.membership()));
        running.unwrap_or_else(|| Arc::clone(&self.files))
    }
}

/// The gossip that a node has heard of late.
#[derive(Debug, Default)]
pub(super) struct Heard {
    names: BTreeSet<u64>,
    order: VecDeque<(u64, u64)>,
}

impl Heard {
    /// A message is heard; whether for the first time.
    pub(super) fn note(&mut self, payload: &[u8], now: u64) -> bool {
        while let Some((at_ms, name)) =
            self.order.front().copied().filter(|(at_ms, _)| at_ms + MEMORY_MS < now)
        {
            debug_assert!(at_ms <= now);
            self.order.pop_front();
            self.names.remove(&name);
        }
        let name = message_name(payload);
        let fresh = self.names.insert(name);
        if fresh {
            self.order.push_back((now, name));
        }
        fresh
    }

    /// A process that ends forgets it.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
