//! Views worked out by looking at every object.

use std::collections::BTreeSet;

use certmesh_intel::{Object, Question, observable};

use super::check::How;
use super::reader::Reader;
use super::{after, is_newest_of};
use crate::layout::{self, StoredObject};
use crate::store::{Store, StoreError};

/// Calls `each` with every object in the order of arrival, from the one after `arrival` on.
pub(crate) fn each(
    store: &dyn Store,
    mut arrival: u64,
    mut each: impl FnMut(StoredObject) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    loop {
        let page = after(store, arrival)?;
        let Some(last) = page.last() else { return Ok(()) };
        arrival = last.arrival;
        for object in page {
            if !each(object)? {
                return Ok(());
            }
        }
    }
}

/// Whether it is the newest version of anyone who published it.
pub(crate) fn is_newest(store: &dyn Store, object: &StoredObject) -> Result<bool, StoreError> {
    for publisher in layout::publishers(store, object.arrival)? {
        if is_newest_of(store, object, publisher.member)? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(crate) fn valid_until_ms(object: &Object<'_>) -> Option<u64> {
    object.valid_until().map(|micros| u64::try_from(micros / 1_000).unwrap_or(0))
}

/// Whether the reader sees it: newest, unrevoked, unexpired, within the ceiling.
pub(crate) fn is_live(
    store: &dyn Store,
    reader: &Reader,
    stored: &StoredObject,
    object: &Object<'_>,
) -> Result<bool, StoreError> {
    let open = stored.tlp <= reader.ceiling && !stored.revoked;
    Ok(open && !reader.has_expired(valid_until_ms(object)) && is_newest(store, stored)?)
}

/// What of an object meets a question.
pub(crate) fn met(question: &Question, object: &Object<'_>) -> Vec<(How, observable::Mention)> {
    let wider: BTreeSet<_> = question.wider().collect();
    let narrower = question.narrower();
    let how = |key: &[u8]| {
        let is_network = matches!(key.first(), Some(b'4' | b'6'));
        if question.exact().iter().any(|exact| exact == key) {
            return Some(How::Exact);
        }
        if wider.contains(key) {
            return Some(if is_network { How::Network } else { How::Parent });
        }
        let (from, to) = narrower.as_ref()?;
        let inside = from.as_slice() <= key && key < to.as_slice();
        inside.then_some(if is_network { How::Inside } else { How::Subdomain })
    };
    let mentions = observable::of(object).into_iter();
    mentions.filter_map(|mention| Some((how(&mention.observable.key())?, mention))).collect()
}
