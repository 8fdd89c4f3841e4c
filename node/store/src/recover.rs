//! Opening a store that exists, whatever its last end was.
//!
//! A power cut may leave part of one batch at the end of RocksDB's write-ahead log: the one whose
//! sync had not returned. Nobody was told of it, so it is dropped. Anything else that is wrong in the
//! log is damage to commits that did return, and the store refuses to open rather than lose them
//! quietly. None of RocksDB's recovery modes draws that line:
//!
//! - `TolerateCorruptedTailRecords` drops a last batch that is cut short, but refuses one that has
//!   zeros where pages never reached the disk, which is how ext4 leaves a batch of several pages.
//! - `PointInTime` opens with both, and as quietly drops every good batch after a damaged one.
//!
//! So the store is opened in the first mode. If RocksDB finds damage, two looks that change nothing
//! tell how much good log lies beyond it. If none does, the damage is the batch in flight, and the
//! second mode drops it.
//!
//! One imprecision stays: RocksDB's reader skips the rest of a 32 KiB block after damage, so good
//! batches are overlooked if all that follow lie in the block that is damaged. At most 32 KiB of
//! commits can go that way; a warning is logged, what peers have comes back from them, and a node checks
//! its own head against theirs before it signs again.

use std::path::Path;

use rocksdb::{ColumnFamilyDescriptor, DB, DBRecoveryMode, ErrorKind, Options};

use crate::{OpenError, options};

/// Opens the store at `path`, which exists.
pub(crate) fn open(path: &Path) -> Result<DB, OpenError> {
    require_log(path)?;
    match open_as(path, DBRecoveryMode::TolerateCorruptedTailRecords) {
        Err(error) if error.kind() == ErrorKind::Corruption => drop_write_in_flight(path, error),
        result => result.map_err(|error| OpenError::rocks(path, error)),
    }
}

/// RocksDB keeps a write-ahead log at all times, and opens without a word when it is gone: the
/// manifest only tracks the logs that are closed.
fn require_log(path: &Path) -> Result<(), OpenError> {
    let entries = std::fs::read_dir(path).map_err(OpenError::io("reading", path))?;
    let is_log = |entry: std::fs::DirEntry| entry.path().extension().is_some_and(|it| it == "log");
    if entries.filter_map(Result::ok).any(is_log) {
        return Ok(());
    }
    Err(OpenError::damaged(path, "its write-ahead log is gone, and the last commits with it"))
}

fn drop_write_in_flight(path: &Path, damage: rocksdb::Error) -> Result<DB, OpenError> {
    let before = last_sequence(path, DBRecoveryMode::PointInTime);
    let beyond = last_sequence(path, DBRecoveryMode::SkipAnyCorruptedRecord);
    if before.is_err() || before != beyond {
        return Err(OpenError::rocks(path, damage));
    }
    tracing::warn!(%damage, "dropped the end of the write-ahead log: a write that was never confirmed");
    open_as(path, DBRecoveryMode::PointInTime).map_err(|error| OpenError::rocks(path, error))
}

/// The number of the last change that a recovery in this mode would keep.
fn last_sequence(path: &Path, mode: DBRecoveryMode) -> Result<u64, rocksdb::Error> {
    let (database, families) = prepared(path, mode)?;
    let db = DB::open_cf_descriptors_read_only(&database, path, families, false)?;
    Ok(db.latest_sequence_number())
}

fn open_as(path: &Path, mode: DBRecoveryMode) -> Result<DB, rocksdb::Error> {
    let (database, families) = prepared(path, mode)?;
    DB::open_cf_descriptors(&database, path, families)
}

/// RocksDB opens only with every family named that it finds. Those of a newer schema are named too,
/// so that the schema can be read and the refusal can say it.
fn prepared(
    path: &Path,
    mode: DBRecoveryMode,
) -> Result<(Options, Vec<ColumnFamilyDescriptor>), rocksdb::Error> {
    let mut database = options::database();
    database.set_wal_recovery_mode(mode);
    let mut families = options::families();
    let known: Vec<String> = families.iter().map(|it| it.name().to_owned()).collect();
    let strange = DB::list_cf(&database, path)?.into_iter().filter(|name| !known.contains(name));
    families.extend(strange.map(|name| ColumnFamilyDescriptor::new(name, Options::default())));
    Ok((database, families))
}
