//! Questions and answers of sync that are none, and bodies and proofs of forks that are worth nothing.

use certmesh_wire::limits::{SYNC_LOGS, SYNC_PLACES};
use certmesh_wire::{Record, SyncAnswer, SyncRequest};

use super::headers::body;
use super::{Claim, Refused};
use crate::cbor::{Body, NULL, array, bytes, head, sign1, text, uint};
use crate::logs::{GREEN, forked_log, group_log, main_log, payload, record_aad, void_log};
use crate::mesh::{SG_LIVE, STRANGER, VN_NODE, key, log, mesh, opening_record};
use crate::travel::fork;

pub(super) fn all() -> Vec<Refused> {
    let malformed = |claim| move |(name, says, bytes)| Refused::new(claim, name, "malformed", says, bytes);
    let requests = requests().into_iter().map(malformed(Claim::SyncRequest));
    let answers = answers().into_iter().chain(frontiers()).map(malformed(Claim::SyncAnswer));
    requests.chain(answers).chain(bodies()).chain(forks()).collect()
}

type Case = (&'static str, &'static str, Vec<u8>);

fn logs() -> [Vec<u8>; 2] {
    let mut logs = [log(SG_LIVE), log(VN_NODE)];
    logs.sort_unstable();
    logs.map(|log| bytes(&log.0))
}

fn message(kind: u64, list: &[Vec<u8>]) -> Vec<u8> {
    array(&[uint(kind), array(list)])
}

fn requests() -> Vec<Case> {
    let [first, second] = logs();
    let place = |log: &[u8], seq: Vec<u8>| array(&[log.to_vec(), seq]);
    let sound = message(1, &[place(&first, uint(1))]);
    vec![
        ("nothing", "neither a question", Vec::new()),
        ("empty array", "neither a question", array(&[])),
        ("no array", "neither a question", uint(0)),
        ("kind 9", "no known kind", message(9, &[])),
        ("kind in two bytes", "neither a question", [&[0x82, 0x18, 1], &sound[2..]].concat()),
        ("comparison with a digest of 31 bytes", "32 bytes", array(&[uint(0), bytes(&[7; 31])])),
        ("comparison with a text", "only encoding", array(&[uint(0), text(&"7".repeat(32))])),
        ("comparison without a digest", "another shape", array(&[uint(0)])),
        ("three items", "another shape", array(&[uint(1), array(&[]), uint(0)])),
        (
            "records of logs out of order",
            "out of order",
            message(1, &[place(&second, uint(0)), place(&first, uint(0))]),
        ),
        (
            "records of one log twice",
            "out of order",
            message(1, &[place(&first, uint(0)), place(&first, uint(1))]),
        ),
        ("seq in two bytes", "shortest", message(1, &[place(&first, vec![0x18, 1])])),
        ("negative seq", "another shape", message(2, &[place(&first, head(1, 0))])),
        ("log id of 31 bytes", "another shape", message(3, &[place(&bytes(&[1; 31]), uint(0))])),
        ("forks of places", "another shape", message(4, &[place(&first, uint(0))])),
        ("bodies of logs", "another shape", message(2, std::slice::from_ref(&first))),
        ("map of logs", "a map", [&[0x82, 1, 0xa1], &first[..], &[0]].concat()),
        ("list of indefinite length", "indefinite", [&[0x82, 4, 0x9f], &first[..], &[0xff]].concat()),
        ("byte after the question", "bytes after the end", [&sound[..], &[0]].concat()),
    ]
}

