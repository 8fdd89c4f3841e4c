//! Rosters, good and bad.

use proptest::prelude::*;

use super::*;
use crate::key::SecretKey;
use crate::manifest::Checkpoint;
use crate::{LogId, RecordId};

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn member(code: &str, seed: u8) -> Member {
    Member {
        code: code.parse().unwrap(),
        cert: format!("{code}-CERT"),
        identity: format!("identity--00000000-0000-4000-8000-0000000000{seed:02}"),
        root_key: key(seed).root_key(),
    }
}

fn roster() -> Roster {
    Roster {
        version: 0,
        round: 0,
        prev: None,
        name: "test".into(),
        exercise: true,
        expires_ms: 1,
        members: vec![member("MY", 2), member("SG", 1)],
        groups: Vec::new(),
        limits: RosterLimits::default(),
        pins: Vec::new(),
    }
}

#[test]
fn the_mesh_id_does_not_depend_on_who_has_signed() {
    let mut signed = SignedRoster::found(roster()).unwrap();
    let mesh = signed.mesh();
    for seed in [1, 2, 1] {
        signed.sign(&key(seed)).unwrap();
    }
    let read = SignedRoster::decode(&signed.encode()).unwrap().of_mesh(mesh).unwrap();
    assert_eq!(read, signed);
    assert_eq!(read.signers().map(|code| code.to_string()).collect::<Vec<_>>(), ["MY", "SG"]);
    assert!(read.of_mesh(MeshId([0; 32])).is_err());
}

#[test]
fn strangers_cannot_sign_and_forgeries_are_named() {
    let mut signed = SignedRoster::found(roster()).unwrap();
    assert_eq!(signed.sign(&key(9)), Err(RosterFault::NotAMember(key(9).root_key())));
    signed.sign(&key(1)).unwrap();
    signed.signatures[0].1[0] ^= 1;
    let refused = SignedRoster::decode(&signed.encode());
    assert_eq!(refused, Err(RosterFault::BadSignature("SG".parse().unwrap())));
}

#[test]
fn contradictions_are_refused() {
    let two = |a: Member, b: Member| Roster { members: vec![a, b], ..roster() };
    for bad in [
        Roster { members: Vec::new(), ..roster() },
        two(member("SG", 1), member("MY", 2)),
        two(member("MY", 1), member("SG", 1)),
        Roster { prev: Some(DocumentId([0; 32])), ..roster() },
        Roster { name: String::new(), ..roster() },
        Roster { groups: vec![Group { name: "g".into(), members: vec!["VN".parse().unwrap()] }], ..roster() },
    ] {
        assert!(SignedRoster::found(bad.clone()).is_err(), "{bad:?}");
    }
}

/// Four members, so that three votes make a quorum.
fn founded() -> SignedRoster {
    let members = vec![member("MY", 2), member("SG", 1), member("TH", 4), member("VN", 3)];
    SignedRoster::found(Roster { members, ..roster() }).unwrap()
}

fn next(prev: &SignedRoster) -> Roster {
    let roster = prev.roster().clone();
    Roster { version: roster.version + 1, prev: Some(prev.id()), ..roster }
}

fn pin(code: &str, seed: u8) -> Pin {
    let cuts = vec![Checkpoint { log: LogId([seed; 32]), seq: 7, record: RecordId([1; 32]) }];
    let manifest = Some(DocumentId([seed; 32]));
    let code: MemberCode = code.parse().unwrap();
    Pin { member: code, cert: format!("{code}-CERT"), root_key: key(seed).root_key(), manifest, cuts }
}

fn voted(prev: &SignedRoster, roster: Roster, seeds: &[u8]) -> SignedRoster {
    let mut signed = SignedRoster::propose(prev, roster).unwrap();
    for seed in seeds {
        signed.sign_as_voter(&key(*seed), prev).unwrap();
    }
    SignedRoster::decode(&signed.encode()).unwrap()
}

/// TH removed and pinned.
fn without_th(prev: &SignedRoster) -> Roster {
    let mut roster = next(prev);
    roster.members.remove(2);
    roster.pins = vec![pin("TH", 4)];
    roster
}

