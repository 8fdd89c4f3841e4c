//! What a store says of itself, under three keys of [`Family::Meta`]: its schema, its mesh, its name.
//!
//! They are written once, by [`crate::create`], before the store gets its name on disk. A store that
//! lacks one of them, or holds something else there, is damaged. One of an older schema is of this one once it is
//! opened: each had another index, which the engine rebuilds when it finds an older one.

use std::fmt;
use std::path::Path;

use certmesh_engine::store::Family;
use certmesh_wire::MeshId;
use rocksdb::{DB, WriteBatch, WriteOptions};

use crate::{OpenError, family};

/// The schema this build writes: the families and what their keys mean.
pub const SCHEMA: u32 = 3;

/// `schema` → u32, big-endian.
const SCHEMA_KEY: &[u8] = b"schema";
/// `mesh` → the mesh id, 32 bytes.
const MESH_KEY: &[u8] = b"mesh";
/// `store` → the store id, 16 bytes.
const STORE_KEY: &[u8] = b"store";

/// The random name of one store, made when it is created. As text it is 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreId(pub [u8; 16]);

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The three keys of a store that is being created.
pub(crate) fn first_batch(db: &DB, mesh: MeshId, id: StoreId) -> Result<WriteBatch, String> {
    let meta = family(db, Family::Meta).map_err(|error| error.to_string())?;
    let mut batch = WriteBatch::default();
    batch.put_cf(meta, SCHEMA_KEY, SCHEMA.to_be_bytes());
    batch.put_cf(meta, MESH_KEY, mesh.0);
    batch.put_cf(meta, STORE_KEY, id.0);
    Ok(batch)
}

/// Whether this build, for this mesh, may use the store. The schema is looked at first: what the
/// other keys mean in a newer one is not known here.
pub(crate) fn check(db: &DB, path: &Path, mesh: MeshId) -> Result<StoreId, OpenError> {
    let folder = || path.to_owned();
    let schema = u32::from_be_bytes(read(db, path, SCHEMA_KEY)?);
    match schema {
        0 => return Err(OpenError::damaged(path, "it claims schema 0, which never was")),
        1..=SCHEMA => {}
        found => return Err(OpenError::NewerSchema { folder: folder(), found, known: SCHEMA }),
    }
    let found = MeshId(read(db, path, MESH_KEY)?);
    if found != mesh {
        return Err(OpenError::OtherMesh { folder: folder(), found, expected: mesh });
    }
    let id = read(db, path, STORE_KEY).map(StoreId)?;
    if schema < SCHEMA {
        raise(db, path)?;
    }
    Ok(id)
}

/// Whoever knows the older schema alone must not write here any more.
fn raise(db: &DB, path: &Path) -> Result<(), OpenError> {
    let meta = family(db, Family::Meta).map_err(|error| OpenError::damaged(path, &error.to_string()))?;
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    let raised = db.put_cf_opt(meta, SCHEMA_KEY, SCHEMA.to_be_bytes(), &synced);
    raised.map_err(|error| OpenError::rocks(path, error))
}

fn read<const N: usize>(db: &DB, path: &Path, key: &[u8]) -> Result<[u8; N], OpenError> {
    let name = String::from_utf8_lossy(key);
    let meta = family(db, Family::Meta).map_err(|error| OpenError::damaged(path, &error.to_string()))?;
    let value = db.get_cf(meta, key).map_err(|error| OpenError::rocks(path, error))?;
    let value = value.ok_or_else(|| OpenError::damaged(path, &format!("its {name} is missing")))?;
    value.try_into().map_err(|_| OpenError::damaged(path, &format!("its {name} is not {N} bytes long")))
}
