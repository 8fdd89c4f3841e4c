//! Rosters and manifests that are none, or that their signers did not sign.

use certmesh_wire::{Consent, MeshId, NodeId, SecretKey};

use super::{Claim, Refused};
use crate::cbor::{
    EMPTY_MAP, NULL, PROTECTED, array, bytes, sig_structure, sign1, sign1_items, signature, text, uint,
};
use crate::mesh::{
    EXPIRES_MS, MY_NODE, MY_ROOT, SG_LIVE, SG_ROOT, SMALL_ORDER_KEY, STRANGER, VN_ROOT, key, log, manifests,
    mesh, roster,
};

pub(super) fn all() -> Vec<Refused> {
    let mut all = rosters();
    all.extend(roster_signatures());
    all.extend(manifest_envelopes());
    all.extend(manifest_documents());
    all.extend(consents());
    all
}

pub(super) const ROSTER_AAD: &[u8] = b"certmesh/roster/1";

fn member(code: &str, root: u8) -> Vec<u8> {
    array(&[text(code), text("CERT"), text("identity--1"), bytes(&key(root).root_key().0)])
}

/// The items of a sound roster version 0.
fn roster_items() -> Vec<Vec<u8>> {
    vec![
        uint(1),
        uint(0),
        uint(0),
        NULL.to_vec(),
        NULL.to_vec(),
        text("mesh"),
        vec![0xf5],
        uint(EXPIRES_MS),
        array(&[member("MY", MY_ROOT), member("SG", SG_ROOT)]),
        array(&[]),
        array(&[uint(16), uint(1000), uint(1_000_000)]),
        array(&[]),
    ]
}

/// A roster whose document has another item at this place, signed by nobody.
fn roster_with(place: usize, item: Vec<u8>) -> Vec<u8> {
    let mut items = roster_items();
    items[place] = item;
    unsigned(&array(&items))
}

fn unsigned(document: &[u8]) -> Vec<u8> {
    array(&[bytes(document), array(&[])])
}

/// A roster version 1 of the vectors' mesh, by its own words, in which a stranger is the only member.
fn usurper() -> Vec<u8> {
    let mut items = roster_items();
    items[1] = uint(1);
    items[3] = bytes(&mesh().0);
    items[4] = bytes(&mesh().0);
    items[8] = array(&[member("SG", STRANGER)]);
    let document = array(&items);
    let signature = signature(&key(STRANGER), &sig_structure(&PROTECTED, ROSTER_AAD, &document));
    array(&[bytes(&document), array(&[array(&[text("SG"), bytes(&signature)])])])
}

