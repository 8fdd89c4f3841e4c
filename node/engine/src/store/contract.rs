//! The contract of [`Store`] as a test that every implementation runs.

use std::ops::ControlFlow;

use super::{Batch, Family, Order, Readable, Store, Write};

fn keys(store: &dyn Readable, from: &[u8], to: &[u8], order: Order) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut visit = |key: &[u8], _: &[u8]| {
        found.push(key.to_vec());
        ControlFlow::Continue(())
    };
    store.scan(Family::Index, from, to, order, &mut visit).expect("a scan of a healthy store");
    found
}

fn picked(store: &dyn Readable, keys: &[&[u8]], most: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (keys, mut found): (Vec<_>, _) = (keys.iter().map(|key| key.to_vec()).collect(), Vec::new());
    let mut visit = |key: &[u8], value: &[u8]| {
        found.push((key.to_vec(), value.to_vec()));
        if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    store.pick(Family::Index, &keys, &mut visit).expect("a healthy store can be read");
    found
}

/// Holds an empty store against the contract.
///
/// # Panics
/// When the store breaks it.
pub fn check(store: &dyn Store) {
    assert_eq!(store.get(Family::Index, b"a"), Ok(None), "an empty store has no keys");
    let writes = vec![
        Write::put(Family::Index, b"b", b"2"),
        Write::put(Family::Index, b"a", b"1"),
        Write::put(Family::Object, b"a", b"another family"),
        Write::put(Family::Index, b"b\xff", b"3"),
        Write::put(Family::Index, b"c", b""),
        Write::put(Family::Index, b"a", b"the later write wins"),
    ];
    store.commit(&Batch { writes }).expect("a commit to a healthy store");

    assert_eq!(store.get(Family::Index, b"a"), Ok(Some(b"the later write wins".to_vec())));
    assert_eq!(store.get(Family::Index, b"c"), Ok(Some(Vec::new())), "an empty value is a value");
    assert_eq!(store.get(Family::Body, b"a"), Ok(None), "families are apart");

    let all: [&[u8]; 4] = [b"a", b"b", b"b\xff", b"c"];
    let mut backwards = all;
    backwards.reverse();
    assert_eq!(keys(store, b"", b"\xff", Order::Ascending), all, "keys come in the order of their bytes");
    assert_eq!(keys(store, b"", b"\xff", Order::Descending), backwards, "and backwards");
    assert_eq!(
        keys(store, b"b", b"c", Order::Ascending),
        [&b"b"[..], b"b\xff"],
        "from is included, to is not"
    );
    assert_eq!(keys(store, b"b", b"c", Order::Descending), [&b"b\xff"[..], b"b"], "also backwards");
    assert_eq!(
        keys(store, b"c", b"b", Order::Ascending),
        Vec::<Vec<u8>>::new(),
        "a range turned round is empty"
    );

    let mut visited = 0;
    let mut first_only = |_: &[u8], _: &[u8]| {
        visited += 1;
        ControlFlow::Break(())
    };
    store
        .scan(Family::Index, b"", b"\xff", Order::Ascending, &mut first_only)
        .expect("a scan of a healthy store");
    assert_eq!(visited, 1, "a visitor can break off");

    let pair = |key: &[u8], value: &[u8]| (key.to_vec(), value.to_vec());
    let wanted: [&[u8]; 6] = [b"", b"a", b"aa", b"b\xff", b"c", b"d"];
    let there = [pair(b"a", b"the later write wins"), pair(b"b\xff", b"3"), pair(b"c", b"")];
    assert_eq!(picked(store, &wanted, 9), there, "of these keys, those that are there");
    assert_eq!(picked(store, &wanted, 2), there[..2], "as many as are wanted");
    assert_eq!(picked(store, &[], 9), []);

    let mut looked = false;
    let mut look = |moment: &dyn Readable| {
        looked = true;
        change(store);
        assert_eq!(keys(moment, b"", b"\xff", Order::Ascending), all, "a moment stays as it was");
        assert_eq!(moment.get(Family::Index, b"b"), Ok(Some(b"2".to_vec())));
        assert_eq!(moment.get(Family::Object, b"new"), Ok(None), "in all families");
        assert_eq!(picked(moment, &wanted, 9), there);
    };
    store.freeze(&mut look).expect("a healthy store can be read");
    assert!(looked, "a moment is shown");
    assert_eq!(keys(store, b"", b"\xff", Order::Ascending), [&b"a"[..], b"b\xff"], "deleted keys are gone");
    assert_eq!(picked(store, &wanted, 9), [pair(b"a", b"deleted and then put"), pair(b"b\xff", b"3")]);
    assert_eq!(store.get(Family::Object, b"a"), Ok(Some(b"another family".to_vec())));
}

fn change(store: &dyn Store) {
    let writes = vec![
        Write::delete(Family::Index, b"b"),
        Write::delete(Family::Index, b"never there"),
        Write::put(Family::Index, b"c", b"put and then deleted"),
        Write::delete(Family::Index, b"c"),
        Write::delete(Family::Index, b"a"),
        Write::put(Family::Index, b"a", b"deleted and then put"),
        Write::put(Family::Object, b"new", b""),
    ];
    store.commit(&Batch { writes }).expect("a commit to a healthy store");
}
