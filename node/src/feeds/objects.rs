//! A STIX bundle of the indicators behind the listed values: each whole, and exactly as it was published.

use std::ops::ControlFlow;

use certmesh_engine::{StoredObject, at};
use certmesh_intel::allow::AllowList;
use certmesh_intel::formats::{Bundle, Feed, bundle_id};
use certmesh_intel::{Object, observable};

use super::making::{Making, Outcome};
use super::rows::each;
use super::wanted::Wanted;

pub(super) fn write(making: &mut Making<'_>, wanted: &Wanted) -> Outcome {
    let mut arrivals = Vec::new();
    each(making, Feed::Stix, wanted, &mut |_, row| {
        arrivals.extend(row.reports.iter().map(|(arrival, _)| *arrival));
        ControlFlow::Continue(())
    })?;
    // An object that reports several values stands there once.
    arrivals.sort_unstable();
    arrivals.dedup();
    if let Some(limit) = wanted.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)) {
        let before = limit.saturating_mul(usize::try_from(wanted.page - 1).unwrap_or(usize::MAX));
        // The latest first.
        arrivals = arrivals.into_iter().rev().skip(before).take(limit).collect();
    }
    let mut bundle = Bundle::default();
    let content: Vec<u8> = arrivals.iter().flat_map(|arrival| arrival.to_be_bytes()).collect();
    bundle.begin(&bundle_id(&content), making.out.text());
    bundle.warn(&making.head, making.out.text());
    for arrival in arrivals {
        // What has gone since is no longer to be told.
        let Some(stored) = at(making.store, arrival)?.filter(|stored| stored.tlp <= making.reader.ceiling)
        else {
            continue;
        };
        if let Some(object) = listable(&stored, making.allow) {
            bundle.object(&object, making.out.text());
        }
        if making.out.flow().is_break() {
            return Ok(());
        }
    }
    bundle.end(making.out.text());
    Ok(())
}

/// The object, unless something that it reports is held back: it can't be told in part.
fn listable<'a>(stored: &'a StoredObject, allow: &AllowList) -> Option<Object<'a>> {
    let object = Object::read(&stored.json).ok()?;
    let held_back = observable::of(&object).iter().any(|mention| {
        !mention.partial && allow.holds_back(&mention.observable.kind, &mention.observable.value).is_some()
    });
    (!held_back).then_some(object)
}
