//! A small mesh in memory: members with a node each, and the way of one record between them.

#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses a part of it; its inputs are its own")]

pub(crate) mod seven;

use std::sync::Arc;

use certmesh_engine::store::{MemoryStore, Store};
use certmesh_engine::sync::{Brought, Session, answer};
use certmesh_engine::{
    Candidate, Committed, Document, DocumentFault, Engine, Membership, Origin, Query, Reader, Refusal, Steps,
    StopNote, StoredObject, commit, query,
};
use certmesh_wire::{
    Checkpoint, Consent, Frontier, Manifest, Member, MeshId, NodeEntry, NodeId, NodeState, Parcel, RecordId,
    Roster, RosterLimits, SecretKey, SignedManifest, SignedRoster,
};
use certmesh_wire::{SyncAnswer, SyncRequest};

pub(crate) const CODES: [&str; 3] = ["MY", "SG", "VN"];
pub(crate) const MY: u8 = 0;
pub(crate) const SG: u8 = 1;
pub(crate) const VN: u8 = 2;

pub(crate) fn node_key(member: u8) -> SecretKey {
    SecretKey::from_seed(&[100 + member; 32])
}

pub(crate) fn root_key(member: u8) -> SecretKey {
    SecretKey::from_seed(&[200 + member; 32])
}

pub(crate) fn roster(limits: RosterLimits) -> SignedRoster {
    let member = |at: u8| Member {
        code: CODES[usize::from(at)].parse().unwrap(),
        cert: format!("{}-CERT", CODES[usize::from(at)]),
        identity: format!("identity--00000000-0000-4000-8000-00000000000{at}"),
        root_key: root_key(at).root_key(),
    };
    let roster = Roster {
        version: 0,
        round: 0,
        prev: None,
        name: "test".into(),
        exercise: true,
        expires_ms: u64::MAX,
        members: (0..3).map(member).collect(),
        groups: Vec::new(),
        limits,
        pins: Vec::new(),
    };
    SignedRoster::found(roster).unwrap()
}

/// A node in a manifest of this member.
pub(crate) fn node_entry(
    key: &SecretKey,
    member: certmesh_wire::MemberCode,
    mesh: MeshId,
    state: NodeState,
    checkpoints: Vec<Checkpoint>,
) -> NodeEntry {
    NodeEntry {
        node: key.node_id(),
        state,
        addresses: vec!["/memory/1".into()],
        checkpoints,
        consent: certmesh_wire::Consent::sign(mesh, member, key),
    }
}

pub(crate) fn manifest(
    mesh: MeshId,
    member: u8,
    state: NodeState,
    checkpoints: Vec<Checkpoint>,
) -> SignedManifest {
    let node = NodeEntry {
        node: node_key(member).node_id(),
        state,
        addresses: vec!["/memory/1".into()],
        checkpoints,
        consent: Consent::sign(mesh, CODES[usize::from(member)].parse().unwrap(), &node_key(member)),
    };
    let manifest = Manifest {
        mesh,
        member: CODES[usize::from(member)].parse().unwrap(),
        version: 0,
        prev: None,
        roster: 0,
        expires_ms: u64::MAX,
        nodes: vec![node],
    };
    SignedManifest::sign(manifest, &root_key(member)).unwrap()
}

pub(crate) fn membership() -> Membership {
    membership_within(RosterLimits::default())
}

pub(crate) fn membership_within(limits: RosterLimits) -> Membership {
    let roster = roster(limits);
    let mesh = roster.mesh();
    Membership::new(roster, (0..3).map(|member| manifest(mesh, member, NodeState::Live, vec![]))).unwrap()
}

/// A node without sockets.
pub(crate) struct Peer {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) now_ms: u64,
}

impl Peer {
    pub(crate) fn new(member: u8) -> Self {
        Self::with(membership(), member, Arc::default())
    }

    pub(crate) fn with(membership: Membership, member: u8, store: Arc<MemoryStore>) -> Self {
        let mut peer = Self::unconfirmed(membership, member, store, None);
        peer.engine.vouch();
        peer
    }

