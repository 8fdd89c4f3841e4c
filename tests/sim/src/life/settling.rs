//! How a node commits what it has taken, and what it then lets out: nothing before.

use certmesh_engine::{Committed, Document, Steps, Verdict, commit};
use certmesh_wire::limits::GOSSIP_PAYLOAD;
use certmesh_wire::{Parcel, RecordId};

use crate::life::taking::Replies;
use crate::life::{Around, Life, Receipt, as_store, survived};
use crate::violation::End;

/// What is owed to whoever gave the inputs of one commit.
#[derive(Debug, Default)]
pub(super) struct Owed {
    pub(super) published: Vec<RecordId>,
    /// Gossip to be passed on once its record is durable.
    pub(super) accepted: Vec<Receipt>,
    pub(super) taken: Replies,
    /// Documents that are new here.
    pub(super) news: Vec<Document>,
    /// Peers that seem to have what is missing here.
    pub(super) missing: Vec<usize>,
}

impl Life {
    /// Goes on with what one commit could not hold.
    pub(super) fn resume(&mut self, around: &mut Around<'_>, replies: &mut Replies) -> Result<(), End> {
        let mut steps = Steps::default();
        self.engine.resume(as_store(around.store), around.clock_ms, &mut steps)?;
        around.watch.tally.add("portions withdrawn or taken back");
        self.settle(steps, Owed::default(), around, replies)
    }

    /// Commits, and then lets out what is owed.
    pub(super) fn settle(
        &mut self,
        steps: Steps,
        owed: Owed,
        around: &mut Around<'_>,
        replies: &mut Replies,
    ) -> Result<(), End> {
        let committed = commit(as_store(around.store), steps)?;
        survived(around.store)?;
        self.note_committed(&committed, around)?;
        for receipt in owed.accepted {
            around.judge(receipt, Verdict::Accept)?;
        }
        self.send_out(&committed, around)?;
        for id in owed.published {
            let own = committed.records.iter().find(|record| record.id == id);
            let place = own.map_or((certmesh_wire::LogId([0; 32]), 0, id), |own| (own.log, own.seq, id));
            around.watch.acknowledge(around.node, around.store, place)?;
        }
        replies.extend(owed.taken);
        self.follow(&owed.news, around)?;
        self.dispute(around)?;
        for peer in owed.missing {
            self.nudge(peer, around);
        }
        Ok(())
    }

    /// Holds what became durable against the rules, and lets a reader read on.
    fn note_committed(&mut self, committed: &Committed, around: &mut Around<'_>) -> Result<(), End> {
        for record in &committed.records {
            self.parked.released(record.log, record.seq + 1);
        }
        if !around.is_honest() {
            return Ok(());
        }
        around.watch.committed(around.node, around.store, committed)?;
        let wrong = committed.last_arrival.and_then(|last| around.reader.read(as_store(around.store), last));
        match wrong {
            Some(what) => Err(around.violation("arrivals rise, and are never given twice", what).into()),
            None => Ok(()),
        }
    }

    /// Gossips this node's own records, and passes on what had been waiting for its predecessors.
    fn send_out(&mut self, committed: &Committed, around: &mut Around<'_>) -> Result<(), End> {
        let me = self.engine.node_id();
        if committed.records.iter().any(|record| record.author == me) {
            self.published(around);
        }
        for record in &committed.records {
            if record.author == me && record.for_all && self.engine.may_gossip(around.clock_ms) {
                around.gossip(gossip_payload(&record.parcel))?;
            }
            if let Some(receipt) = self.waiting.take(&record.id) {
                around.judge(receipt, Verdict::Accept)?;
            }
        }
        self.waiting.expire(around.now());
        Ok(())
    }

    /// Writes what found forks mean, and shows both records to everyone.
    fn dispute(&mut self, around: &mut Around<'_>) -> Result<(), End> {
        if !self.engine.has_found_forks() {
            return Ok(());
        }
        let mut steps = Steps::default();
        let forks = self.engine.dispute(as_store(around.store), &mut steps)?;
        commit(as_store(around.store), steps)?;
        survived(around.store)?;
        for fork in &forks {
            around.watch.tally.add("forks found");
            self.parked.forget(fork.log);
            if around.is_honest()
                && let Some(author) = around.watch.honest_author(fork.log)
            {
                let what = format!("the log of node {author} is disputed from seq {} on", fork.seq);
                return Err(around.violation("no honest node's log is ever disputed", what).into());
            }
        }
        for fork in forks.into_iter().filter(|fork| !fork.is_settled(self.engine.membership())) {
            for record in fork.records {
                around.gossip(Parcel::new(record, None).encode())?;
            }
        }
        Ok(())
    }
}

/// The whole parcel if it fits a gossip message; else the record alone, whose body is then pulled.
fn gossip_payload(parcel: &Parcel) -> Vec<u8> {
    let whole = parcel.encode();
    if whole.len() <= GOSSIP_PAYLOAD { whole } else { Parcel::new(parcel.record().to_vec(), None).encode() }
}
