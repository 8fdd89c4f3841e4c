//! What must hold at every moment, and the books that it takes to see whether it does: every record
//! that an honest node has ever made durable, and every publication that was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_engine::store::Store;
use certmesh_engine::{Committed, CommittedRecord};
use certmesh_wire::{LogId, MeshId, NodeId, Opening, Parcel, Record, RecordId, SyncAnswer};

use crate::reading;
use crate::tally::Tally;
use crate::trace::Trace;
use crate::violation::Violation;

/// A publication that its node has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// The node.
    pub(crate) by: usize,
    /// Its log.
    pub(crate) log: LogId,
    /// Its place there.
    pub(crate) seq: u64,
}

/// The books, and the rules that are held against them.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Virtual time, milliseconds.
    pub(crate) now: u64,
    mesh: MeshId,
    /// The author of each log.
    authors: BTreeMap<LogId, NodeId>,
    /// Honest nodes by their keys.
    honest: BTreeMap<NodeId, usize>,
    /// What honest nodes have made durable in their own logs.
    signed: BTreeMap<(LogId, u64), RecordId>,
    acknowledged: BTreeMap<RecordId, Acknowledged>,
    /// Records whose signatures were checked here.
    genuine: BTreeSet<RecordId>,
    pub(crate) tally: Tally,
    pub(crate) trace: Trace,
}

impl Watch {
    pub(crate) fn new(
        mesh: MeshId,
        openings: impl Iterator<Item = Opening>,
        honest: BTreeMap<NodeId, usize>,
    ) -> Self {
        Self {
            now: 0,
            mesh,
            authors: openings.map(|opening| (opening.log_id(), opening.node)).collect(),
            honest,
            signed: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            genuine: BTreeSet::new(),
            tally: Tally::default(),
            trace: Trace::default(),
        }
    }

    pub(crate) fn violation(&self, node: usize, rule: &'static str, what: String) -> Violation {
        Violation { rule, what, node, at_ms: self.now }
    }

    /// Somebody else has a node's key, too: whatever stands in its log may be either's.
    pub(crate) fn lose_key(&mut self, node: usize) {
        self.honest.retain(|_, honest| *honest != node);
    }

    /// The number of the honest node that alone writes this log.
    pub(crate) fn honest_author(&self, log: LogId) -> Option<usize> {
        self.authors.get(&log).and_then(|author| self.honest.get(author)).copied()
    }

    /// Every publication that was acknowledged.
    pub(crate) fn acknowledged(&self) -> &BTreeMap<RecordId, Acknowledged> {
        &self.acknowledged
    }

    /// A node has these records on its disk from here on.
    pub(crate) fn committed(
        &mut self,
        node: usize,
        store: &dyn Store,
        committed: &Committed,
    ) -> Result<(), Violation> {
        if committed.records.is_empty() {
            return Ok(());
        }
        self.tally.add_many("records committed", committed.records.len() as u64);
        for record in &committed.records {
            let number = reading::number(store, record.log);
            self.check_committed(node, store, record, number)?;
        }
        Ok(())
    }

    fn check_committed(
        &mut self,
        node: usize,
        store: &dyn Store,
        committed: &CommittedRecord,
        number: Option<u32>,
    ) -> Result<(), Violation> {
        let wrong = |what: &str| {
            self.violation(
                node,
                "only what is signed for this mesh, chained and whole is taken",
                format!("record {} at seq {}: {what}", committed.id, committed.seq),
            )
        };
        let signed = committed.parcel.record();
        let record = Record::decode(signed).map_err(|fault| wrong(&fault.to_string()))?;
        let header = record.header();
        if (record.id(), header.log, header.seq) != (committed.id, committed.log, committed.seq) {
            return Err(wrong("it is another one"));
        }
        let number = number.ok_or_else(|| wrong("its log is not on the disk"))?;
        let author = *self.authors.get(&header.log).ok_or_else(|| wrong("its log is nobody's"))?;
        if !reading::has_record(store, &record.id()) {
            return Err(wrong("it is told to be durable and is not on the disk"));
        }
        let before = header.seq.checked_sub(1).and_then(|seq| reading::record(store, number, seq));
        let before = before.map(|before| RecordId(certmesh_wire::sha256(&[&before])));
        if before != header.prev {
            return Err(wrong("the record before it is another one"));
        }
        let fits = |body: &[u8]| header.body.is_some_and(|reference| reference.matches(body));
        if committed.parcel.body().is_some_and(|body| !fits(body)) {
            return Err(wrong("its body is another one"));
        }
        if !self.genuine.contains(&record.id()) {
            record.verify(self.mesh, author).map_err(|_| wrong("its author never signed it"))?;
            self.genuine.insert(record.id());
        }
        self.check_author(node, header.log, header.seq, record.id())
    }

    /// What stands in an honest node's log is what that node has signed there, and nothing else.
    fn check_author(&mut self, node: usize, log: LogId, seq: u64, id: RecordId) -> Result<(), Violation> {
        let Some(author) = self.honest_author(log) else { return Ok(()) };
        match self.signed.get(&(log, seq)) {
            Some(known) if *known == id => Ok(()),
            None if author == node => {
                self.signed.insert((log, seq), id);
                self.tally.add("records signed");
                Ok(())
            }
            Some(known) if author == node => Err(self.violation(
                node,
                "an honest node signs one record for one place",
                format!("record {id} at seq {seq} of log {log}, where it had signed {known}"),
            )),
            _ => Err(self.violation(
                node,
                "what stands in an honest node's log was signed by it",
                format!("record {id} at seq {seq} of log {log}, which node {author} never made durable"),
            )),
        }
    }

