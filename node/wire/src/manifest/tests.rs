//! Manifests, good and bad.

use super::*;
use crate::roster::{Member, RosterLimits};

const MESH: MeshId = MeshId([5; 32]);

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn roster() -> Roster {
    let member = Member {
        code: "SG".parse().unwrap(),
        cert: "SingCERT".into(),
        identity: "identity--00000000-0000-4000-8000-000000000001".into(),
        root_key: key(1).root_key(),
    };
    Roster {
        version: 0,
        round: 0,
        prev: None,
        name: "test".into(),
        exercise: true,
        expires_ms: 1,
        members: vec![member],
        groups: Vec::new(),
        limits: RosterLimits { live_nodes: 1, ..RosterLimits::default() },
        pins: Vec::new(),
    }
}

fn entry(seed: u8, state: NodeState) -> NodeEntry {
    NodeEntry {
        node: key(seed).node_id(),
        consent: Consent::sign(MESH, "SG".parse().unwrap(), &key(seed)),
        state,
        addresses: vec!["/ip4/127.0.0.1/udp/1/quic-v1".into()],
        checkpoints: Vec::new(),
    }
}

fn manifest(mut nodes: Vec<NodeEntry>) -> Manifest {
    nodes.sort_by_key(|entry| entry.node);
    Manifest {
        mesh: MESH,
        member: "SG".parse().unwrap(),
        version: 0,
        prev: None,
        roster: 0,
        expires_ms: 1,
        nodes,
    }
}

#[test]
fn round_trip() {
    let nodes = vec![entry(1, NodeState::Live), entry(2, NodeState::Retired), entry(3, NodeState::Cut)];
    let signed = SignedManifest::sign(manifest(nodes), &key(1)).unwrap();
    let read = SignedManifest::decode(&signed.encode()).unwrap();
    assert_eq!(read, signed);
    assert!(read.verify(MESH, &roster()).is_ok());
}

#[test]
fn refusals() {
    let member = "SG".parse().unwrap();
    let sign = |nodes, seed| SignedManifest::sign(manifest(nodes), &key(seed)).unwrap();
    let wrong_key = sign(vec![], 2);
    assert_eq!(wrong_key.verify(MESH, &roster()), Err(ManifestFault::BadSignature(member)));
    let other = sign(vec![], 1);
    assert!(matches!(other.verify(MeshId([6; 32]), &roster()), Err(ManifestFault::OtherMesh { .. })));
    let many = sign(vec![entry(1, NodeState::Live), entry(2, NodeState::Live)], 1);
    assert_eq!(many.verify(MESH, &roster()), Err(ManifestFault::TooManyNodes { member, found: 2, limit: 1 }));
    let mut unordered = manifest(vec![entry(2, NodeState::Live), entry(1, NodeState::Live)]);
    unordered.nodes.reverse();
    assert!(SignedManifest::sign(unordered, &key(1)).is_err());
}

#[test]
fn nobody_is_put_on_a_manifest_unasked() {
    let member = "SG".parse().unwrap();
    let node = key(2).node_id();
    let of_another = Consent::sign(MESH, "MY".parse().unwrap(), &key(2));
    for consent in [of_another, entry(3, NodeState::Live).consent, [0; 64]] {
        for state in [NodeState::Live, NodeState::Retired, NodeState::Cut] {
            let taken = NodeEntry { consent, ..entry(2, state) };
            let signed = SignedManifest::sign(manifest(vec![taken]), &key(1)).unwrap();
            let read = SignedManifest::decode(&signed.encode()).unwrap();
            assert_eq!(read.verify(MESH, &roster()), Err(ManifestFault::NoConsent { member, node }));
        }
    }
}

#[test]
fn versions_follow_each_other() {
    let sign = |manifest| SignedManifest::sign(manifest, &key(1)).unwrap();
    let first = sign(manifest(vec![]));
    let next = Manifest { version: 1, prev: Some(first.id()), ..manifest(vec![]) };
    let second = sign(next.clone());
    assert!(second.succeeds(&first) && !first.succeeds(&second) && !first.succeeds(&first));
    let of_another = sign(Manifest { member: "MY".parse().unwrap(), ..next.clone() });
    let elsewhere = sign(Manifest { prev: Some(second.id()), ..next.clone() });
    let too_far = sign(Manifest { version: 2, ..next });
    for wrong in [of_another, elsewhere, too_far] {
        assert!(!wrong.succeeds(&first));
    }
}

#[test]
fn a_root_key_that_left_the_roster_still_proves_what_it_signed() {
    let signed = SignedManifest::sign(manifest(vec![entry(1, NodeState::Live)]), &key(7)).unwrap();
    let member = "SG".parse().unwrap();
    assert_eq!(signed.verify(MESH, &roster()), Err(ManifestFault::BadSignature(member)));
    assert!(signed.verify_by(MESH, key(7).root_key()).is_ok());
    assert!(signed.verify_by(MeshId([6; 32]), key(7).root_key()).is_err());
}
