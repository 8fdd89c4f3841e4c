//! The mesh of the vectors: three members and their nodes, all from fixed seeds.

use std::sync::Arc;

use certmesh_engine::store::MemoryStore;
use certmesh_engine::{Candidate, Engine, Membership, Origin, Refusal, Steps, commit};
use certmesh_wire::{
    Audience, Checkpoint, Consent, Group, Header, Kind, LogId, Manifest, Member, MemberCode, MeshId,
    NodeEntry, NodeId, NodeState, Opening, Parcel, Pin, Record, Roster, RosterLimits, SecretKey,
    SignedManifest, SignedRoster,
};
use serde_json::{Value, json};

use crate::file::hex;

/// 2026-01-01T00:00:00Z, in milliseconds.
pub(crate) const CREATED_MS: u64 = 1_767_225_600_000;
/// 2027-01-01T00:00:00Z, in milliseconds.
pub(crate) const EXPIRES_MS: u64 = 1_798_761_600_000;

/// The key whose seed is this byte 32 times.
pub(crate) fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

pub(crate) const SG_ROOT: u8 = 0x01;
pub(crate) const MY_ROOT: u8 = 0x02;
pub(crate) const VN_ROOT: u8 = 0x03;
pub(crate) const TH_ROOT: u8 = 0x04;
pub(crate) const SG_NEXT_ROOT: u8 = 0x05;
pub(crate) const SG_LIVE: u8 = 0x11;
pub(crate) const SG_RETIRED: u8 = 0x12;
pub(crate) const SG_CUT: u8 = 0x13;
pub(crate) const MY_NODE: u8 = 0x21;
const MY_NEXT_NODE: u8 = 0x22;
pub(crate) const VN_NODE: u8 = 0x31;
pub(crate) const STRANGER: u8 = 0x99;

/// The point of order 1, which lax verifiers take as a key that signs everything.
pub(crate) const SMALL_ORDER_KEY: NodeId = {
    let mut point = [0; 32];
    point[0] = 1;
    NodeId(point)
};

/// Every key, by what it is for.
pub(crate) fn keys() -> Value {
    let list = [
        ("root key of SG", SG_ROOT),
        ("root key of MY", MY_ROOT),
        ("root key of VN", VN_ROOT),
        ("root key of TH, which joins", TH_ROOT),
        ("root key of SG, from version 2 of the roster on", SG_NEXT_ROOT),
        ("live node of SG", SG_LIVE),
        ("retired node of SG", SG_RETIRED),
        ("cut node of SG", SG_CUT),
        ("node of MY", MY_NODE),
        ("node of VN", VN_NODE),
        ("a stranger", STRANGER),
    ];
    let entry = |(name, seed): (&str, u8)| {
        let key = key(seed);
        json!({ "name": name, "seed": hex(&[seed; 32]), "public": key.node_id().to_string(), "pem": *key.to_pem() })
    };
    json!({ "keys": list.map(entry) })
}

fn member(code: &str, cert: &str, at: u8, seed: u8) -> Member {
    Member {
        code: code.parse().unwrap(),
        cert: cert.into(),
        identity: format!("identity--00000000-0000-4000-8000-0000000000{at:02}"),
        root_key: key(seed).root_key(),
    }
}

fn roster_document() -> Roster {
    Roster {
        version: 0,
        round: 0,
        prev: None,
        name: "vectors".into(),
        exercise: true,
        expires_ms: EXPIRES_MS,
        members: vec![
            member("MY", "MyCERT", 2, MY_ROOT),
            member("SG", "SingCERT", 1, SG_ROOT),
            member("VN", "VNCERT/CC", 3, VN_ROOT),
        ],
        groups: vec![Group {
            name: "strait".into(),
            members: vec!["MY".parse().unwrap(), "SG".parse().unwrap()],
        }],
        limits: RosterLimits { live_nodes: 2, ..RosterLimits::default() },
        pins: Vec::new(),
    }
}

/// Roster version 0, signed by MY and SG: VN has not yet.
pub(crate) fn roster() -> SignedRoster {
    let mut signed = SignedRoster::found(roster_document()).unwrap();
    for seed in [SG_ROOT, MY_ROOT] {
        signed.sign(&key(seed)).unwrap();
    }
    signed
}

