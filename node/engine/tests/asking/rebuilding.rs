//! The index made anew from the records, at one go and broken off.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use certmesh_engine::store::{Batch, Family, Order, Readable, Store, StoreError, Visit, Write};
use certmesh_engine::{Engine, Query, Steps, commit, counts, order_rebuild, rebuild, rebuild_is_due};

use crate::mesh::{MY, Peer, indicator, membership, node_key};
use crate::world::NOW_MS;
use crate::{cases, index, keys};

#[test]
fn an_index_that_is_rebuilt_is_what_it_was() {
    cases(|case| {
        let (views, was) = (index(case.store()), keys(case.store(), Family::Object));
        let count = keys(case.store(), Family::Index).len();
        let rows = || {
            let mut rows = keys(case.store(), Family::Index);
            rows.retain(|(key, _)| matches!(key.first(), Some(b'o' | b'O' | b'k' | b'l' | b't' | b'r')));
            rows
        };
        let before = rows();
        let counted = counts(case.store()).unwrap();
        let mut steps = Steps::default();
        order_rebuild(&mut steps);
        commit(case.store(), steps).unwrap();
        assert!(rebuild_is_due(case.store()).unwrap());
        let mut phases = BTreeSet::new();
        let membership = case.peer.engine.membership().clone();
        rebuild(case.store(), &membership, NOW_MS, &mut |rebuilt| {
            phases.insert(rebuilt.phase);
        })
        .unwrap();
        assert_eq!(phases, BTreeSet::from([1, 2, 3, 4]));
        assert!(!rebuild_is_due(case.store()).unwrap());
        assert_eq!(index(case.store()), views, "seed {}", case.seed);
        assert_eq!(keys(case.store(), Family::Index).len(), count, "seed {}", case.seed);
        assert!(rows() == before, "seed {}: rows are other ones", case.seed);
        assert_eq!(keys(case.store(), Family::Object), was, "objects keep their arrivals");
        assert_eq!(counts(case.store()).unwrap(), counted);
    });
}

/// A store that takes so many commits more.
struct Until<'a>(&'a dyn Store, AtomicUsize);

impl Readable for Until<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(family, key)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.0.scan(family, from, to, order, visit)
    }
}

impl Store for Until<'_> {
    fn freeze(&self, look: &mut dyn FnMut(&dyn Readable)) -> Result<(), StoreError> {
        self.0.freeze(look)
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let more = self.1.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        more.map_err(|_| StoreError { doing: "writing", cause: "the power fails".into() })?;
        self.0.commit(batch)
    }
}

/// Whatever it was at, and whatever build began it.
#[test]
fn a_rebuild_that_was_broken_off_goes_on_or_begins_anew() {
    cases(|case| {
        let (views, count) = (index(case.store()), keys(case.store(), Family::Index).len());
        let membership = case.peer.engine.membership().clone();
        let order = |store: &dyn Store| {
            let mut steps = Steps::default();
            order_rebuild(&mut steps);
            commit(store, steps).unwrap();
        };
        let mut broken_off = 0;
        for commits in 0.. {
            order(case.store());
            let until = Until(case.store(), AtomicUsize::new(commits));
            if rebuild(&until, &membership, NOW_MS, &mut |_| {}).is_ok() {
                break;
            }
            broken_off += 1;
            assert!(rebuild_is_due(case.store()).unwrap());
            // As another table's rebuild would have left its mark, with what there is of that one.
            if case.chance.one_in(2) {
                let mark = [&[4][..], &u64::MAX.to_be_bytes()].concat();
                let writes = vec![
                    Write::put(Family::Meta, b"rebuild", mark),
                    Write::put(Family::Index, b"s-of-old", b"x"),
                ];
                case.store().commit(&Batch { writes }).unwrap();
            }
            rebuild(case.store(), &membership, NOW_MS, &mut |_| {}).unwrap();
            assert_eq!(index(case.store()), views, "seed {}, after {commits} commits", case.seed);
            assert_eq!(keys(case.store(), Family::Index).len(), count, "seed {}", case.seed);
        }
        assert!(broken_off > 3, "{broken_off}");
    });
}

#[test]
fn a_rebuild_that_is_ordered_leaves_the_index_as_it_is() {
    let mut peer = Peer::new(MY);
    peer.publish(&[&indicator(1, "a.example", 2021)]);
    let mut steps = Steps::default();
    order_rebuild(&mut steps);
    commit(&*peer.store, steps).unwrap();
    let peer = Peer::with(membership(), MY, Arc::clone(&peer.store));
    assert_eq!(peer.find(&Query::default()).len(), 1);
    assert!(rebuild_is_due(&*peer.store).unwrap());
}

#[test]
fn a_store_that_was_in_use_before_the_index_was_of_this_kind_is_rebuilt() {
    let mut peer = Peer::new(MY);
    peer.publish(&[&indicator(1, "a.example", 2021)]);
    let writes = vec![Write::delete(Family::Meta, b"index"), Write::put(Family::Index, b"v-of-old", b"")];
    peer.store.commit(&Batch { writes }).unwrap();
    assert!(rebuild_is_due(peer.store()).unwrap());
    let store = Arc::clone(&peer.store);
    let note = peer.engine.stop_note();
    let opened = Engine::open(Arc::new(membership()), node_key(MY), &*store, note.as_ref());
    assert!(opened.is_err());
    rebuild(&*store, &membership(), NOW_MS, &mut |_| {}).unwrap();
    let peer = Peer::with(membership(), MY, store);
    assert_eq!(peer.find(&Query::default()).len(), 1);
}
