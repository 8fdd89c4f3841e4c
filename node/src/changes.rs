//! Notices when what readers see may have changed, so that what was made from it can be kept until then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use certmesh_engine::store::{Batch, Family, Order, Readable, Store, StoreError, Visit};

/// A number that grows with each change of the index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes(Arc<AtomicU64>);

impl Changes {
    /// How many there have been.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// There may have been one that was not noticed.
    pub(crate) fn note(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// The store, through which changes are noticed.
    pub(crate) fn noticed(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Noticed { store, changes: self.clone() })
    }
}

struct Noticed {
    store: Arc<dyn Store>,
    changes: Changes,
}

impl Readable for Noticed {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(family, key)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.store.scan(family, from, to, order, visit)
    }

    fn pick(&self, family: Family, keys: &[Vec<u8>], visit: Visit<'_>) -> Result<(), StoreError> {
        self.store.pick(family, keys, visit)
    }
}

impl Store for Noticed {
    fn freeze(&self, look: &mut dyn FnMut(&dyn Readable)) -> Result<(), StoreError> {
        self.store.freeze(look)
    }

    /// Counted when it is done: whoever reads the number first, and then the store, may make something twice, but never
    /// keeps what is old.
    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        self.store.commit(batch)?;
        if batch.writes.iter().any(|write| matches!(write.family, Family::Index | Family::Object)) {
            self.changes.note();
        }
        Ok(())
    }
}