    /// A node that nobody has vouched for, with the note of its last stop.
    pub(crate) fn unconfirmed(
        membership: Membership,
        member: u8,
        store: Arc<MemoryStore>,
        note: Option<&StopNote>,
    ) -> Self {
        let engine = Engine::open(Arc::new(membership), node_key(member), &*store, note).unwrap();
        Self { engine, store, now_ms: 1_000_000 }
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Publishes, and commits; gives the parcels to send.
    pub(crate) fn publish(&mut self, objects: &[&str]) -> Vec<Parcel> {
        let mut steps = Steps::default();
        self.engine.publish(&*self.store, objects, self.now_ms, &mut steps).unwrap();
        parcels(commit(&*self.store, steps).unwrap())
    }

    /// Takes a parcel through the door and commits it.
    pub(crate) fn take(&mut self, parcel: &Parcel) -> Result<RecordId, Refusal> {
        let mut steps = Steps::default();
        let prechecked = self.engine.precheck(&*self.store, parcel.record())?;
        let verified = prechecked.verify(parcel.body().map(<[u8]>::to_vec))?;
        self.engine.admit(&*self.store, verified, self.now_ms, &mut steps)?;
        Ok(commit(&*self.store, steps).unwrap().records[0].id)
    }

    pub(crate) fn take_all(&mut self, parcels: &[Parcel]) {
        for parcel in parcels {
            self.take(parcel).unwrap();
        }
    }

    /// Takes parcels the way that a node does, with one commit; gives a result for each.
    pub(crate) fn enter(&mut self, parcels: &[Parcel]) -> Vec<Result<RecordId, Refusal>> {
        let verify = |candidates: Vec<Candidate>| {
            candidates.into_iter().map(|(prechecked, body)| prechecked.verify(body)).collect()
        };
        let mut steps = Steps::default();
        let origin = Origin::Pull(self.node_id());
        let results =
            self.engine.enter(&*self.store, origin, parcels.to_vec(), self.now_ms, &mut steps, verify);
        commit(&*self.store, steps).unwrap();
        self.dispute();
        results
    }

    /// Writes what found forks mean, as a node does after each commit.
    pub(crate) fn dispute(&mut self) {
        if self.engine.has_found_forks() {
            let mut steps = Steps::default();
            self.engine.dispute(&*self.store, &mut steps).unwrap();
            commit(&*self.store, steps).unwrap();
        }
        self.resume();
    }

    /// Takes in documents, as a node does; gives a result for each.
    pub(crate) fn submit(&mut self, documents: Vec<Document>) -> Vec<Result<bool, DocumentFault>> {
        let mut steps = Steps::default();
        let results = self.engine.enter_documents(&*self.store, documents, &mut steps).unwrap();
        commit(&*self.store, steps).unwrap();
        self.resume();
        results
    }

    /// Goes on with what one commit could not hold.
    pub(crate) fn resume(&mut self) {
        while self.engine.has_more() {
            let mut steps = Steps::default();
            self.engine.resume(&*self.store, self.now_ms, &mut steps).unwrap();
            commit(&*self.store, steps).unwrap();
        }
    }

    /// One round of sync: asks `other` until there is nothing left to ask. Gives the questions.
    pub(crate) fn sync_from(&mut self, other: &Self) -> Vec<SyncRequest> {
        let member = self.engine.membership().member_of(other.node_id()).unwrap().code;
        let (mut session, mut asked) = (Session::new(member), Vec::new());
        while let Some(request) = session.next(&*self.store, self.engine.membership()).unwrap() {
            let request = SyncRequest::decode(&request.encode()).unwrap();
            let answer = answer(&*other.store, other.engine.membership(), self.node_id(), &request).unwrap();
            let bytes = answer.encode();
            assert!(bytes.len() <= certmesh_wire::limits::SYNC_ANSWER_BYTES);
            if !matches!(request, SyncRequest::Documents(_)) {
                asked.push(request);
            }
            assert!(asked.len() < 1_000, "a round without end: {:?}", asked.last());
            self.take_brought(session.take(SyncAnswer::decode(&bytes).unwrap()).unwrap());
            if let Some(told) = session.told() {
                self.told(other.node_id(), told);
            }
        }
        asked
    }

    /// Takes word of how far another node is.
    pub(crate) fn told(&mut self, by: NodeId, frontier: &Frontier) {
        let mut steps = Steps::default();
        self.engine.told(&*self.store, by, frontier, self.now_ms, &mut steps).unwrap();
        commit(&*self.store, steps).unwrap();
    }

    pub(crate) fn take_brought(&mut self, brought: Brought) {
        match brought {
            Brought::Nothing | Brought::Word => {}
            Brought::Documents(documents) => {
                let documents = documents.iter().map(|bytes| Document::decode(bytes).unwrap()).collect();
                self.submit(documents);
            }
            Brought::Records(records) => {
                let parcels: Vec<_> = records.into_iter().map(|record| Parcel::new(record, None)).collect();
                self.enter(&parcels);
            }
            Brought::Forks(proofs) => {
                for proof in &proofs {
                    self.engine.enter_fork(proof).unwrap();
                }
                self.dispute();
            }
            Brought::Bodies(bodies) => {
                let mut steps = Steps::default();
                for (log, seq, body) in bodies {
                    let _ = self.engine.enter_body(&*self.store, (log, seq), body, self.now_ms, &mut steps);
                }
                commit(&*self.store, steps).unwrap();
            }
        }
    }

    pub(crate) fn find(&self, asked: &Query) -> Vec<StoredObject> {
        query(&*self.store, &Reader::operator(self.now_ms), asked, None, 500).unwrap().objects
    }

    pub(crate) fn node_id(&self) -> NodeId {
        self.engine.node_id()
    }
}

pub(crate) fn parcels(committed: Committed) -> Vec<Parcel> {
    committed.records.into_iter().map(|record| record.parcel).collect()
}

/// An indicator for a domain; `n` makes its id, `modified` is a year.
pub(crate) fn indicator(n: u32, domain: &str, year: u32) -> String {
    format!(
        r#"{{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-{n:012}","created":"2020-01-01T00:00:00.000Z","modified":"{year}-01-01T00:00:00.000Z","pattern":"[domain-name:value = '{domain}']","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z"}}"#
    )
}
