//! Rosters and manifests as a set: what may enter it, and which of them stand.
//!
//! What stands is a function of the set alone. A roster enters once the version that it names is here and
//! enough of that version's members have signed it; a manifest, if a root key signed it that some roster
//! here gives or pins its member, and the version that it names is here. Nothing ever leaves the set, so
//! that nodes which tell each other of what they have end with the same, and so with the same mesh.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use certmesh_wire::{
    DocumentId, ManifestFault, MemberCode, MeshId, NodeState, RootKey, Roster, RosterFault, SignedManifest,
    SignedRoster, sha256,
};

use crate::limits::{MANIFESTS_KEPT, ROSTERS_KEPT};
use crate::membership::Split;
use crate::store::{Family, Store, StoreError};
use crate::{Steps, layout};

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
    /// There are too many already: whoever signs without end is at fault.
    #[error("there are {0} such documents already, more than anyone needs")]
    TooMany(usize),
}

impl DocumentFault {
    /// Whether it is no fault of the document, which may enter later.
    pub fn is_early(&self) -> bool {
        matches!(self, Self::Orphan { .. } | Self::RosterBehind { .. })
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

/// The manifests of a member that stand, the first version first, and what contradicts itself after them.
pub(crate) struct Chain<'a> {
    pub(crate) manifests: Vec<&'a SignedManifest>,
    pub(crate) split: Option<Split>,
}

/// A manifest that entered. Its signatures, of which a large one has a thousand, are checked once.
#[derive(Debug)]
struct Entered {
    signed: SignedManifest,
    /// The root key that signed it.
    signer: RootKey,
}

/// Rosters and manifests of one mesh. A copy shares them.
#[derive(Debug, Clone)]
pub struct Documents {
    mesh: MeshId,
    rosters: BTreeMap<DocumentId, Arc<SignedRoster>>,
    manifests: BTreeMap<DocumentId, Arc<Entered>>,
}

impl Documents {
    /// A mesh with version 0 of its roster and nothing else.
    pub fn found(roster: SignedRoster) -> Result<Self, DocumentFault> {
        let mesh = roster.mesh();
        let roster = roster.of_mesh(mesh)?;
        Ok(Self {
            mesh,
            rosters: BTreeMap::from([(roster.id(), Arc::new(roster))]),
            manifests: BTreeMap::new(),
        })
    }

    /// The mesh.
    pub fn mesh(&self) -> MeshId {
        self.mesh
    }

    pub(crate) fn rosters(&self) -> impl Iterator<Item = &SignedRoster> {
        self.rosters.values().map(Arc::as_ref)
    }

    /// The ids of all of them, sorted.
    pub fn ids(&self) -> BTreeSet<DocumentId> {
        self.rosters.keys().chain(self.manifests.keys()).copied().collect()
    }

    /// Equal for equal sets only.
    pub fn digest(&self) -> [u8; 32] {
        let ids: Vec<_> = self.ids().iter().flat_map(|id| id.0).collect();
        sha256(&[b"certmesh/documents/1", &ids])
    }

    /// The bytes of one of them.
    pub fn get(&self, id: DocumentId) -> Option<Vec<u8>> {
        let roster = self.rosters.get(&id).map(|signed| signed.encode());
        roster.or_else(|| self.manifests.get(&id).map(|entered| entered.signed.encode()))
    }

    /// Takes a document in; whether it was not here yet.
    pub fn enter(&mut self, document: Document) -> Result<bool, DocumentFault> {
        let id = document.id();
        if self.rosters.contains_key(&id) || self.manifests.contains_key(&id) {
            return Ok(false);
        }
        match document {
            Document::Roster(signed) => {
                self.check_roster(&signed)?;
                self.rosters.insert(id, Arc::new(signed));
            }
            Document::Manifest(signed) => {
                let signer = self.check_manifest(&signed)?;
                self.manifests.insert(id, Arc::new(Entered { signed, signer }));
            }
        }
        Ok(true)
    }

    fn check_roster(&self, signed: &SignedRoster) -> Result<(), DocumentFault> {
        let (found, expected) = (signed.mesh(), self.mesh);
        if found != expected {
            return Err(RosterFault::OtherMesh { found, expected }.into());
        }
        let before = signed.roster().prev.ok_or(RosterFault::OtherMesh { found, expected })?;
        let Some(prev) = self.rosters.get(&before) else {
            let what = Document::Roster(signed.clone()).words();
            return Err(DocumentFault::Orphan { what, before });
        };
        signed.succeeds(prev)?;
        limit(self.rosters.len(), ROSTERS_KEPT)
    }

    /// The root key that signed it, if it may enter: one that a roster of the version which it names gives
    /// its member. The costly checks come last.
    fn check_manifest(&self, signed: &SignedManifest) -> Result<RootKey, DocumentFault> {
        let manifest = signed.unverified();
        let (code, version) = (manifest.member, manifest.roster);
        let words = || Document::Manifest(signed.clone()).words();
        if let Some(before) = manifest.prev {
            let follows = self.manifests.get(&before).is_some_and(|prev| signed.succeeds(&prev.signed));
            if !follows {
                return Err(DocumentFault::Orphan { what: words(), before });
            }
        }
        let rosters: Vec<_> =
            self.rosters().map(SignedRoster::roster).filter(|roster| roster.version == version).collect();
        if rosters.is_empty() {
            return Err(DocumentFault::RosterBehind { what: words(), version });
        }
        let live = manifest.nodes.iter().filter(|entry| entry.state == NodeState::Live).count() as u64;
        let mut fault = ManifestFault::NotAMember(code);
        for roster in rosters {
            let Some(member) = roster.member(code) else { continue };
            let limit_of_roster = roster.limits.live_nodes;
            if live > limit_of_roster {
                fault = ManifestFault::TooManyNodes { member: code, found: live, limit: limit_of_roster };
                continue;
            }
            match signed.verify_by(self.mesh, member.root_key) {
                Ok(_) => {
                    let own = self.of_member(code).filter(|other| other.signer == member.root_key);
                    return limit(own.count(), MANIFESTS_KEPT).map(|()| member.root_key);
                }
                Err(this) => fault = this,
            }
        }
        Err(fault.into())
    }

