//! Records around which the envelope is wrong: its encoding, its headers, or its signature.

use super::Refused;
use super::headers::{CREATED, Draft, body};
use crate::cbor::{
    EMPTY_MAP, PROTECTED, array, bytes, head, sig_structure, sign1, sign1_items, signature, text, uint,
};
use crate::logs::record_aad;
use crate::mesh::{CREATED_MS, MY_NODE, SG_LIVE, key};

/// The order of ed25519's group, little-endian (RFC 8032, section 5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn all() -> Vec<Refused> {
    let mut all = encodings();
    all.extend(protected());
    all.extend(signatures().map(|(name, bytes)| Refused {
        reason: "bad-signature",
        body: Some(body().bytes),
        ..Refused::record(name, "signature", bytes)
    }));
    all
}

fn items() -> [Vec<u8>; 4] {
    sign1_items(&PROTECTED, &record_aad(), &Draft::objects().header(), &key(SG_LIVE))
}

fn encodings() -> Vec<Refused> {
    let header = Draft::objects().header();
    let sound = array(&items());
    let [protected, _, payload, signed] = items();
    let with = |unprotected: &[u8]| {
        array(&[protected.clone(), unprotected.to_vec(), payload.clone(), signed.clone()])
    };
    let chunks = [&[0x5f], &bytes(&header[..20])[..], &bytes(&header[20..]), &[0xff]].concat();
    let key_id = [&[0xa1, 4][..], &bytes(b"id")].concat();
    let sixty_three = bytes(&signed[2..65]);
    vec![
        Refused::record("tagged as COSE_Sign1", "a tag", [&[0xd2], &sound[..]].concat()),
        Refused::record("unprotected header", "a map", with(&key_id)),
        Refused::record("list in place of the unprotected map", "only encoding", with(&[0x80])),
        Refused::record("null in place of the unprotected map", "another shape", with(&[0xf6])),
        Refused::record(
            "envelope of indefinite length",
            "indefinite",
            [&[0x9f], &sound[1..], &[0xff]].concat(),
        ),
        Refused::record("envelope's length in two bytes", "shortest", [&[0x98, 4], &sound[1..]].concat()),
        Refused::record(
            "payload in chunks",
            "indefinite",
            array(&[protected.clone(), EMPTY_MAP.to_vec(), chunks, signed.clone()]),
        ),
        Refused::record(
            "detached payload",
            "another shape",
            array(&[protected.clone(), EMPTY_MAP.to_vec(), vec![0xf6], signed.clone()]),
        ),
        Refused::record(
            "text in place of the signature",
            "only encoding",
            array(&[protected.clone(), EMPTY_MAP.to_vec(), payload.clone(), text("signed")]),
        ),
        Refused::record(
            "signature of 63 bytes",
            "64 bytes",
            array(&[protected.clone(), EMPTY_MAP.to_vec(), payload.clone(), sixty_three]),
        ),
        Refused::record("three items", "another shape", array(&items()[..3])),
        Refused::record("five items", "another shape", array(&[&items()[..], &[uint(0)]].concat())),
        Refused::record("byte after the envelope", "bytes after the end", [&sound[..], &[0]].concat()),
        Refused::record(
            "envelope that ends too early",
            "shorter than it says",
            sound[..sound.len() - 1].to_vec(),
        ),
        Refused::record("nothing", "ends too early", Vec::new()),
        Refused::record("more than 4,224 bytes", "4224 are allowed", vec![0; 4225]),
        Refused::record("array that announces 2^64 - 1 items", "shorter than it says", head(4, u64::MAX)),
        Refused::record("nested nine deep", "nested too deep", [vec![0x81; 9], uint(0)].concat()),
    ]
}

/// Protected headers that say something else, soundly signed.
fn protected() -> Vec<Refused> {
    let sign = |protected: &[u8]| {
        array(&sign1_items(protected, &record_aad(), &Draft::objects().header(), &key(SG_LIVE)))
    };
    vec![
        Refused::record("algorithm ES256", "protected header", sign(&[0xa1, 1, 0x26])),
        Refused::record("no algorithm", "protected header", sign(&[])),
        Refused::record("algorithm in two bytes", "protected header", sign(&[0xa1, 1, 0x38, 7])),
        Refused::record("algorithm and a key id", "protected header", sign(&[0xa2, 1, 0x27, 4, 0x41, 0])),
    ]
}

/// Envelopes in perfect order, with a signature that must not verify.
fn signatures() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let header = Draft::objects().header();
    let sound = array(&items());
    let flip = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        bytes
    };
    let elsewhere = [b"certmesh/record/1", &[0xaa; 32][..]].concat();
    let manifest = [b"certmesh/manifest/1", &record_aad()[17..]].concat();
    let later = Draft::objects().with(CREATED, uint(CREATED_MS + 1)).header();
    let moved = array(&[&items()[..2], &[bytes(&later)], &items()[3..]].concat());
    let sg = key(SG_LIVE);
    let envelope = |signature: &[u8; 64]| {
        array(&[bytes(&PROTECTED), EMPTY_MAP.to_vec(), bytes(&header), bytes(signature)])
    };
    let without_context = [record_aad(), header.clone()].concat();
    [
        ("flipped bit in the header", moved),
        ("flipped bit in the signature's first half", flip(sound.len() - 64)),
        ("flipped bit in the signature's second half", flip(sound.len() - 10)),
        ("signed for another mesh", sign1(&elsewhere, &header, &sg)),
        ("signed for no mesh", sign1(b"certmesh/record/1", &header, &sg)),
        ("signed without a domain", sign1(b"", &header, &sg)),
        ("signed as a manifest", sign1(&manifest, &header, &sg)),
        ("signed by another node", sign1(&record_aad(), &header, &key(MY_NODE))),
        ("signed without Sig_structure", envelope(&signature(&sg, &without_context))),
        ("signature of zeros", envelope(&[0; 64])),
        ("scalar with the group's order added", envelope(&add_order(&sg, &header))),
    ]
    .into_iter()
}

/// The sound signature with S + L in place of S: another signature for the same bytes, for lax readers.
fn add_order(key: &certmesh_wire::SecretKey, header: &[u8]) -> [u8; 64] {
    let mut sound = signature(key, &sig_structure(&PROTECTED, &record_aad(), header));
    let mut carry = 0;
    for (digit, order) in sound[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*digit) + u16::from(order) + carry;
        *digit = sum as u8;
        carry = sum >> 8;
    }
    sound
}
