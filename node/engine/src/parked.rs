//! Records that came before their predecessors: verified, kept in memory within bounds, and taken
//! when their turn comes. What does not fit is forgotten, since sync brings it again.

use std::collections::BTreeMap;

use certmesh_wire::LogId;

use crate::limits::{PARK_AHEAD, PARK_BYTES};
use crate::verify::Verified;

/// Verified records by log and place.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    logs: BTreeMap<LogId, BTreeMap<u64, Verified>>,
    bytes: usize,
}

impl Parked {
    /// Keeps a record whose log needs `next` first, if it is near enough and there is room.
    pub(crate) fn park(&mut self, verified: Verified, next: u64) {
        let (log, seq) = (verified.record.header().log, verified.record.header().seq);
        let len = len(&verified);
        if seq > next.saturating_add(PARK_AHEAD) || self.bytes + len > PARK_BYTES {
            return;
        }
        self.bytes += len;
        if let Some(replaced) = self.logs.entry(log).or_default().insert(seq, verified) {
            self.bytes -= self::len(&replaced);
        }
    }

    /// The record in this place; whatever is below it has been overtaken, and is forgotten.
    pub(crate) fn take(&mut self, log: LogId, next: u64) -> Option<Verified> {
        let places = self.logs.get_mut(&log)?;
        let later = places.split_off(&next);
        let overtaken = std::mem::replace(places, later);
        self.bytes -= overtaken.values().map(len).sum::<usize>();
        let taken = places.remove(&next);
        if places.is_empty() {
            self.logs.remove(&log);
        }
        self.bytes -= taken.as_ref().map_or(0, len);
        taken
    }
}

fn len(verified: &Verified) -> usize {
    verified.record.signed().len() + verified.body.as_ref().map_or(0, Vec::len)
}
