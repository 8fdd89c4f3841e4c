//! Storage in memory: the contract in its plainest form, for tests and the simulator.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Batch, Family, Order, Readable, Store, StoreError, Visit};

type Keys = BTreeMap<(Family, Vec<u8>), Vec<u8>>;

/// A map in memory that keeps the contract of [`Store`], except that it ends with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    /// Shared with whoever reads: a commit meanwhile changes a copy.
    keys: RwLock<Arc<Keys>>,
}

/// The keys as they are at one moment.
struct Moment(Arc<Keys>);

impl MemoryStore {
    fn moment(&self) -> Moment {
        Moment(Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Readable for Moment {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(&(family, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        if from >= to {
            return Ok(());
        }
        let mut range = self.0.range((family, from.to_vec())..(family, to.to_vec()));
        let mut step = |((_, key), value): (&(Family, Vec<u8>), &Vec<u8>)| visit(key, value);
        let _: ControlFlow<()> = match order {
            Order::Ascending => range.try_for_each(&mut step),
            Order::Descending => range.rev().try_for_each(&mut step),
        };
        Ok(())
    }
}

impl Readable for MemoryStore {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.moment().get(family, key)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.moment().scan(family, from, to, order, visit)
    }
}

impl Store for MemoryStore {
    fn freeze(&self, look: &mut dyn FnMut(&dyn Readable)) -> Result<(), StoreError> {
        look(&self.moment());
        Ok(())
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let keys = Arc::make_mut(&mut keys);
        for write in &batch.writes {
            let key = (write.family, write.key.clone());
            match &write.value {
                Some(value) => drop(keys.insert(key, value.clone())),
                None => drop(keys.remove(&key)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_contract() {
        super::super::contract::check(&MemoryStore::default());
    }
}