/// Version 1, in which TH joins by the votes of all three, and version 2, in which VN is removed against its
/// will and SG has another root key, by the votes of the other three.
pub(crate) fn successors() -> Vec<(&'static str, SignedRoster, SignedRoster)> {
    let founded = roster();
    let mut document = next(&founded);
    document.members.insert(2, member("TH", "ThaiCERT", 4, TH_ROOT));
    let joined = voted(&founded, document, &[MY_ROOT, SG_ROOT, VN_ROOT]);
    let mut document = next(&joined);
    document.members.retain(|member| member.code.as_str() != "VN");
    document.members[1].root_key = key(SG_NEXT_ROOT).root_key();
    let manifests = manifests();
    let end = Checkpoint { log: log(VN_NODE), seq: 0, record: opening_record(VN_NODE).id() };
    let pin = |code: &str, cert: &str, root: u8, manifest: &SignedManifest, cuts| Pin {
        member: code.parse().unwrap(),
        cert: cert.into(),
        root_key: key(root).root_key(),
        manifest: Some(manifest.id()),
        cuts,
    };
    document.pins = vec![
        pin("SG", "SingCERT", SG_ROOT, &manifests[1].1, vec![]),
        pin("VN", "VNCERT/CC", VN_ROOT, &manifests[3].1, vec![end]),
    ];
    let expelled = voted(&joined, document, &[MY_ROOT, SG_ROOT, TH_ROOT]);
    vec![
        ("version 1: TH joins", founded, joined.clone()),
        ("version 2: VN is removed, SG has another root key, both are pinned", joined, expelled),
    ]
}

fn next(prev: &SignedRoster) -> Roster {
    let document = prev.roster().clone();
    Roster { version: document.version + 1, prev: Some(prev.id()), ..document }
}

fn voted(prev: &SignedRoster, document: Roster, voters: &[u8]) -> SignedRoster {
    let mut signed = SignedRoster::propose(prev, document).unwrap();
    for root in voters {
        signed.sign_as_voter(&key(*root), prev).unwrap();
    }
    signed.succeeds(prev).unwrap();
    signed
}

pub(crate) fn mesh() -> MeshId {
    roster().mesh()
}

pub(crate) fn group() -> Audience {
    Audience::of(["MY", "SG"].map(|code| code.parse().unwrap())).unwrap()
}

/// The member whose node this is.
fn member_of(node: u8) -> MemberCode {
    let code = match node {
        MY_NODE => "MY",
        VN_NODE => "VN",
        _ => "SG",
    };
    code.parse().unwrap()
}

/// The opening of a node's log; a stranger claims to be SG's.
pub(crate) fn opening(node: u8, audience: Audience) -> Opening {
    Opening { member: member_of(node), node: key(node).node_id(), audience }
}

/// The log of this node for all members.
pub(crate) fn log(node: u8) -> LogId {
    opening(node, Audience::All).log_id()
}

pub(crate) fn opening_header(opening: Opening, tlp: u8) -> Header {
    Header {
        log: opening.log_id(),
        seq: 0,
        prev: None,
        roster: 0,
        created_ms: CREATED_MS,
        kind: Kind::OPENING,
        tlp,
        body: None,
        expires_ms: None,
        opening: Some(opening),
    }
}

pub(crate) fn opening_record(node: u8) -> Record {
    Record::sign(opening_header(opening(node, Audience::All), 0), mesh(), &key(node)).unwrap()
}

fn entry(
    member: &str,
    node: u8,
    state: NodeState,
    addresses: &[&str],
    checkpoints: Vec<Checkpoint>,
) -> NodeEntry {
    NodeEntry {
        node: key(node).node_id(),
        state,
        addresses: addresses.iter().map(|one| (*one).into()).collect(),
        checkpoints,
        consent: Consent::sign(mesh(), member.parse().unwrap(), &key(node)),
    }
}

fn manifest(
    member: &str,
    root: u8,
    before: Option<&SignedManifest>,
    mut nodes: Vec<NodeEntry>,
) -> SignedManifest {
    nodes.sort_by_key(|entry| entry.node);
    let manifest = Manifest {
        mesh: mesh(),
        member: member.parse().unwrap(),
        version: before.map_or(0, |before| before.unverified().version + 1),
        prev: before.map(SignedManifest::id),
        roster: 0,
        expires_ms: EXPIRES_MS,
        nodes,
    };
    SignedManifest::sign(manifest, &key(root)).unwrap()
}

