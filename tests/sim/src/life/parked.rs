//! How much waits in the engine for its predecessors, kept count of from outside: what the engine says
//! it keeps has to stay within its limits.

use std::collections::BTreeMap;

use certmesh_engine::limits::{PARK_AHEAD, PARK_LOG_BYTES};
use certmesh_wire::{LogId, Parcel, Record};

/// What waits, by log.
#[derive(Debug, Default)]
pub(super) struct ParkedWatch {
    logs: BTreeMap<LogId, Waiting>,
}

/// What waits in one log.
#[derive(Debug, Default)]
struct Waiting {
    /// The place that came next when this was last heard of.
    next: u64,
    /// Bytes by place.
    places: BTreeMap<u64, usize>,
}

impl Waiting {
    /// The log goes on from this place: what waited for it has had its turn, whether it was taken or refused. Where the log
    /// has ended below what it had, nothing waits any more.
    fn go_on(&mut self, next: u64) {
        if next < self.next {
            self.places.clear();
        }
        self.next = next;
        self.places.retain(|place, _| *place > next);
    }
}

impl ParkedWatch {
    /// The engine says that it keeps this until its predecessors come, of which `next` is the first;
    /// what is wrong with that, if anything is.
    pub(super) fn kept(&mut self, parcel: &Parcel, next: u64) -> Option<String> {
        let Ok(record) = Record::decode(parcel.record()) else {
            return Some("it keeps what is no record".into());
        };
        let (log, seq) = (record.header().log, record.header().seq);
        let waiting = self.logs.entry(log).or_default();
        waiting.go_on(next);
        let places = &mut waiting.places;
        places.insert(seq, parcel.record().len() + parcel.body().map_or(0, <[u8]>::len));
        let bytes: usize = places.values().sum();
        let within = seq <= next.saturating_add(PARK_AHEAD) && bytes <= PARK_LOG_BYTES;
        (!within).then(|| format!("{bytes} bytes wait in log {log}, the last for seq {seq} of {next}"))
    }

    /// The log goes on from this place, or ends there.
    pub(super) fn released(&mut self, log: LogId, next: u64) {
        self.logs.entry(log).or_default().go_on(next);
    }

    /// Nothing waits in this log any more.
    pub(super) fn forget(&mut self, log: LogId) {
        self.logs.remove(&log);
    }

    /// Bytes that wait in all logs.
    pub(super) fn bytes(&self) -> u64 {
        self.logs.values().flat_map(|waiting| waiting.places.values()).map(|bytes| *bytes as u64).sum()
    }
}
