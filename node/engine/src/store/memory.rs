//! Storage in memory: the contract in its plainest form, for tests and the simulator.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Batch, Family, Order, Store, StoreError, Visit};

type Keys = BTreeMap<(Family, Vec<u8>), Vec<u8>>;

/// A map in memory that keeps the contract of [`Store`], except that it ends with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    /// Shared with whoever scans: a commit during a scan changes a copy.
    keys: RwLock<Arc<Keys>>,
}

impl MemoryStore {
    fn moment(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for MemoryStore {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.moment().get(&(family, key.to_vec())).cloned())
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
        let keys = self.moment();
        let mut range = keys.range((family, from.to_vec())..(family, to.to_vec()));
        let mut step = |((_, key), value): (&(Family, Vec<u8>), &Vec<u8>)| visit(key, value);
        let _: ControlFlow<()> = match order {
            Order::Ascending => range.try_for_each(&mut step),
            Order::Descending => range.rev().try_for_each(&mut step),
        };
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
