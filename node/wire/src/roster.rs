//! The roster: who is in the mesh. A versioned, hash-chained document with the members' signatures.
//!
//! The hash of version 0's document is the mesh id, so version 0 needs no quorum: every node pins
//! that hash. The signatures it carries still tell who has agreed to it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::audience::{Audience, MemberCode};
use crate::codec::{self, CodecFault};
use crate::cose::Sign1;
use crate::ids::{DocumentId, MeshId, RootKey, sha256};
use crate::key::SecretKey;
use crate::limits::{AUDIENCE_MEMBERS, GROUPS, MEMBERS, ROSTER_BYTES, TEXT_BYTES};

const FORMAT: u8 = 1;
const AAD: &[u8] = b"certmesh/roster/1";

/// Why bytes are no roster, or a roster can't be made or signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterFault {
    /// Not a roster's encoding.
    #[error("not a roster: {0}")]
    Codec(#[from] CodecFault),
    /// Written by a newer version than this one.
    #[error("a roster of format {0}, which this version does not know; upgrade it")]
    Format(u8),
    /// The fields contradict each other.
    #[error("a roster that contradicts itself: {0}")]
    Document(String),
    /// Not the roster that the mesh id names.
    #[error("this roster is of mesh {found}, not of mesh {expected}")]
    OtherMesh {
        /// The roster's own mesh id.
        found: MeshId,
        /// The one that was asked for.
        expected: MeshId,
    },
    /// A later version, whose chain to version 0 is not at hand.
    #[error("this roster is version {0}, and nothing here proves that the mesh has agreed to it")]
    Unproven(u64),
    /// A signature on the roster does not match.
    #[error("the signature of {0} on this roster does not match")]
    BadSignature(MemberCode),
    /// The key is not any member's root key.
    #[error("the key {0} is not the root key of any member of this roster")]
    NotAMember(RootKey),
}

/// A member state's CERT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "MemberFields", into = "MemberFields")]
pub struct Member {
    /// ISO 3166 alpha-2.
    pub code: MemberCode,
    /// The CERT's name, for people.
    pub cert: String,
    /// The STIX identity that owns what the member publishes, `identity--` and a UUID.
    pub identity: String,
    /// Signs rosters and the member's manifests; kept offline.
    pub root_key: RootKey,
}

#[derive(Serialize, Deserialize)]
struct MemberFields(MemberCode, String, String, RootKey);

impl From<MemberFields> for Member {
    fn from(fields: MemberFields) -> Self {
        Self { code: fields.0, cert: fields.1, identity: fields.2, root_key: fields.3 }
    }
}

impl From<Member> for MemberFields {
    fn from(member: Member) -> Self {
        Self(member.code, member.cert, member.identity, member.root_key)
    }
}

/// A named set of members that may share logs of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, Vec<MemberCode>)", into = "(String, Vec<MemberCode>)")]
pub struct Group {
    /// Unique in the roster.
    pub name: String,
    /// Sorted, each once.
    pub members: Vec<MemberCode>,
}

impl From<(String, Vec<MemberCode>)> for Group {
    fn from((name, members): (String, Vec<MemberCode>)) -> Self {
        Self { name, members }
    }
}

impl From<Group> for (String, Vec<MemberCode>) {
    fn from(group: Group) -> Self {
        (group.name, group.members)
    }
}

/// What one member or log may use. Every node stops a log at the same seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64, u64)", into = "(u64, u64, u64)")]
pub struct RosterLimits {
    /// Live nodes of one member.
    pub live_nodes: u64,
    /// Records of one log, in all its life.
    pub log_records: u64,
    /// Signed bytes and bodies, compressed and not, of one log, in all its life.
    pub log_bytes: u64,
}

impl Default for RosterLimits {
    fn default() -> Self {
        Self { live_nodes: 16, log_records: 10_000_000, log_bytes: 1 << 36 }
    }
}

impl From<(u64, u64, u64)> for RosterLimits {
    fn from((live_nodes, log_records, log_bytes): (u64, u64, u64)) -> Self {
        Self { live_nodes, log_records, log_bytes }
    }
}

impl From<RosterLimits> for (u64, u64, u64) {
    fn from(limits: RosterLimits) -> Self {
        (limits.live_nodes, limits.log_records, limits.log_bytes)
    }
}