fn answers() -> Vec<Case> {
    let record = || bytes(main_log()[0].record.signed());
    let [first, _] = logs();
    let long = bytes(&[0; 4225]);
    vec![
        ("nothing", "neither a question", Vec::new()),
        ("kind 9", "no known kind", message(9, &[])),
        ("the same, and something beside it", "another shape", array(&[uint(0), NULL.to_vec()])),
        ("records without saying whether there is more", "another shape", message(2, &[record()])),
        ("number in place of true", "another shape", array(&[uint(2), array(&[record()]), uint(1)])),
        (
            "record without its byte string",
            "another shape",
            array(&[uint(2), array(&[main_log()[0].record.signed().to_vec()]), vec![0xf4]]),
        ),
        (
            "records of indefinite length",
            "indefinite",
            [&[0x83, 2, 0x9f], &record()[..], &[0xff, 0xf4]].concat(),
        ),
        (
            "record of 4,225 bytes",
            "4224 are allowed",
            array(&[uint(2), array(std::slice::from_ref(&long)), vec![0xf4]]),
        ),
        ("body without its place", "another shape", message(3, &[bytes(b"body")])),
        ("body without its seq", "another shape", message(3, &[array(&[first, bytes(b"body")])])),
        ("record id of 31 bytes", "another shape", message(4, &[bytes(&[1; 31])])),
        ("number in place of a record id", "another shape", message(4, &[uint(0)])),
        ("fork of one record", "another shape", message(5, &[array(&[record()])])),
        ("fork of three records", "another shape", message(5, &[array(&[record(), record(), record()])])),
        ("fork with a record of 4,225 bytes", "4224 are allowed", message(5, &[array(&[record(), long])])),
        ("byte after the answer", "bytes after the end", [&message(4, &[])[..], &[0]].concat()),
    ]
}

fn frontiers() -> Vec<Case> {
    let [first, second] = logs();
    let entry = |log: &[u8], next, bodies, fork: &[u8]| {
        array(&[log.to_vec(), uint(next), bytes(&[9; 32]), uint(bodies), uint(0), fork.to_vec()])
    };
    let (one, two) = (entry(&first, 1, 1, &NULL), entry(&second, 1, 1, &NULL));
    let zero = uint(0);
    vec![
        ("frontier without its kind", "neither a question", array(std::slice::from_ref(&one))),
        ("frontier out of order", "not a frontier", message(1, &[two, one.clone()])),
        ("frontier with one log twice", "not a frontier", message(1, &[one.clone(), one])),
        ("frontier with an empty log", "not a frontier", message(1, &[entry(&first, 0, 0, &NULL)])),
        (
            "frontier with an empty log that forks later",
            "not a frontier",
            message(1, &[entry(&first, 0, 0, &uint(1))]),
        ),
        (
            "frontier with a missing body beyond the end",
            "not a frontier",
            message(1, &[entry(&first, 1, 2, &NULL)]),
        ),
        (
            "frontier without a place for the fork",
            "another shape",
            message(1, &[array(&[first.clone(), uint(1), bytes(&[9; 32]), uint(1), uint(0)])]),
        ),
        (
            "frontier with null in place of a head",
            "another shape",
            message(1, &[array(&[first, zero.clone(), NULL.to_vec(), zero.clone(), zero.clone(), zero])]),
        ),
    ]
}

/// Bodies that come by themselves, as items of an answer.
fn bodies() -> Vec<Refused> {
    let item = |log: [u8; 32], seq, body: &[u8]| array(&[bytes(&log), uint(seq), bytes(body)]);
    let (main, void) = (log(SG_LIVE).0, log(VN_NODE).0);
    let group = group_log()[0].record.header().log.0;
    let forked = forked_log()[1].clone();
    let unwanted = |name, bytes| Refused::new(Claim::Body, name, "body-unwanted", "does not wait", bytes);
    let mismatch = |name, bytes| Refused::new(Claim::Body, name, "body-mismatch", "not the one", bytes);
    let right = void_log()[2].body.clone().unwrap().bytes;
    vec![
        unwanted("body that is here", item(main, 1, &main_log()[1].body.clone().unwrap().bytes)),
        unwanted("body for a record without one", item(main, 0, &body().bytes)),
        unwanted("body for a record that is not here", item(main, 3, &body().bytes)),
        unwanted("body for a log that nobody knows", item([7; 32], 1, &body().bytes)),
        unwanted("body for an opening", item(group, 0, &body().bytes)),
        unwanted("body beyond a fork", item(forked.record.header().log.0, 1, &forked.body.unwrap().bytes)),
        mismatch("another body", item(void, 2, &Body::of(&[GREEN]).bytes)),
        mismatch("empty body", item(void, 2, &[])),
        mismatch("body cut short", item(void, 2, &right[..right.len() - 1])),
    ]
}

