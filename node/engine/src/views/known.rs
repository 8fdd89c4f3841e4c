//! A filter in memory that knows most values which nobody has ever mentioned, so that asking about one
//! costs no look into the store.
//!
//! It is a Bloom filter of sixteen bits a key, in layers: one that is full stays as it is, and the next, four times as
//! large, takes what comes. Who asks looks into each, so that few and large ones are quicker, and err less, than many: ten
//! millions are in four layers, and 42 MiB. Each key sets a few bits of one block, which is a line of the processor's cache.
//! Nothing is ever taken out; a node that starts anew fills it from its index.
//!
//! It knows in the same way of which objects nobody has said anything: there are sightings and opinions of few.

use std::hash::{DefaultHasher, Hasher};
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};

use certmesh_intel::Tlp;

use crate::layout;
use crate::store::{Family, Order, Readable, StoreError};

/// Keys of the first layer; the next ones have [`GROWTH`] times as many each: 8 layers are enough for four billion.
const FIRST_LAYER: usize = 1 << 18;
const GROWTH: usize = 4;
const LAYERS: usize = 8;
/// Keys for which a block is made: 512 bits, sixteen for each. An unknown name asks for four keys in each layer, and each
/// error costs as much as all the rest of its question.
const BLOCK_KEYS: usize = 32;
const BLOCK_WORDS: usize = 8;
/// Bits that a key sets.
const BITS: u32 = 8;

/// Which observables are mentioned at all, and of which objects anything is said: it may say that one is which is not,
/// and never the other way round.
///
/// Until it is [filled](Self::fill) it says so of everything.
#[derive(Debug, Default)]
pub struct KnownValues {
    layers: [OnceLock<Layer>; LAYERS],
    /// For each address family, the prefix lengths that any network has, a bit each.
    lengths: [[AtomicU64; 3]; 2],
    /// The markings under which anything is mentioned, a bit each.
    markings: AtomicU8,
    is_whole: AtomicBool,
}

#[derive(Debug)]
struct Layer {
    words: Vec<AtomicU64>,
    keys: AtomicUsize,
    most: usize,
}

impl Layer {
    fn new(most: usize) -> Self {
        let blocks = most.div_ceil(BLOCK_KEYS);
        let words = (0..blocks * BLOCK_WORDS).map(|_| AtomicU64::new(0)).collect();
        Self { words, keys: AtomicUsize::new(0), most }
    }

    /// The word and the bit in it, for each bit that a key sets.
    fn bits(&self, hash: u64) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let blocks = self.words.len() / BLOCK_WORDS;
        // The upper half of the hash chooses the block, the lower one the bits.
        let block = (((hash >> 32) * blocks as u64) >> 32) as usize * BLOCK_WORDS;
        let (mut bit, step) = (hash as u32, (hash >> 17) as u32 | 1);
        (0..BITS).map(move |_| {
            bit = bit.wrapping_add(step);
            // The product's upper bits are the well-mixed ones.
            let at = (bit.wrapping_mul(0x9e37_79b1) >> 23) as usize;
            (&self.words[block + at / 64], 1 << (at % 64))
        })
    }

    fn may_hold(&self, hash: u64) -> bool {
        self.bits(hash).all(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }
}

impl KnownValues {
    /// The filter over what a store holds.
    pub fn build(store: &dyn Readable) -> Result<Self, StoreError> {
        let known = Self::default();
        known.fill(store)?;
        Ok(known)
    }

    /// Takes in what a store holds. What is committed meanwhile is taken in by the engine.
    pub fn fill(&self, store: &dyn Readable) -> Result<(), StoreError> {
        for tlp in Tlp::ALL {
            for prefix in [layout::live_observables(tlp), layout::references(tlp)] {
                let mut visit = |key: &[u8], _: &[u8]| {
                    self.note(key);
                    ControlFlow::Continue(())
                };
                store.scan(Family::Index, &prefix, &layout::end_of(&prefix), Order::Ascending, &mut visit)?;
            }
        }
        self.is_whole.store(true, Ordering::Release);
        Ok(())
    }

    /// Notes what a row of the index with this key mentions, or speaks of. It has to be noted before anyone can find the
    /// row in the store.
    pub(crate) fn note(&self, row: &[u8]) {
        if let Some((tlp, observable)) = layout::live_observable(row) {
            // A byte that is no marking is a damaged row, which whoever reads it will tell.
            self.markings.fetch_or(1_u8.checked_shl(tlp.into()).unwrap_or_default(), Ordering::Relaxed);
            self.add(observable);
        } else if let Some(target) = layout::spoken_of(row) {
            self.add_hash(hash_of_id(target));
        }
    }

    /// The observable with this key ([`certmesh_intel::Observable::key`]) is mentioned.
    fn add(&self, key: &[u8]) {
        match key {
            [b'd', name @ ..] => self.add_parents(name, key),
            [family @ (b'4' | b'6'), .., length] => {
                let lengths = &self.lengths[usize::from(*family == b'6')];
                lengths[usize::from(length / 64)].fetch_or(1 << (length % 64), Ordering::Relaxed);
            }
            _ => {}
        }
        self.add_hash(hash(key));
    }

    /// A name's parents have sub-domains. What is noted is the key of a parent without its end.
    fn add_parents(&self, name: &[u8], key: &[u8]) {
        let ends = name.iter().enumerate().filter(|(_, byte)| **byte == 0).map(|(at, _)| at + 2);
        let mut ends: Vec<_> = ends.collect();
        ends.pop();
        ends.into_iter().for_each(|end| self.add_hash(hash(&key[..end])));
    }

