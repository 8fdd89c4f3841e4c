//! Rosters that do not follow version 2 of the vectors' mesh, whose three members all have to sign.

use certmesh_wire::SignedRoster;

use super::documents::ROSTER_AAD;
use super::{Claim, Refused};
use crate::cbor::{NULL, PROTECTED, array, bytes, sig_structure, signature, text, uint};
use crate::mesh::{
    EXPIRES_MS, MY_ROOT, SG_NEXT_ROOT, SG_ROOT, STRANGER, TH_ROOT, VN_NODE, VN_ROOT, key, log, mesh,
    successors,
};

/// The version that these do not follow.
pub(super) fn last() -> SignedRoster {
    successors().pop().unwrap().2
}

fn member(code: &str, root: u8) -> Vec<u8> {
    array(&[text(code), text("CERT"), text("identity--1"), bytes(&key(root).root_key().0)])
}

fn pin(code: &str, cert: &str, root: u8, manifest: Vec<u8>, cuts: &[Vec<u8>]) -> Vec<u8> {
    array(&[text(code), text(cert), bytes(&key(root).root_key().0), manifest, array(cuts)])
}

fn cut(log: &[u8; 32]) -> Vec<u8> {
    array(&[bytes(log), uint(0), bytes(&[1; 32])])
}

/// SG's pin and VN's, as version 2 has them but for VN's cuts, which can be moved.
fn pins() -> [Vec<u8>; 2] {
    let last = last();
    let manifest = |at: usize| bytes(&last.roster().pins[at].manifest.unwrap().0);
    [
        pin("SG", "SingCERT", SG_ROOT, manifest(0), &[]),
        pin("VN", "VNCERT/CC", VN_ROOT, manifest(1), &[cut(&log(VN_NODE).0)]),
    ]
}

fn members() -> [Vec<u8>; 3] {
    [member("MY", MY_ROOT), member("SG", SG_NEXT_ROOT), member("TH", TH_ROOT)]
}

const VERSION: usize = 1;
const PREV: usize = 3;
const MESH: usize = 4;
const EXERCISE: usize = 6;
const MEMBERS: usize = 8;
const PINS: usize = 11;

/// The items of a sound version 3.
fn items() -> Vec<Vec<u8>> {
    vec![
        uint(1),
        uint(3),
        uint(0),
        bytes(&last().id().0),
        bytes(&mesh().0),
        text("mesh"),
        vec![0xf5],
        uint(EXPIRES_MS),
        array(&members()),
        array(&[]),
        array(&[uint(16), uint(1000), uint(1_000_000)]),
        array(&pins()),
    ]
}

fn with(changes: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut items = items();
    changes.iter().for_each(|(place, item)| items[*place].clone_from(item));
    array(&items)
}

const ALL: [(&str, u8); 3] = [("MY", MY_ROOT), ("SG", SG_NEXT_ROOT), ("TH", TH_ROOT)];

fn signed(document: &[u8], signers: &[(&str, u8)]) -> Vec<u8> {
    let entry = |(code, root): &(&str, u8)| {
        let signature = signature(&key(*root), &sig_structure(&PROTECTED, ROSTER_AAD, document));
        array(&[text(code), bytes(&signature)])
    };
    array(&[bytes(document), array(&signers.iter().map(entry).collect::<Vec<_>>())])
}

/// A document with these items in place of its own, which all three have signed.
fn agreed(changes: &[(usize, Vec<u8>)]) -> Vec<u8> {
    signed(&with(changes), &ALL)
}

/// The sound version 3: what is refused below is refused for what it changes in this.
#[test]
fn the_one_that_they_are_made_from_follows() {
    SignedRoster::decode(&agreed(&[])).unwrap().succeeds(&last()).unwrap();
}

pub(super) fn all() -> Vec<Refused> {
    let mut all = votes();
    all.extend(places());
    all.extend(pinned());
    all
}