/// Pairs of records that prove no fork, as items of an answer.
fn forks() -> Vec<Refused> {
    let pair = |one: &[u8], other: &[u8]| array(&[bytes(one), bytes(other)]);
    let none = |name, bytes| Refused::new(Claim::Fork, name, "no-fork", "prove no fork", bytes);
    let [one, other] = fork();
    let [opening, first, _, beyond] = forked_log().map(|entry| entry.record.signed().to_vec());
    let main = main_log().pop().unwrap().record.signed().to_vec();
    let mut flipped = main.clone();
    *flipped.last_mut().unwrap() ^= 1;
    // The same header in another's envelope: other bytes, and so another id.
    let by_stranger = |signed: &[u8]| sign1(&record_aad(), &payload(signed), &key(STRANGER));
    let strangers = |created: u64| {
        let mut header = opening_record(STRANGER).header().clone();
        header.created_ms += created;
        Record::sign(header, mesh(), &key(STRANGER)).unwrap().signed().to_vec()
    };
    vec![
        none("one record twice", pair(&one, &one)),
        none("records of two places", pair(&opening, &first)),
        none("records of two places, the later first", pair(&beyond, &first)),
        none("records of two logs", pair(&opening, &main)),
        Refused::new(
            Claim::Fork,
            "a record and itself with a flipped bit in the signature",
            "bad-signature",
            "signature",
            pair(&main, &flipped),
        ),
        Refused::new(
            Claim::Fork,
            "one header signed by the log's node and by a stranger",
            "bad-signature",
            "signature",
            pair(&main, &by_stranger(&main)),
        ),
        Refused::new(
            Claim::Fork,
            "two histories of a stranger",
            "unknown-log",
            "no manifest",
            pair(&strangers(0), &strangers(1)),
        ),
        Refused::new(
            Claim::Fork,
            "the fork that is known",
            "disputed",
            "beyond the fork",
            pair(&one, &other),
        ),
        Refused::new(
            Claim::Fork,
            "records beyond the fork that is known, one by a stranger",
            "disputed",
            "beyond the fork",
            pair(&beyond, &by_stranger(&beyond)),
        ),
        Refused::new(Claim::Fork, "no records", "malformed", "", pair(b"one", b"other")),
    ]
}

#[test]
fn lists_have_their_limits() {
    let id = bytes(&[1; 32]);
    let places = |count| vec![array(&[id.clone(), uint(0)]); count];
    for (kind, list, most) in [
        (2, places(SYNC_PLACES + 1), SYNC_PLACES),
        (3, places(SYNC_PLACES + 1), SYNC_PLACES),
        (4, vec![id.clone(); SYNC_LOGS + 1], SYNC_LOGS),
    ] {
        assert!(SyncRequest::decode(&message(kind, &list[..most])).is_ok(), "kind {kind}");
        let fault = SyncRequest::decode(&message(kind, &list)).unwrap_err().to_string();
        assert!(fault.contains("too long"), "kind {kind}: {fault}");
    }
    for (kind, item, most) in
        [(3, array(&[id.clone(), uint(0), bytes(&[])]), SYNC_PLACES), (4, NULL.to_vec(), SYNC_PLACES)]
    {
        assert!(SyncAnswer::decode(&message(kind, &vec![item.clone(); most])).is_ok(), "kind {kind}");
        let fault = SyncAnswer::decode(&message(kind, &vec![item; most + 1])).unwrap_err().to_string();
        assert!(fault.contains("too long"), "kind {kind}: {fault}");
    }
}