fn rosters() -> Vec<Refused> {
    let group = |name: &str, codes: &[&str]| {
        array(&[text(name), array(&codes.iter().map(|code| text(code)).collect::<Vec<_>>())])
    };
    let malformed = |name, says, bytes| Refused::new(Claim::Roster, name, "malformed", says, bytes);
    let sound = unsigned(&array(&roster_items()));
    vec![
        Refused::new(Claim::Roster, "roster of another mesh", "other-mesh", "not of mesh", sound.clone()),
        Refused::new(
            Claim::Roster,
            "later version that nobody of the mesh signed",
            "unproven",
            "proves",
            usurper(),
        ),
        Refused::new(
            Claim::Roster,
            "document of format 2",
            "newer-version",
            "format 2",
            roster_with(0, uint(2)),
        ),
        malformed("document of format 0", "format 0", roster_with(0, uint(0))),
        malformed("version 0 with a predecessor", "no predecessor", roster_with(3, bytes(&[1; 32]))),
        malformed("version 0 with a mesh id", "mesh id", roster_with(4, bytes(&[1; 32]))),
        malformed("version 1 without a predecessor", "no predecessor", roster_with(1, uint(1))),
        malformed("no name", "a name", roster_with(5, text(""))),
        malformed("name of 257 bytes", "a name", roster_with(5, text(&"a".repeat(257)))),
        malformed("no members", "members", roster_with(8, array(&[]))),
        malformed(
            "members out of order",
            "out of order",
            roster_with(8, array(&[member("SG", SG_ROOT), member("MY", MY_ROOT)])),
        ),
        malformed(
            "member twice",
            "one twice",
            roster_with(8, array(&[member("MY", MY_ROOT), member("MY", SG_ROOT)])),
        ),
        malformed(
            "two members with one root key",
            "one root key",
            roster_with(8, array(&[member("MY", SG_ROOT), member("SG", SG_ROOT)])),
        ),
        malformed("group of strangers", "strangers", roster_with(9, array(&[group("g", &["MY", "VN"])]))),
        malformed("group of nobody", "nobody", roster_with(9, array(&[group("g", &[])]))),
        malformed("group out of order", "out of order", roster_with(9, array(&[group("g", &["SG", "MY"])]))),
        malformed(
            "group twice",
            "one twice",
            roster_with(9, array(&[group("g", &["MY"]), group("g", &["SG"])])),
        ),
        malformed(
            "pin in version 0",
            "nobody can have left",
            roster_with(
                11,
                array(&[array(&[text("TH"), text("CERT"), bytes(&[1; 32]), NULL.to_vec(), array(&[])])]),
            ),
        ),
        malformed("exercise as a number", "another shape", roster_with(6, uint(1))),
        malformed(
            "thirteen items",
            "not a roster",
            unsigned(&array(&[roster_items(), vec![uint(0)]].concat())),
        ),
        malformed("byte after the roster", "bytes after the end", [&sound[..], &[0]].concat()),
        malformed(
            "document without its byte string",
            "not a roster",
            array(&[array(&roster_items()), array(&[])]),
        ),
    ]
}

/// The vectors' own roster with other signatures.
fn roster_signatures() -> Vec<Refused> {
    let encoded = roster().encode();
    // Before the document stand an array and a length of three bytes, after it an array of two signatures,
    // each of which has one byte of array, three of code, two of length and 64 of signature.
    let document = &encoded[4..encoded.len() - 1 - 2 * 70];
    let entry = |code: &str, signature: &[u8]| array(&[text(code), bytes(signature)]);
    let sign = |root: u8, aad: &[u8]| signature(&key(root), &sig_structure(&PROTECTED, aad, document));
    let signed = |entries: &[Vec<u8>]| array(&[bytes(document), array(entries)]);
    let (my, sg) = (sign(MY_ROOT, ROSTER_AAD), sign(SG_ROOT, ROSTER_AAD));
    let mut flipped = sg;
    flipped[0] ^= 1;
    let mut renamed = document.to_vec();
    let at = renamed.windows(7).position(|name| name == b"vectors").unwrap();
    renamed[at] = b'V';
    let forged = |name, bytes| Refused::new(Claim::Roster, name, "bad-signature", "signature of", bytes);
    let malformed = |name, says, bytes| Refused::new(Claim::Roster, name, "malformed", says, bytes);
    vec![
        forged("flipped bit in a signature", signed(&[entry("MY", &my), entry("SG", &flipped)])),
        forged("flipped bit in the document", array(&[bytes(&renamed), array(&[entry("SG", &sg)])])),
        forged("one member's signature under another's name", signed(&[entry("MY", &sg)])),
        forged("signature of a key that is no member's", signed(&[entry("VN", &sign(STRANGER, ROSTER_AAD))])),
        forged("signature of no member", signed(&[entry("TH", &sign(STRANGER, ROSTER_AAD))])),
        forged("signature of 63 bytes", signed(&[entry("MY", &my[..63])])),
        forged("signed as a manifest", signed(&[entry("VN", &sign(VN_ROOT, &manifest_aad()))])),
        forged("signed without Sig_structure", signed(&[entry("MY", &signature(&key(MY_ROOT), document))])),
        malformed("signatures out of order", "out of order", signed(&[entry("SG", &sg), entry("MY", &my)])),
        malformed("one member's signature twice", "one twice", signed(&[entry("MY", &my), entry("MY", &my)])),
    ]
}

