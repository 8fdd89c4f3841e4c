//! Records that came before their predecessors: verified, kept in memory within bounds, and taken
//! when their turn comes. What does not fit is forgotten, since sync brings it again.
//!
//! Bodies wait as they came, compressed: what they hold may be a thousand times as large.

use std::collections::BTreeMap;

use certmesh_wire::LogId;

use crate::limits::{PARK_AHEAD, PARK_LOG_BYTES};
use crate::verify::{Verified, Waiting};

/// Verified records by log and place.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    logs: BTreeMap<LogId, Places>,
}

#[derive(Debug, Default)]
struct Places {
    records: BTreeMap<u64, Waiting>,
    bytes: usize,
}

impl Parked {
    /// Keeps a record whose log needs `next` first, if it is near enough and its log has room left;
    /// says whether it was kept. Each log has room of its own: none can take another's.
    pub(crate) fn park(&mut self, verified: Verified, next: u64) -> bool {
        let (log, seq) = (verified.record.header().log, verified.record.header().seq);
        let waiting = verified.wait();
        let places = self.logs.entry(log).or_default();
        if seq > next.saturating_add(PARK_AHEAD) || places.bytes + waiting.len() > PARK_LOG_BYTES {
            return false;
        }
        places.bytes += waiting.len();
        if let Some(replaced) = places.records.insert(seq, waiting) {
            places.bytes -= replaced.len();
        }
        true
    }

    /// The record in this place; whatever is below it has been overtaken, and is forgotten.
    pub(crate) fn take(&mut self, log: LogId, next: u64) -> Option<Verified> {
        let places = self.logs.get_mut(&log)?;
        places.records = places.records.split_off(&next);
        let taken = places.records.remove(&next);
        places.bytes = places.records.values().map(Waiting::len).sum();
        if places.records.is_empty() {
            self.logs.remove(&log);
        }
        taken.map(Waiting::resume)
    }

    /// Forgets what waits for its turn in this log.
    pub(crate) fn forget(&mut self, log: LogId) {
        self.logs.remove(&log);
    }
}
