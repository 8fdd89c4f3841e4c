//! Rosters and manifests as a set: what may enter it, and which of them stand.
//!
//! What stands (`standing`) is a function of the set alone. A roster enters once the version that it names is
//! here and enough of that version's members have signed it; a manifest, if a root key signed it that some roster
//! here gives its member, and the version that it follows is here. Nothing leaves the set but what there is no
//! room for, on all nodes alike (`room`): nodes which tell each other of what they have end with the same
//! set, and so with the same mesh.

mod document;
mod room;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use certmesh_wire::{
    DocumentId, Manifest, ManifestFault, MemberCode, MeshId, NodeState, RootKey, RosterFault, SignedManifest,
    SignedRoster, sha256,
};

pub use self::document::{Document, DocumentFault};
use crate::store::{Family, Store, StoreError};
use crate::{Steps, layout};

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

    /// Takes a document in; whether it was not here yet. Others may have to make room for it.
    pub fn enter(&mut self, document: Document) -> Result<bool, DocumentFault> {
        let id = document.id();
        if self.rosters.contains_key(&id) || self.manifests.contains_key(&id) {
            return Ok(false);
        }
        match document {
            Document::Roster(signed) => {
                self.check_roster(&signed)?;
                self.rosters.insert(id, Arc::new(signed));
                self.make_roster_room(id);
            }
            Document::Manifest(signed) => {
                let signer = self.check_manifest(&signed)?;
                self.manifests.insert(id, Arc::new(Entered { signed, signer }));
                self.make_manifest_room(id);
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
        signed.check_follows(prev)?;
        self.check_roster_room(signed)?;
        Ok(signed.succeeds(prev)?)
    }

    /// The root key that signed it, if it may enter: one that a roster of the version which it names gives
    /// its member. The costly checks come last.
    fn check_manifest(&self, signed: &SignedManifest) -> Result<RootKey, DocumentFault> {
        let manifest = signed.unverified();
        let (member, version) = (manifest.member, manifest.roster);
        let words = || Document::Manifest(signed.clone()).words();
        let lines = self.pinned_lines(member);
        if let Some(before) = manifest.prev.filter(|_| !lines.contains(&signed.id())) {
            let follows = self.manifests.get(&before).is_some_and(|prev| signed.succeeds(&prev.signed));
            if !follows {
                return Err(DocumentFault::Orphan { what: words(), before });
            }
        }
        let rosters = self.rosters().map(SignedRoster::roster).filter(|roster| roster.version == version);
        let mut fault = DocumentFault::RosterBehind { what: words(), version };
        for roster in rosters {
            let Some(key) = roster.member(member).map(|member| member.root_key) else {
                fault = ManifestFault::NotAMember(member).into();
                continue;
            };
            let (found, limit) = (live_nodes(manifest), roster.limits.live_nodes);
            if found > limit {
                fault = ManifestFault::TooManyNodes { member, found, limit }.into();
                continue;
            }
            let room = self.check_manifest_room(signed, key, &lines);
            match room.and_then(|()| Ok(signed.verify_by(self.mesh, key).map(drop)?)) {
                Ok(()) => return Ok(key),
                Err(this) => fault = this,
            }
        }
        Err(fault)
    }

    fn of_member(&self, code: MemberCode) -> impl Iterator<Item = &Arc<Entered>> {
        self.manifests.values().filter(move |entered| entered.signed.unverified().member == code)
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
        let faults = waiting.into_iter().filter_map(|document| self.enter(document).err());
        match faults.into_iter().find(|fault| !fault.is_surplus()) {
            None => Ok(()),
            Some(fault) => Err(damaged(fault)),
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

/// How many nodes a manifest has in use.
fn live_nodes(manifest: &Manifest) -> u64 {
    manifest.nodes.iter().filter(|entry| entry.state == NodeState::Live).count() as u64
}
