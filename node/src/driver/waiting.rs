//! Gossip whose verdict waits: records that came before their predecessors.
//!
//! The gossip layer forgets a message after about twelve seconds; a verdict after that is lost,
//! and costs nothing but speed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use certmesh_mesh::Receipt;
use certmesh_wire::RecordId;

/// Verdicts that may wait at once.
const CAPACITY: usize = 4_096;
/// How long one waits: within the gossip layer's memory.
const PATIENCE: Duration = Duration::from_secs(10);

/// Receipts by the record that they are for.
#[derive(Default)]
pub(crate) struct Waiting {
    receipts: BTreeMap<RecordId, (Receipt, Instant)>,
}

impl Waiting {
    /// Keeps a receipt; gives back the one that can't be kept.
    pub(crate) fn add(&mut self, record: RecordId, receipt: Receipt, now: Instant) -> Option<Receipt> {
        if self.receipts.len() >= CAPACITY {
            return Some(receipt);
        }
        self.receipts.insert(record, (receipt, now)).map(|(replaced, _)| replaced)
    }

    /// The receipt of a record that has been committed.
    pub(crate) fn take(&mut self, record: &RecordId) -> Option<Receipt> {
        self.receipts.remove(record).map(|(receipt, _)| receipt)
    }

    /// The receipts that have waited for too long.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Receipt> {
        let expired = |(_, since): &(Receipt, Instant)| now.duration_since(*since) > PATIENCE;
        let ids: Vec<_> =
            self.receipts.iter().filter(|(_, entry)| expired(entry)).map(|(id, _)| *id).collect();
        ids.iter().filter_map(|id| self.take(id)).collect()
    }
}
