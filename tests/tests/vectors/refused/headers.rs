//! Records that are soundly signed, whose header is not strict CBOR or contradicts itself.

use certmesh_wire::Record;

use super::Refused;
use crate::cbor::{Body, NULL, array, bytes, head, sign1, text, uint};
use crate::logs::{UNMARKED, main_log, record_aad};
use crate::mesh::{CREATED_MS, SG_LIVE, key, log};

// The places of the header's fields.
pub(crate) const VERSION: usize = 0;
pub(crate) const LOG: usize = 1;
pub(crate) const SEQ: usize = 2;
pub(crate) const PREV: usize = 3;
pub(crate) const ROSTER: usize = 4;
pub(crate) const CREATED: usize = 5;
pub(crate) const KIND: usize = 6;
pub(crate) const TLP: usize = 7;
pub(crate) const BODY_LEN: usize = 8;
pub(crate) const RAW_LEN: usize = 9;
pub(crate) const BODY_HASH: usize = 10;
pub(crate) const EXPIRES: usize = 11;
pub(crate) const CONTENT: usize = 12;

/// The body that a draft names.
pub(crate) fn body() -> Body {
    Body::of(&[UNMARKED])
}

/// The items of a header, each of which can be replaced.
#[derive(Clone)]
pub(crate) struct Draft(pub(crate) Vec<Vec<u8>>);

impl Draft {
    /// A sound record of objects: the next one of SG's log.
    pub(crate) fn objects() -> Self {
        let last = main_log().pop().unwrap().record;
        Self::after(&last)
    }

    /// A sound record of objects after this one.
    pub(crate) fn after(last: &Record) -> Self {
        let body = body();
        Self(vec![
            uint(1),
            bytes(&last.header().log.0),
            uint(last.header().seq + 1),
            bytes(&last.id().0),
            uint(0),
            uint(CREATED_MS),
            uint(1),
            uint(2),
            uint(body.bytes.len() as u64),
            uint(body.raw_len as u64),
            bytes(&body.hash()),
            NULL.to_vec(),
            NULL.to_vec(),
        ])
    }

    /// A sound opening of SG's log.
    pub(crate) fn opening() -> Self {
        let content = array(&[text("SG"), bytes(&key(SG_LIVE).node_id().0), text("all")]);
        Self::objects()
            .without_body()
            .with(SEQ, uint(0))
            .with(PREV, NULL.to_vec())
            .with(KIND, uint(0))
            .with(CONTENT, content)
    }

    pub(crate) fn with(mut self, field: usize, item: Vec<u8>) -> Self {
        self.0[field] = item;
        self
    }

    pub(crate) fn without_body(self) -> Self {
        self.with(BODY_LEN, uint(0)).with(RAW_LEN, uint(0)).with(BODY_HASH, NULL.to_vec())
    }

    pub(crate) fn header(&self) -> Vec<u8> {
        array(&self.0)
    }

    /// Signed by SG's live node.
    pub(crate) fn signed(&self) -> Vec<u8> {
        sign(&self.header())
    }
}

fn sign(header: &[u8]) -> Vec<u8> {
    sign1(&record_aad(), header, &key(SG_LIVE))
}

pub(super) fn all() -> Vec<Refused> {
    let mut all = encodings();
    all.extend(shapes());
    all.extend(contradictions());
    all.extend(openings());
    all.push(Refused {
        reason: "newer-version",
        ..Refused::record(
            "header of version 2",
            "version 2",
            Draft::objects().with(VERSION, uint(2)).signed(),
        )
    });
    all
}

/// The same value in another encoding, or an item that CBOR has and the mesh has not.
fn encodings() -> Vec<Refused> {
    let field = |name, says, field, item: &[u8]| {
        Refused::record(name, says, Draft::objects().with(field, item.to_vec()).signed())
    };
    let strict = "not strict CBOR";
    let long_head = [&[0x98], &[13], &Draft::objects().header()[1..]].concat();
    let indefinite = [&[0x9f], &Draft::objects().header()[1..], &[0xff]].concat();
    let trailing = [&Draft::objects().header()[..], &[0]].concat();
    let hash = body().hash();
    let chunks = [&[0x5f], &bytes(&hash[..16])[..], &bytes(&hash[16..]), &[0xff]].concat();
    vec![
        field("seq in two bytes where one does", "shortest", SEQ, &[0x18, 3]),
        field("seq in nine bytes where one does", "shortest", SEQ, &[0x1b, 0, 0, 0, 0, 0, 0, 0, 3]),
        field(
            "hash with a length in two bytes too many",
            "shortest",
            BODY_HASH,
            &[&[0x59, 0, 32], &hash[..]].concat(),
        ),
        field("hash in chunks", "indefinite", BODY_HASH, &chunks),
        field("reserved length", "indefinite", SEQ, &[0x1c]),
        field("tagged time", "a tag", CREATED, &[vec![0xc1], uint(CREATED_MS)].concat()),
        field("time as a bignum", "a tag", CREATED, &[0xc2, 0x41, 1]),
        field("TLP as a float", "float", TLP, &[0xf9, 0x40, 0]),
        field("undefined in place of null", "float or simple", EXPIRES, &[0xf7]),
        field("simple value 255", "float or simple", EXPIRES, &[0xf8, 0xff]),
        field("map in place of null", "a map", CONTENT, &[0xa1, 1, 1]),
        Refused::record("thirteen fields, their number in two bytes", "shortest", sign(&long_head)),
        Refused::record("header in an array of indefinite length", "indefinite", sign(&indefinite)),
        Refused::record("byte after the header", "bytes after the end", sign(&trailing)),
        Refused::record("header that ends too early", strict, sign(&Draft::objects().header()[..60])),
        Refused::record("empty header", strict, sign(&[])),
    ]
}