/// SG's first manifest, its second one that replaces it, and those of MY and VN.
pub(crate) fn manifests() -> Vec<(&'static str, SignedManifest)> {
    let live = |member, seed, addresses| entry(member, seed, NodeState::Live, addresses, vec![]);
    let sg = live("SG", SG_LIVE, &["/ip4/192.0.2.1/udp/7400/quic-v1", "/dns4/sg.mesh.example/tcp/7400"]);
    let first = manifest("SG", SG_ROOT, None, vec![sg.clone()]);
    let cut = Checkpoint { log: log(SG_CUT), seq: 0, record: opening_record(SG_CUT).id() };
    let retired = entry("SG", SG_RETIRED, NodeState::Retired, &[], vec![]);
    let stolen = entry("SG", SG_CUT, NodeState::Cut, &[], vec![cut]);
    let second = manifest("SG", SG_ROOT, Some(&first), vec![sg, retired, stolen]);
    let my = manifest("MY", MY_ROOT, None, vec![live("MY", MY_NODE, &["/ip6/2001:db8::2/udp/7400/quic-v1"])]);
    let vn = manifest("VN", VN_ROOT, None, vec![live("VN", VN_NODE, &[])]);
    vec![
        ("SG's first: one live node", first),
        ("SG's second: a live node, a retired one, and one cut at the opening of its log", second),
        ("MY's: one live node", my),
        ("VN's: one live node, without an address", vn),
    ]
}

/// MY's next manifest, which names another node alone.
pub(crate) fn moved_on() -> SignedManifest {
    let (_, first) = &manifests()[2];
    manifest("MY", MY_ROOT, Some(first), vec![entry("MY", MY_NEXT_NODE, NodeState::Live, &[], vec![])])
}

pub(crate) fn membership() -> Membership {
    Membership::new(roster(), manifests().into_iter().map(|(_, signed)| signed)).unwrap()
}

/// A node without sockets: the door through which vectors go.
pub(crate) struct Door {
    pub(crate) engine: Engine,
    pub(crate) store: MemoryStore,
}

impl Door {
    /// MY's, which holds nothing.
    pub(crate) fn new() -> Self {
        Self::of(MY_NODE)
    }

    /// The door of the node with this key, which holds nothing and may sign.
    pub(crate) fn of(node: u8) -> Self {
        let store = MemoryStore::default();
        let mut engine = Engine::open(Arc::new(membership()), key(node), &store, None).unwrap();
        engine.vouch();
        Self { engine, store }
    }

    /// Takes a record through the door and commits it.
    pub(crate) fn take(&mut self, signed: &[u8], body: Option<Vec<u8>>) -> Result<(), Refusal> {
        let mut steps = Steps::default();
        let verify = |candidates: Vec<Candidate>| {
            candidates.into_iter().map(|(prechecked, body)| prechecked.verify(body)).collect()
        };
        let parcel = Parcel::new(signed.to_vec(), body);
        let mut results = self.engine.enter(
            &self.store,
            Origin::Pull(self.engine.node_id()),
            vec![parcel],
            CREATED_MS,
            &mut steps,
            verify,
        );
        commit(&self.store, steps).unwrap();
        self.dispute();
        results.pop().unwrap().map(drop)
    }

    pub(crate) fn take_parcel(&mut self, parcel: &Parcel) -> Result<(), Refusal> {
        self.take(parcel.record(), parcel.body().map(<[u8]>::to_vec))
    }

    /// Takes a body that comes by itself, and commits it.
    pub(crate) fn take_body(&mut self, place: (LogId, u64), body: Vec<u8>) -> Result<(), Refusal> {
        let mut steps = Steps::default();
        self.engine.enter_body(&self.store, place, body, CREATED_MS, &mut steps)?;
        commit(&self.store, steps).unwrap();
        Ok(())
    }

    /// Takes the proof of a fork, and commits what it means.
    pub(crate) fn take_fork(&mut self, records: &[Vec<u8>; 2]) -> Result<(), Refusal> {
        self.engine.enter_fork(records)?;
        self.dispute();
        Ok(())
    }

    fn dispute(&mut self) {
        let mut steps = Steps::default();
        self.engine.dispute(&self.store, &mut steps).unwrap();
        commit(&self.store, steps).unwrap();
    }
}
