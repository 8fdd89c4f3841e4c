//! Chance that can be repeated: all of a run's accidents come from one number.

use certmesh_wire::sha256;

/// SplitMix64: the same numbers from the same seed, everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below this one, which is far below 2^64: the bias is nobody's concern here.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// An index into something of this length.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// A number from `from` to `to`, both included.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// True this many times in a thousand.
    pub(crate) fn hits(&mut self, permille: u64) -> bool {
        self.below(1_000) < permille
    }

    /// One of these, if there are any.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        if items.is_empty() { None } else { Some(items[self.index(items.len())]) }
    }

    /// A time around `mean_ms`: from nothing to twice as long.
    pub(crate) fn around(&mut self, mean_ms: u64) -> u64 {
        self.between(1, 2 * mean_ms.max(1))
    }

    /// Bytes that mean nothing.
    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// Thirty-two of them.
    pub(crate) fn id(&mut self) -> [u8; 32] {
        sha256(&[&self.next().to_be_bytes()])
    }
}

/// A number that depends on these alone: what is decided by it stays decided.
pub(crate) fn fixed(words: &[u64]) -> u64 {
    words.iter().fold(0x5eed, |mixed, word| Chance(mixed ^ word.rotate_left(17)).next())
}
