//! Notices when what readers see may have changed, so that what was made from it can be kept until then.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use certmesh_engine::shown_at;
use certmesh_engine::store::{Batch, Family, Order, Readable, Store, StoreError, Visit};
use certmesh_intel::Tlp;

/// Numbers that grow with each change of what readers are shown: one for each marking, so that nobody notices a change of
/// what they may not see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes(Arc<[AtomicU64; Tlp::ALL.len()]>);

impl Changes {
    /// How many there have been of what may be seen up to this marking.
    pub(crate) fn count(&self, ceiling: Tlp) -> u64 {
        self.0.iter().take(ceiling as usize + 1).map(|count| count.load(Ordering::Acquire)).sum()
    }

    /// There may have been one of anything that was not noticed.
    pub(crate) fn note(&self) {
        Tlp::ALL.into_iter().for_each(|tlp| self.note_of(tlp));
    }

    fn note_of(&self, tlp: Tlp) {
        if let Some(count) = self.0.get(tlp as usize) {
            count.fetch_add(1, Ordering::Release);
        }
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
        let rows = batch.writes.iter().filter(|write| write.family == Family::Index);
        let markings: BTreeSet<_> = rows.filter_map(|write| shown_at(&write.key)).collect();
        markings.into_iter().for_each(|tlp| self.changes.note_of(tlp));
        Ok(())
    }
}