fn votes() -> Vec<Refused> {
    let forged = |name, bytes| Refused::new(Claim::Successor, name, "bad-signature", "signature of", bytes);
    let few = |name, bytes| Refused::new(Claim::Successor, name, "too-few-votes", "must", bytes);
    let sound = with(&[]);
    let joined = [members().to_vec(), vec![member("VN", STRANGER)]].concat();
    let mut flipped = agreed(&[]);
    *flipped.last_mut().unwrap() ^= 1;
    vec![
        few("signed by nobody", signed(&sound, &[])),
        few("one vote short", signed(&sound, &ALL[..2])),
        forged("signed with the root key before", signed(&sound, &[ALL[0], ("SG", SG_ROOT), ALL[2]])),
        forged("vote of who is removed", signed(&sound, &[ALL[0], ALL[1], ALL[2], ("VN", VN_ROOT)])),
        forged("one member for another", signed(&sound, &[ALL[0], ("SG", MY_ROOT), ALL[2]])),
        forged(
            "vote of who joins",
            signed(&with(&[(MEMBERS, array(&joined))]), &[ALL[0], ALL[1], ALL[2], ("VN", STRANGER)]),
        ),
        forged("flipped bit in a vote", flipped),
    ]
}

fn places() -> Vec<Refused> {
    let astray = |name, says, bytes| Refused::new(Claim::Successor, name, "not-successor", says, bytes);
    let [_, (_, before, last)] = successors().try_into().unwrap();
    vec![
        astray("a version left out", "not the next", agreed(&[(VERSION, uint(4))])),
        astray("the version at hand", "not the next", last.encode()),
        astray("an older version", "not the next", before.encode()),
        astray("another version before it", "another document", agreed(&[(PREV, bytes(&before.id().0))])),
        astray("an exercise that becomes real", "an exercise", agreed(&[(EXERCISE, vec![0xf4])])),
        Refused::new(
            Claim::Successor,
            "roster of another mesh",
            "other-mesh",
            "not of mesh",
            agreed(&[(MESH, bytes(&[7; 32]))]),
        ),
    ]
}

fn pinned() -> Vec<Refused> {
    let wrong = |name, bytes| Refused::new(Claim::Successor, name, "wrong-pin", "does not name", bytes);
    let malformed = |name, says, bytes| Refused::new(Claim::Successor, name, "malformed", says, bytes);
    let [sg, vn] = pins();
    let without_th = || (MEMBERS, array(&members()[..2]));
    let of = |pins: &[&Vec<u8>]| (PINS, array(&pins.iter().map(|pin| (*pin).clone()).collect::<Vec<_>>()));
    let th = |root| pin("TH", "ThaiCERT", root, NULL.to_vec(), &[]);
    let rekeyed = [member("MY", STRANGER), member("SG", SG_NEXT_ROOT), member("TH", TH_ROOT)];
    let usurper = [member("MY", MY_ROOT), member("SG", SG_NEXT_ROOT), member("TH", VN_ROOT)];
    let moved = pin("VN", "VNCERT/CC", VN_ROOT, bytes(&[1; 32]), &[]);
    let twice = [cut(&[1; 32]), cut(&[1; 32])];
    let unpinned = |name, bytes| Refused::new(Claim::Successor, name, "unpinned", "no pin names", bytes);
    vec![
        unpinned("removed without a pin", agreed(&[without_th()])),
        unpinned("another root key without a pin", agreed(&[(MEMBERS, array(&rekeyed))])),
        Refused::new(Claim::Successor, "pin that got lost", "lost-pin", "has lost", agreed(&[of(&[&sg])])),
        wrong("removed, with a pin of another key", agreed(&[without_th(), of(&[&sg, &th(STRANGER), &vn])])),
        wrong("pin of nobody", agreed(&[of(&[&pin("BN", "BN", STRANGER, NULL.to_vec(), &[]), &sg, &vn])])),
        wrong("carried pin with another manifest", agreed(&[of(&[&sg, &moved])])),
        malformed(
            "another member with a pinned key",
            "another one's pin",
            agreed(&[(MEMBERS, array(&usurper)), of(&[&sg, &th(TH_ROOT), &vn])]),
        ),
        malformed("pins out of order", "out of order", agreed(&[of(&[&vn, &sg])])),
        malformed("pin twice", "one twice", agreed(&[of(&[&sg, &sg, &vn])])),
        malformed(
            "two cuts of one log",
            "cuts out of order",
            agreed(&[of(&[&pin("SG", "SingCERT", SG_ROOT, NULL.to_vec(), &twice), &vn])]),
        ),
        malformed(
            "pin without a name",
            "a pin with a name",
            agreed(&[of(&[&pin("SG", "", SG_ROOT, NULL.to_vec(), &[]), &vn])]),
        ),
    ]
}