fn manifest_aad() -> Vec<u8> {
    [b"certmesh/manifest/1", &mesh().0[..]].concat()
}

fn node(seed: u8, state: u64, checkpoints: &[Vec<u8>]) -> Vec<u8> {
    node_that(&key(seed).node_id(), uint(state), array(&[]), checkpoints, &consent(seed, "SG", mesh()))
}

fn node_that(
    id: &NodeId,
    state: Vec<u8>,
    addresses: Vec<u8>,
    checkpoints: &[Vec<u8>],
    consent: &[u8],
) -> Vec<u8> {
    array(&[bytes(&id.0), state, addresses, array(checkpoints), bytes(consent)])
}

fn consent(seed: u8, member: &str, mesh: MeshId) -> [u8; 64] {
    Consent::sign(mesh, member.parse().unwrap(), &key(seed))
}

/// Manifests of SG with a node whose key did not agree to that.
fn consents() -> Vec<Refused> {
    let live = |id: NodeId, consent: &[u8]| {
        manifest_with(7, array(&[node_that(&id, uint(0), array(&[]), &[], consent)]))
    };
    let node = key(SG_LIVE).node_id();
    let forged = |name, bytes| Refused::new(Claim::Manifest, name, "bad-signature", "has not agreed", bytes);
    // R is the same point, S is 0, and the equation of RFC 8032 holds for every message.
    let lax = [&SMALL_ORDER_KEY.0[..], &[0; 32]].concat();
    let cut_off = array(&[node_that(&node, uint(2), array(&[]), &[], &consent(MY_NODE, "SG", mesh()))]);
    vec![
        forged("node that another key speaks for", live(node, &consent(MY_NODE, "SG", mesh()))),
        forged("node of another member", live(node, &consent(SG_LIVE, "MY", mesh()))),
        forged("node of another mesh", live(node, &consent(SG_LIVE, "SG", MeshId([7; 32])))),
        forged("cut node that did not agree", manifest_with(7, cut_off)),
        forged("node of small order", live(SMALL_ORDER_KEY, &lax)),
        Refused::new(
            Claim::Manifest,
            "consent of 63 bytes",
            "malformed",
            "64 bytes",
            live(node, &consent(SG_LIVE, "SG", mesh())[..63]),
        ),
    ]
}

/// The items of a sound manifest of SG.
fn manifest_items() -> Vec<Vec<u8>> {
    vec![
        uint(1),
        bytes(&mesh().0),
        text("SG"),
        uint(0),
        NULL.to_vec(),
        uint(0),
        uint(EXPIRES_MS),
        array(&[node(SG_LIVE, 0, &[])]),
    ]
}

fn manifest_with(place: usize, item: Vec<u8>) -> Vec<u8> {
    let mut items = manifest_items();
    items[place] = item;
    sign1(&manifest_aad(), &array(&items), &key(SG_ROOT))
}

