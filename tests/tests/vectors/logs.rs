//! Logs, record by record: what is signed, over which bytes, and what their bodies hold.

use certmesh_engine::{Query, Reader, counts, query};
use certmesh_intel::Tlp;
use certmesh_wire::{Audience, BodyRef, Header, Kind, PackedBody, Parcel, Record};
use serde_json::{Value, json};

use crate::cbor::{self, Body, PROTECTED, array, bytes, sig_structure, text, uint};
use crate::file::{self, hex, unhex};
use crate::mesh::{
    CREATED_MS, Door, EXPIRES_MS, SG_CUT, SG_LIVE, SG_RETIRED, VN_NODE, group, key, log, mesh, opening,
    opening_header,
};

/// The file of this module.
pub(crate) const FILE: &str = "logs.json";

/// A record of a log with all that belongs to it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) record: Record,
    pub(crate) body: Option<Body>,
    pub(crate) content: Content,
}

/// What readers see of a body.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Nothing,
    Void,
    Objects(Vec<String>),
}

impl Entry {
    pub(crate) fn parcel(&self) -> Parcel {
        let body = self.body.as_ref().map(|body| body.bytes.clone());
        Parcel::new(self.record.signed().to_vec(), body)
    }

    fn json(&self) -> Value {
        let signed = self.record.signed();
        let header = payload(signed);
        let mut value = json!({
            "name": self.name,
            "header": hex(&header),
            "sig_structure": hex(&sig_structure(&PROTECTED, &record_aad(), &header)),
            "signature": hex(&signed[signed.len() - 64..]),
            "signed": hex(signed),
            "id": self.record.id().to_string(),
            "body": self.body.as_ref().map(|body| hex(&body.bytes)),
            "void": self.content == Content::Void,
        });
        if let Content::Objects(texts) = &self.content {
            value["objects"] = json!(texts);
        }
        value
    }
}

pub(crate) fn record_aad() -> Vec<u8> {
    [b"certmesh/record/1", &mesh().0[..]].concat()
}

/// The header's bytes within a record: after one byte of array, four of protected header, one of empty
/// map and two or three of length, and before the signature's 66.
pub(crate) fn payload(signed: &[u8]) -> Vec<u8> {
    let head = if signed[6] == 0x58 { 8 } else { 9 };
    signed[head..signed.len() - 66].to_vec()
}

/// A log in the making.
struct Log {
    node: u8,
    entries: Vec<Entry>,
}

impl Log {
    fn open(node: u8, audience: Audience, tlp: u8) -> Self {
        let header = opening_header(opening(node, audience), tlp);
        let record = Record::sign(header, mesh(), &key(node)).unwrap();
        let entry = Entry { name: "the log's opening", record, body: None, content: Content::Nothing };
        Self { node, entries: vec![entry] }
    }

    fn add(&mut self, name: &'static str, body: Body, content: Content, change: impl FnOnce(&mut Header)) {
        let before = &self.entries.last().unwrap().record;
        let reference =
            BodyRef { len: body.bytes.len() as u32, raw_len: body.raw_len as u32, hash: body.hash() };
        let seq = self.entries.len() as u64;
        let mut header = Header {
            seq,
            prev: Some(before.id()),
            created_ms: CREATED_MS + seq * 1000,
            kind: Kind::OBJECTS,
            tlp: 2,
            body: Some(reference),
            opening: None,
            ..before.header().clone()
        };
        change(&mut header);
        let record = Record::sign(header, mesh(), &key(self.node)).unwrap();
        self.entries.push(Entry { name, record, body: Some(body), content });
    }

    fn void(&mut self, name: &'static str, body: Body) {
        self.add(name, body, Content::Void, |_| {});
    }
}

/// An indicator without a marking, as nobody would format it: white space and escapes must survive.
pub(crate) const UNMARKED: &str = "{ \"type\": \"indicator\",\n  \"spec_version\": \"2.1\", \"id\": \"indicator--00000000-0000-4000-8000-00000000000a\",\n  \"created\": \"2026-01-01T00:00:00.000Z\", \"modified\": \"2026-01-01T00:00:00.000Z\",\n  \"pattern\": \"[domain-name:value = 'caf\\u00e9.example']\", \"pattern_type\": \"stix\",\n  \"valid_from\": \"2026-01-01T00:00:00Z\", \"x_note\": \"kept, \u{e9} and all\" }";