/// Strict CBOR of another shape.
fn shapes() -> Vec<Refused> {
    let field = |name, field, item: &[u8]| {
        Refused::record(name, "not a record", Draft::objects().with(field, item.to_vec()).signed())
    };
    let twelve = Draft(Draft::objects().0[..12].to_vec());
    let fourteen = Draft([Draft::objects().0, vec![NULL.to_vec()]].concat());
    vec![
        field("negative time", CREATED, &head(1, 0)),
        field("kind 256", KIND, &uint(256)),
        field("body length of five bytes", BODY_LEN, &uint(1 << 32)),
        field("text in place of the log id", LOG, &text("log")),
        field("log id of 31 bytes", LOG, &bytes(&[0; 31])),
        field("true in place of null", CONTENT, &[0xf5]),
        field("list of numbers in place of the hash", BODY_HASH, &array(&vec![uint(1); 32])),
        Refused::record("twelve fields", "not a record", twelve.signed()),
        Refused::record("fourteen fields", "not a record", fourteen.signed()),
        Refused::record("text in place of the header's array", "not a record", sign(&text("header"))),
    ]
}

/// Fields that can't all be true.
fn contradictions() -> Vec<Refused> {
    let one = |name, says, draft: Draft| Refused::record(name, says, draft.signed());
    let objects = Draft::objects;
    vec![
        one("header of version 0", "version is 0", objects().with(VERSION, uint(0))),
        one("no predecessor at seq 3", "no predecessor", objects().with(PREV, NULL.to_vec())),
        one("no such TLP", "no such TLP", objects().with(TLP, uint(5))),
        one("objects without a body", "objects need a body", objects().without_body()),
        one("length without a hash", "without its hash", objects().with(BODY_HASH, NULL.to_vec())),
        one("raw length without a hash", "without its hash", objects().without_body().with(RAW_LEN, uint(1))),
        one("hash of 31 bytes", "32 bytes", objects().with(BODY_HASH, bytes(&[7; 31]))),
        one("body of 0 bytes", "is 0 or over", objects().with(BODY_LEN, uint(0))),
        one("raw body of 0 bytes", "is 0 or over", objects().with(RAW_LEN, uint(0))),
        one("body of 1 MiB and a byte", "over the limit", objects().with(BODY_LEN, uint((1 << 20) + 1))),
        one("raw body of 8 MiB and a byte", "over the limit", objects().with(RAW_LEN, uint((8 << 20) + 1))),
        one(
            "content in a record of objects",
            "has content",
            objects().with(CONTENT, Draft::opening().0[CONTENT].clone()),
        ),
        one(
            "content in an unknown kind",
            "has content",
            objects().with(KIND, uint(9)).with(CONTENT, Draft::opening().0[CONTENT].clone()),
        ),
    ]
}

/// Openings that are none.
fn openings() -> Vec<Refused> {
    let one = |name, says, draft: Draft| Refused::record(name, says, draft.signed());
    let opening = Draft::opening;
    let node = bytes(&key(SG_LIVE).node_id().0);
    let content =
        |member: &str, audience| opening().with(CONTENT, array(&[text(member), node.clone(), audience]));
    let audience = |item: Vec<u8>| content("SG", item);
    let nobodys = array(&[node.clone(), text("all")]);
    vec![
        one(
            "opening at seq 3",
            "opens the log",
            Draft::objects().without_body().with(KIND, uint(0)).with(CONTENT, opening().0[CONTENT].clone()),
        ),
        one(
            "objects at seq 0",
            "opens the log",
            Draft::objects().with(SEQ, uint(0)).with(PREV, NULL.to_vec()),
        ),
        one("opening with a predecessor", "no predecessor", opening().with(PREV, bytes(&[1; 32]))),
        one("opening without content", "has content", opening().with(CONTENT, NULL.to_vec())),
        one(
            "opening with a body",
            "no body",
            opening().with(BODY_LEN, uint(1)).with(RAW_LEN, uint(1)).with(BODY_HASH, bytes(&[1; 32])),
        ),
        one("log id of another node", "log id", opening().with(LOG, bytes(&log(crate::mesh::MY_NODE).0))),
        one("log id of another member", "log id", content("MY", text("all"))),
        one("opening of no member", "not a record", opening().with(CONTENT, nobodys)),
        one("opening of a member in lower case", "not a record", content("sg", text("all"))),
        one("log id of another audience", "log id", audience(array(&[text("MY"), text("SG")]))),
        one("audience with another word", "not a record", audience(text("any"))),
        one("audience of nobody", "not a record", audience(array(&[]))),
        one("audience out of order", "not a record", audience(array(&[text("SG"), text("MY")]))),
        one("audience with a member twice", "not a record", audience(array(&[text("SG"), text("SG")]))),
        one("audience in lower case", "not a record", audience(array(&[text("sg")]))),
        one("audience of three letters", "not a record", audience(array(&[text("SGP")]))),
    ]
}