    /// A node's process begins with what is on its disk. After a backup came back, what the node
    /// had acknowledged may be lacking until its peers have given it back.
    pub(crate) fn opened(
        &mut self,
        node: usize,
        own_log: LogId,
        store: &dyn Store,
        rolled_back: bool,
    ) -> Result<(), Violation> {
        self.check_chains(node, store)?;
        if let Some(state) = reading::logs(store).get(&own_log).cloned() {
            for seq in 0..state.next {
                let signed = reading::record(store, state.number, seq).unwrap_or_default();
                self.check_author(node, own_log, seq, RecordId(certmesh_wire::sha256(&[&signed])))?;
            }
        }
        if rolled_back { Ok(()) } else { self.check_acknowledged(node, store) }
    }

    /// Everything that a node has acknowledged is on its disk.
    pub(crate) fn check_acknowledged(&self, node: usize, store: &dyn Store) -> Result<(), Violation> {
        let own = self.acknowledged.iter().filter(|(_, acknowledged)| acknowledged.by == node);
        for (id, acknowledged) in own {
            if !reading::has_record(store, id) {
                return Err(self.violation(
                    node,
                    "what was acknowledged is never lost",
                    format!("record {id} at seq {} of its own log is gone", acknowledged.seq),
                ));
            }
        }
        Ok(())
    }

    /// Every log on a disk is one chain of genuine records, each with its own body.
    pub(crate) fn check_chains(&mut self, node: usize, store: &dyn Store) -> Result<(), Violation> {
        for (log, state) in reading::logs(store) {
            let mut before = None;
            for seq in 0..state.next {
                let signed = reading::record(store, state.number, seq).unwrap_or_default();
                let wrong = |what: &str| {
                    self.violation(
                        node,
                        "a log on a disk is one chain of genuine records",
                        format!("seq {seq} of log {log}: {what}"),
                    )
                };
                let record = Record::decode(&signed).map_err(|fault| wrong(&fault.to_string()))?;
                let header = record.header();
                if (header.log, header.seq, header.prev) != (log, seq, before) {
                    return Err(wrong("it belongs elsewhere"));
                }
                let body = reading::body(store, state.number, seq);
                if body.is_some_and(|body| !header.body.is_some_and(|known| known.matches(&body))) {
                    return Err(wrong("its body is another one"));
                }
                let author = *self.authors.get(&log).ok_or_else(|| wrong("its log is nobody's"))?;
                if !self.genuine.contains(&record.id()) {
                    record.verify(self.mesh, author).map_err(|_| wrong("its author never signed it"))?;
                    self.genuine.insert(record.id());
                }
                before = Some(record.id());
            }
            if state.next > 0 && before != Some(state.head) {
                let what = format!("log {log} ends with another record than its state says");
                return Err(self.violation(node, "a log on a disk is one chain of genuine records", what));
            }
        }
        Ok(())
    }

    /// A node tells its analyst that a publication is safe.
    pub(crate) fn acknowledge(
        &mut self,
        node: usize,
        store: &dyn Store,
        (log, seq, id): (LogId, u64, RecordId),
    ) -> Result<(), Violation> {
        self.check_durable(node, store, &id, "an acknowledgement")?;
        self.acknowledged.insert(id, Acknowledged { by: node, log, seq });
        self.tally.add("publications acknowledged");
        Ok(())
    }

    /// A gossiped payload leaves a node.
    pub(crate) fn gossiped(
        &mut self,
        node: usize,
        store: &dyn Store,
        payload: &[u8],
    ) -> Result<(), Violation> {
        if let Ok(SyncAnswer::Documents(documents)) = SyncAnswer::decode(payload) {
            return self.gossiped_documents(node, store, &documents);
        }
        let signed = Parcel::decode(payload).map(|parcel| parcel.record().to_vec()).unwrap_or_default();
        let id = RecordId(certmesh_wire::sha256(&[&signed]));
        if reading::has_record(store, &id) || reading::proofs(store).contains(&signed) {
            return Ok(());
        }
        self.check_durable(node, store, &id, "gossip")
    }

    fn gossiped_documents(
        &self,
        node: usize,
        store: &dyn Store,
        documents: &[Vec<u8>],
    ) -> Result<(), Violation> {
        let kept = reading::documents(store);
        if documents.iter().all(|document| kept.contains(document)) {
            return Ok(());
        }
        let what = "gossip holds a document, which a power cut would take back".to_owned();
        Err(self.violation(node, "nothing leaves a node before it is durable", what))
    }

    /// An answer leaves a node.
    pub(crate) fn answered(
        &mut self,
        node: usize,
        store: &dyn Store,
        answer: &SyncAnswer,
    ) -> Result<(), Violation> {
        match answer {
            SyncAnswer::Records(records, _) => {
                for signed in records {
                    let id = RecordId(certmesh_wire::sha256(&[signed]));
                    self.check_durable(node, store, &id, "an answer")?;
                }
            }
            SyncAnswer::Frontier(frontier) => {
                for entry in frontier.entries().iter().filter(|entry| entry.next > 0) {
                    self.check_durable(node, store, &entry.head, "a frontier")?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn check_durable(
        &self,
        node: usize,
        store: &dyn Store,
        id: &RecordId,
        what: &str,
    ) -> Result<(), Violation> {
        if reading::has_record(store, id) {
            return Ok(());
        }
        let what = format!("{what} speaks of record {id}, which a power cut would take back");
        Err(self.violation(node, "nothing leaves a node before it is durable", what))
    }
}
