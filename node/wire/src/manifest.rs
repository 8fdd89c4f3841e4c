//! A manifest: which nodes a member runs, in what state, at which addresses.
//!
//! COSE_Sign1 by the member's root key over a versioned, chained document. Each node has agreed to be on it.

mod consent;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::audience::MemberCode;
use crate::codec::{self, CodecFault};
use crate::cose::Sign1;
use crate::ids::{DocumentId, LogId, MeshId, NodeId, RecordId, RootKey, sha256};
use crate::key::SecretKey;
use crate::limits::{MANIFEST_BYTES, MANIFEST_NODES, NODE_ADDRESSES, NODE_CHECKPOINTS, TEXT_BYTES};
use crate::roster::{Roster, rises};

pub use self::consent::Consent;

const FORMAT: u8 = 1;

/// Why bytes are no manifest, or a manifest can't be made or trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestFault {
    /// Not a manifest's encoding.
    #[error("not a manifest: {0}")]
    Codec(#[from] CodecFault),
    /// Written by a newer version than this one.
    #[error("a manifest of format {0}, which this version does not know; upgrade it")]
    Format(u8),
    /// The fields contradict each other.
    #[error("a manifest that contradicts itself: {0}")]
    Document(&'static str),
    /// It is for another mesh.
    #[error("this manifest is of mesh {found}, not of mesh {expected}")]
    OtherMesh {
        /// The manifest's mesh id.
        found: MeshId,
        /// The one that was asked for.
        expected: MeshId,
    },
    /// Its member is not in the roster.
    #[error("this manifest is of {0}, which is not a member")]
    NotAMember(MemberCode),
    /// The member's root key did not sign it.
    #[error("the root key of {0} did not sign this manifest")]
    BadSignature(MemberCode),
    /// It names a node whose key did not sign that it is this member's.
    #[error("node {node} has not agreed to be a node of {member}")]
    NoConsent {
        /// Whose manifest.
        member: MemberCode,
        /// The node.
        node: NodeId,
    },
    /// It names more live nodes than the roster allows.
    #[error("this manifest of {member} names {found} live nodes; the roster allows {limit}")]
    TooManyNodes {
        /// Whose manifest.
        member: MemberCode,
        /// Live nodes named.
        found: u64,
        /// Live nodes allowed.
        limit: u64,
    },
}

/// What a node key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// It signs, and may hold connections.
    Live,
    /// It signs no more; what is still on its way is taken.
    Retired,
    /// Its key was stolen: each log ends at its checkpoint.
    Cut,
}

/// A place in a log that its member vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(LogId, u64, RecordId)", into = "(LogId, u64, RecordId)")]
pub struct Checkpoint {
    /// The log.
    pub log: LogId,
    /// The record's place.
    pub seq: u64,
    /// The record there.
    pub record: RecordId,
}

impl From<(LogId, u64, RecordId)> for Checkpoint {
    fn from((log, seq, record): (LogId, u64, RecordId)) -> Self {
        Self { log, seq, record }
    }
}

impl From<Checkpoint> for (LogId, u64, RecordId) {
    fn from(checkpoint: Checkpoint) -> Self {
        (checkpoint.log, checkpoint.seq, checkpoint.record)
    }
}

/// One node of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeEntry {
    /// Its key.
    pub node: NodeId,
    /// What it may do.
    pub state: NodeState,
    /// Where it can be reached: multiaddrs such as `/dns4/mesh.example/udp/7400/quic-v1`.
    pub addresses: Vec<String>,
    /// At most one for each of its logs, sorted by log.
    pub checkpoints: Vec<Checkpoint>,
    /// Its own signature that it is the member's: see [`Consent`].
    pub consent: [u8; 64],
}

type NodeFields = (NodeId, u8, Vec<String>, Vec<Checkpoint>, ByteBuf);

impl NodeEntry {
    fn fields(&self) -> NodeFields {
        let consent = ByteBuf::from(self.consent);
        (self.node, self.state as u8, self.addresses.clone(), self.checkpoints.clone(), consent)
    }