/// An identity that is marked GREEN.
pub(crate) const GREEN: &str = r#"{"type":"identity","spec_version":"2.1","id":"identity--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"SingCERT","identity_class":"organization","object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}"#;

/// The texts of the vectors' main record, and their body compressed. Compressors differ between
/// versions, so the bytes in the file stand as long as they unpack to these texts.
fn compressed() -> (Vec<String>, Body) {
    let texts: Vec<String> = [GREEN, Tlp::Green.marking_definition(), UNMARKED].map(String::from).to_vec();
    let items: Vec<_> = texts.iter().map(|one| text(one)).collect();
    let raw_len = array(&items).len();
    let kept = file::read(FILE).and_then(|file| {
        let bytes = unhex(file["logs"][0]["records"][1]["body"].as_str()?);
        let body = Body { bytes, raw_len };
        let reference = BodyRef { len: body.bytes.len() as u32, raw_len: raw_len as u32, hash: body.hash() };
        reference.unpack(&body.bytes).is_ok_and(|unpacked| unpacked == texts).then_some(body)
    });
    let pack = || {
        let packed = PackedBody::pack(&[GREEN, Tlp::Green.marking_definition(), UNMARKED]).unwrap();
        Body { bytes: packed.bytes, raw_len }
    };
    (texts.clone(), kept.unwrap_or_else(pack))
}

/// SG's log for all: its opening, objects, and a record of a kind that means nothing to anyone yet.
pub(crate) fn main_log() -> Vec<Entry> {
    let mut log = Log::open(SG_LIVE, Audience::All, 0);
    let (texts, body) = compressed();
    log.add("three objects, one of them unmarked", body, Content::Objects(texts), |_| {});
    let body = Body { bytes: b"not zstd, and nobody minds".to_vec(), raw_len: 7 };
    log.add("an unknown kind, with a body and an expiry", body, Content::Nothing, |header| {
        header.kind = Kind(200);
        header.tlp = 0;
        header.expires_ms = Some(EXPIRES_MS);
    });
    log.entries
}

/// The log of SG's retired node, which forks at seq 1: the opening, the two branches, and a record on
/// the first of them.
pub(crate) fn forked_log() -> [Entry; 4] {
    let open = || Log::open(SG_RETIRED, Audience::All, 0);
    let (mut one, mut other) = (open(), open());
    let content = |text: &str| (Body::of(&[text]), Content::Objects(vec![text.to_owned()]));
    let (body, objects) = content(GREEN);
    one.add("one branch", body, objects, |_| {});
    let (body, objects) = content(UNMARKED);
    other.add("the other branch", body.clone(), objects.clone(), |_| {});
    one.add("beyond the fork", body, objects, |_| {});
    let [opening, first, beyond] = one.entries.try_into().ok().unwrap();
    [opening, first, other.entries.pop().unwrap(), beyond]
}

/// VN's log for all: bodies that break a rule, each once, and the log goes on.
pub(crate) fn void_log() -> Vec<Entry> {
    let mut log = Log::open(VN_NODE, Audience::All, 0);
    let object = || text(UNMARKED);
    log.void("not a Zstandard frame", Body { bytes: b"not zstd".to_vec(), raw_len: 8 });
    let sound = Body::of(&[UNMARKED]);
    log.void("one byte more than raw_len", Body { raw_len: sound.raw_len - 1, ..sound.clone() });
    log.void("one byte less than raw_len", Body { raw_len: sound.raw_len + 1, ..sound.clone() });
    let cut = Body { bytes: sound.bytes[..sound.bytes.len() - 1].to_vec(), raw_len: sound.raw_len };
    log.void("a frame that ends too early", cut);
    let in_two =
        [cbor::stored_frame(&array(&[object()])[..9]), cbor::stored_frame(&array(&[object()])[9..])].concat();
    log.void("two frames, each with a part", Body { bytes: in_two, ..sound.clone() });
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 7], &sound.bytes[..]].concat();
    log.void("a skippable frame in front", Body { bytes: skippable, ..sound.clone() });
    log.void(
        "a frame of Zstandard v0.7",
        Body { bytes: cbor::frame_of_0_7(&array(&[object()])), ..sound.clone() },
    );
    log.void("a text without an array", Body::of_raw(&object()));
    log.void("an empty array", Body::of_raw(&array(&[])));
    log.void("an array of indefinite length", Body::of_raw(&[vec![0x9f], object(), vec![0xff]].concat()));
    log.void("an array whose length is not the shortest", Body::of_raw(&[vec![0x98, 1], object()].concat()));
    log.void("a byte string in place of a text", Body::of_raw(&array(&[bytes(UNMARKED.as_bytes())])));
    log.void("a number beside the text", Body::of_raw(&array(&[object(), uint(1)])));
    log.void("a byte after the array", Body::of_raw(&[array(&[object()]), vec![0]].concat()));
    let no_text = [cbor::head(3, 2), vec![0xc3, 0x28]].concat();
    log.void("a text that is not UTF-8", Body::of_raw(&array(&[no_text])));
    log.void("one sound object, and one that is none", Body::of(&[GREEN, "{\"type\":\"indicator\"}"]));
    log.add("an unmarked object in a GREEN record", Body::of(&[GREEN, UNMARKED]), Content::Void, |header| {
        header.tlp = 1;
    });
    let texts = vec![GREEN.to_owned()];
    log.add("a GREEN object in an AMBER record", Body::of(&[GREEN]), Content::Objects(texts), |_| {});
    log.entries
}

