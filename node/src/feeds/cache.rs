//! Lists that are kept as long as what they are made from stays the same: a few, the latest asked for. Of those that are too
//! long, it is remembered how they were named: whoever has one hears that it is still the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{Name, Wanted};

/// All lists that are kept, in bytes.
const KEPT_BYTES: usize = 64 * 1024 * 1024;
/// All lists that are kept, however short.
const KEPT: usize = 256;
/// The most lists of which the serial, or the name, is remembered.
const REMEMBERED: usize = 1_024;

/// What a list was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// How often what its reader may see had changed.
    pub(super) changes: u64,
    /// Which roster was the current one: it has the names of the mesh and of its members.
    pub(super) roster: (u64, u64),
    /// How often the allow-list had.
    pub(super) allow: u64,
    /// Since when the node had heard from nobody.
    pub(super) cut_off_since_ms: Option<u64>,
    /// Whether the mesh was an exercise.
    pub(super) exercise: bool,
}

/// A list that was made.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) state: State,
    /// When something in it ends, milliseconds since 1970 UTC.
    pub(super) until_ms: u64,
    pub(super) tag: String,
    pub(super) text: Vec<Bytes>,
}

impl Kept {
    fn holds(&self, state: State, now_ms: u64) -> bool {
        self.state == state && now_ms < self.until_ms
    }

    pub(super) fn len(&self) -> usize {
        self.text.iter().map(Bytes::len).sum()
    }
}

/// The lists, and the serials that zones have had.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    asked: u64,
    kept: BTreeMap<(Name, Wanted), (u64, Kept)>,
    /// Those that were too long, without their texts.
    long: BTreeMap<(Name, Wanted), Kept>,
    serials: BTreeMap<(Name, Wanted), Serial>,
}

/// What serial a zone has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbered {
    /// This one.
    Is(u32),
    /// One that would be ahead of the clock: the next start takes it from there, and must not go back.
    Later,
    /// None any more: there is one of newer rows.
    Outrun,
}

/// How new what a zone was made of is: how often the views had changed, the last arrival, and the time.
pub(super) type MadeOf = (u64, u64, u64);

/// The serial of a zone, and what it stands for.
#[derive(Debug, Clone, Copy)]
struct Serial {
    number: u32,
    made_of: MadeOf,
    /// The digest of the rows.
    rows: [u8; 32],
}

impl Cache {
    /// The list, if it is as it would be made at this time.
    pub(super) fn get(&self, of: &(Name, Wanted), state: State, now_ms: u64) -> Option<Kept> {
        let mut inner = self.lock();
        inner.asked += 1;
        let asked = inner.asked;
        let (last, kept) = inner.kept.get_mut(of)?;
        *last = asked;
        kept.holds(state, now_ms).then(|| kept.clone())
    }

    /// How a list that is too long to be kept was named, if it is as it would be made at this time.
    pub(super) fn named(&self, of: &(Name, Wanted), state: State, now_ms: u64) -> Option<Kept> {
        self.lock().long.get(of).filter(|kept| kept.holds(state, now_ms)).cloned()
    }

    /// Remembers a list without its text, unless it has a name already: of those who make the same at once one names it.
    pub(super) fn name(&self, of: (Name, Wanted), named: Kept, now_ms: u64) {
        let mut inner = self.lock();
        if inner.long.get(&of).is_some_and(|first| first.holds(named.state, now_ms)) {
            return;
        }
        if inner.long.len() >= REMEMBERED {
            inner.long.clear();
        }
        inner.long.insert(of, named);
    }

    /// Keeps a list, in place of those that were asked for longest ago.
    pub(super) fn put(&self, of: (Name, Wanted), kept: Kept) {
        let mut inner = self.lock();
        let asked = inner.asked;
        inner.kept.insert(of, (asked, kept));
        let bytes = |inner: &Inner| inner.kept.values().map(|(_, kept)| kept.len()).sum::<usize>();
        while inner.kept.len() > KEPT || bytes(&inner) > KEPT_BYTES {
            let oldest = inner.kept.iter().min_by_key(|(_, (asked, _))| *asked).map(|(of, _)| of.clone());
            match oldest {
                Some(of) => inner.kept.remove(&of),
                None => break,
            };
        }
    }

    /// The serial of a zone whose rows have this digest: the one that it has had, if they are the same; else a greater one.
    pub(super) fn serial(
        &self,
        of: &(Name, Wanted),
        (made_of, rows): (MadeOf, [u8; 32]),
        now_s: u32,
    ) -> Numbered {
        let mut inner = self.lock();
        let number = match inner.serials.get_mut(of) {
            Some(last) if last.rows == rows => {
                last.made_of = last.made_of.max(made_of);
                return Numbered::Is(last.number);
            }
            Some(last) if made_of < last.made_of => return Numbered::Outrun,
            Some(last) if last.number == now_s => return Numbered::Later,
            // Ahead only of a clock that was set back.
            Some(last) => now_s.max(last.number.saturating_add(1)),
            None => now_s,
        };
        if inner.serials.len() >= REMEMBERED {
            inner.serials.clear();
        }
        inner.serials.insert(of.clone(), Serial { number, made_of, rows });
        Numbered::Is(number)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's own inputs")]
mod tests {
    use certmesh_intel::Tlp;
    use certmesh_intel::formats::Feed;

    use super::*;

    fn of() -> (Name, Wanted) {
        (Name::List(Feed::Rpz), Wanted::all(Tlp::Green))
    }

    #[test]
    fn serials_grow_with_the_rows_and_older_rows_never_get_a_greater_one() {
        let cache = Cache::default();
        let serial = |changes, rows: u8, now_s| cache.serial(&of(), ((changes, 0, 0), [rows; 32]), now_s);
        let is = Numbered::Is;
        assert_eq!(serial(1, 1, 100), is(100));
        assert_eq!(serial(2, 1, 200), is(100), "the same rows");
        assert_eq!(serial(1, 2, 200), Numbered::Outrun, "what is from before that");
        assert_eq!(serial(3, 2, 100), Numbered::Later, "not ahead of the clock");
        assert_eq!(serial(3, 2, 101), is(101));
        assert_eq!(serial(2, 3, 300), Numbered::Outrun);
        assert_eq!(serial(3, 2, 300), is(101));
        assert_eq!(serial(4, 3, 50), is(102), "a clock that was set back");
    }

    #[test]
    fn of_those_who_make_the_same_at_once_one_names_it() {
        let cache = Cache::default();
        let state = State { changes: 1, roster: (0, 0), allow: 0, cut_off_since_ms: None, exercise: false };
        let named = |tag: &str, until_ms| Kept { state, until_ms, tag: tag.into(), text: Vec::new() };
        cache.name(of(), named("first", 1_000), 10);
        cache.name(of(), named("second", 1_000), 20);
        assert_eq!(cache.named(&of(), state, 30).unwrap().tag, "first");
        assert!(cache.named(&of(), state, 1_000).is_none(), "something in it has ended");
        cache.name(of(), named("third", 2_000), 1_000);
        assert_eq!(cache.named(&of(), state, 1_001).unwrap().tag, "third");
        assert!(cache.named(&of(), State { changes: 2, ..state }, 1_001).is_none());
    }
}
