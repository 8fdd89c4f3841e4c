//! A roster's document with the signatures on it, as it is kept in files and sent.
//!
//! The hash of version 0's document is the mesh id, so version 0 needs no quorum: every node pins that
//! hash, and its signatures are by the root keys that it gives. The signatures on a later version are by
//! the members of the version before, so that decoding one checks its form alone: [`SignedRoster::succeeds`]
//! is what makes it worth something.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{AAD, FORMAT, Roster, RosterFault, RosterFields};
use crate::audience::MemberCode;
use crate::codec::{self, CodecFault};
use crate::cose::Sign1;
use crate::ids::{DocumentId, MeshId, sha256};
use crate::key::SecretKey;
use crate::limits::{ROSTER_BYTES, ROSTER_DOCUMENT_BYTES};

/// A roster's exact document and the signatures on it.
///
/// In CBOR: `[ bstr document, [ [ text member, bstr signature ], … ] ]`. Each signature is that of
/// the COSE_Sign1 `[ h'a10127', {}, document, signature ]` with the aad `certmesh/roster/1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRoster {
    pub(super) document: Vec<u8>,
    mesh: Option<MeshId>,
    pub(super) roster: Roster,
    pub(super) signatures: Vec<(MemberCode, [u8; 64])>,
}

#[derive(Serialize, Deserialize)]
struct SignedFields(ByteBuf, Vec<(MemberCode, ByteBuf)>);

impl SignedRoster {
    /// A roster version 0, signed by nobody yet.
    pub fn found(roster: Roster) -> Result<Self, RosterFault> {
        if roster.version != 0 {
            return Err(RosterFault::Document("a mesh begins with version 0".into()));
        }
        Self::of_document(roster, None)
    }

    /// The document of a roster that keeps the rules of form, signed by nobody yet.
    pub(super) fn of_document(roster: Roster, mesh: Option<MeshId>) -> Result<Self, RosterFault> {
        roster.check()?;
        let document = codec::encode(&RosterFields(
            FORMAT,
            roster.version,
            roster.round,
            roster.prev,
            mesh,
            roster.name.clone(),
            roster.exercise,
            roster.expires_ms,
            roster.members.clone(),
            roster.groups.clone(),
            roster.limits,
            roster.pins.clone(),
        ));
        check_len(&document)?;
        Ok(Self { document, mesh, roster, signatures: Vec::new() })
    }

    /// Decodes a roster of at most [`ROSTER_BYTES`]. Of version 0 every signature is checked; of a later
    /// one their form alone, since it takes the version before to check them.
    pub fn decode(bytes: &[u8]) -> Result<Self, RosterFault> {
        let SignedFields(document, signatures) = codec::decode(bytes, ROSTER_BYTES)?;
        let mut signed = Self::read_document(document.into_vec())?;
        for (code, signature) in signatures {
            signed.admit_signature(code, &signature)?;
        }
        Ok(signed)
    }

    fn read_document(document: Vec<u8>) -> Result<Self, RosterFault> {
        if let [0x80..=0x97, format @ 2..24, ..] = document[..] {
            return Err(RosterFault::Format(format));
        }
        check_len(&document)?;
        let fields: RosterFields = codec::decode(&document, ROSTER_DOCUMENT_BYTES)?;
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
            pins: fields.11,
        };
        roster.check()?;
        if fields.0 != FORMAT || fields.4.is_none() != (roster.version == 0) {
            return Err(RosterFault::Document("format 0, or a mesh id where none belongs".into()));
        }
        Ok(Self { document, mesh: fields.4, roster, signatures: Vec::new() })
    }

    fn admit_signature(&mut self, code: MemberCode, signature: &[u8]) -> Result<(), RosterFault> {
        if self.signatures.last().is_some_and(|(last, _)| *last >= code) {
            return Err(RosterFault::Document("signatures out of order, or one twice".into()));
        }
        let signature: [u8; 64] = signature.try_into().map_err(|_| RosterFault::BadSignature(code))?;
        if self.roster.version == 0 {
            self.check_signature(code, &signature, &self.roster)?;
        }
        self.signatures.push((code, signature));
        Ok(())
    }

    /// Checks a signature on this document by the root key that `voters` gives its member.
    pub(super) fn check_signature(
        &self,
        code: MemberCode,
        signature: &[u8; 64],
        voters: &Roster,
    ) -> Result<(), RosterFault> {
        let member = voters.member(code).ok_or(RosterFault::BadSignature(code))?;
        Sign1 { payload: self.document.clone(), signature: *signature }
            .verify(AAD, &member.root_key.0)
            .map_err(|_| RosterFault::BadSignature(code))
    }

    /// Signs version 0 with a member's root key; says which member it was.
    ///
    /// # Errors
    /// Of a later version, which takes its predecessor: see [`Self::sign_as_voter`].
    pub fn sign(&mut self, key: &SecretKey) -> Result<MemberCode, RosterFault> {
        if self.roster.version > 0 {
            return Err(RosterFault::Unproven(self.roster.version));
        }
        let code = self.roster.holder(key.root_key())?;
        let signed = Sign1::sign(self.document.clone(), AAD, key);
        self.put_signature(code, signed.signature);
        Ok(code)
    }

    pub(super) fn put_signature(&mut self, code: MemberCode, signature: [u8; 64]) {
        match self.signatures.binary_search_by_key(&code, |(code, _)| *code) {
            Ok(at) => self.signatures[at].1 = signature,
            Err(at) => self.signatures.insert(at, (code, signature)),
        }
    }

    /// Takes over the signatures that another copy of the same document carries.
    ///
    /// # Errors
    /// If it is another document, or if both copies carry a signature of one member and they differ: one of
    /// them is then not good. Nothing is taken over in that case.
    pub fn merge(&mut self, other: &Self) -> Result<(), RosterFault> {
        if self.document != other.document {
            return Err(RosterFault::OtherDocument(self.id(), other.id()));
        }
        let mut merged = self.clone();
        for (code, signature) in &other.signatures {
            match self.signatures.iter().find(|(ours, _)| ours == code) {
                Some((_, ours)) if ours != signature => return Err(RosterFault::TwoSignatures(*code)),
                Some(_) => {}
                None => merged.put_signature(*code, *signature),
            }
        }
        *self = merged;
        Ok(())
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

    /// Whose signatures it carries, in order of their codes. Of a later version than 0 they are unchecked:
    /// see [`Self::voters`].
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

/// A document leaves room for a signature of each of the members that a mesh may have.
fn check_len(document: &[u8]) -> Result<(), RosterFault> {
    match document.len() {
        len if len > ROSTER_DOCUMENT_BYTES => {
            Err(CodecFault::TooLong { len, limit: ROSTER_DOCUMENT_BYTES }.into())
        }
        _ => Ok(()),
    }
}