    fn add_hash(&self, hash: u64) {
        if self.holds(hash) {
            return;
        }
        for (at, layer) in self.layers.iter().enumerate() {
            let layer = layer.get_or_init(|| Layer::new(FIRST_LAYER * GROWTH.pow(at as u32)));
            if layer.keys.fetch_add(1, Ordering::Relaxed) < layer.most || at == LAYERS - 1 {
                layer.bits(hash).for_each(|(word, bit)| {
                    word.fetch_or(bit, Ordering::Relaxed);
                });
                return;
            }
        }
    }

    fn holds(&self, hash: u64) -> bool {
        self.layers.iter().map_while(OnceLock::get).any(|layer| layer.may_hold(hash))
    }

    /// Whether the observable with this key may be mentioned.
    pub fn may_hold(&self, key: &[u8]) -> bool {
        !self.is_whole.load(Ordering::Acquire) || self.holds(hash(key))
    }

    /// Whether anything with this marking may be mentioned.
    pub(crate) fn may_hold_marked(&self, tlp: Tlp) -> bool {
        !self.is_whole.load(Ordering::Acquire)
            || self.markings.load(Ordering::Relaxed) & (1 << tlp as u8) != 0
    }

    /// Whether there may be sightings of, or opinions about, the object with this id.
    pub(crate) fn may_be_spoken_of(&self, id: &str) -> bool {
        !self.is_whole.load(Ordering::Acquire) || self.holds(hash_of_id(&layout::id(id)))
    }

    /// Whether any sub-domain may be mentioned of the name whose sub-domains' keys begin with this.
    pub(crate) fn may_hold_below(&self, prefix: &[u8]) -> bool {
        self.may_hold(prefix)
    }

    /// Whether any network of this length may be mentioned.
    pub(crate) fn may_hold_networks(&self, is_ipv4: bool, length: u8) -> bool {
        let lengths = &self.lengths[usize::from(!is_ipv4)][usize::from(length / 64)];
        !self.is_whole.load(Ordering::Acquire) || lengths.load(Ordering::Relaxed) & (1 << (length % 64)) != 0
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.layers.iter().map_while(OnceLock::get).map(|layer| layer.words.len() * 8).sum()
    }
}

/// The same for all runs, so that what a filter passes can be repeated.
fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    hasher.finish()
}

/// Of an id as in keys: no key of an observable begins like this.
fn hash_of_id(id: &[u8]) -> u64 {
    hash(&[&[0], id].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Term;

    #[test]
    fn it_never_forgets_and_seldom_errs() {
        let known = KnownValues { is_whole: AtomicBool::new(true), ..KnownValues::default() };
        let key = |n: u32| [b"v", &n.to_be_bytes()[..], &[0]].concat();
        for n in 0..300_000 {
            known.add(&key(n));
        }
        assert!((0..300_000).all(|n| known.may_hold(&key(n))));
        let errs = (300_000..400_000).filter(|n| known.may_hold(&key(*n))).count();
        assert!(errs < 400, "{errs} of 100,000");
        assert!(known.bytes() < FIRST_LAYER * (1 + GROWTH) * 17 / 8, "{} bytes", known.bytes());
    }

    #[test]
    fn it_knows_what_lies_around_names_and_networks() {
        let known = KnownValues { is_whole: AtomicBool::new(true), ..KnownValues::default() };
        known.add(b"dcom\0example\0evil\0\x01");
        assert!(known.may_hold(b"dcom\0example\0evil\0\x01"));
        assert!(known.may_hold_below(b"dcom\0example\0") && known.may_hold_below(b"dcom\0"));
        assert!(!known.may_hold_below(b"dcom\0example\0evil\0") && !known.may_hold(b"dcom\0example\0\x01"));
        known.add(&[b'4', 10, 0, 0, 0, 8]);
        known.add(&[&[b'6'][..], &[0; 16], &[128]].concat());
        let lengths =
            |is_ipv4| (0..=128).filter(|it| known.may_hold_networks(is_ipv4, *it)).collect::<Vec<_>>();
        assert_eq!([lengths(true), lengths(false)], [[8], [128]]);
    }

    #[test]
    fn it_knows_of_what_somebody_speaks() {
        let known = KnownValues { is_whole: AtomicBool::new(true), ..KnownValues::default() };
        let id = |n: u32| format!("indicator--00000000-0000-4000-8000-{n:012}");
        let [seen, judged] = layout::word_ends();
        for (at, end) in [(1, &seen), (2, &judged), (3, &layout::reference_end("object_refs", "report"))] {
            known.note(&Term::Reference(id(at)).row(Tlp::Amber, 7, end));
        }
        assert_eq!([1, 2, 3].map(|at| known.may_be_spoken_of(&id(at))), [true, true, false]);
        assert!(!known.may_hold_marked(Tlp::Amber), "a reference is no mention");
        let key = b"dcom\0example\0evil\0\x01";
        known.note(&Term::Observable(key.to_vec()).row(Tlp::Amber, 7, b"domain-name"));
        assert!(known.may_hold(key));
        let marked: Vec<_> = Tlp::ALL.into_iter().filter(|tlp| known.may_hold_marked(*tlp)).collect();
        assert_eq!(marked, [Tlp::Amber]);
    }

    #[test]
    fn until_it_is_filled_everything_may_be_known() {
        let known = KnownValues::default();
        assert!(
            known.may_hold(b"vx\0") && known.may_hold_networks(true, 3) && known.may_be_spoken_of("x--1")
        );
    }
}
