//! Parcels and exports that are none.

use super::{Claim, Refused};
use crate::cbor::{NULL, array, bytes, text};
use crate::logs::main_log;
use crate::travel::whole_export;

pub(super) fn all() -> Vec<Refused> {
    let one = |claim| move |(name, says, bytes)| Refused::new(claim, name, "malformed", says, bytes);
    let parcels = parcels().into_iter().map(one(Claim::Parcel));
    parcels.chain(exports().into_iter().map(one(Claim::Export))).collect()
}

type Case = (&'static str, &'static str, Vec<u8>);

fn record() -> Vec<u8> {
    bytes(main_log()[0].record.signed())
}

fn parcels() -> Vec<Case> {
    let sound = array(&[record(), NULL.to_vec()]);
    vec![
        ("record without a place for its body", "another shape", array(&[record()])),
        ("three items", "another shape", array(&[record(), NULL.to_vec(), NULL.to_vec()])),
        ("no record", "another shape", array(&[NULL.to_vec(), NULL.to_vec()])),
        ("text in place of the body", "only encoding", array(&[record(), text("body")])),
        (
            "record inside without its byte string",
            "another shape",
            array(&[main_log()[0].record.signed().to_vec(), NULL.to_vec()]),
        ),
        ("length in two bytes", "shortest", [&[0x98, 2], &sound[1..]].concat()),
        ("byte after the parcel", "bytes after the end", [&sound[..], &[0]].concat()),
        ("record of 4,225 bytes", "4224 are allowed", array(&[bytes(&[0; 4225]), NULL.to_vec()])),
    ]
}

fn exports() -> Vec<Case> {
    let sound = whole_export();
    let parcel = array(&[record(), NULL.to_vec()]);
    vec![
        ("torn end", "shorter than it says", sound[..sound.len() - 1].to_vec()),
        ("text between the parcels", "another shape", [&sound[..], &text("parcel"), &parcel].concat()),
        ("parcels without manifests", "another shape", parcel),
        ("manifest that is none", "manifest 1", array(&[bytes(b"manifest")])),
        ("nothing", "ends too early", Vec::new()),
    ]
}
