//! The node's store on disk: the engine's [`Store`] over RocksDB.
//!
//! This crate exists so that RocksDB is spoken in one room only. What comes in and goes out are the
//! engine's families, batches and errors; no type of RocksDB leaves it.
//!
//! In the data folder:
//!
//! | path | what it is |
//! | --- | --- |
//! | `node.lock` | held by the running process, with its pid: one process per folder |
//! | `store/` | RocksDB: one column family per [`Family`] |
//! | `store.new/` | a store that is being created; it gets its name when it is whole |
//!
//! A commit is one write batch and one synced write to the log of RocksDB. RocksDB shows a batch to
//! readers only after that sync, as long as writes are neither pipelined nor unordered, and
//! `options.rs` leaves both off.
//!
//! # What a power cut may leave, and how that is tested
//!
//! `kill -9` leaves the page cache in place, so it says nothing about syncs. Stand-ins that damage
//! the files by hand are in `tests/power_cut.rs`. The real thing needs no special kernel: put the
//! data folder on ext4 in a loop file, commit while noting outside it which commits returned, stop
//! the process with SIGSTOP, copy the loop file (what is only in the page cache stays behind), mount
//! the copy, and open the store in it. Every commit that had returned must be there, and of the one
//! in flight all or nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use certmesh_engine::store::{Batch, Family, Order, Readable, Store, StoreError, Visit};
use certmesh_wire::MeshId;
use rocksdb::{ColumnFamily, DB, DBRawIterator, ReadOptions, Snapshot, WriteBatch, WriteOptions};

mod create;
mod error;
mod folder;
mod identity;
mod options;
mod recover;
mod reopen;

pub use error::OpenError;
pub use identity::{SCHEMA, StoreId};
pub use reopen::Reopened;

use folder::FolderLock;

/// Keys that are stepped over on the way to a wanted one.
const STEPS: usize = 8;

/// The store of one node, in one folder, held by one process.
///
/// The keys `schema`, `mesh` and `store` of [`Family::Meta`] are its own: they say what it is.
pub struct RocksStore {
    // Closed before the lock is released: fields drop in this order.
    state: RwLock<State>,
    path: PathBuf,
    mesh: MeshId,
    id: StoreId,
    _lock: FolderLock,
}

/// The database as it is open at the moment.
struct State {
    /// Each read holds it by itself, so that a slow reader keeps nobody from the lock.
    db: Option<Arc<DB>>,
    /// What the first failed write said. While it stands, nothing is written.
    failed: Option<String>,
}

impl RocksStore {
    /// Opens the store of `mesh` in `folder`, or creates both.
    ///
    /// What a power cut left of a write that never returned is dropped. The folder stays locked
    /// until the store is dropped.
    ///
    /// # Errors
    /// One for each reason that an operator would act on differently: see [`OpenError`]. None of
    /// them changes what is in the store.
    pub fn open(folder: &Path, mesh: MeshId) -> Result<Self, OpenError> {
        folder::ensure(folder)?;
        let lock = FolderLock::take(folder)?;
        let path = folder.join(folder::STORE);
        if !path.exists() {
            create::create(folder, mesh)?;
        }
        let db = recover::open(&path)?;
        let id = identity::check(&db, &path, mesh)?;
        let state = RwLock::new(State { db: Some(Arc::new(db)), failed: None });
        Ok(Self { state, path, mesh, id, _lock: lock })
    }

    /// The name this store got when it was created. Arrivals, and so the cursors of readers, mean
    /// something within one store only.
    pub fn id(&self) -> StoreId {
        self.id
    }

    /// The database, to read from.
    fn db(&self) -> Result<Arc<DB>, StoreError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.db.clone().ok_or_else(|| StoreError {
            doing: "reading",
            cause: "the store is being opened anew after a write that failed".into(),
        })
    }

    fn refuse_after_failure(&self) -> Result<(), StoreError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = &state.failed else { return Ok(()) };
        let cause = format!(
            "an earlier write failed ({first}), and what it left behind is known only after opening \
             the store anew; until then it is read-only"
        );
        Err(StoreError { doing: "writing a batch", cause })
    }

    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        let (db, failed) = (self.db()?, failing("writing a batch"));
        let mut writes = WriteBatch::default();
        // RocksDB inserts keys that rise with fewer comparisons. The sort is stable: of two writes of one
        // key the later one stays the later one.
        let mut sorted: Vec<_> = batch.writes.iter().collect();
        sorted.sort_by(|one, other| (one.family, &one.key).cmp(&(other.family, &other.key)));
        for write in sorted {
            let family = family(&db, write.family)?;
            match &write.value {
                Some(value) => writes.put_cf(family, &write.key, value),
                None => writes.delete_cf(family, &write.key),
            }
        }
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        db.write_opt(writes, &synced).map_err(failed)
    }
}