#[test]
fn a_quorum_has_a_member_in_common_with_every_other_beyond_a_third() {
    for (members, votes) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (8, 6), (11, 8)] {
        assert_eq!(threshold(members), votes, "{members}");
    }
    for members in 1..=crate::limits::MEMBERS {
        let shared = (2 * threshold(members)).saturating_sub(members);
        assert!(3 * shared > members && threshold(members) <= members, "{members}");
    }
}

#[test]
fn the_version_before_votes() {
    let prev = founded();
    let code = |text: &str| text.parse::<MemberCode>().unwrap();
    let signed = voted(&prev, without_th(&prev), &[1, 4, 2]);
    assert_eq!(signed.succeeds(&prev), Ok(()));
    assert_eq!(signed.mesh(), prev.mesh());
    assert_eq!(signed.voters(&prev), Ok(vec![code("MY"), code("SG"), code("TH")]));
    assert_eq!(signed.clone().of_mesh(prev.mesh()), Err(RosterFault::Unproven(1)));
    let few = voted(&prev, without_th(&prev), &[1, 3]);
    assert_eq!(few.succeeds(&prev), Err(RosterFault::TooFewVotes { found: 2, needed: 3 }));
    // Whoever joins with this version has no vote in it, and its version has no founders.
    let mut joined = next(&prev);
    joined.members.insert(0, member("BN", 5));
    let mut signed = SignedRoster::propose(&prev, joined).unwrap();
    let stranger = RosterFault::NotAMember(key(5).root_key());
    assert_eq!(signed.sign_as_voter(&key(5), &prev), Err(stranger));
    assert_eq!(signed.sign(&key(1)), Err(RosterFault::Unproven(1)));
}

#[test]
fn the_old_root_key_votes_on_its_successor() {
    let prev = founded();
    let mut rekeyed = next(&prev);
    rekeyed.members[1].root_key = key(9).root_key();
    assert_eq!(
        SignedRoster::propose(&prev, rekeyed.clone()),
        Err(RosterFault::Unpinned("SG".parse().unwrap()))
    );
    rekeyed.pins = vec![pin("SG", 1)];
    let mut signed = voted(&prev, rekeyed, &[1, 2, 3]);
    assert_eq!(signed.succeeds(&prev), Ok(()));
    assert!(signed.sign_as_voter(&key(9), &prev).is_err());
}

#[test]
fn a_forged_vote_is_named() {
    let prev = founded();
    let mut signed = voted(&prev, next(&prev), &[1, 2, 3]);
    signed.signatures[1].1[3] ^= 1;
    let signed = SignedRoster::decode(&signed.encode()).unwrap();
    let fault = RosterFault::BadSignature("SG".parse().unwrap());
    assert_eq!(signed.succeeds(&prev), Err(fault.clone()));
    assert_eq!(signed.voters(&prev), Err(fault));
}

#[test]
fn only_the_next_version_follows() {
    let prev = founded();
    let first = voted(&prev, next(&prev), &[1, 2, 3]);
    let second = voted(&first, next(&first), &[1, 2, 3]);
    let is_out_of_turn = |fault| matches!(fault, Err(RosterFault::NotSuccessor { .. }));
    assert_eq!(second.succeeds(&first), Ok(()));
    assert!(is_out_of_turn(second.succeeds(&prev)));
    assert!(is_out_of_turn(first.succeeds(&second)));
    assert!(is_out_of_turn(first.succeeds(&first)));
    let other_round = voted(&prev, Roster { round: 1, ..next(&prev) }, &[1, 2, 3]);
    assert!(is_out_of_turn(second.succeeds(&other_round)));
    let real = Roster { exercise: false, ..next(&prev) };
    assert!(is_out_of_turn(SignedRoster::propose(&prev, real).map(|_| ())));
    let other_mesh = SignedRoster::found(Roster { name: "other".into(), ..roster() }).unwrap();
    let fault = RosterFault::OtherMesh { found: prev.mesh(), expected: other_mesh.mesh() };
    assert_eq!(first.succeeds(&other_mesh), Err(fault));
}

