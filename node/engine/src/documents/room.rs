//! How many documents are kept, whoever signs how many.
//!
//! Of those that one key signs after one document, two are kept: they prove that it signs more than one, and a
//! third proves no more. Which two does not depend on the order in which they came: those with the lowest ids. In
//! all, the lowest versions are kept. So the first document in which two nodes differ, version by version and
//! id by id, is one that the other takes when it is offered, and nodes that go on telling each other what they
//! have end with the same. What a roster pins is kept in any case, with all that it follows.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use certmesh_wire::{DocumentId, MemberCode, RootKey, Roster, SignedManifest, SignedRoster};

use super::{Document, DocumentFault, Documents, Entered};
use crate::limits::{CONTRADICTIONS_KEPT, MANIFESTS_KEPT, ROSTERS_KEPT};

impl Documents {
    /// The manifests of a member that some roster pins, and all that these follow: those that are here, and
    /// of each line the next one, which is not.
    pub(super) fn pinned_lines(&self, code: MemberCode) -> BTreeSet<DocumentId> {
        let mut lines = BTreeSet::new();
        for pin in self.rosters().filter_map(|signed| signed.roster().pin(code)) {
            let mut next = pin.manifest;
            while let Some(id) = next.filter(|id| lines.insert(*id)) {
                next = self.manifests.get(&id).and_then(|entered| entered.signed.unverified().prev);
            }
        }
        lines
    }

    /// Whether there is room for a roster that follows one here.
    pub(super) fn check_roster_room(&self, signed: &SignedRoster) -> Result<(), DocumentFault> {
        let words = || Document::Roster(signed.clone()).words();
        let (id, roster) = (signed.id(), signed.roster());
        let rivals = self.rosters().filter(|other| are_rivals(other.roster(), roster) && other.id() < id);
        if rivals.count() >= CONTRADICTIONS_KEPT {
            return Err(DocumentFault::Surplus(words()));
        }
        let last = self.rosters().map(roster_rank).max();
        if self.rosters.len() >= ROSTERS_KEPT && last.is_none_or(|last| last < roster_rank(signed)) {
            return Err(DocumentFault::TooMany { what: words(), most: ROSTERS_KEPT });
        }
        Ok(())
    }

    /// Whether there is room for a manifest that this key has signed.
    pub(super) fn check_manifest_room(
        &self,
        signed: &SignedManifest,
        key: RootKey,
        lines: &BTreeSet<DocumentId>,
    ) -> Result<(), DocumentFault> {
        let words = || Document::Manifest(signed.clone()).words();
        let (id, manifest) = (signed.id(), signed.unverified());
        if lines.contains(&id) {
            return Ok(());
        }
        let own: Vec<_> = self.signed_by(manifest.member, key).collect();
        let goes_before = |(other, entered): &&(DocumentId, &Arc<Entered>)| {
            entered.signed.unverified().prev == manifest.prev && (lines.contains(other) || *other < id)
        };
        if own.iter().filter(goes_before).count() >= CONTRADICTIONS_KEPT {
            return Err(DocumentFault::Surplus(words()));
        }
        let last = own.iter().filter(|(other, _)| !lines.contains(other)).map(manifest_rank).max();
        if own.len() >= MANIFESTS_KEPT && last.is_none_or(|last| last < (manifest.version, id)) {
            return Err(DocumentFault::TooMany { what: words(), most: MANIFESTS_KEPT });
        }
        Ok(())
    }

    fn signed_by(&self, code: MemberCode, key: RootKey) -> impl Iterator<Item = (DocumentId, &Arc<Entered>)> {
        let is_its =
            move |entered: &Entered| entered.signer == key && entered.signed.unverified().member == code;
        self.manifests.iter().filter(move |(_, entered)| is_its(entered)).map(|(id, entered)| (*id, entered))
    }

