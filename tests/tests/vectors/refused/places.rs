//! Sound records that have no place in a log of this mesh, or come with the wrong body.

use certmesh_wire::{Audience, Header, Opening, Record};

use super::headers::{CREATED, Draft, PREV, ROSTER, SEQ, TLP, body};
use super::{Claim, Refused};
use crate::cbor::{Body, bytes, sign1, uint};
use crate::logs::{Entry, GREEN, forked_log, group_log, main_log, record_aad, void_log};
use crate::mesh::{
    CREATED_MS, SG_CUT, SG_LIVE, SG_RETIRED, STRANGER, key, mesh, opening, opening_header, opening_record,
};

pub(super) fn all() -> Vec<Refused> {
    let mut all = chain();
    all.extend(logs());
    all.extend(bodies());
    all.extend(forks());
    all
}

fn one(name: &'static str, reason: &'static str, says: &'static str, signed: Vec<u8>) -> Refused {
    Refused { reason, body: Some(body().bytes), ..Refused::record(name, says, signed) }
}

fn chain() -> Vec<Refused> {
    let objects = Draft::objects;
    let last = &main_log()[2];
    let again = Refused {
        body: last.body.as_ref().map(|body| body.bytes.clone()),
        ..one("the last record again", "duplicate", "here already", last.record.signed().to_vec())
    };
    let second = Draft::after(&main_log()[0].record).with(CREATED, uint(CREATED_MS + 9));
    let by_stranger = |seq| sign1(&record_aad(), &objects().with(SEQ, uint(seq)).header(), &key(STRANGER));
    vec![
        again,
        one("seq 5 where 3 comes next", "gap", "needs 3 first", objects().with(SEQ, uint(5)).signed()),
        one(
            "seq 515 by a stranger: near enough to be looked at",
            "bad-signature",
            "signature",
            by_stranger(515),
        ),
        one("seq 516 by a stranger: its place is looked at first", "gap", "needs 3 first", by_stranger(516)),
        one("another record with seq 1", "fork", "two histories", second.signed()),
        one("another predecessor", "fork", "two histories", objects().with(PREV, bytes(&[7; 32])).signed()),
        one(
            "roster version 1, which is not here",
            "roster-ahead",
            "roster version 1",
            objects().with(ROSTER, uint(1)).signed(),
        ),
        one("AMBER+STRICT in a log for all", "tlp", "AMBER+STRICT", objects().with(TLP, uint(3)).signed()),
        one("RED in a log for all", "tlp", "TLP:RED", objects().with(TLP, uint(4)).signed()),
    ]
}

fn sign(header: Header, node: u8) -> Record {
    Record::sign(header, mesh(), &key(node)).unwrap()
}

fn logs() -> Vec<Refused> {
    let bare = |name, reason, says, record: Record| Refused {
        body: None,
        ..one(name, reason, says, record.signed().to_vec())
    };
    let stranger = sign(opening_header(opening(STRANGER, Audience::All), 0), STRANGER);
    let of_another = Opening { member: "MY".parse().unwrap(), ..opening(SG_LIVE, Audience::All) };
    let of_another = sign(opening_header(of_another, 0), SG_LIVE);
    let no_group = Audience::of(["SG", "VN"].map(|code| code.parse().unwrap())).unwrap();
    let no_group = sign(opening_header(opening(SG_LIVE, no_group), 0), SG_LIVE);
    let other = Header { created_ms: CREATED_MS + 1, ..opening_header(opening(SG_CUT, Audience::All), 0) };
    let beyond = Draft::after(&opening_record(SG_CUT));
    let beyond = sign1(&record_aad(), &beyond.header(), &key(SG_CUT));
    vec![
        bare("log of a node that no manifest names", "unknown-log", "no manifest", stranger),
        bare("log of a node as another member's", "unknown-log", "no manifest", of_another),
        bare("log for an audience that is no group", "unknown-log", "no manifest", no_group),
        Refused {
            claim: Claim::RecordAtVn,
            ..bare(
                "log for a group that VN is not in",
                "unknown-log",
                "no manifest",
                group_log()[0].record.clone(),
            )
        },
        bare("another opening where the log is cut", "cut", "vouches for", sign(other, SG_CUT)),
        // Its opening is not here, and is missed first.
        one("record beyond the cut", "gap", "needs 0 first", beyond),
    ]
}

fn bodies() -> Vec<Refused> {
    let sound = Draft::objects().signed();
    let unknown = Draft::objects().without_body().with(super::headers::KIND, uint(9)).signed();
    let with = |name, reason, says, signed: &[u8], body: Option<Vec<u8>>| Refused {
        body,
        ..one(name, reason, says, signed.to_vec())
    };
    let mut flipped = body().bytes;
    flipped[20] ^= 1;
    let longer = [body().bytes, vec![0]].concat();
    let missing = void_log()[2].record.signed().to_vec();
    vec![
        with("flipped bit in the body", "body-mismatch", "not the one it names", &sound, Some(flipped)),
        with("byte after the body", "body-mismatch", "not the one it names", &sound, Some(longer)),
        with("empty body", "body-mismatch", "not the one it names", &sound, Some(Vec::new())),
        with(
            "body where none belongs",
            "body-mismatch",
            "not the one it names",
            &unknown,
            Some(body().bytes),
        ),
        with(
            "empty body where none belongs",
            "body-mismatch",
            "not the one it names",
            &unknown,
            Some(Vec::new()),
        ),
        with(
            "body of another record, beside a record that is here without its own",
            "body-mismatch",
            "not the one it names",
            &missing,
            Some(Body::of(&[GREEN]).bytes),
        ),
        with(
            "a record that is here without its body, again without",
            "duplicate",
            "here already",
            &missing,
            None,
        ),
    ]
}

fn forks() -> Vec<Refused> {
    let [_, first, other, beyond] = forked_log();
    let disputed = |name, entry: &Entry| Refused {
        body: entry.body.as_ref().map(|body| body.bytes.clone()),
        ..one(name, "disputed", "beyond the fork", entry.record.signed().to_vec())
    };
    let header = first.record.header().clone();
    let third =
        Entry { record: sign(Header { created_ms: CREATED_MS + 77, ..header }, SG_RETIRED), ..other.clone() };
    let forged = sign1(&record_aad(), &Draft::after(&beyond.record).header(), &key(STRANGER));
    vec![
        disputed("a branch of a fork, again", &first),
        disputed("the other branch of a fork, again", &other),
        disputed("a third record in a fork's place", &third),
        disputed("a record beyond a fork", &beyond),
        one(
            "a record beyond a fork by a stranger: its place is looked at first",
            "disputed",
            "beyond the fork",
            forged,
        ),
    ]
}
