//! A store, and beside it one that gets the same without the index: the difference is what the index costs.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use certmesh_engine::store::{Batch, Family, Order, Readable, Store, StoreError, Visit};
use certmesh_store::RocksStore;
use certmesh_wire::MeshId;
use serde::Serialize;

use super::Disk;

/// Between two looks at the files, whether they still change.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Keys and bytes, values included.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Written {
    pub(super) index_keys: u64,
    pub(super) index_bytes: u64,
    pub(super) other_bytes: u64,
}

#[derive(Debug, Default)]
struct Spent {
    whole: Duration,
    bare: Duration,
    written: Written,
}

/// Both stores.
pub(super) struct Twin {
    whole: RocksStore,
    bare: RocksStore,
    folders: [PathBuf; 2],
    spent: Mutex<Spent>,
}

impl Twin {
    pub(super) fn open(folder: &Path, mesh: MeshId) -> Self {
        let folders = ["whole", "bare"].map(|name| folder.join(name));
        let [whole, bare] =
            folders.clone().map(|folder| RocksStore::open(&folder, mesh).expect("a fresh store"));
        Self { whole, bare, folders, spent: Mutex::default() }
    }

    /// Seconds of commits since the last time, with the index and without; and what was written.
    pub(super) fn spent(&mut self) -> (f64, f64, Written) {
        let spent = std::mem::take(self.spent.get_mut().expect("nobody panicked"));
        (spent.whole.as_secs_f64(), spent.bare.as_secs_f64(), spent.written)
    }

    /// What both take on the disk, once that has stopped changing.
    pub(super) fn settled(&self) -> Disk {
        let both = || self.folders.clone().map(|folder| bytes_in(&folder));
        let mut last = both();
        loop {
            std::thread::sleep(LOOK_EVERY);
            let now = both();
            if now == last {
                let [whole, bare] = now;
                return Disk { whole, bare };
            }
            last = now;
        }
    }
}

fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path()),
        Ok(metadata) => metadata.len(),
        // RocksDB removes files meanwhile.
        Err(_) => 0,
    };
    entries.map(size).sum()
}

impl Readable for Twin {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.whole.get(family, key)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.whole.scan(family, from, to, order, visit)
    }

    fn pick(&self, family: Family, keys: &[Vec<u8>], visit: Visit<'_>) -> Result<(), StoreError> {
        self.whole.pick(family, keys, visit)
    }
}

impl Store for Twin {
    fn freeze(&self, look: &mut dyn FnMut(&dyn Readable)) -> Result<(), StoreError> {
        self.whole.freeze(look)
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let (index, others): (Vec<_>, Vec<_>) =
            batch.writes.iter().partition(|write| write.family == Family::Index);
        let bytes = |writes: &[&certmesh_engine::store::Write]| {
            writes.iter().map(|it| it.key.len() + it.value.as_ref().map_or(0, Vec::len)).sum::<usize>() as u64
        };
        let written = (index.len() as u64, bytes(&index), bytes(&others));
        let bare = Batch { writes: others.into_iter().cloned().collect() };
        let begun = Instant::now();
        self.whole.commit(batch)?;
        let middle = Instant::now();
        self.bare.commit(&bare)?;
        let mut spent = self.spent.lock().expect("nobody panicked");
        spent.whole += middle - begun;
        spent.bare += middle.elapsed();
        spent.written.index_keys += written.0;
        spent.written.index_bytes += written.1;
        spent.written.other_bytes += written.2;
        Ok(())
    }
}
