//! The mesh of a measurement: two members, one that publishes and one whose node is measured.

use certmesh_engine::Membership;
use certmesh_wire::{
    Audience, Consent, Header, Kind, Manifest, Member, MemberCode, MeshId, NodeEntry, NodeState, Opening,
    PackedBody, Parcel, Record, RecordId, Roster, RosterLimits, SecretKey, SignedManifest, SignedRoster,
};

fn key(of: &str, role: u8) -> SecretKey {
    let mut seed = [role; 32];
    seed[..of.len()].copy_from_slice(of.as_bytes());
    SecretKey::from_seed(&seed)
}

fn code(of: &str) -> MemberCode {
    of.parse().expect("two letters")
}

/// The mesh, the key of the node that is measured, and the one of the node that publishes.
pub(super) fn founded() -> (Membership, SecretKey, SecretKey) {
    let member = |of: &str| Member {
        code: code(of),
        cert: format!("{of}-CERT"),
        identity: format!("identity--00000000-0000-4000-8000-0000000000{:02x}", of.as_bytes()[0]),
        root_key: key(of, 1).root_key(),
    };
    let roster = Roster {
        version: 0,
        round: 0,
        prev: None,
        name: "measured".into(),
        exercise: true,
        expires_ms: u64::MAX,
        members: ["MY", "SG"].map(member).into(),
        groups: Vec::new(),
        limits: RosterLimits { log_bytes: u64::MAX, log_records: u64::MAX, ..RosterLimits::default() },
        pins: Vec::new(),
    };
    let roster = SignedRoster::found(roster).expect("a roster by the rules");
    let manifests = ["MY", "SG"].map(|of| manifest(roster.mesh(), of));
    let membership = Membership::new(roster, manifests).expect("documents that fit together");
    (membership, key("MY", 2), key("SG", 2))
}

fn manifest(mesh: MeshId, of: &str) -> SignedManifest {
    let node = key(of, 2);
    let entry = NodeEntry {
        node: node.node_id(),
        state: NodeState::Live,
        addresses: Vec::new(),
        checkpoints: Vec::new(),
        consent: Consent::sign(mesh, code(of), &node),
    };
    let manifest = Manifest {
        mesh,
        member: code(of),
        version: 0,
        prev: None,
        roster: 0,
        expires_ms: u64::MAX,
        nodes: vec![entry],
    };
    SignedManifest::sign(manifest, &key(of, 1)).expect("a manifest by the rules")
}

/// Writes the log of the member that publishes.
pub(super) struct Pen {
    key: SecretKey,
    mesh: MeshId,
    opening: Opening,
    next: u64,
    head: Option<RecordId>,
}

impl Pen {
    pub(super) fn new(key: SecretKey, mesh: MeshId) -> Self {
        let opening = Opening { member: code("SG"), node: key.node_id(), audience: Audience::All };
        Self { key, mesh, opening, next: 0, head: None }
    }

    /// The first record, if it is not written yet.
    pub(super) fn opening(&mut self) -> Option<Parcel> {
        (self.next == 0).then(|| self.write(None, 0))
    }

    pub(super) fn publish(&mut self, texts: &[String], created_ms: u64) -> Parcel {
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        self.write(Some(PackedBody::pack(&texts).expect("a record's worth")), created_ms)
    }

    fn write(&mut self, body: Option<PackedBody>, created_ms: u64) -> Parcel {
        let header = Header {
            log: self.opening.log_id(),
            seq: self.next,
            prev: self.head,
            roster: 0,
            created_ms,
            kind: if body.is_some() { Kind::OBJECTS } else { Kind::OPENING },
            tlp: if body.is_some() { 2 } else { 0 },
            body: body.as_ref().map(|body| body.reference),
            expires_ms: None,
            opening: body.is_none().then(|| self.opening.clone()),
        };
        let record = Record::sign(header, self.mesh, &self.key).expect("a header by the rules");
        (self.next, self.head) = (self.next + 1, Some(record.id()));
        Parcel::new(record.signed().to_vec(), body.map(|body| body.bytes))
    }
}
