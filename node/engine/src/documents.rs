//! Rosters and manifests as a set: what may enter it, and which of them stand.
//!
//! What stands is a function of the set alone. A roster enters once the version that it names is here and
//! enough of that version's members have signed it; a manifest, if a root key signed it that some roster
//! here gives or pins its member, and the version that it names is here. Nothing ever leaves the set, so
//! that nodes which tell each other of what they have end with the same, and so with the same mesh.

use std::collections::{BTreeMap, BTreeSet};

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
    /// There are too many already: whoever signs without end is at fault.
    #[error("there are {0} such documents already, more than anyone needs")]
    TooMany(usize),
}

impl DocumentFault {
    /// Whether it is no fault of the document, which may enter later.
    pub fn is_early(&self) -> bool {
        matches!(self, Self::Orphan { .. } | Self::Manifest(ManifestFault::NotAMember(_)))
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

/// Rosters and manifests of one mesh.
#[derive(Debug, Clone)]
pub struct Documents {
    mesh: MeshId,
    rosters: BTreeMap<DocumentId, SignedRoster>,
    manifests: BTreeMap<DocumentId, SignedManifest>,
}

impl Documents {
    /// A mesh with version 0 of its roster and nothing else.
    pub fn found(roster: SignedRoster) -> Result<Self, DocumentFault> {
        let mesh = roster.mesh();
        let roster = roster.of_mesh(mesh)?;
        Ok(Self { mesh, rosters: BTreeMap::from([(roster.id(), roster)]), manifests: BTreeMap::new() })
    }

    /// The mesh.
    pub fn mesh(&self) -> MeshId {
        self.mesh
    }

    pub(crate) fn rosters(&self) -> impl Iterator<Item = &SignedRoster> {
        self.rosters.values()
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
        let roster = self.rosters.get(&id).map(SignedRoster::encode);
        roster.or_else(|| self.manifests.get(&id).map(SignedManifest::encode))
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
                self.rosters.insert(id, signed);
            }
            Document::Manifest(signed) => {
                self.check_manifest(&signed)?;
                self.manifests.insert(id, signed);
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

    fn check_manifest(&self, signed: &SignedManifest) -> Result<(), DocumentFault> {
        let manifest = signed.unverified();
        let code = manifest.member;
        let keys = self.root_keys(code);
        if keys.is_empty() {
            return Err(ManifestFault::NotAMember(code).into());
        }
        let verified: Vec<_> = keys.iter().map(|key| signed.verify_by(self.mesh, *key)).collect();
        if let Some(Err(fault)) = verified.iter().find(|one| one.is_ok()).or(verified.first()) {
            return Err(fault.clone().into());
        }
        if let Some(before) = manifest.prev {
            let follows = self.manifests.get(&before).is_some_and(|prev| signed.succeeds(prev));
            if !follows {
                let what = Document::Manifest(signed.clone()).words();
                return Err(DocumentFault::Orphan { what, before });
            }
        }
        let own = self.manifests.values().filter(|other| other.unverified().member == code).count();
        limit(own, MANIFESTS_KEPT)
    }

    /// Every root key that a roster here gives or pins a member.
    fn root_keys(&self, code: MemberCode) -> BTreeSet<RootKey> {
        let keys = self.rosters.values().map(SignedRoster::roster).flat_map(|roster| {
            let current = roster.member(code).map(|member| member.root_key);
            current.into_iter().chain(roster.pin(code).map(|pin| pin.root_key))
        });
        keys.collect()
    }

    /// The roster that stands: version by version the document of the highest round, as long as there is
    /// one and no other of that round.
    pub(crate) fn standing_roster(&self) -> (&SignedRoster, Option<Split>) {
        let mut current = &self.rosters[&DocumentId(self.mesh.0)];
        loop {
            let next: Vec<_> =
                self.rosters.values().filter(|one| one.roster().prev == Some(current.id())).collect();
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
    pub(crate) fn standing_manifests(
        &self,
        roster: &Roster,
        known_version: u64,
        code: MemberCode,
    ) -> Chain<'_> {
        let mut chain = Chain { manifests: self.pinned(roster, code), split: None };
        let Some(key) = roster.member(code).map(|member| member.root_key) else { return chain };
        loop {
            let next = self.next_manifests(roster, known_version, code, key, chain.manifests.last().copied());
            let grown = |one: &&SignedManifest| {
                !self.next_manifests(roster, known_version, code, key, Some(one)).is_empty()
            };
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
        let mut next = pin.manifest;
        while let Some(signed) = next.and_then(|id| self.manifests.get(&id)) {
            chain.push(signed);
            next = signed.unverified().prev;
        }
        chain.reverse();
        chain
    }

    /// The manifests that follow `before`, signed by this key and within what the roster allows.
    fn next_manifests(
        &self,
        roster: &Roster,
        known_version: u64,
        code: MemberCode,
        key: RootKey,
        before: Option<&SignedManifest>,
    ) -> Vec<&SignedManifest> {
        let follows = |signed: &&SignedManifest| match before {
            Some(before) => signed.succeeds(before),
            None => signed.unverified().version == 0,
        };
        let counts = |signed: &&SignedManifest| {
            let manifest = signed.unverified();
            let live = manifest.nodes.iter().filter(|entry| entry.state == NodeState::Live).count() as u64;
            live <= roster.limits.live_nodes
                && manifest.roster <= known_version
                && signed.verify_by(self.mesh, key).is_ok()
        };
        let own = self.manifests.values().filter(|signed| signed.unverified().member == code);
        own.filter(follows).filter(counts).collect()
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
        // Each needs the one that it follows; keys do not sort that way.
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