/// One version of the roster, as its document says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// From 0.
    pub version: u64,
    /// The round of signing for this version, from 0; a higher round withdraws a lower one.
    pub round: u64,
    /// The document of the version before; absent at version 0 alone.
    pub prev: Option<DocumentId>,
    /// The mesh's name, for people.
    pub name: String,
    /// Whether everything in this mesh is an exercise.
    pub exercise: bool,
    /// When nodes begin to warn that it needs renewal, milliseconds since 1970 UTC.
    pub expires_ms: u64,
    /// Sorted by code, each once; at least one.
    pub members: Vec<Member>,
    /// Sorted by name, each once.
    pub groups: Vec<Group>,
    /// What members and logs may use.
    pub limits: RosterLimits,
}

#[derive(Serialize, Deserialize)]
struct RosterFields(
    u8,
    u64,
    u64,
    Option<DocumentId>,
    Option<MeshId>,
    String,
    bool,
    u64,
    Vec<Member>,
    Vec<Group>,
    RosterLimits,
);

impl Roster {
    /// The member with this code.
    pub fn member(&self, code: MemberCode) -> Option<&Member> {
        self.members.binary_search_by_key(&code, |member| member.code).ok().map(|at| &self.members[at])
    }

    /// Whether a log may be for this audience: everyone, or exactly one of the groups.
    pub fn names_audience(&self, audience: &Audience) -> bool {
        match audience {
            Audience::All => true,
            Audience::Members(members) => self.groups.iter().any(|group| group.members == *members),
        }
    }

    fn check(&self) -> Result<(), RosterFault> {
        let fault = |what: String| Err(RosterFault::Document(what));
        if (self.version == 0) != self.prev.is_none() {
            return fault("version 0, and it alone, has no predecessor".into());
        }
        if self.members.is_empty() || self.members.len() > MEMBERS || self.groups.len() > GROUPS {
            return fault(format!("1 to {MEMBERS} members and at most {GROUPS} groups"));
        }
        if !rises(self.members.iter().map(|member| member.code)) {
            return fault("members out of order, or one twice".into());
        }
        if self.members.iter().map(|member| member.root_key).collect::<BTreeSet<_>>().len()
            != self.members.len()
        {
            return fault("two members with one root key".into());
        }
        if !rises(self.groups.iter().map(|group| &group.name)) {
            return fault("groups out of order, or one twice".into());
        }
        for group in &self.groups {
            let known = group.members.iter().all(|code| self.member(*code).is_some());
            if !known || !rises(&group.members) || !(1..=AUDIENCE_MEMBERS).contains(&group.members.len()) {
                return fault("a group of nobody, of strangers, or out of order".into());
            }
        }
        let texts = self.members.iter().flat_map(|member| [&member.cert, &member.identity]);
        let texts = texts.chain(self.groups.iter().map(|group| &group.name)).chain([&self.name]);
        match texts.into_iter().find(|text| text.is_empty() || text.len() > TEXT_BYTES) {
            Some(_) => fault(format!("a name that is empty or longer than {TEXT_BYTES} bytes")),
            None => Ok(()),
        }
    }
}

/// Whether each item is greater than the one before it.
pub(crate) fn rises<T: Ord>(items: impl IntoIterator<Item = T>) -> bool {
    let mut items = items.into_iter();
    let Some(mut last) = items.next() else { return true };
    items.all(|item| std::mem::replace(&mut last, item) < last)
}

/// A roster's exact document and the signatures on it.
///
/// In CBOR: `[ bstr document, [ [ text member, bstr signature ], … ] ]`. Each signature is that of
/// the COSE_Sign1 `[ h'a10127', {}, document, signature ]` with the aad `certmesh/roster/1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRoster {
    document: Vec<u8>,
    mesh: Option<MeshId>,
    roster: Roster,
    signatures: Vec<(MemberCode, [u8; 64])>,
}

#[derive(Serialize, Deserialize)]
struct SignedFields(ByteBuf, Vec<(MemberCode, ByteBuf)>);

impl SignedRoster {
    /// A roster version 0, signed by nobody yet.
    pub fn found(roster: Roster) -> Result<Self, RosterFault> {
        if roster.version != 0 {
            return Err(RosterFault::Document("a mesh begins with version 0".into()));
        }
        roster.check()?;
        let document = codec::encode(&RosterFields(
            FORMAT,
            roster.version,
            roster.round,
            roster.prev,
            None,
            roster.name.clone(),
            roster.exercise,
            roster.expires_ms,
            roster.members.clone(),
            roster.groups.clone(),
            roster.limits,
        ));
        Ok(Self { document, mesh: None, roster, signatures: Vec::new() })
    }

