//! Gossip whose verdict waits: records that came before their predecessors.

use std::collections::BTreeMap;

use certmesh_wire::RecordId;

use crate::life::effects::Receipt;

/// Verdicts that may wait at once.
const CAPACITY: usize = 4_096;
/// How long one waits, milliseconds: within the gossip layer's memory.
const PATIENCE_MS: u64 = 10_000;

/// Receipts by the record that they are for.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    receipts: BTreeMap<RecordId, (Receipt, u64)>,
}

impl Waiting {
    /// Keeps a receipt, if there is room.
    pub(super) fn add(&mut self, record: RecordId, receipt: Receipt, now: u64) {
        if self.receipts.len() < CAPACITY {
            self.receipts.insert(record, (receipt, now));
        }
    }

    /// The receipt of a record that has been committed.
    pub(super) fn take(&mut self, record: &RecordId) -> Option<Receipt> {
        self.receipts.remove(record).map(|(receipt, _)| receipt)
    }

    /// Forgets what has waited for too long: its verdict is to ignore it.
    pub(super) fn expire(&mut self, now: u64) {
        self.receipts.retain(|_, (_, since)| now - *since <= PATIENCE_MS);
    }
}
