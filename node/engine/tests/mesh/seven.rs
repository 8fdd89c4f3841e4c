//! Seven members with a node each, and an eighth that may join: what their root keys sign.

use std::sync::Arc;

use certmesh_engine::store::MemoryStore;
use certmesh_engine::sync::frontier;
use certmesh_engine::{Document, Engine, Membership, Query};
use certmesh_wire::{
    Checkpoint, Manifest, Member, MemberCode, NodeEntry, NodeState, Parcel, Pin, Record, Roster,
    RosterLimits, SecretKey, SignedManifest, SignedRoster,
};

use super::{Peer, node_entry};

pub(crate) const CODES: [&str; 8] = ["BN", "ID", "KH", "LA", "MM", "MY", "PH", "SG"];

pub(crate) fn root(at: usize) -> SecretKey {
    SecretKey::from_seed(&[10 + at as u8; 32])
}

pub(crate) fn key(at: usize) -> SecretKey {
    SecretKey::from_seed(&[100 + at as u8; 32])
}

pub(crate) fn member(at: usize) -> Member {
    Member {
        code: CODES[at].parse().unwrap(),
        cert: format!("{}-CERT", CODES[at]),
        identity: format!("identity--00000000-0000-4000-8000-00000000000{at}"),
        root_key: root(at).root_key(),
    }
}

/// Version 0, of the first seven.
pub(crate) fn founded() -> SignedRoster {
    let roster = Roster {
        version: 0,
        round: 0,
        prev: None,
        name: "test".into(),
        exercise: true,
        expires_ms: u64::MAX,
        members: (0..7).map(member).collect(),
        groups: Vec::new(),
        limits: RosterLimits::default(),
        pins: Vec::new(),
    };
    SignedRoster::found(roster).unwrap()
}

/// The next version with changes, signed by these.
pub(crate) fn next(prev: &SignedRoster, voters: &[usize], change: impl FnOnce(&mut Roster)) -> SignedRoster {
    let mut roster = prev.roster().clone();
    roster.version += 1;
    roster.round = 0;
    roster.prev = Some(prev.id());
    change(&mut roster);
    let mut signed = SignedRoster::propose(prev, roster).unwrap();
    for at in voters {
        signed.sign_as_voter(&root(*at), prev).unwrap();
    }
    signed
}

pub(crate) fn entry(at: usize, state: NodeState, checkpoints: Vec<Checkpoint>) -> NodeEntry {
    node_entry(&key(at), code_of(at), founded().mesh(), state, checkpoints)
}

pub(crate) fn code_of(at: usize) -> MemberCode {
    CODES[at % 8].parse().unwrap()
}

pub(crate) fn manifest_under(
    roster: u64,
    at: usize,
    prev: Option<&SignedManifest>,
    mut nodes: Vec<NodeEntry>,
    by: &SecretKey,
) -> SignedManifest {
    nodes.sort_by_key(|entry| entry.node);
    let manifest = Manifest {
        mesh: founded().mesh(),
        member: CODES[at].parse().unwrap(),
        version: prev.map_or(0, |prev| prev.unverified().version + 1),
        prev: prev.map(SignedManifest::id),
        roster,
        expires_ms: u64::MAX,
        nodes,
    };
    SignedManifest::sign(manifest, by).unwrap()
}

/// A manifest that was made under the first roster.
pub(crate) fn manifest(
    at: usize,
    prev: Option<&SignedManifest>,
    nodes: Vec<NodeEntry>,
    by: &SecretKey,
) -> SignedManifest {
    manifest_under(0, at, prev, nodes, by)
}

pub(crate) fn first_manifest(at: usize) -> SignedManifest {
    manifest_under(u64::from(at == 7), at, None, vec![entry(at, NodeState::Live, Vec::new())], &root(at))
}

pub(crate) fn membership() -> Membership {
    Membership::new(founded(), (0..7).map(first_manifest)).unwrap()
}

pub(crate) fn peer(at: usize) -> Peer {
    peer_of(membership(), at, Arc::default())
}

pub(crate) fn peer_of(membership: Membership, at: usize, store: Arc<MemoryStore>) -> Peer {
    let mut engine = Engine::open(Arc::new(membership), key(at), &*store, None).unwrap();
    engine.vouch();
    Peer { engine, store, now_ms: 1_000_000 }
}

pub(crate) fn roster_of(signed: &SignedRoster) -> Document {
    Document::Roster(signed.clone())
}

pub(crate) fn manifest_of(signed: &SignedManifest) -> Document {
    Document::Manifest(signed.clone())
}

pub(crate) fn place(parcel: &Parcel) -> Checkpoint {
    let record = Record::decode(parcel.record()).unwrap();
    Checkpoint { log: record.header().log, seq: record.header().seq, record: record.id() }
}

/// What the manifests that stand here say of a node's key.
pub(crate) fn state(peer: &Peer, at: usize) -> Option<NodeState> {
    peer.engine.membership().node(key(at).node_id()).map(|node| node.state)
}

pub(crate) fn seen(peer: &Peer) -> usize {
    peer.find(&Query::default()).len()
}

pub(crate) fn digest(peer: &Peer) -> [u8; 32] {
    frontier(peer.store(), peer.engine.membership(), "BN".parse().unwrap()).unwrap().digest()
}

/// Node `at` as one of member `of`.
pub(crate) fn entry_of(at: usize, of: usize) -> NodeEntry {
    node_entry(&key(at), code_of(of), founded().mesh(), NodeState::Live, Vec::new())
}

pub(crate) fn new_root() -> SecretKey {
    SecretKey::from_seed(&[77; 32])
}

/// MY with another root key, from this manifest on.
pub(crate) fn rekeyed(last: &SignedManifest) -> SignedRoster {
    next(&founded(), &[0, 1, 2, 3, 4], |roster| {
        roster.members[5].root_key = new_root().root_key();
        roster.pins.push(Pin {
            member: "MY".parse().unwrap(),
            cert: "MY-CERT".into(),
            root_key: root(5).root_key(),
            manifest: Some(last.id()),
            cuts: Vec::new(),
        });
    })
}