    /// Whether the node's key has signed that it is a node of `member` in `mesh`.
    pub fn consented(&self, mesh: MeshId, member: MemberCode) -> bool {
        Consent::verify(mesh, member, self.node, &self.consent).is_ok()
    }

    fn from_fields(
        (node, state, addresses, checkpoints, consent): NodeFields,
    ) -> Result<Self, ManifestFault> {
        let state = match state {
            0 => NodeState::Live,
            1 => NodeState::Retired,
            2 => NodeState::Cut,
            _ => return Err(ManifestFault::Document("no such state of a node")),
        };
        let consent = consent[..].try_into();
        let consent =
            consent.map_err(|_| ManifestFault::Document("a consent that does not have 64 bytes"))?;
        Ok(Self { node, state, addresses, checkpoints, consent })
    }

    fn check(&self) -> Result<(), ManifestFault> {
        let rules = [
            (self.addresses.len() <= NODE_ADDRESSES, "too many addresses of one node"),
            (
                self.addresses.iter().all(|text| !text.is_empty() && text.len() <= TEXT_BYTES),
                "an address that is empty or too long",
            ),
            (self.checkpoints.len() <= NODE_CHECKPOINTS, "too many checkpoints of one node"),
            (rises(self.checkpoints.iter().map(|at| at.log)), "checkpoints out of order"),
            (self.checkpoints.iter().all(|at| at.seq < u64::MAX), "a checkpoint beyond every log"),
        ];
        broken(&rules)
    }
}

