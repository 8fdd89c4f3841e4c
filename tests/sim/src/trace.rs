//! The digest of everything that happened in a run: two runs of one seed have the same.

use certmesh_wire::sha256;

/// A chain of digests, one link for each event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trace([u8; 32]);

impl Trace {
    /// Something happened at this time, with these bytes.
    pub(crate) fn note(&mut self, at_ms: u64, what: &str, node: usize, bytes: &[u8]) {
        let numbers = [at_ms.to_be_bytes(), (node as u64).to_be_bytes()].concat();
        self.0 = sha256(&[&self.0, &numbers, what.as_bytes(), bytes]);
    }

    /// All of it in one number.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.0
    }
}
