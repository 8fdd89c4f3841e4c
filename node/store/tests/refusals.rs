//! What makes a store refuse to open, and that the refusal says it.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

use certmesh_engine::store::{Batch, Family, Readable, Store, Write};
use certmesh_store::{OpenError, RocksStore};
use certmesh_wire::MeshId;

const MESH: MeshId = MeshId([7; 32]);

fn refusal(folder: &Path, mesh: MeshId) -> OpenError {
    RocksStore::open(folder, mesh).err().expect("a refusal")
}

fn says(error: &OpenError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "“{word}” is missing in: {text}");
    }
}

#[test]
fn a_folder_in_use_names_its_holder() {
    let folder = tempfile::tempdir().unwrap();
    let store = RocksStore::open(folder.path(), MESH).unwrap();
    let error = refusal(folder.path(), MESH);
    assert!(
        matches!(error, OpenError::Locked { pid: Some(pid), .. } if pid == std::process::id()),
        "{error}"
    );
    says(
        &error,
        &["in use by process", &std::process::id().to_string(), &folder.path().display().to_string()],
    );

    drop(store);
    RocksStore::open(folder.path(), MESH).expect("the lock ends with the store");
}

#[test]
fn the_folder_of_another_mesh_names_both() {
    let folder = tempfile::tempdir().unwrap();
    drop(RocksStore::open(folder.path(), MESH).unwrap());
    let other = MeshId([8; 32]);
    let error = refusal(folder.path(), other);
    assert!(
        matches!(error, OpenError::OtherMesh { found: MESH, expected, .. } if expected == other),
        "{error}"
    );
    says(&error, &[&MESH.to_string(), &other.to_string()]);
    RocksStore::open(folder.path(), MESH).expect("a refusal changes nothing");
}

#[test]
fn a_newer_schema_is_not_misread() {
    let folder = tempfile::tempdir().unwrap();
    let store = RocksStore::open(folder.path(), MESH).unwrap();
    let schema = Write::put(Family::Meta, b"schema", 4u32.to_be_bytes());
    store.commit(&Batch { writes: vec![schema] }).unwrap();
    drop(store);
    let error = refusal(folder.path(), MESH);
    assert!(matches!(error, OpenError::NewerSchema { found: 4, known: 3, .. }), "{error}");
    says(&error, &["schema 4", "newer certmesh"]);
}

#[test]
fn an_older_schema_becomes_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = RocksStore::open(folder.path(), MESH).unwrap();
    let key = (Family::Meta, b"schema");
    drop(store);
    for older in 1..certmesh_store::SCHEMA {
        let store = RocksStore::open(folder.path(), MESH).unwrap();
        let schema = Write::put(key.0, key.1, older.to_be_bytes());
        store.commit(&Batch { writes: vec![schema] }).unwrap();
        drop(store);
        let store = RocksStore::open(folder.path(), MESH).unwrap();
        let raised = store.get(key.0, key.1).unwrap();
        assert_eq!(raised, Some(certmesh_store::SCHEMA.to_be_bytes().to_vec()));
    }
}

#[test]
fn a_newer_schema_may_have_more_families() {
    let folder = tempfile::tempdir().unwrap();
    drop(RocksStore::open(folder.path(), MESH).unwrap());
    {
        let path = folder.path().join("store");
        let options = rocksdb::Options::default();
        let names = rocksdb::DB::list_cf(&options, &path).unwrap();
        let mut db = rocksdb::DB::open_cf(&options, &path, names).unwrap();
        db.create_cf("sightings", &options).unwrap();
        db.put_cf(db.cf_handle("meta").unwrap(), b"schema", 9u32.to_be_bytes()).unwrap();
    }
    let error = refusal(folder.path(), MESH);
    assert!(matches!(error, OpenError::NewerSchema { found: 9, .. }), "{error}");
}

#[test]
fn a_store_without_its_mesh_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let store = RocksStore::open(folder.path(), MESH).unwrap();
    let mesh = Write::put(Family::Meta, b"mesh", b"?");
    store.commit(&Batch { writes: vec![mesh] }).unwrap();
    drop(store);
    let error = refusal(folder.path(), MESH);
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    says(&error, &["its mesh is not 32 bytes long", "new node key"]);
}

#[test]
fn a_lost_file_is_damage_and_no_fresh_start() {
    for lost in ["CURRENT", "MANIFEST-", ".log"] {
        let folder = tempfile::tempdir().unwrap();
        drop(RocksStore::open(folder.path(), MESH).unwrap());
        for entry in std::fs::read_dir(folder.path().join("store")).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().contains(lost) {
                std::fs::remove_file(path).unwrap();
            }
        }
        let error = refusal(folder.path(), MESH);
        assert!(matches!(error, OpenError::Damaged { .. }), "{lost}: {error}");
    }
}

#[test]
fn a_creation_that_was_cut_short_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("store.new")).unwrap();
    std::fs::write(folder.path().join("store.new/CURRENT"), "MANIFEST-000001\n").unwrap();
    RocksStore::open(folder.path(), MESH).unwrap();
    assert!(!folder.path().join("store.new").exists());
}

#[test]
fn a_folder_that_is_a_file_says_so() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = refusal(file.path(), MESH);
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    says(&error, &[&file.path().display().to_string()]);
}
