//! What must be refused: each vector is wrong in one way, and the code must say which.
//!
//! Records, bodies and forks are offered to MY's node when it holds what [`crate::travel`] says, so
//! that seq 3 is next in SG's log for all.

mod documents;
mod envelopes;
mod headers;
mod places;
mod successors;
mod sync;
mod travel;

use std::slice;

use certmesh_engine::{Refusal, Verdict};
use certmesh_wire::{Export, Parcel, SignedManifest, SignedRoster, SyncAnswer, SyncRequest};
use serde_json::{Value, json};

use crate::cbor::{array, uint};
use crate::file::hex;
use crate::mesh::{Door, VN_NODE, mesh, roster};
use crate::travel::door;

/// What the bytes of a vector claim to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Claim {
    /// A record that comes to MY's node, with the vector's body.
    Record,
    /// One that comes to VN's node, which holds nothing.
    RecordAtVn,
    /// A body by itself, as an item of an answer.
    Body,
    /// The proof of a fork, as an item of an answer.
    Fork,
    Roster,
    /// A roster that claims to follow version 2 of the vectors' own.
    Successor,
    Manifest,
    Parcel,
    SyncRequest,
    SyncAnswer,
    Export,
}

impl Claim {
    fn word(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::RecordAtVn => "record at VN",
            Self::Body => "body",
            Self::Fork => "fork",
            Self::Roster => "roster",
            Self::Successor => "successor",
            Self::Manifest => "manifest",
            Self::Parcel => "parcel",
            Self::SyncRequest => "sync request",
            Self::SyncAnswer => "sync answer",
            Self::Export => "export",
        }
    }
}

/// Bytes that must be refused.
pub(crate) struct Refused {
    claim: Claim,
    /// What is wrong with them: unique among vectors of one claim.
    name: &'static str,
    /// The kind of refusal, as `wire.md` names them.
    reason: &'static str,
    /// A part of what our own refusal says.
    says: &'static str,
    bytes: Vec<u8>,
    body: Option<Vec<u8>>,
}

impl Refused {
    fn new(
        claim: Claim,
        name: &'static str,
        reason: &'static str,
        says: &'static str,
        bytes: Vec<u8>,
    ) -> Self {
        Self { claim, name, reason, says, bytes, body: None }
    }

    /// A record whose bytes alone are wrong.
    fn record(name: &'static str, says: &'static str, bytes: Vec<u8>) -> Self {
        Self::new(Claim::Record, name, "malformed", says, bytes)
    }

    fn json(&self) -> Value {
        let mut value = json!({
            "claim": self.claim.word(),
            "name": self.name,
            "reason": self.reason,
            "bytes": hex(&self.bytes),
        });
        if let Claim::Record | Claim::RecordAtVn = self.claim {
            value["body"] = json!(self.body.as_ref().map(|body| hex(body)));
            value["verdict"] = json!(verdict(self.reason));
        }
        value
    }
}

/// What gossip is told, by the reason: Reject for what is wrong for ever.
fn verdict(reason: &str) -> &'static str {
    match reason {
        "malformed" | "bad-signature" | "tlp" | "body-mismatch" => "reject",
        _ => "ignore",
    }
}

