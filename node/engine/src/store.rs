//! What the engine asks of storage: six ordered families of keys, and batches that are written
//! whole and durably or not at all.
//!
//! The trait is small so that the simulator's disk, RocksDB and the map in memory can all keep it.
//! What the keys mean is the engine's business ([`crate::layout`]).

use std::ops::ControlFlow;

pub mod contract;
mod memory;

pub use memory::MemoryStore;

/// A family of keys. Each has an order of its own and is scanned by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Schema version, store id, the node's own state.
    Meta,
    /// Log number and seq → a record's signed bytes.
    Log,
    /// Log number and seq → a record's body.
    Body,
    /// Arrival → an object, ready to serve.
    Object,
    /// Terms → arrivals.
    Index,
    /// Record id → place; logs and their heads.
    Control,
}

impl Family {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [Self::Meta, Self::Log, Self::Body, Self::Object, Self::Index, Self::Control];

    /// The name on disk.
    pub fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Log => "log",
            Self::Body => "body",
            Self::Object => "object",
            Self::Index => "index",
            Self::Control => "control",
        }
    }
}

/// One change of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub family: Family,
    /// The key, at most a few KiB.
    pub key: Vec<u8>,
    /// What it means from then on; nothing, if the key is to be gone.
    pub value: Option<Vec<u8>>,
}

impl Write {
    /// The key means this value from then on.
    pub fn put(family: Family, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self { family, key: key.into(), value: Some(value.into()) }
    }

    /// The key is gone from then on.
    pub fn delete(family: Family, key: impl Into<Vec<u8>>) -> Self {
        Self { family, key: key.into(), value: None }
    }
}

/// Changes that happen together. A later write of the same key wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// In order.
    pub writes: Vec<Write>,
}

/// The direction of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the first key on.
    Ascending,
    /// From the last key back.
    Descending,
}

/// Storage that did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store failed while {doing}: {cause}")]
pub struct StoreError {
    /// What was asked, such as "writing a batch".
    pub doing: &'static str,
    /// What the storage said.
    pub cause: String,
}

impl StoreError {
    /// Whether the disk, or this user's share of it, is full: nothing is damaged, and with more room all goes on.
    #[must_use]
    pub fn is_full(&self) -> bool {
        // Storage tells its reasons in words; these are the system's for ENOSPC and EDQUOT.
        ["No space left on device", "Disk quota exceeded"].iter().any(|words| self.cause.contains(words))
    }
}

/// What was being done when the index contradicts itself, or what it names.
pub(crate) const READING_INDEX: &str = "reading the index";

impl StoreError {
    /// Whether it is the index that is damaged, or an object that it names: both can be made anew from the records.
    #[must_use]
    pub fn is_of_the_index(&self) -> bool {
        self.doing == READING_INDEX
    }
}

/// Called with each key and value of a scan, until it breaks off.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// What can be read: a store, which goes on meanwhile, or one moment of it.
pub trait Readable {
    /// The value of a key.
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits the keys from `from` (included) to `to` (excluded) in `order` of their bytes.
    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError>;

    /// Visits those of these keys that are there. They rise, so that what lies side by side is read in one go.
    fn pick(&self, family: Family, keys: &[Vec<u8>], visit: Visit<'_>) -> Result<(), StoreError> {
        for key in keys {
            if let Some(value) = self.get(family, key)?
                && visit(key, &value).is_break()
            {
                break;
            }
        }
        Ok(())
    }
}

/// Durable, ordered storage with one writer and any number of readers.
///
/// - [`commit`](Self::commit) is atomic and durable: after `Ok`, a power cut takes nothing of it
///   back; after `Err`, or a crash during the call, either all of the batch is there or none. No
///   reader sees any of a batch before it is durable, and every reader sees all of it after `Ok`.
/// - After an `Err` of `commit` the store must not be written again: open it anew, and rebuild the
///   engine from what is there. Reads go on meanwhile.
/// - Reads see every batch committed before they began. A scan sees one moment, and so does whoever
///   [`freeze`](Self::freeze)s the store, in all that they read of it.
/// - Only one thread calls `commit` at a time.
///
/// [`contract::check`] is this contract as a test.
pub trait Store: Readable + Send + Sync {
    /// Shows the store as it is at this moment, whatever is committed meanwhile.
    fn freeze(&self, look: &mut dyn FnMut(&dyn Readable)) -> Result<(), StoreError>;

    /// Writes all of the batch and syncs it to the disk.
    fn commit(&self, batch: &Batch) -> Result<(), StoreError>;
}

impl dyn Store + '_ {
    /// What `read` makes of the store at this moment: an answer that takes several reads is of one moment, or an object
    /// that moves between two of them is missed, or told twice.
    pub fn frozen<T>(
        &self,
        read: impl FnOnce(&dyn Readable) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (mut read, mut found) = (Some(read), None);
        self.freeze(&mut |moment| found = read.take().map(|read| read(moment)))?;
        found.unwrap_or_else(|| Err(StoreError { doing: "reading", cause: "nothing was shown".into() }))
    }
}