fn manifest_envelopes() -> Vec<Refused> {
    let document = array(&manifest_items());
    let sound = sign1(&manifest_aad(), &document, &key(SG_ROOT));
    let forged = |name, bytes| Refused::new(Claim::Manifest, name, "bad-signature", "did not sign", bytes);
    let malformed = |name, says, bytes| Refused::new(Claim::Manifest, name, "malformed", says, bytes);
    let sign = |aad: &[u8], key: &SecretKey| sign1(aad, &document, key);
    let record_aad = [b"certmesh/record/1", &mesh().0[..]].concat();
    let mut flipped = manifests()[1].1.encode();
    let last = flipped.len() - 1;
    flipped[last - 40] ^= 1;
    let other_algorithm = array(&sign1_items(&[0xa1, 1, 0x26], &manifest_aad(), &document, &key(SG_ROOT)));
    let key_id = [&[0xa1, 4][..], &bytes(b"id")].concat();
    let [protected, _, payload, signed] = sign1_items(&PROTECTED, &manifest_aad(), &document, &key(SG_ROOT));
    vec![
        forged("flipped bit in the signature", flipped),
        forged("signed by a node", sign(&manifest_aad(), &key(SG_LIVE))),
        forged("signed by another member", sign(&manifest_aad(), &key(MY_ROOT))),
        forged("signed as a record", sign(&record_aad, &key(SG_ROOT))),
        forged("signed as a roster", sign(ROSTER_AAD, &key(SG_ROOT))),
        malformed("tagged", "a tag", [&[0xd2], &sound[..]].concat()),
        malformed("other algorithm", "protected header", other_algorithm),
        malformed("unprotected header", "a map", array(&[protected, key_id, payload, signed])),
        malformed("byte after the manifest", "bytes after the end", [&sound[..], &EMPTY_MAP].concat()),
    ]
}

fn manifest_documents() -> Vec<Refused> {
    let malformed = |name, says, bytes| Refused::new(Claim::Manifest, name, "malformed", says, bytes);
    let mut nodes: Vec<(_, Vec<u8>)> =
        [0x51, 0x52, 0x53].map(|seed| (key(seed).node_id(), node(seed, 0, &[]))).into();
    nodes.sort();
    let sorted: Vec<_> = nodes.into_iter().map(|(_, node)| node).collect();
    let reversed: Vec<_> = sorted.iter().rev().cloned().collect();
    let checkpoint = array(&[bytes(&log(SG_LIVE).0), uint(0), bytes(&[1; 32])]);
    let addresses = |texts: &[Vec<u8>]| {
        let node = key(SG_LIVE).node_id();
        array(&[node_that(&node, uint(0), array(texts), &[], &consent(SG_LIVE, "SG", mesh()))])
    };
    vec![
        Refused::new(
            Claim::Manifest,
            "manifest of another mesh",
            "other-mesh",
            "not of mesh",
            manifest_with(1, bytes(&[7; 32])),
        ),
        Refused::new(
            Claim::Manifest,
            "document of format 2",
            "newer-version",
            "format 2",
            manifest_with(0, uint(2)),
        ),
        malformed("document of format 0", "format 0", manifest_with(0, uint(0))),
        malformed("member that the roster lacks", "not a member", manifest_with(2, text("TH"))),
        malformed("version 0 with a predecessor", "no predecessor", manifest_with(4, bytes(&[1; 32]))),
        malformed("version 1 without a predecessor", "no predecessor", manifest_with(3, uint(1))),
        malformed("nodes out of order", "out of order", manifest_with(7, array(&reversed))),
        malformed(
            "node twice",
            "one twice",
            manifest_with(7, array(&[sorted[0].clone(), sorted[0].clone()])),
        ),
        malformed(
            "three live nodes where the roster allows two",
            "3 live nodes",
            manifest_with(7, array(&sorted)),
        ),
        malformed("no such state", "no such state", manifest_with(7, array(&[node(SG_LIVE, 3, &[])]))),
        malformed(
            "two checkpoints of one log",
            "checkpoints out of order",
            manifest_with(7, array(&[node(SG_LIVE, 0, &[checkpoint.clone(), checkpoint])])),
        ),
        malformed("empty address", "an address", manifest_with(7, addresses(&[text("")]))),
        malformed(
            "nine addresses",
            "too many addresses",
            manifest_with(7, addresses(&vec![text("/memory/1"); 9])),
        ),
        malformed(
            "nine items",
            "not a manifest",
            sign1(&manifest_aad(), &array(&[manifest_items(), vec![uint(0)]].concat()), &key(SG_ROOT)),
        ),
    ]
}
