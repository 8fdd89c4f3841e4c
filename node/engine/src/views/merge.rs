//! Several ranges of the index read as one, in the order of what follows their prefixes.
//!
//! Each range is read a chunk at a time, a longer one each time: who wants a page pays for a page, who wants all for
//! few scans.

use std::ops::ControlFlow;

use crate::layout;
use crate::store::{Family, Order, Readable, StoreError};

/// Keys of the first chunk of a range, and of the longest.
const FIRST_CHUNK: usize = 32;
const LONGEST_CHUNK: usize = 1_024;

/// A row without the prefix of its range, until the next one is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Read<'a> {
    /// Which range it is from, by its place among them.
    pub(crate) range: usize,
    /// What follows the prefix.
    pub(crate) rest: &'a [u8],
    pub(crate) value: &'a [u8],
}

struct Range {
    prefix: Vec<u8>,
    from: Vec<u8>,
    to: Vec<u8>,
    chunk: Chunk,
    most: usize,
    at_end: bool,
}

/// Rows that were read together, in one piece of memory that the next ones are read into.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// Where each row's rest ends in `bytes`, and then its value.
    ends: Vec<(usize, usize)>,
    /// The row that comes next, and where it begins.
    at: usize,
    begin: usize,
}

impl Chunk {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        (self.at, self.begin) = (0, 0);
    }

    fn push(&mut self, rest: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(rest);
        let end = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((end, self.bytes.len()));
    }

    fn is_read(&self) -> bool {
        self.at == self.ends.len()
    }

    /// The rest of the row that comes next.
    fn front(&self) -> Option<&[u8]> {
        self.ends.get(self.at).map(|(end, _)| &self.bytes[self.begin..*end])
    }

    fn pop(&mut self) -> Option<(&[u8], &[u8])> {
        let (rest_end, value_end) = *self.ends.get(self.at)?;
        let row = (&self.bytes[self.begin..rest_end], &self.bytes[rest_end..value_end]);
        (self.at, self.begin) = (self.at + 1, value_end);
        Some(row)
    }
}

/// Ranges of family `index` on their way through the store.
pub(crate) struct Merge<'a> {
    store: &'a dyn Readable,
    order: Order,
    ranges: Vec<Range>,
}

impl<'a> Merge<'a> {
    /// The rows below these prefixes whose rest lies from `from` (included) to `to` (excluded).
    pub(crate) fn new(
        store: &'a dyn Readable,
        order: Order,
        prefixes: impl IntoIterator<Item = Vec<u8>>,
        (from, to): (&[u8], Option<&[u8]>),
    ) -> Self {
        let range = |prefix: Vec<u8>| Range {
            from: [&prefix[..], from].concat(),
            to: to.map_or_else(|| layout::end_of(&prefix), |to| [&prefix[..], to].concat()),
            prefix,
            chunk: Chunk::default(),
            most: FIRST_CHUNK,
            at_end: false,
        };
        Self { store, order, ranges: prefixes.into_iter().map(range).collect() }
    }

    /// The rows of a number (an arrival, or a stamp) from `from` on and below `to`.
    pub(crate) fn numbered(
        store: &'a dyn Readable,
        order: Order,
        prefixes: impl IntoIterator<Item = Vec<u8>>,
        (from, to): (u64, u64),
    ) -> Self {
        let (from, to) = (from.to_be_bytes(), to.to_be_bytes());
        Self::new(store, order, prefixes, (&from, Some(&to)))
    }

    /// The next row of all ranges.
    pub(crate) fn next(&mut self) -> Result<Option<Read<'_>>, StoreError> {
        let mut first: Option<(usize, &[u8])> = None;
        for range in &mut self.ranges {
            range.refill(self.store, self.order)?;
        }
        for (at, range) in self.ranges.iter().enumerate() {
            let Some(rest) = range.chunk.front() else { continue };
            let comes_first = first.is_none_or(|(_, first)| match self.order {
                Order::Ascending => rest < first,
                Order::Descending => rest > first,
            });
            if comes_first {
                first = Some((at, rest));
            }
        }
        let Some(range) = first.map(|(at, _)| at) else { return Ok(None) };
        let read = self.ranges[range].chunk.pop();
        Ok(read.map(|(rest, value)| Read { range, rest, value }))
    }
}

impl Range {
    fn refill(&mut self, store: &dyn Readable, order: Order) -> Result<(), StoreError> {
        if self.at_end || !self.chunk.is_read() {
            return Ok(());
        }
        let (most, skip, chunk) = (self.most, self.prefix.len(), &mut self.chunk);
        let (mut count, mut last) = (0, Vec::new());
        chunk.clear();
        let mut visit = |key: &[u8], value: &[u8]| {
            chunk.push(&key[skip..], value);
            count += 1;
            if count < most {
                return ControlFlow::Continue(());
            }
            last = key.to_vec();
            ControlFlow::Break(())
        };
        store.scan(Family::Index, &self.from, &self.to, order, &mut visit)?;
        self.at_end = count < most;
        self.most = (most * 4).min(LONGEST_CHUNK);
        match order {
            Order::Ascending => {
                last.push(0);
                self.from = last;
            }
            Order::Descending => self.to = last,
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's own inputs")]
mod tests {
    use super::*;
    use crate::store::{Batch, MemoryStore, Store, Write};

    #[test]
    fn ranges_come_as_one() {
        let store = MemoryStore::default();
        let key = |range: u8, number: u32| [&[range][..], &number.to_be_bytes()].concat();
        let writes: Vec<_> = (0..500_u32)
            .map(|n| Write::put(Family::Index, key((n * 7 % 3) as u8, n), n.to_be_bytes()))
            .collect();
        store.commit(&Batch { writes }).unwrap();
        for order in [Order::Ascending, Order::Descending] {
            let (from, to) = (10_u32.to_be_bytes(), 400_u32.to_be_bytes());
            let prefixes = [vec![0], vec![1], vec![2], vec![3]];
            let mut merge = Merge::new(&store, order, prefixes, (&from, Some(&to)));
            let mut found = Vec::new();
            while let Some(read) = merge.next().unwrap() {
                assert_eq!(read.rest, read.value);
                found.push(u32::from_be_bytes(read.rest.try_into().unwrap()));
            }
            if order == Order::Descending {
                found.reverse();
            }
            assert_eq!(found, (10..400).collect::<Vec<_>>());
        }
    }
}
