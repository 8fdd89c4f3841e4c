//! The engine's contract, and what it says of opening anew: everything that was committed is there.
#![allow(clippy::unwrap_used, missing_docs)]

use std::os::unix::fs::PermissionsExt;

use certmesh_engine::store::{Batch, Family, Readable, Store, Write, contract};
use certmesh_store::{Reopened, RocksStore};
use certmesh_wire::MeshId;

const MESH: MeshId = MeshId([7; 32]);

fn put(family: Family, key: &[u8], value: &[u8]) -> Write {
    Write::put(family, key, value)
}

#[test]
fn keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    contract::check(&RocksStore::open(folder.path(), MESH).unwrap());
}

#[test]
fn opening_anew_finds_every_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = RocksStore::open(folder.path(), MESH).unwrap();
    let id = store.id();
    for family in Family::ALL {
        store.commit(&Batch { writes: vec![put(family, b"key", family.name().as_bytes())] }).unwrap();
    }
    drop(store);

    let store = RocksStore::open(folder.path(), MESH).unwrap();
    for family in Family::ALL {
        assert_eq!(store.get(family, b"key"), Ok(Some(family.name().into())));
    }
    assert_eq!(store.id(), id, "it is the same store");
}

#[test]
fn opening_anew_beside_readers_waits_for_who_reads_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    let store = RocksStore::open(folder.path(), MESH).unwrap();
    let (begun, begins) = std::sync::mpsc::channel();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let mut look = |moment: &dyn Readable| {
                begun.send(()).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(100));
                assert_eq!(moment.get(Family::Meta, b"absent"), Ok(None));
            };
            store.freeze(&mut look).unwrap();
        });
        begins.recv().unwrap();
        assert_eq!(store.reopen().unwrap(), Reopened::Done);
    });
}

#[test]
fn a_scan_does_not_see_what_is_written_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let store = RocksStore::open(folder.path(), MESH).unwrap();
    let batch = |key: &[u8]| Batch { writes: vec![put(Family::Log, key, b"")] };
    store.commit(&batch(b"a")).unwrap();
    store.commit(&batch(b"c")).unwrap();

    let mut seen = Vec::new();
    let mut visit = |key: &[u8], _: &[u8]| {
        seen.push(key.to_vec());
        store.commit(&batch(b"b")).unwrap();
        std::ops::ControlFlow::Continue(())
    };
    let order = certmesh_engine::store::Order::Ascending;
    store.scan(Family::Log, b"", b"z", order, &mut visit).unwrap();
    assert_eq!(seen, [b"a", b"c"]);
}

#[test]
fn two_stores_of_one_mesh_have_two_names() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let id = |folder: &tempfile::TempDir| RocksStore::open(folder.path(), MESH).unwrap().id();
    assert_ne!(id(&one), id(&other));
    assert_eq!(id(&one).to_string().len(), 32);
}

#[test]
fn a_folder_it_creates_is_private() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/b");
    RocksStore::open(&folder, MESH).unwrap();
    for path in [&folder, &folder.join("store")] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", path.display());
    }
}
