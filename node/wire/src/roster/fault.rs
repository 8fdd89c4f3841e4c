//! What can be wrong with a roster, each in words of its own.

use crate::audience::MemberCode;
use crate::codec::CodecFault;
use crate::ids::{DocumentId, MeshId, RootKey};

/// Why bytes are no roster, or a roster can't be made, signed, merged, or believed.
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
    /// Two copies carry different signatures of one member.
    #[error("these copies carry two different signatures of {0}, of which at most one is good")]
    TwoSignatures(MemberCode),
    /// The key is not any voter's root key.
    #[error("the key {0} is not the root key of any member of this roster")]
    NotAMember(RootKey),
    /// Not the version that follows its predecessor.
    #[error("this roster, version {version}, does not follow version {after}: {why}")]
    NotSuccessor {
        /// Its version.
        version: u64,
        /// The version of the roster that it was held against.
        after: u64,
        /// What is amiss.
        why: &'static str,
    },
    /// Fewer of the predecessor's members have signed than must.
    #[error("{found} members have signed this roster, and {needed} of the version before must")]
    TooFewVotes {
        /// Good signatures on it.
        found: usize,
        /// Good signatures that it takes, of the predecessor's members.
        needed: usize,
    },
    /// A member goes or changes its key, and nothing says where its manifests and logs end.
    #[error("{0} is removed, or has another root key, and no pin names its last manifest")]
    Unpinned(MemberCode),
    /// A pin of the version before is missing.
    #[error("the version before pins the last manifest of {0}, and this roster has lost that")]
    LostPin(MemberCode),
    /// A pin of somebody who was never a member, or with a root key that it did not have.
    #[error("the pin of {0} does not name the root key that the version before gives it")]
    WrongPin(MemberCode),
    /// Two copies to be merged are not of one document.
    #[error("these are two documents, {0} and {1}: their signatures can't be put together")]
    OtherDocument(DocumentId, DocumentId),
}
