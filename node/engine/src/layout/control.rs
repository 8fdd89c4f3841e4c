//! Keys of the families `log`, `body` and `control`, and what their values mean.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use certmesh_wire::{DocumentId, LogId, NodeId, Record, RecordId};

use super::{Fields, LogState, damaged, end_of};
use crate::forks::Fork;
use crate::receipts::Milestones;
use crate::store::{Family, Order, Readable, Store, StoreError};
use crate::withdraw::Pending;

/// Of family `log` and `body`.
pub(crate) fn place(number: u32, seq: u64) -> Vec<u8> {
    [&number.to_be_bytes()[..], &seq.to_be_bytes()].concat()
}

pub(crate) fn decode_place(value: &[u8]) -> Result<(u32, u64), StoreError> {
    let mut fields = Fields { rest: value, family: Family::Control };
    Ok((u32::from_be_bytes(fields.take()?), u64::from_be_bytes(fields.take()?)))
}

/// Of family `control`.
pub(crate) fn log(log: &LogId) -> Vec<u8> {
    [b"l", &log.0[..]].concat()
}

/// The log that a key of family `control` names.
fn log_of(key: &[u8]) -> Option<LogId> {
    key.strip_prefix(b"l").and_then(|id| id.try_into().ok()).map(LogId)
}

/// Every log here and its state, from family `control`.
pub(crate) fn read_logs(store: &dyn Readable) -> Result<BTreeMap<LogId, LogState>, StoreError> {
    collect(store, b"l", |key, value| {
        let log = log_of(key).ok_or_else(|| damaged("a key of family `control` does not name a log"))?;
        Ok((log, LogState::decode(value)?))
    })
}

/// Of family `control`.
pub(crate) fn record(id: &RecordId) -> Vec<u8> {
    [b"r", &id.0[..]].concat()
}

/// Of family `control`.
pub(crate) fn fork(log: &LogId) -> Vec<u8> {
    [b"f", &log.0[..]].concat()
}

/// Seq, length of the first record, the first record, the second.
pub(crate) fn encode_fork(fork: &Fork) -> Vec<u8> {
    let [one, other] = &fork.records;
    [&fork.seq.to_be_bytes()[..], &(one.len() as u16).to_be_bytes(), one, other].concat()
}

pub(crate) fn decode_fork(key: &[u8], value: &[u8]) -> Result<Fork, StoreError> {
    let mut fields = Fields { rest: value, family: Family::Control };
    let log = key.strip_prefix(b"f").and_then(|id| id.try_into().ok()).map(LogId);
    let log = log.ok_or_else(|| damaged("a key of family `control` does not name a log"))?;
    let seq = u64::from_be_bytes(fields.take()?);
    let len = usize::from(u16::from_be_bytes(fields.take()?));
    let (one, other) = fields.rest.split_at_checked(len).ok_or_else(|| fields.damaged())?;
    Ok(Fork { log, seq, records: [one.to_vec(), other.to_vec()] })
}

/// Of family `control`: a range of a log that is to be withdrawn.
pub(crate) fn pending(log: &LogId) -> Vec<u8> {
    [b"w", &log.0[..]].concat()
}

pub(crate) fn encode_pending(pending: &Pending) -> Vec<u8> {
    [pending.from.to_be_bytes(), pending.to.to_be_bytes()].concat()
}

/// Of family `control`: the prefix of all documents.
pub(crate) const DOCUMENTS: &[u8] = b"d";

/// Of family `control`.
pub(crate) fn document(id: &DocumentId) -> Vec<u8> {
    [DOCUMENTS, &id.0[..]].concat()
}

/// Of family `control`: the prefix of all receipts for a log.
pub(crate) fn receipts(number: u32) -> Vec<u8> {
    [&b"q"[..], &number.to_be_bytes()].concat()
}

/// Of family `control`.
pub(crate) fn receipt(number: u32, node: &NodeId) -> Vec<u8> {
    [&receipts(number)[..], &node.0].concat()
}

pub(crate) fn encode_milestones(milestones: &Milestones) -> Vec<u8> {
    milestones.0.iter().flat_map(|(seq, ms)| [seq.to_be_bytes(), ms.to_be_bytes()]).flatten().collect()
}

