//! One document, a roster or a manifest, and why it may not enter a set.

use certmesh_wire::{DocumentId, ManifestFault, RosterFault, SignedManifest, SignedRoster};

/// Why a document may not enter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFault {
    /// Neither a roster nor a manifest.
    #[error("neither a roster nor a manifest")]
    Neither,
    /// Not a good roster.
    #[error(transparent)]
    Roster(#[from] RosterFault),
    /// Not a good manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestFault),
    /// The document that it follows is not here.
    #[error("{what} follows document {before}, which is not here: bring that one first")]
    Orphan {
        /// What it is, in words.
        what: String,
        /// The document that it names.
        before: DocumentId,
    },
    /// It was made under a roster that is not here.
    #[error("{what} was made under version {version} of the roster, which is not here: bring that one first")]
    RosterBehind {
        /// What it is, in words.
        what: String,
        /// The version that it names.
        version: u64,
    },
    /// A first roster from a peer: a node has its own, which its configuration names.
    #[error("version 0 of a roster, which comes from no peer")]
    FirstRoster,
    /// Two others follow the same document: they are the proof, and no third is needed.
    #[error("{0} is the third that whoever signed it has made: two are kept, as the proof of that")]
    Surplus(String),
    /// There are too many already: whoever signs without end is at fault.
    #[error("{what} is more than anyone needs: {most} are kept")]
    TooMany {
        /// What it is, in words.
        what: String,
        /// How many such documents are kept.
        most: usize,
    },
}

impl DocumentFault {
    /// Whether it is no fault of the document, which may enter later.
    pub fn is_early(&self) -> bool {
        matches!(self, Self::Orphan { .. } | Self::RosterBehind { .. })
    }

    /// Whether it is good and not kept, since there are enough of its kind.
    pub fn is_surplus(&self) -> bool {
        matches!(self, Self::Surplus(_) | Self::TooMany { .. })
    }

    /// Whether no node could ever take it: whoever passes it on is at fault. Whose root key a manifest needs
    /// is told by the rosters at hand, and another node may have others.
    pub fn is_wrong(&self) -> bool {
        let depends = matches!(
            self,
            Self::Manifest(
                ManifestFault::NotAMember(_)
                    | ManifestFault::BadSignature(_)
                    | ManifestFault::TooManyNodes { .. }
            )
        );
        !depends && !self.is_early() && !self.is_surplus()
    }
}

/// A roster or a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// A version of the roster.
    Roster(SignedRoster),
    /// A version of a member's manifest.
    Manifest(SignedManifest),
}

impl Document {
    /// Decodes either. A roster is an array of two, a manifest a COSE_Sign1 of four.
    pub fn decode(bytes: &[u8]) -> Result<Self, DocumentFault> {
        match bytes.first() {
            Some(0x82) => Ok(Self::Roster(SignedRoster::decode(bytes)?)),
            Some(0x84) => Ok(Self::Manifest(SignedManifest::decode(bytes)?)),
            _ => Err(DocumentFault::Neither),
        }
    }

    /// Decodes what a peer sends: a first roster, whose many signatures nobody asked for, is refused unread.
    pub fn decode_later(bytes: &[u8]) -> Result<Self, DocumentFault> {
        if is_first_roster(bytes) { Err(DocumentFault::FirstRoster) } else { Self::decode(bytes) }
    }

    /// The bytes of its file.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Roster(signed) => signed.encode(),
            Self::Manifest(signed) => signed.encode(),
        }
    }

    /// SHA-256 of what was signed.
    pub fn id(&self) -> DocumentId {
        match self {
            Self::Roster(signed) => signed.id(),
            Self::Manifest(signed) => signed.id(),
        }
    }

    /// What it is, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Roster(signed) => {
                let roster = signed.roster();
                format!("version {}, round {} of the roster", roster.version, roster.round)
            }
            Self::Manifest(signed) => {
                let manifest = signed.unverified();
                format!("version {} of the manifest of {}", manifest.version, manifest.member)
            }
        }
    }
}

/// Whether a roster's bytes are those of version 0: an array of two, whose first item holds the document,
/// an array that begins with its format and its version.
fn is_first_roster(bytes: &[u8]) -> bool {
    let document = match *bytes {
        [0x82, 0x58, _, ref rest @ ..] => rest,
        [0x82, 0x59, _, _, ref rest @ ..] => rest,
        [0x82, 0x5a, _, _, _, _, ref rest @ ..] => rest,
        _ => return false,
    };
    matches!(document, [_, _, 0, ..])
}