#[test]
fn pins_stay() {
    let prev = founded();
    let code = "TH".parse().unwrap();
    let first = voted(&prev, without_th(&prev), &[1, 2, 3]);
    let propose = |pins| SignedRoster::propose(&first, Roster { pins, ..next(&first) }).map(|_| ());
    assert_eq!(propose(vec![pin("TH", 4)]), Ok(()));
    assert_eq!(propose(vec![Pin { cuts: vec![], ..pin("TH", 4) }]), Ok(()), "cuts can be moved");
    assert_eq!(propose(vec![]), Err(RosterFault::LostPin(code)));
    assert_eq!(propose(vec![pin("TH", 8)]), Err(RosterFault::WrongPin(code)));
    let other = Pin { manifest: None, ..pin("TH", 4) };
    assert_eq!(propose(vec![other]), Err(RosterFault::WrongPin(code)));
    let stranger = vec![pin("BN", 5), pin("TH", 4)];
    assert_eq!(propose(stranger), Err(RosterFault::WrongPin("BN".parse().unwrap())));
    let split = vec![pin("SG", 1), pin("TH", 4)];
    assert_eq!(propose(split), Ok(()), "a roster may settle two manifests of one version");
    let mut taken = next(&first);
    taken.members[1] = Member { root_key: key(4).root_key(), ..member("SG", 1) };
    taken.pins = vec![pin("SG", 1), pin("TH", 4)];
    let fault = SignedRoster::propose(&first, taken).map(|_| ());
    assert!(
        matches!(fault, Err(RosterFault::Document(_))),
        "whoever left does not come back as another: {fault:?}"
    );
    let mut back = next(&first);
    back.members.insert(2, member("TH", 6));
    assert_eq!(SignedRoster::propose(&first, back).map(|_| ()), Ok(()), "whoever left may come back");
}

#[test]
fn copies_are_merged_and_never_mixed() {
    let prev = founded();
    let [mut one, two] = [&[1, 2][..], &[2, 3]].map(|seeds| voted(&prev, next(&prev), seeds));
    one.merge(&two).unwrap();
    assert_eq!(one, voted(&prev, next(&prev), &[1, 2, 3]));
    let other = voted(&prev, Roster { round: 1, ..next(&prev) }, &[1]);
    assert_eq!(one.merge(&other), Err(RosterFault::OtherDocument(one.id(), other.id())));
    let (before, mut forged) = (two.clone(), two);
    forged.signatures[0].1[0] ^= 1;
    let mut two = before.clone();
    assert_eq!(two.merge(&forged), Err(RosterFault::TwoSignatures("MY".parse().unwrap())));
    assert_eq!(two, before);
}

proptest! {
    /// Whatever is done to the bytes of a voted roster, it never follows its predecessor with another content.
    #[test]
    fn no_change_of_bytes_makes_another_successor(at: prop::sample::Index, bit in 0..8_u8) {
        let prev = founded();
        let signed = voted(&prev, without_th(&prev), &[1, 2, 3]);
        let mut bytes = signed.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(changed) = SignedRoster::decode(&bytes) {
            prop_assert!(changed.succeeds(&prev).is_err());
        }
    }

    #[test]
    fn merging_does_not_mind_the_order(first: [bool; 4], second: [bool; 4]) {
        let prev = founded();
        let seeds = |chosen: [bool; 4]| (1..5).filter(|seed| chosen[usize::from(*seed) - 1]).collect::<Vec<u8>>();
        let [a, b] = [first, second].map(|chosen| voted(&prev, next(&prev), &seeds(chosen)));
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge(&b).unwrap();
        ba.merge(&a).unwrap();
        prop_assert_eq!(&ab, &ba);
        let both = (0..4).filter(|at| first[*at] || second[*at]).count();
        prop_assert_eq!(ab.succeeds(&prev).is_ok(), both >= threshold(4));
    }
}