fn all() -> Vec<Refused> {
    [
        envelopes::all(),
        headers::all(),
        places::all(),
        documents::all(),
        successors::all(),
        sync::all(),
        travel::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(crate) fn file() -> Value {
    json!({ "refused": all().iter().map(Refused::json).collect::<Vec<_>>() })
}

/// Offers the bytes; gives the refusal's kind and words, or nothing if they were taken.
fn offer(vector: &Refused) -> Option<(String, String)> {
    let bytes = &vector.bytes;
    let malformed = |says: String| ("malformed".to_owned(), says);
    match vector.claim {
        Claim::Record => judged(vector, &mut door()),
        Claim::RecordAtVn => judged(vector, &mut Door::of(VN_NODE)),
        Claim::Body => match SyncAnswer::decode(&array(&[uint(3), array(slice::from_ref(bytes))])) {
            Ok(SyncAnswer::Bodies(bodies)) => {
                let (log, seq, body) = bodies.into_iter().next()?;
                door().take_body((log, seq), body).err().map(said)
            }
            other => panic!("{}: {other:?}", vector.name),
        },
        Claim::Fork => match SyncAnswer::decode(&array(&[uint(5), array(slice::from_ref(bytes))])) {
            Ok(SyncAnswer::Forks(forks)) => door().take_fork(&forks[0]).err().map(said),
            other => panic!("{}: {other:?}", vector.name),
        },
        Claim::Roster => SignedRoster::decode(bytes)
            .and_then(|signed| signed.of_mesh(mesh()))
            .err()
            .map(|fault| document(&fault.to_string())),
        Claim::Successor => SignedRoster::decode(bytes)
            .and_then(|signed| signed.succeeds(&successors::last()))
            .err()
            .map(|fault| document(&fault.to_string())),
        Claim::Manifest => SignedManifest::decode(bytes)
            .and_then(|signed| signed.verify(mesh(), roster().roster()).map(drop))
            .err()
            .map(|fault| document(&fault.to_string())),
        Claim::Parcel => Parcel::decode(bytes).err().map(|fault| malformed(fault.to_string())),
        Claim::SyncRequest => SyncRequest::decode(bytes).err().map(|fault| malformed(fault.to_string())),
        Claim::SyncAnswer => SyncAnswer::decode(bytes).err().map(|fault| malformed(fault.to_string())),
        Claim::Export => {
            let faults =
                |export: Export<'_>| export.filter_map(Result::err).map(|fault| fault.to_string()).next();
            Export::open(bytes).map_or_else(|fault| Some(fault.to_string()), faults).map(malformed)
        }
    }
}

/// A record's refusal, which has to have the verdict that the vector says.
fn judged(vector: &Refused, door: &mut Door) -> Option<(String, String)> {
    let refusal = door.take(&vector.bytes, vector.body.clone()).err()?;
    let told = if refusal.verdict() == Verdict::Reject { "reject" } else { "ignore" };
    assert_eq!(told, verdict(vector.reason), "{}: {refusal}", vector.name);
    Some(said(refusal))
}

fn said(refusal: Refusal) -> (String, String) {
    (refusal.reason().to_owned(), refusal.to_string())
}

/// A document's refusal, whose kind only its words tell.
fn document(says: &str) -> (String, String) {
    let reason = match says {
        _ if says.contains("have signed this roster, and") => "too-few-votes",
        _ if says.contains("does not follow version") => "not-successor",
        _ if says.contains("no pin names its last manifest") => "unpinned",
        _ if says.contains("has lost that") => "lost-pin",
        _ if says.contains("does not name the root key") => "wrong-pin",
        _ if says.contains("signature of") || says.contains("did not sign") => "bad-signature",
        _ if says.contains("has not agreed") => "bad-signature",
        _ if says.contains("which this version does not know") => "newer-version",
        _ if says.contains("nothing here proves") => "unproven",
        _ if says.contains("of mesh") => "other-mesh",
        _ => "malformed",
    };
    (reason.to_owned(), says.to_owned())
}

#[test]
fn each_is_refused_for_its_own_reason() {
    for vector in all() {
        let Some((reason, says)) = offer(&vector) else {
            panic!("{:?} \"{}\" was taken", vector.claim, vector.name);
        };
        let place = format!("{:?} \"{}\": {says}", vector.claim, vector.name);
        assert_eq!(reason, vector.reason, "{place}");
        assert!(says.contains(vector.says), "{place}\ndoes not say \"{}\"", vector.says);
    }
}

#[test]
fn no_two_have_one_name() {
    let mut names: Vec<_> = all().iter().map(|vector| (vector.claim.word(), vector.name)).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}
