//! A node's disk, read without the engine: what its keys mean stands in the table of
//! `certmesh_engine::layout`, and here that table is read a second time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use certmesh_engine::store::{Family, Order, Store};
use certmesh_wire::{LogId, RecordId};

/// One log as a disk has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogOnDisk {
    /// Its short name in keys.
    pub(crate) number: u32,
    /// The seq that comes next.
    pub(crate) next: u64,
    /// The last valid record.
    pub(crate) head: RecordId,
}

/// Every key of a family that begins like this, with its value.
pub(crate) fn entries(store: &dyn Store, family: Family, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        if !key.starts_with(prefix) {
            return ControlFlow::Break(());
        }
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    let end = [0xff; 64];
    store.scan(family, prefix, &end, Order::Ascending, &mut visit).expect("a simulated disk can be read");
    found
}

fn number_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..at + N).and_then(|part| part.try_into().ok()).expect("a value of its shape")
}

/// Every log here.
pub(crate) fn logs(store: &dyn Store) -> BTreeMap<LogId, LogOnDisk> {
    let log = |(key, value): (Vec<u8>, Vec<u8>)| {
        let state = LogOnDisk {
            number: u32::from_be_bytes(number_at(&value, 0)),
            next: u64::from_be_bytes(number_at(&value, 4)),
            head: RecordId(number_at(&value, 12)),
        };
        (LogId(number_at(&key, 1)), state)
    };
    entries(store, Family::Control, b"l").into_iter().map(log).collect()
}

fn place(number: u32, seq: u64) -> Vec<u8> {
    [&number.to_be_bytes()[..], &seq.to_be_bytes()].concat()
}

fn get(store: &dyn Store, family: Family, key: &[u8]) -> Option<Vec<u8>> {
    store.get(family, key).expect("a simulated disk can be read")
}

/// The signed bytes in a place.
pub(crate) fn record(store: &dyn Store, number: u32, seq: u64) -> Option<Vec<u8>> {
    get(store, Family::Log, &place(number, seq))
}

/// The short name of a log in this disk's keys, if it is here.
pub(crate) fn number(store: &dyn Store, log: LogId) -> Option<u32> {
    let state = get(store, Family::Control, &[b"l", &log.0[..]].concat())?;
    Some(u32::from_be_bytes(number_at(&state, 0)))
}

/// The signed bytes in a place of a log.
pub(crate) fn record_of(store: &dyn Store, log: LogId, seq: u64) -> Option<Vec<u8>> {
    record(store, number(store, log)?, seq)
}

/// The body in a place.
pub(crate) fn body(store: &dyn Store, number: u32, seq: u64) -> Option<Vec<u8>> {
    get(store, Family::Body, &place(number, seq))
}

/// Whether the disk has a record, valid or disputed, by its id: the record itself, in its place.
pub(crate) fn has_record(store: &dyn Store, id: &RecordId) -> bool {
    let Some(place) = get(store, Family::Control, &[b"r", &id.0[..]].concat()) else { return false };
    let signed = get(store, Family::Log, &place);
    signed.is_some_and(|signed| certmesh_wire::sha256(&[&signed]) == id.0)
}

/// The rosters and manifests that the disk has kept.
pub(crate) fn documents(store: &dyn Store) -> BTreeSet<Vec<u8>> {
    entries(store, Family::Control, b"d").into_iter().map(|(_, document)| document).collect()
}

/// The signed bytes in the proofs of forks here.
pub(crate) fn proofs(store: &dyn Store) -> BTreeSet<Vec<u8>> {
    let records = |(_, value): (Vec<u8>, Vec<u8>)| {
        let len = usize::from(u16::from_be_bytes(number_at(&value, 8)));
        [value[10..10 + len].to_vec(), value[10 + len..].to_vec()]
    };
    entries(store, Family::Control, b"f").into_iter().flat_map(records).collect()
}