impl Readable for RocksStore {
    fn get(&self, of: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Moment { db: &*self.db()?, snapshot: None }.get(of, key)
    }

    fn scan(
        &self,
        of: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        Moment { db: &*self.db()?, snapshot: None }.scan(of, from, to, order, visit)
    }

    fn pick(&self, of: Family, keys: &[Vec<u8>], visit: Visit<'_>) -> Result<(), StoreError> {
        Moment { db: &*self.db()?, snapshot: None }.pick(of, keys, visit)
    }
}

impl Store for RocksStore {
    fn freeze(&self, look: &mut dyn FnMut(&dyn Readable)) -> Result<(), StoreError> {
        let db = self.db()?;
        look(&Moment { db: &db, snapshot: Some(db.snapshot()) });
        Ok(())
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        self.refuse_after_failure()?;
        let result = self.write(batch);
        if let Err(error) = &result {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            state.failed = Some(error.cause.clone());
        }
        result
    }
}

/// The database as each read finds it, or as it was when the snapshot was taken.
struct Moment<'a> {
    db: &'a DB,
    snapshot: Option<Snapshot<'a>>,
}

impl Moment<'_> {
    fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        if let Some(snapshot) = &self.snapshot {
            options.set_snapshot(snapshot);
        }
        options
    }

    /// The iterator never leaves the range, so it never walks over what was deleted beyond it.
    fn range(
        &self,
        of: Family,
        from: &[u8],
        to: &[u8],
        mut options: ReadOptions,
    ) -> Result<DBRawIterator<'_>, StoreError> {
        options.set_iterate_lower_bound(from);
        options.set_iterate_upper_bound(to);
        Ok(self.db.raw_iterator_cf_opt(family(self.db, of)?, options))
    }
}

impl Readable for Moment<'_> {
    fn get(&self, of: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.db.get_cf_opt(family(self.db, of)?, key, &self.options());
        found.map_err(failing("reading a key"))
    }

    fn scan(
        &self,
        of: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        // RocksDB asks for bounds in order; a range turned round holds nothing.
        if from >= to {
            return Ok(());
        }
        walk(self.range(of, from, to, self.options())?, order, visit)
    }

    fn pick(&self, of: Family, keys: &[Vec<u8>], visit: Visit<'_>) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(()) };
        let mut options = self.options();
        // What is read in passing would push out of the cache what others look up.
        options.fill_cache(false);
        let mut at = self.range(of, first, &[&last[..], &[0]].concat(), options)?;
        at.seek_to_first();
        for key in keys {
            step_to(&mut at, key);
            match at.item() {
                Some((found, value)) if found == key && visit(key, value).is_break() => return Ok(()),
                Some(_) => {}
                None => break,
            }
        }
        at.status().map_err(failing("reading keys"))
    }
}

/// Moves on to a key, or the first one beyond it: by a few steps, if it lies close by, and else by a look from the top,
/// which costs as much as some of them.
fn step_to(at: &mut DBRawIterator<'_>, key: &[u8]) {
    for _ in 0..STEPS {
        match at.key() {
            Some(found) if found < key => at.next(),
            // There, or beyond it, or at the end of the range.
            _ => return,
        }
    }
    at.seek(key);
}

/// An iterator reads from the moment it was made, whatever is written meanwhile.
fn walk(mut at: DBRawIterator<'_>, order: Order, visit: Visit<'_>) -> Result<(), StoreError> {
    match order {
        Order::Ascending => at.seek_to_first(),
        Order::Descending => at.seek_to_last(),
    }
    while let Some((key, value)) = at.item() {
        if visit(key, value).is_break() {
            return Ok(());
        }
        match order {
            Order::Ascending => at.next(),
            Order::Descending => at.prev(),
        }
    }
    // An iterator that met damage ends like one that is done; only its status tells.
    at.status().map_err(failing("scanning a range"))
}

fn family(db: &DB, family: Family) -> Result<&ColumnFamily, StoreError> {
    db.cf_handle(family.name()).ok_or_else(|| StoreError {
        doing: "finding a family of keys",
        cause: format!("the store has no family named {}", family.name()),
    })
}

fn failing(doing: &'static str) -> impl Fn(rocksdb::Error) -> StoreError {
    move |error| StoreError { doing, cause: error.into_string() }
}