fn broken(rules: &[(bool, &'static str)]) -> Result<(), ManifestFault> {
    match rules.iter().find(|(holds, _)| !holds) {
        Some((_, rule)) => Err(ManifestFault::Document(rule)),
        None => Ok(()),
    }
}

/// One version of a member's manifest, as its document says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The mesh it belongs to.
    pub mesh: MeshId,
    /// Whose nodes these are.
    pub member: MemberCode,
    /// From 0.
    pub version: u64,
    /// The document of the version before; absent at version 0 alone.
    pub prev: Option<DocumentId>,
    /// The roster version that names the root key which signed it.
    pub roster: u64,
    /// When nodes begin to warn that it needs renewal, milliseconds since 1970 UTC.
    pub expires_ms: u64,
    /// Sorted by node key, each once.
    pub nodes: Vec<NodeEntry>,
}

#[derive(Serialize, Deserialize)]
struct ManifestFields(u8, MeshId, MemberCode, u64, Option<DocumentId>, u64, u64, Vec<NodeFields>);

impl Manifest {
    fn encode(&self) -> Vec<u8> {
        codec::encode(&ManifestFields(
            FORMAT,
            self.mesh,
            self.member,
            self.version,
            self.prev,
            self.roster,
            self.expires_ms,
            self.nodes.iter().map(NodeEntry::fields).collect(),
        ))
    }

    fn decode(bytes: &[u8]) -> Result<Self, ManifestFault> {
        if let [0x80..=0x97, format @ 2..24, ..] = *bytes {
            return Err(ManifestFault::Format(format));
        }
        let fields: ManifestFields = codec::decode(bytes, MANIFEST_BYTES)?;
        if fields.0 != FORMAT {
            return Err(ManifestFault::Document("format 0"));
        }
        let nodes = fields.7.into_iter().map(NodeEntry::from_fields).collect::<Result<_, _>>()?;
        let manifest = Self {
            mesh: fields.1,
            member: fields.2,
            version: fields.3,
            prev: fields.4,
            roster: fields.5,
            expires_ms: fields.6,
            nodes,
        };
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestFault> {
        broken(&[
            ((self.version == 0) == self.prev.is_none(), "version 0, and it alone, has no predecessor"),
            (self.nodes.len() <= MANIFEST_NODES, "too many nodes"),
            (rises(self.nodes.iter().map(|entry| entry.node)), "nodes out of order, or one twice"),
        ])?;
        self.nodes.iter().try_for_each(NodeEntry::check)
    }
}

/// A manifest with its root key's signature; trusted only after [`SignedManifest::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedManifest {
    envelope: Sign1,
    manifest: Manifest,
}

impl SignedManifest {
    /// Signs a manifest with its member's root key.
    pub fn sign(manifest: Manifest, key: &SecretKey) -> Result<Self, ManifestFault> {
        manifest.check()?;
        let envelope = Sign1::sign(manifest.encode(), &aad(manifest.mesh), key);
        Ok(Self { envelope, manifest })
    }

    /// Decodes a manifest of at most [`MANIFEST_BYTES`]; its signature is still to be checked.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestFault> {
        let envelope = Sign1::decode(bytes, MANIFEST_BYTES)?;
        let manifest = Manifest::decode(&envelope.payload)?;
        Ok(Self { envelope, manifest })
    }

    /// The manifest, if `roster` of `mesh` names its member and that member's root key signed it.
    pub fn verify(&self, mesh: MeshId, roster: &Roster) -> Result<&Manifest, ManifestFault> {
        let member = self.manifest.member;
        // Of another mesh comes first: its members are not this roster's.
        self.check_mesh(mesh)?;
        let key = roster.member(member).ok_or(ManifestFault::NotAMember(member))?.root_key;
        let manifest = self.verify_by(mesh, key)?;
        let found = manifest.nodes.iter().filter(|entry| entry.state == NodeState::Live).count() as u64;
        let limit = roster.limits.live_nodes;
        if found > limit {
            return Err(ManifestFault::TooManyNodes { member, found, limit });
        }
        Ok(manifest)
    }

    /// The manifest, if it is of `mesh`, this root key signed it, and each of its nodes has agreed: whoever's
    /// key it is, for manifests under a root key that an earlier roster gave its member.
    pub fn verify_by(&self, mesh: MeshId, key: RootKey) -> Result<&Manifest, ManifestFault> {
        self.check_mesh(mesh)?;
        let signed = self.envelope.verify(&aad(mesh), &key.0);
        signed.map_err(|_| ManifestFault::BadSignature(self.manifest.member))?;
        self.verify_pinned(mesh)
    }

    /// The manifest, if it is of `mesh` and each of its nodes has agreed: for one that a roster pins by its id. Whichever of
    /// its member's root keys signed it, the members that signed the roster vouch for it.
    pub fn verify_pinned(&self, mesh: MeshId) -> Result<&Manifest, ManifestFault> {
        let manifest = &self.manifest;
        self.check_mesh(mesh)?;
        match manifest.nodes.iter().find(|entry| !entry.consented(mesh, manifest.member)) {
            Some(entry) => Err(ManifestFault::NoConsent { member: manifest.member, node: entry.node }),
            None => Ok(manifest),
        }
    }

    fn check_mesh(&self, expected: MeshId) -> Result<(), ManifestFault> {
        match self.manifest.mesh {
            found if found == expected => Ok(()),
            found => Err(ManifestFault::OtherMesh { found, expected }),
        }
    }

    /// Whether this is the next version after `prev`: the same mesh and member, the next number, and
    /// `prev`'s document by name. Says nothing of signatures.
    pub fn succeeds(&self, prev: &Self) -> bool {
        let (this, before) = (&self.manifest, &prev.manifest);
        (this.mesh, this.member) == (before.mesh, before.member)
            && before.version.checked_add(1) == Some(this.version)
            && this.prev == Some(prev.id())
    }

    /// The bytes of a manifest file.
    pub fn encode(&self) -> Vec<u8> {
        self.envelope.encode()
    }

    /// What it says, whether or not it is to be believed.
    pub fn unverified(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of the document.
    pub fn id(&self) -> DocumentId {
        DocumentId(sha256(&[&self.envelope.payload]))
    }
}

fn aad(mesh: MeshId) -> Vec<u8> {
    [b"certmesh/manifest/1", &mesh.0[..]].concat()
}
