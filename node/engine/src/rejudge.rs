//! What the index still has to do once a commit is through: the rest of a record that swells it, ids that were put off,
//! and the objects of identities that have other owners, since a roster changed them.

use crate::commit::Steps;
use crate::engine::Engine;
use crate::index::Owners;
use crate::layout;
use crate::store::{Family, Store, StoreError};

impl Engine {
    pub(crate) fn has_more_to_index(&self) -> bool {
        !self.unindexed.is_empty() || !self.rejudged.is_empty() || self.ledger.has_unjudged
    }

    /// Writes a portion; whether there was any.
    pub(crate) fn index_more(
        &mut self,
        store: &dyn Store,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<bool, StoreError> {
        Ok(self.index_portion(store, now_ms, steps)?
            || self.rejudge_portion(store, now_ms, steps)?
            || (self.ledger.has_unjudged && self.writing(store, now_ms, steps).judge_portion()?))
    }

    /// Whether the roster has other identities than the index knows.
    pub(crate) fn has_other_owners(&self) -> bool {
        Owners::of(self.membership.roster()) != self.ledger.owners
    }

    /// Counts with the roster's identities from here on; what those made whose owners changed is judged again.
    pub(crate) fn apply_owners(&mut self, steps: &mut Steps) {
        let owners = Owners::of(self.membership.roster());
        for identity in owners.changed(&self.ledger.owners) {
            steps.put(Family::Control, layout::rejudged(&identity), 0_u64.to_be_bytes().to_vec());
            self.rejudged.insert(identity, 0);
        }
        if owners != self.ledger.owners {
            steps.put(Family::Meta, layout::OWNERS.to_vec(), owners.encode());
            self.ledger.owners = owners;
        }
    }

    fn rejudge_portion(
        &mut self,
        store: &dyn Store,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<bool, StoreError> {
        let Some((identity, from)) = self.rejudged.iter().next().map(|(one, from)| (one.clone(), *from))
        else {
            return Ok(false);
        };
        match self.writing(store, now_ms, steps).rejudge_portion(&identity, from)? {
            Some(next) => {
                steps.put(Family::Control, layout::rejudged(&identity), next.to_be_bytes().to_vec());
                self.rejudged.insert(identity, next);
            }
            None => {
                steps.delete(Family::Control, layout::rejudged(&identity));
                self.rejudged.remove(&identity);
            }
        }
        Ok(true)
    }
}
