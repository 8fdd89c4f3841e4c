//! What catching up can't do without, measured alone: the signatures, and the store's own writing.

use std::ops::ControlFlow;
use std::path::Path;
use std::thread;
use std::time::Instant;

use certmesh_engine::limits::COMMIT_BYTES;
use certmesh_engine::store::{Batch, Family, Order, Readable, Store, Write};
use certmesh_store::RocksStore;
use certmesh_wire::MeshId;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::Serialize;

/// Different messages that are signed; beyond that they come round again, at the same cost.
const MESSAGES: usize = 4_096;
/// What a record's signature covers: its header of about 210 bytes, the mesh id, and COSE around them.
const MESSAGE_BYTES: usize = 280;
/// Beyond any key of the store.
const LAST: [u8; 64] = [0xff; 64];

/// Verifies so many signatures, a share on each core; in seconds.
pub(super) fn verify(count: usize) -> f64 {
    let key = SigningKey::from_bytes(&[7; 32]);
    let signed: Vec<_> = (0..MESSAGES.min(count)).map(|at| sign(&key, at)).collect();
    let (public, cores) = (key.verifying_key(), thread::available_parallelism().map_or(1, usize::from));
    let start = Instant::now();
    thread::scope(|scope| {
        for core in 0..cores {
            let mine = signed.iter().cycle().skip(core).step_by(cores).take(count.div_ceil(cores));
            scope.spawn(move || mine.for_each(|(message, signature)| check(&public, message, signature)));
        }
    });
    start.elapsed().as_secs_f64()
}

fn sign(key: &SigningKey, at: usize) -> ([u8; MESSAGE_BYTES], Signature) {
    let mut message = [0; MESSAGE_BYTES];
    message[..8].copy_from_slice(&at.to_be_bytes());
    (message, key.sign(&message))
}

fn check(key: &VerifyingKey, message: &[u8], signature: &Signature) {
    assert!(key.verify_strict(message, signature).is_ok(), "a signature made here is good");
}

/// What was written, and how fast.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct BulkWrite {
    pub(crate) keys: u64,
    /// Keys and values.
    pub(crate) bytes: u64,
    /// Each with a sync of its own.
    pub(crate) batches: u64,
    pub(crate) wall_s: f64,
}

/// Writes what a stopped node's store holds into a fresh one, with the same options, family by
/// family in the order of the keys, in batches as large as the node's largest.
///
/// Left out is the family `meta`, a few keys that say which store it is.
pub(super) fn bulk_write(data: &Path, fresh: &Path, mesh: MeshId) -> BulkWrite {
    let (batches, mut wrote) = batches_of(data, mesh);
    let store = RocksStore::open(fresh, mesh).expect("a fresh store can be made");
    let start = Instant::now();
    for batch in &batches {
        store.commit(batch).expect("a fresh store takes a batch");
    }
    wrote.wall_s = start.elapsed().as_secs_f64();
    wrote
}

fn batches_of(data: &Path, mesh: MeshId) -> (Vec<Batch>, BulkWrite) {
    let store = RocksStore::open(data, mesh).expect("a node that stopped cleanly left a good store");
    let (mut batches, mut count) = (vec![Batch::default()], BulkWrite::default());
    let mut room = COMMIT_BYTES;
    for family in Family::ALL.into_iter().filter(|family| *family != Family::Meta) {
        let mut visit = |key: &[u8], value: &[u8]| {
            if room == 0 {
                batches.push(Batch::default());
                room = COMMIT_BYTES;
            }
            let bytes = key.len() + value.len();
            room = room.saturating_sub(bytes);
            count.keys += 1;
            count.bytes += bytes as u64;
            if let Some(batch) = batches.last_mut() {
                batch.writes.push(Write::put(family, key, value));
            }
            ControlFlow::Continue(())
        };
        store.scan(family, &[], &LAST, Order::Ascending, &mut visit).expect("a good store can be read");
    }
    count.batches = batches.len() as u64;
    (batches, count)
}