    /// Lets go of the rosters for which there is no room beside the one that has just entered.
    pub(super) fn make_roster_room(&mut self, entered: DocumentId) {
        let Some(roster) = self.rosters.get(&entered).map(|signed| signed.roster()) else { return };
        let rivals = self.rosters().filter(|other| are_rivals(other.roster(), roster));
        let mut gone: Vec<_> = rivals.map(SignedRoster::id).collect();
        gone.sort_unstable();
        gone.drain(..gone.len().min(CONTRADICTIONS_KEPT));
        let too_many = self.rosters.len() > ROSTERS_KEPT;
        gone.extend(
            self.rosters().max_by_key(|one| roster_rank(one)).filter(|_| too_many).map(SignedRoster::id),
        );
        if gone.is_empty() {
            return;
        }
        while let Some(id) = gone.pop() {
            self.rosters.remove(&id);
            gone.extend(self.rosters().filter(|one| one.roster().prev == Some(id)).map(SignedRoster::id));
        }
        // What no roster here makes its member's any more goes with them.
        let baseless = |entered: &&Arc<Entered>| !self.has_ground(entered);
        let baseless: Vec<_> = self.manifests.values().filter(baseless).map(|one| one.signed.id()).collect();
        self.let_go(baseless, &BTreeSet::new());
    }

    fn has_ground(&self, entered: &Entered) -> bool {
        let manifest = entered.signed.unverified();
        let rosters = self.rosters().map(SignedRoster::roster);
        let mut named = rosters.filter(|roster| roster.version == manifest.roster);
        named.any(|roster| {
            roster.member(manifest.member).is_some_and(|member| member.root_key == entered.signer)
                && super::live_nodes(manifest) <= roster.limits.live_nodes
        })
    }

    /// Lets go of the manifests for which there is no room beside the one that has just entered.
    pub(super) fn make_manifest_room(&mut self, entered: DocumentId) {
        let Some(one) = self.manifests.get(&entered) else { return };
        let (code, prev, key) = (one.signed.unverified().member, one.signed.unverified().prev, one.signer);
        let lines = self.pinned_lines(code);
        let own: Vec<_> = self.signed_by(code, key).collect();
        let is_pinned = |id: &DocumentId| lines.contains(id);
        let rivals = own.iter().filter(|(_, one)| one.signed.unverified().prev == prev);
        let mut rivals: Vec<_> = rivals.map(|(id, _)| *id).collect();
        rivals.sort_by_key(|id| (!is_pinned(id), *id));
        let mut gone: Vec<_> = rivals.into_iter().skip(CONTRADICTIONS_KEPT).collect();
        if own.len() > MANIFESTS_KEPT {
            gone.extend(
                own.iter()
                    .filter(|(id, _)| !is_pinned(id))
                    .max_by_key(|one| manifest_rank(one))
                    .map(|one| one.0),
            );
        }
        gone.retain(|id| !is_pinned(id));
        self.let_go(gone, &lines);
    }

    /// These go, and all that follow them, but what is pinned.
    fn let_go(&mut self, mut gone: Vec<DocumentId>, lines: &BTreeSet<DocumentId>) {
        while let Some(id) = gone.pop() {
            self.manifests.remove(&id);
            let follows = |(other, entered): (&DocumentId, &Arc<Entered>)| {
                let follows = entered.signed.unverified().prev == Some(id);
                (follows && !lines.contains(other)).then_some(*other)
            };
            gone.extend(self.manifests.iter().filter_map(follows));
        }
    }
}

/// Whether two rosters can't both stand, and no round decides between them.
fn are_rivals(one: &Roster, other: &Roster) -> bool {
    (one.prev, one.round) == (other.prev, other.round)
}

/// A higher round goes before a lower one.
fn roster_rank(signed: &SignedRoster) -> (u64, Reverse<u64>, DocumentId) {
    (signed.roster().version, Reverse(signed.roster().round), signed.id())
}

fn manifest_rank((id, entered): &(DocumentId, &Arc<Entered>)) -> (u64, DocumentId) {
    (entered.signed.unverified().version, *id)
}
