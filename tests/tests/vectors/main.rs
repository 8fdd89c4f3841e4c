//! Test vectors for the formats of `node/docs/wire.md`, in `tests/fixtures/vectors`.
//!
//! They are made anew from fixed seeds with the real crates and held against the files, so that no
//! format changes by accident; what must be refused is offered to the real door; and a second,
//! independent implementation in Python (`tests/vectors/check.py`) reads the same files.
//! `CERTMESH_WRITE_VECTORS=1` with this test rewrites them.
#![allow(clippy::unwrap_used)]

mod cbor;
mod file;
mod logs;
mod mesh;
mod objects;
mod refused;
mod second_reader;
mod travel;

use serde_json::json;

#[test]
fn keys() {
    file::hold("keys.json", &mesh::keys());
}

#[test]
fn documents() {
    let roster = mesh::roster();
    let manifests = mesh::manifests().into_iter().map(|(name, signed)| {
        json!({
            "name": name,
            "signed": file::hex(&signed.encode()),
            "id": signed.id().to_string(),
        })
    });
    let successors = mesh::successors().into_iter().map(|(name, prev, signed)| {
        json!({
            "name": name,
            "signed": file::hex(&signed.encode()),
            "id": signed.id().to_string(),
            "voters": signed.voters(&prev).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    });
    let documents = json!({
        "roster": {
            "signed": file::hex(&roster.encode()),
            "id": roster.id().to_string(),
            "mesh": roster.mesh().to_string(),
            "signers": roster.signers().map(|code| code.to_string()).collect::<Vec<_>>(),
        },
        "successors": successors.collect::<Vec<_>>(),
        "manifests": manifests.collect::<Vec<_>>(),
    });
    file::hold("documents.json", &documents);
}

#[test]
fn records() {
    file::hold(logs::FILE, &logs::file());
}

#[test]
fn texts() {
    file::hold("objects.json", &objects::file());
}

#[test]
fn parcels_sync_and_exports() {
    file::hold("travel.json", &travel::file());
}

#[test]
fn refusals() {
    file::hold("refused.json", &refused::file());
}