pub(crate) fn decode_milestones(value: &[u8]) -> Result<Milestones, StoreError> {
    let mut fields = Fields { rest: value, family: Family::Control };
    let mut milestones = Milestones::default();
    while !fields.rest.is_empty() {
        milestones.0.push((u64::from_be_bytes(fields.take()?), u64::from_be_bytes(fields.take()?)));
    }
    Ok(milestones)
}

/// Every range that is to be withdrawn.
pub(crate) fn read_pending(store: &dyn Store) -> Result<BTreeMap<LogId, Pending>, StoreError> {
    let decode = |key: &[u8], value: &[u8]| {
        let mut fields = Fields { rest: value, family: Family::Control };
        let log = key.strip_prefix(b"w").and_then(|id| id.try_into().ok()).map(LogId);
        let log = log.ok_or_else(|| damaged("a key of family `control` does not name a log"))?;
        let (from, to) = (u64::from_be_bytes(fields.take()?), u64::from_be_bytes(fields.take()?));
        Ok((log, Pending { from, to }))
    };
    collect(store, b"w", decode)
}

/// The record in a place of the log with this number.
pub(crate) fn read_record(store: &dyn Store, number: u32, seq: u64) -> Result<Option<Record>, StoreError> {
    let signed = store.get(Family::Log, &place(number, seq))?;
    let damaged = |e| damaged(&format!("a record of the log family: {e}"));
    signed.map(|signed| Record::decode(&signed).map_err(damaged)).transpose()
}

/// What the keys of family `control` that begin with `prefix` mean.
pub(crate) fn collect<K: Ord, V>(
    store: &dyn Readable,
    prefix: &[u8],
    decode: impl Fn(&[u8], &[u8]) -> Result<(K, V), StoreError>,
) -> Result<BTreeMap<K, V>, StoreError> {
    let (mut found, mut fault) = (BTreeMap::new(), None);
    let mut visit = |key: &[u8], value: &[u8]| match decode(key, value) {
        Ok((key, value)) => {
            found.insert(key, value);
            ControlFlow::Continue(())
        }
        Err(e) => {
            fault = Some(e);
            ControlFlow::Break(())
        }
    };
    store.scan(Family::Control, prefix, &end_of(prefix), Order::Ascending, &mut visit)?;
    fault.map_or(Ok(found), Err)
}

/// Of family `control`: bodies that are missing; without its seq, the prefix of a log's.
pub(crate) fn missing_bodies(number: u32) -> Vec<u8> {
    [&b"b"[..], &number.to_be_bytes()].concat()
}

/// Of family `control`: an id, given as in keys, whose versions are to be judged again.
pub(crate) fn unjudged(id: &[u8]) -> Vec<u8> {
    [b"j", id].concat()
}

/// Of family `control`: the prefix of all records whose objects are not all indexed.
pub(crate) const UNINDEXED: &[u8] = b"u";

/// Of family `control`: a record whose objects are not all indexed.
pub(crate) fn unindexed(number: u32, seq: u64) -> Vec<u8> {
    [UNINDEXED, &place(number, seq)].concat()
}

/// Every record whose objects are not all indexed, and the first object that is not.
pub(crate) fn read_unindexed(store: &dyn Store) -> Result<BTreeMap<(u32, u64), u32>, StoreError> {
    collect(store, UNINDEXED, |key, value| {
        let mut fields = Fields { rest: value, family: Family::Control };
        Ok((decode_place(&key[UNINDEXED.len()..])?, u32::from_be_bytes(fields.take()?)))
    })
}

/// Of family `control`: the prefix of all identities whose objects are to be judged again.
pub(crate) const REJUDGED: &[u8] = b"n";

/// Of family `control`: an identity whose objects are to be judged again.
pub(crate) fn rejudged(identity: &str) -> Vec<u8> {
    [REJUDGED, identity.as_bytes()].concat()
}

/// Every identity whose objects are to be judged again, and from which arrival on.
pub(crate) fn read_rejudged(store: &dyn Store) -> Result<BTreeMap<String, u64>, StoreError> {
    collect(store, REJUDGED, |key, value| {
        let identity = String::from_utf8(key[REJUDGED.len()..].to_vec());
        let identity =
            identity.map_err(|_| damaged("a key of family `control` does not name an identity"))?;
        Ok((identity, super::arrival_of(value)?))
    })
}
