//! How a store comes to be: under a name of its own until it is whole, so that `store/` is either
//! absent or a store that says what it is.
//!
//! That is what lets [`crate::recover`] take anything missing from `store/` for damage, and never
//! create an empty store where a full one was.

use std::path::Path;

use certmesh_wire::MeshId;
use rocksdb::{DB, WriteOptions};

use crate::folder::{self, STORE, UNFINISHED};
use crate::identity::{self, StoreId};
use crate::{OpenError, options};

/// Creates `store/` in the folder, with the identity of `mesh` and nothing else in it.
pub(crate) fn create(folder: &Path, mesh: MeshId) -> Result<(), OpenError> {
    let (unfinished, store) = (folder.join(UNFINISHED), folder.join(STORE));
    // What a creation that was cut short left: it never held a commit.
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).map_err(OpenError::io("removing", &unfinished))?;
    }
    folder::create_private(&unfinished)?;
    fill(&unfinished, mesh)?;
    std::fs::rename(&unfinished, &store).map_err(OpenError::io("naming", &store))?;
    folder::sync(folder)
}

fn fill(path: &Path, mesh: MeshId) -> Result<(), OpenError> {
    let failed = |error| OpenError::rocks(path, error);
    let mut database = options::database();
    database.create_if_missing(true);
    database.create_missing_column_families(true);
    let db = DB::open_cf_descriptors(&database, path, options::families()).map_err(failed)?;
    let batch =
        identity::first_batch(&db, mesh, random_id(path)?).map_err(|why| OpenError::damaged(path, &why))?;
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    db.write_opt(batch, &synced).map_err(failed)
}

fn random_id(path: &Path) -> Result<StoreId, OpenError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| OpenError::io("naming", path)(error.into()))?;
    Ok(StoreId(id))
}
