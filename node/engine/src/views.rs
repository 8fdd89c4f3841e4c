//! What readers see: the live objects, within their TLP, unexpired at the time at which they ask.
//!
//! What is live is decided when it is written (see `crate::index`); here it is read. Every answer does a bounded amount of
//! work, and says so where there is more. Nothing is kept between two questions: a cursor is an arrival, and stays
//! valid for ever.

mod check;
mod collected;
mod confirm;
mod disputes;
mod known;
mod listed;
mod mentions;
mod merge;
mod query;
mod reader;
mod related;
mod reports;
mod why;

pub use check::{Answer, Hit, check};
pub use collected::{Collected, Collection, ObjectFamily, Selection, Versions, collect, collected};
pub use known::KnownValues;
pub use listed::{Listed, listed};
pub use mentions::How;
pub use query::{Query, query};
pub use reader::{Reader, Summary};
pub use related::{Related, Relation, related};
pub use why::{Because, Reason, Reasons, why};

use crate::layout::{self, Class, Counts, Shelf, StoredObject, Term};
use crate::limits::{PAGE_BYTES, PAGE_OBJECTS, PAGE_READS};
use crate::store::{Family, Order, Readable, StoreError};
use merge::Merge;
pub(crate) use reader::newest_publications;
use reader::{copies, object_at, state};

/// A part of an answer.
#[derive(Debug, Default)]
pub struct Page {
    /// Latest arrival first.
    pub objects: Vec<StoredObject>,
    /// Where the next page begins, if there may be one.
    pub next: Option<u64>,
}

/// How much the store holds.
pub fn counts(store: &dyn Readable) -> Result<Counts, StoreError> {
    store.get(Family::Meta, layout::COUNTS)?.map_or(Ok(Counts::default()), |bytes| Counts::decode(&bytes))
}

/// What an operator sees arrive after `arrival` (all, from 0), in that order, one page of it: live objects, and those that
/// revoke one, whether they have expired or not.
///
/// Whoever reads on from where it says, also after a page with nothing in it, misses nothing and sees nothing twice.
pub fn after(store: &dyn Readable, arrival: u64) -> Result<Collected, StoreError> {
    let timeless = Reader::operator(0);
    collected(store, &timeless, &Collection::All, &Selection::default(), arrival, PAGE_OBJECTS)
}

/// Every version of the object with this STIX id, by whoever may publish it, latest arrival first: one page of those that
/// arrived before `before` (all, if absent).
pub fn versions(store: &dyn Readable, id: &str, before: Option<u64>) -> Result<Page, StoreError> {
    let before = before.unwrap_or(u64::MAX);
    let state = state(store, &layout::id(id))?;
    let has_owner = state.counted_class() == Class::Owned;
    let ranges = Reader::operator(0).ranges(&Term::PastCollection(Shelf::Id(id.to_owned())));
    let mut past = Merge::numbered(store, Order::Descending, ranges, (0, before));
    let mut shown = state.shown.range(..before).rev().copied().peekable();
    let (mut page, mut bytes) = (Page::default(), 0);
    let mut next_past = || past.next()?.map(|read| layout::arrival_of(read.rest)).transpose();
    let mut in_past = next_past()?;
    for reads in 0.. {
        let Some(arrival) = shown.peek().copied().max(in_past) else { break };
        if page.objects.len() >= PAGE_OBJECTS || bytes >= PAGE_BYTES || reads >= PAGE_READS {
            page.next = Some(arrival + 1);
            break;
        }
        if Some(arrival) == in_past {
            in_past = next_past()?;
        } else {
            shown.next();
        }
        let Some(object) = object_at(store, arrival)? else { continue };
        // Of an object that a member owns, nobody else's copies are versions.
        let counts = !has_owner || copies(store, &object)?.iter().any(|copy| copy.class == Class::Owned);
        if counts {
            bytes += object.json.len();
            page.objects.push(object);
        }
    }
    Ok(page)
}

/// The object that arrived then, if it still stands there: whoever asks knows that they may see it.
pub fn at(store: &dyn Readable, arrival: u64) -> Result<Option<StoredObject>, StoreError> {
    object_at(store, arrival)
}
