//! What carries records between nodes and into files: parcels, pulls, exports.

use std::ops::ControlFlow;

use certmesh_engine::{Engine, Steps, answer, commit, export};
use certmesh_wire::{Export, ExportWriter, Parcel, PullAnswer, PullRequest, SignedManifest};
use serde_json::{Value, json};

use crate::file::hex;
use crate::logs::{GREEN, UNMARKED, main_log};
use crate::mesh::{CREATED_MS, Door, MY_NODE, SG_LIVE, VN_NODE, key, log, manifests};

fn parcels() -> Vec<Parcel> {
    main_log().iter().map(|entry| entry.parcel()).collect()
}

/// What MY asks: the second record of SG's log, and VN's log from its beginning.
pub(crate) fn request() -> PullRequest {
    PullRequest::new([(log(SG_LIVE), 1), (log(VN_NODE), 0)])
}

/// A node's whole export: the manifests that count, then SG's log.
pub(crate) fn whole_export() -> Vec<u8> {
    let manifests: Vec<SignedManifest> = manifests().into_iter().skip(1).map(|(_, signed)| signed).collect();
    let first = ExportWriter::manifests(&manifests);
    let rest = parcels().iter().flat_map(ExportWriter::parcel).collect::<Vec<_>>();
    [first, rest].concat()
}

pub(crate) fn file() -> Value {
    let parcels = parcels();
    let bare = Parcel::new(parcels[1].record().to_vec(), None);
    json!({
        "gossip": { "whole": hex(&parcels[1].encode()), "without its body": hex(&bare.encode()) },
        "pull": {
            "request": hex(&request().encode()),
            "answer": hex(&PullAnswer::new(parcels[1..].to_vec(), false).encode()),
            "nothing more": hex(&PullAnswer::default().encode()),
        },
        "export": hex(&whole_export()),
    })
}

#[test]
fn a_node_answers_the_request_with_the_answer() {
    let mut door = Door::new();
    parcels().iter().for_each(|parcel| door.take_parcel(parcel).unwrap());
    let membership = door.engine.membership();
    let answer = answer(&door.store, membership, key(MY_NODE).node_id(), &request()).unwrap();
    assert_eq!(answer.encode(), PullAnswer::new(parcels()[1..].to_vec(), false).encode());
    let read: Vec<_> = Export::open(&whole_export()).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, parcels());
}

/// An export that the engine makes of what it has just published: fresh keys of nobody, fresh compression.
pub(crate) fn fresh_export() -> Vec<u8> {
    let mut door = Door::new();
    let mut steps = Steps::default();
    Engine::publish(&mut door.engine, &door.store, &[GREEN, UNMARKED], CREATED_MS, &mut steps).unwrap();
    commit(&door.store, steps).unwrap();
    let mut file = Vec::new();
    let mut take = |piece: Vec<u8>| {
        file.extend(piece);
        ControlFlow::Continue(())
    };
    export(&door.store, door.engine.membership(), &mut take).unwrap();
    file
}