    /// Decodes a roster of at most [`ROSTER_BYTES`] and checks every signature on it.
    pub fn decode(bytes: &[u8]) -> Result<Self, RosterFault> {
        let SignedFields(document, signatures) = codec::decode(bytes, ROSTER_BYTES)?;
        if let [0x80..=0x97, format @ 2..24, ..] = document[..] {
            return Err(RosterFault::Format(format));
        }
        let fields: RosterFields = codec::decode(&document, ROSTER_BYTES)?;
        let roster = Roster {
            version: fields.1,
            round: fields.2,
            prev: fields.3,
            name: fields.5,
            exercise: fields.6,
            expires_ms: fields.7,
            members: fields.8,
            groups: fields.9,
            limits: fields.10,
        };
        roster.check()?;
        if fields.0 != FORMAT || fields.4.is_none() != (roster.version == 0) {
            return Err(RosterFault::Document("format 0, or a mesh id where none belongs".into()));
        }
        let mut signed =
            Self { document: document.into_vec(), mesh: fields.4, roster, signatures: Vec::new() };
        for (code, signature) in signatures {
            signed.admit_signature(code, &signature)?;
        }
        Ok(signed)
    }

    fn admit_signature(&mut self, code: MemberCode, signature: &[u8]) -> Result<(), RosterFault> {
        if self.signatures.last().is_some_and(|(last, _)| *last >= code) {
            return Err(RosterFault::Document("signatures out of order, or one twice".into()));
        }
        let signature: [u8; 64] = signature.try_into().map_err(|_| RosterFault::BadSignature(code))?;
        let member = self.roster.member(code).ok_or(RosterFault::BadSignature(code))?;
        Sign1 { payload: self.document.clone(), signature }
            .verify(AAD, &member.root_key.0)
            .map_err(|_| RosterFault::BadSignature(code))?;
        self.signatures.push((code, signature));
        Ok(())
    }

    /// Signs with a member's root key; says which member it was.
    pub fn sign(&mut self, key: &SecretKey) -> Result<MemberCode, RosterFault> {
        let root = key.root_key();
        let member = self.roster.members.iter().find(|member| member.root_key == root);
        let code = member.ok_or(RosterFault::NotAMember(root))?.code;
        let signed = Sign1::sign(self.document.clone(), AAD, key);
        match self.signatures.binary_search_by_key(&code, |(code, _)| *code) {
            Ok(at) => self.signatures[at].1 = signed.signature,
            Err(at) => self.signatures.insert(at, (code, signed.signature)),
        }
        Ok(code)
    }

    /// The bytes of a roster file.
    pub fn encode(&self) -> Vec<u8> {
        let signatures = self.signatures.iter().map(|(code, signature)| (*code, ByteBuf::from(*signature)));
        codec::encode(&SignedFields(ByteBuf::from(self.document.clone()), signatures.collect()))
    }

    /// What the document says.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Who has signed, in order of their codes.
    pub fn signers(&self) -> impl Iterator<Item = MemberCode> + '_ {
        self.signatures.iter().map(|(code, _)| *code)
    }

    /// SHA-256 of the document.
    pub fn id(&self) -> DocumentId {
        DocumentId(sha256(&[&self.document]))
    }

    /// The mesh that this roster is of.
    pub fn mesh(&self) -> MeshId {
        self.mesh.unwrap_or(MeshId(self.id().0))
    }

    /// Refuses the roster of another mesh than `expected`, and one that says so of itself without proof:
    /// only version 0 is named by the mesh id, and later ones need the signatures of the version before.
    pub fn of_mesh(self, expected: MeshId) -> Result<Self, RosterFault> {
        match self.mesh() {
            found if found == expected && self.roster.version > 0 => {
                Err(RosterFault::Unproven(self.roster.version))
            }
            found if found == expected => Ok(self),
            found => Err(RosterFault::OtherMesh { found, expected }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            Roster {
                groups: vec![Group { name: "g".into(), members: vec!["VN".parse().unwrap()] }],
                ..roster()
            },
        ] {
            assert!(SignedRoster::found(bad.clone()).is_err(), "{bad:?}");
        }
    }
}
