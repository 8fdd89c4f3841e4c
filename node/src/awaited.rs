//! Reading that ends when nobody waits for it any more: whoever asks for much and goes away leaves no work behind.

use certmesh_engine::store::{Family, Order, Readable, StoreError, Visit};

/// What can be read, as long as somebody waits for the answer.
pub(crate) struct Awaited<'a> {
    pub(crate) of: &'a dyn Readable,
    pub(crate) is_awaited: &'a dyn Fn() -> bool,
}

impl Awaited<'_> {
    fn now(&self) -> Result<&dyn Readable, StoreError> {
        let gone = || StoreError { doing: "reading", cause: "nobody waits for the answer any more".into() };
        (self.is_awaited)().then_some(self.of).ok_or_else(gone)
    }
}

impl Readable for Awaited<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.now()?.get(family, key)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.now()?.scan(family, from, to, order, visit)
    }

    fn pick(&self, family: Family, keys: &[Vec<u8>], visit: Visit<'_>) -> Result<(), StoreError> {
        self.now()?.pick(family, keys, visit)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ops::ControlFlow;

    use certmesh_engine::store::MemoryStore;

    use super::*;

    #[test]
    fn reading_ends_when_nobody_waits() {
        let (store, awaited) = (MemoryStore::default(), Cell::new(true));
        let reading = Awaited { of: &store, is_awaited: &|| awaited.get() };
        let mut visit = |_: &[u8], _: &[u8]| ControlFlow::Continue(());
        let mut all = || {
            [
                reading.get(Family::Meta, b"a").is_ok(),
                reading.scan(Family::Meta, b"a", b"b", Order::Ascending, &mut visit).is_ok(),
                reading.pick(Family::Meta, &[b"a".to_vec()], &mut visit).is_ok(),
            ]
        };
        assert_eq!(all(), [true; 3]);
        awaited.set(false);
        assert_eq!(all(), [false; 3]);
    }
}
