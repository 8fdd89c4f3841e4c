//! Parcels, pulls and exports that are none.

use std::slice;

use super::{Claim, Refused};
use crate::cbor::{NULL, array, bytes, head, text, uint};
use crate::logs::main_log;
use crate::mesh::{SG_LIVE, VN_NODE, log};
use crate::travel::whole_export;

pub(super) fn all() -> Vec<Refused> {
    let one = |claim| move |(name, says, bytes)| Refused::new(claim, name, "malformed", says, bytes);
    let parcels = parcels().into_iter().map(one(Claim::Parcel));
    let requests = requests().into_iter().map(one(Claim::PullRequest));
    let answers = answers().into_iter().map(one(Claim::PullAnswer));
    parcels.chain(requests).chain(answers).chain(exports().into_iter().map(one(Claim::Export))).collect()
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

fn requests() -> Vec<Case> {
    let mut logs = [log(SG_LIVE), log(VN_NODE)].map(|log| log.0);
    logs.sort_unstable();
    let want = |log: &[u8; 32], seq: Vec<u8>| array(&[bytes(log), seq]);
    vec![
        ("logs out of order", "out of order", array(&[want(&logs[1], uint(0)), want(&logs[0], uint(0))])),
        ("one log twice", "out of order", array(&[want(&logs[0], uint(0)), want(&logs[0], uint(1))])),
        ("seq in two bytes", "shortest", array(&[want(&logs[0], vec![0x18, 1])])),
        ("negative seq", "another shape", array(&[want(&logs[0], head(1, 0))])),
        ("log id of 31 bytes", "another shape", array(&[array(&[bytes(&logs[0][1..]), uint(0)])])),
        ("map of logs", "a map", [&[0xa1], &bytes(&logs[0])[..], &[0]].concat()),
        ("nothing", "ends too early", Vec::new()),
    ]
}

fn answers() -> Vec<Case> {
    let parcel = array(&[record(), NULL.to_vec()]);
    vec![
        ("without saying whether there is more", "another shape", array(&[array(slice::from_ref(&parcel))])),
        ("number in place of true", "another shape", array(&[array(slice::from_ref(&parcel)), uint(1)])),
        (
            "parcels of indefinite length",
            "indefinite",
            array(&[[&[0x9f], &parcel[..], &[0xff]].concat(), vec![0xf4]]),
        ),
        (
            "record of 4,225 bytes",
            "4224 are allowed",
            array(&[array(&[array(&[bytes(&[0; 4225]), NULL.to_vec()])]), vec![0xf4]]),
        ),
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
