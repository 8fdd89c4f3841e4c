//! What a power cut or a worn disk leaves of RocksDB's write-ahead log, done to the files by hand:
//! a last batch that is cut short is dropped, whole; damage to what was confirmed is refused.
//!
//! The crate's head says how a real power cut is tested.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use certmesh_engine::store::{Batch, Family, Readable, Store, Write};
use certmesh_store::{OpenError, RocksStore};
use certmesh_wire::MeshId;

const MESH: MeshId = MeshId([7; 32]);

/// Bytes of a value: a batch of two spans several blocks of the log.
const LARGE: usize = 100_000;

/// Writes one key in two families.
fn commit(store: &RocksStore, number: u8, len: usize) {
    let write = |family| Write::put(family, [number], vec![number; len]);
    store.commit(&Batch { writes: vec![write(Family::Log), write(Family::Object)] }).unwrap();
}

/// Which of the batches are there; panics at one that is there in part.
fn held(folder: &Path) -> Vec<u8> {
    let store = RocksStore::open(folder, MESH).unwrap();
    let has = |family, number: u8| store.get(family, &[number]).unwrap().is_some();
    let whole = |number: &u8| {
        assert_eq!(
            has(Family::Log, *number),
            has(Family::Object, *number),
            "batch {number} is there in part"
        );
        has(Family::Log, *number)
    };
    (0..=u8::MAX).filter(whole).collect()
}

/// A store that holds the batches 0 to `count`, and its write-ahead log.
fn filled(count: u8, len: usize) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = RocksStore::open(folder.path(), MESH).unwrap();
    (0..count).for_each(|number| commit(&store, number, len));
    drop(store);
    let log = last_log(folder.path());
    (folder, log)
}

fn last_log(folder: &Path) -> PathBuf {
    let entries = std::fs::read_dir(folder.join("store")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|it| it == "log")).max().unwrap()
}

fn open(log: &Path) -> File {
    OpenOptions::new().write(true).open(log).unwrap()
}

fn len(log: &Path) -> u64 {
    log.metadata().unwrap().len()
}

#[test]
fn a_batch_cut_short_is_dropped_whole() {
    for (size, cut) in [(10, 1), (10, 30), (LARGE, 1), (LARGE, 60_000), (LARGE, 150_000)] {
        let (folder, log) = filled(4, size);
        open(&log).set_len(len(&log) - cut).unwrap();
        assert_eq!(held(folder.path()), [0, 1, 2], "a batch of 2 × {size}, cut by {cut}");
        let store = RocksStore::open(folder.path(), MESH).unwrap();
        commit(&store, 9, size);
        drop(store);
        assert_eq!(held(folder.path()), [0, 1, 2, 9], "and the store goes on from there");
    }
}

#[test]
fn a_batch_with_pages_that_never_reached_the_disk_is_dropped_whole() {
    for (size, lost) in [(10, 20), (LARGE, 4096), (LARGE, 100_000), (LARGE, 190_000)] {
        let (folder, log) = filled(4, size);
        open(&log).write_all_at(&vec![0; lost], len(&log) - lost as u64).unwrap();
        assert_eq!(held(folder.path()), [0, 1, 2], "a batch of 2 × {size}, {lost} zeros at its end");
    }
    let (folder, log) = filled(4, LARGE);
    open(&log).write_all_at(&[0; 4096], len(&log) - 100_000).unwrap();
    assert_eq!(held(folder.path()), [0, 1, 2], "zeros in its middle");
}

#[test]
fn damage_before_the_last_batch_is_refused() {
    for (what, bytes) in [("a flipped byte", vec![0xaa; 1]), ("a lost page", vec![0; 4096])] {
        let (folder, log) = filled(4, LARGE);
        open(&log).write_all_at(&bytes, LARGE as u64).unwrap();
        for attempt in ["first", "second"] {
            let error = RocksStore::open(folder.path(), MESH).err().expect(what);
            assert!(matches!(error, OpenError::Damaged { .. }), "{what}, {attempt} time: {error}");
        }
    }
}
