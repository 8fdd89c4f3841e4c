//! A write that fails: the store takes no more of them, goes on answering, and opens with everything
//! that was confirmed.
//!
//! The failure is real: a child process, which is this test itself, runs under a limit on the size of
//! its files, and the write that would pass it fails with EFBIG.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::Command;

use certmesh_engine::store::{Batch, Family, Readable, Store, StoreError, Write};
use certmesh_store::RocksStore;
use certmesh_wire::MeshId;

const MESH: MeshId = MeshId([7; 32]);

/// Set for the child: the data folder.
const FOLDER: &str = "CERTMESH_TEST_FULL_DISK";

/// In blocks of 512 bytes or of 1,024, as the shell counts.
const LARGEST_FILE: &str = "1024";

fn commit(store: &RocksStore, number: u32) -> Result<(), StoreError> {
    let write = Write::put(Family::Body, number.to_be_bytes(), vec![number as u8; 10_000]);
    store.commit(&Batch { writes: vec![write] })
}

#[test]
fn a_failed_write_is_the_last() {
    let folder = tempfile::tempdir().unwrap();
    drop(RocksStore::open(folder.path(), MESH).unwrap());
    let script = format!("trap '' XFSZ; ulimit -f {LARGEST_FILE}; exec \"$0\" --exact child --ignored");
    let mut child = Command::new("sh");
    child.args(["-c", &script]).arg(std::env::current_exe().unwrap()).env(FOLDER, folder.path());
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    let store = RocksStore::open(folder.path(), MESH).unwrap();
    let confirmed: u32 = std::fs::read_to_string(folder.path().join("confirmed")).unwrap().parse().unwrap();
    assert!(confirmed > 0);
    for number in 0..confirmed {
        assert!(store.get(Family::Body, &number.to_be_bytes()).unwrap().is_some(), "{number} is lost");
    }
    commit(&store, confirmed).expect("an opened store writes again");
}

/// Not a test of its own: the process that [`a_failed_write_is_the_last`] starts under the limit.
#[test]
#[ignore = "run by another test"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = RocksStore::open(Path::new(&folder), MESH).unwrap();
    let (confirmed, error) = fill(&store);
    std::fs::write(Path::new(&folder).join("confirmed"), confirmed.to_string()).unwrap();
    assert_eq!(error.doing, "writing a batch");

    let again = commit(&store, 0).unwrap_err().to_string();
    assert!(again.contains(&error.cause) && again.contains("opening the store anew"), "{again}");
    assert!(store.get(Family::Body, &0u32.to_be_bytes()).unwrap().is_some(), "reads go on");
    assert_eq!(store.get(Family::Body, &confirmed.to_be_bytes()), Ok(None), "the failed write is not seen");
}

/// How many commits went well before the first that failed, and how that failed.
fn fill(store: &RocksStore) -> (u32, StoreError) {
    (0..1000).find_map(|number| Some((number, commit(store, number).err()?))).expect("a limit")
}
