//! Which of the documents in a set stand: a function of the set, whatever order they came in.

use std::sync::Arc;

use certmesh_wire::{DocumentId, MemberCode, RootKey, Roster, SignedManifest, SignedRoster};

use super::{Documents, Entered};
use crate::membership::Split;

/// The manifests of a member that stand, the first version first, and what contradicts itself after them.
pub(crate) struct Chain<'a> {
    pub(crate) manifests: Vec<&'a SignedManifest>,
    pub(crate) split: Option<Split>,
}

impl Documents {
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

    /// The manifest that the roster pins for a member, after all that it follows, whichever of the member's root keys signed it:
    /// a key that has signed nothing can be changed again.
    fn pinned(&self, roster: &Roster, code: MemberCode) -> Vec<&SignedManifest> {
        let Some(pin) = roster.pin(code) else { return Vec::new() };
        let mut chain = Vec::new();
        let mut next = pin.manifest.and_then(|id| self.manifests.get(&id));
        next = next.filter(|entered| entered.signed.unverified().member == code);
        while let Some(entered) = next {
            chain.push(&entered.signed);
            let before = entered.signed.unverified().prev.and_then(|id| self.manifests.get(&id));
            next = before.filter(|before| entered.signed.succeeds(&before.signed));
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
}