    fn of_member(&self, code: MemberCode) -> impl Iterator<Item = &Arc<Entered>> {
        self.manifests.values().filter(move |entered| entered.signed.unverified().member == code)
    }

    /// The roster that stands: version by version the document of the highest round, as long as there is
    /// one and no other of that round.
    pub(crate) fn standing_roster(&self) -> (&SignedRoster, Option<Split>) {
        let mut current = &*self.rosters[&DocumentId(self.mesh.0)];
        loop {
            let next: Vec<_> = self.rosters().filter(|one| one.roster().prev == Some(current.id())).collect();
            let Some(round) = next.iter().map(|one| one.roster().round).max() else { return (current, None) };
            let highest: Vec<_> = next.into_iter().filter(|one| one.roster().round == round).collect();
            if let [one, other, ..] = highest[..] {
                let (version, documents) = (one.roster().version, [one.id(), other.id()]);
                return (current, Some(Split::Rosters { version, round, documents }));
            }
            current = highest[0];
        }
    }

    /// The manifests of a member that stand under a roster.
    pub(crate) fn standing_manifests(&self, roster: &Roster, code: MemberCode) -> Chain<'_> {
        let mut chain = Chain { manifests: self.pinned(roster, code), split: None };
        let Some(key) = roster.member(code).map(|member| member.root_key) else { return chain };
        loop {
            let next = self.next_manifests(code, key, chain.manifests.last().copied());
            let grown = |one: &&SignedManifest| !self.next_manifests(code, key, Some(one)).is_empty();
            let followed: Vec<_> = next.iter().copied().filter(grown).collect();
            match (&next[..], &followed[..]) {
                ([], _) => return chain,
                ([one], _) | (_, [one]) => chain.manifests.push(one),
                ([one, other, ..], _) => {
                    let (version, documents) = (one.unverified().version, [one.id(), other.id()]);
                    chain.split = Some(Split::Manifests { member: code, version, documents });
                    return chain;
                }
            }
        }
    }

    /// The manifest that the roster pins for a member, after all that it follows.
    fn pinned(&self, roster: &Roster, code: MemberCode) -> Vec<&SignedManifest> {
        let Some(pin) = roster.pin(code) else { return Vec::new() };
        let mut chain = Vec::new();
        let mut next = pin.manifest.and_then(|id| self.manifests.get(&id));
        next = next.filter(|entered| entered.signer == pin.root_key);
        while let Some(entered) = next {
            chain.push(&entered.signed);
            next = entered.signed.unverified().prev.and_then(|id| self.manifests.get(&id));
        }
        chain.reverse();
        chain
    }

    /// The manifests that follow `before`, signed by this key and within what the roster allows.
    fn next_manifests(
        &self,
        code: MemberCode,
        key: RootKey,
        before: Option<&SignedManifest>,
    ) -> Vec<&SignedManifest> {
        let follows = |entered: &&Arc<Entered>| match before {
            Some(before) => entered.signed.succeeds(before),
            None => entered.signed.unverified().version == 0,
        };
        let next = self.of_member(code).filter(follows).filter(|entered| entered.signer == key);
        next.map(|entered| &entered.signed).collect()
    }

    /// Takes in what a store holds; what has become unreadable there is an error.
    pub fn load(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let damaged = |e: DocumentFault| StoreError { doing: "reading a document", cause: e.to_string() };
        let stored =
            layout::collect(store, layout::DOCUMENTS, |key, value| Ok((key.to_vec(), value.to_vec())))?;
        let mut waiting: Vec<_> = stored
            .values()
            .map(|bytes| Document::decode(bytes))
            .collect::<Result<_, _>>()
            .map_err(damaged)?;
        // Each needs the one that it follows; keys do not sort that way. Manifests need their rosters, too.
        waiting.sort_by_key(|document| match document {
            Document::Roster(signed) => (0, signed.roster().version),
            Document::Manifest(signed) => (1, signed.unverified().version),
        });
        loop {
            let before = waiting.len();
            waiting.retain(|document| self.enter(document.clone()).is_err());
            if waiting.len() == before {
                break;
            }
        }
        match waiting.pop() {
            None => Ok(()),
            Some(document) => self.enter(document).map(|_| ()).map_err(damaged),
        }
    }

    /// Writes all of them.
    pub fn keep(&self, steps: &mut Steps) {
        for id in self.ids() {
            if let Some(bytes) = self.get(id) {
                steps.put(Family::Control, layout::document(&id), bytes);
            }
        }
    }
}

fn limit(found: usize, most: usize) -> Result<(), DocumentFault> {
    if found >= most { Err(DocumentFault::TooMany(found)) } else { Ok(()) }
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