/// SG's log for MY and SG, which VN may not hold: its opening, marked RED.
pub(crate) fn group_log() -> Vec<Entry> {
    Log::open(SG_LIVE, group(), 4).entries
}

fn logs() -> Vec<(&'static str, u8, Audience, Vec<Entry>)> {
    vec![
        ("SG's log for all members", SG_LIVE, Audience::All, main_log()),
        ("SG's log for MY and SG, with a RED opening", SG_LIVE, group(), group_log()),
        (
            "SG's log that its manifest cuts at its opening",
            SG_CUT,
            Audience::All,
            Log::open(SG_CUT, Audience::All, 0).entries,
        ),
        ("VN's log, of bodies that break a rule", VN_NODE, Audience::All, void_log()),
    ]
}

pub(crate) fn file() -> Value {
    let logs = logs().into_iter().map(|(name, node, audience, entries)| {
        json!({
            "name": name,
            "member": opening(node, Audience::All).member.to_string(),
            "node": key(node).node_id().to_string(),
            "audience": match &audience {
                Audience::All => json!("all"),
                Audience::Members(members) => members.iter().map(ToString::to_string).collect(),
            },
            "log": opening(node, audience).log_id().to_string(),
            "records": entries.iter().map(Entry::json).collect::<Vec<_>>(),
        })
    });
    json!({ "logs": logs.collect::<Vec<_>>() })
}

/// The header of a record with an ordinary body, field by field as `wire.md` lists them.
fn by_hand(header: &Header) -> Vec<u8> {
    let body = header.body.unwrap();
    array(&[
        uint(1),
        bytes(&header.log.0),
        uint(header.seq),
        bytes(&header.prev.unwrap().0),
        uint(header.roster),
        uint(header.created_ms),
        uint(header.kind.0.into()),
        uint(header.tlp.into()),
        uint(body.len.into()),
        uint(body.raw_len.into()),
        bytes(&body.hash),
        header.expires_ms.map_or(cbor::NULL.to_vec(), uint),
        cbor::NULL.to_vec(),
    ])
}

#[test]
fn a_record_by_hand_has_the_same_bytes() {
    for entry in &main_log()[1..] {
        let signed = cbor::sign1(&record_aad(), &by_hand(entry.record.header()), &key(SG_LIVE));
        assert_eq!(hex(&signed), hex(entry.record.signed()), "{}", entry.name);
    }
    assert_eq!(main_log()[0].record.header().log, log(SG_LIVE));
}

#[test]
fn stored_bodies_unpack_to_their_texts() {
    for (name, .., entries) in logs() {
        let mut door = Door::new();
        for entry in entries {
            let before = counts(&door.store).unwrap();
            door.take_parcel(&entry.parcel()).unwrap();
            let after = counts(&door.store).unwrap();
            let void = u64::from(entry.content == Content::Void);
            assert_eq!(after.void - before.void, void, "{name}: {}", entry.name);
            let Content::Objects(texts) = entry.content else {
                assert_eq!(after.objects, before.objects, "{name}: {}", entry.name);
                continue;
            };
            let seen =
                query(&door.store, &Reader::operator(0), &Query::default(), None, 500).unwrap().objects;
            let mut seen: Vec<_> = seen.into_iter().map(|object| object.json).collect();
            seen.sort_unstable();
            let mut texts = texts;
            texts.sort_unstable();
            assert_eq!(seen, texts, "{name}: {}", entry.name);
        }
    }
}
