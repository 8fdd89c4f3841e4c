//! What lists say of the indicators behind their values: read for many values at once, each indicator once, and in the
//! order in which they lie in the store.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use certmesh_intel::{Object, Tlp};
use certmesh_wire::MemberCode;

use super::check::is_false_positive;
use super::reader::{counted_at, first_seen};
use crate::index::{State, to_ms};
use crate::layout::{self, StoredObject};
use crate::limits::{LISTED_LABEL_BYTES, LISTED_LABELS};
use crate::store::{Family, Readable, StoreError};

/// What an indicator says of each of its values.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) id: String,
    /// Who publishes it, sorted.
    pub(crate) members: Vec<MemberCode>,
    pub(crate) tlp: Tlp,
    /// Sorted, as many as are listed.
    pub(crate) labels: Vec<String>,
    pub(crate) is_false_positive: bool,
    pub(crate) first_seen_ms: u64,
    pub(crate) name: Option<String>,
}

impl Report {
    /// Nothing of what is no indicator: what else mentions a value says nothing against it.
    fn of(stored: &StoredObject) -> Option<Self> {
        let object = Object::read(&stored.json).ok()?;
        if object.object_type() != "indicator" {
            return None;
        }
        let mut labels = object.labels();
        labels.retain(|label| label.len() <= LISTED_LABEL_BYTES);
        labels.sort();
        labels.dedup();
        labels.truncate(LISTED_LABELS);
        Some(Self {
            id: stored.id.clone(),
            members: Vec::new(),
            tlp: stored.tlp,
            labels,
            is_false_positive: is_false_positive(&object),
            first_seen_ms: first_seen(&object).map_or(stored.received_ms, to_ms),
            name: object.name(),
        })
    }
}

/// The indicators that arrived then, by their arrivals, which rise.
pub(crate) fn reports(store: &dyn Readable, arrivals: &[u64]) -> Result<BTreeMap<u64, Report>, StoreError> {
    let keys: Vec<_> = arrivals.iter().map(|arrival| layout::object(*arrival)).collect();
    let (mut reports, mut fault) = (BTreeMap::new(), None);
    let mut visit = |key: &[u8], value: &[u8]| match StoredObject::decode(key, value) {
        Ok(stored) => {
            reports.extend(Report::of(&stored).map(|report| (stored.arrival, report)));
            ControlFlow::Continue(())
        }
        Err(e) => {
            fault = Some(e);
            ControlFlow::Break(())
        }
    };
    store.pick(Family::Object, &keys, &mut visit)?;
    fault.map_or(Ok(()), Err)?;
    add_members(store, &mut reports)?;
    Ok(reports)
}

/// Notes who publishes the indicators, from the states of their ids.
fn add_members(store: &dyn Readable, reports: &mut BTreeMap<u64, Report>) -> Result<(), StoreError> {
    let mut of_state: BTreeMap<Vec<u8>, Vec<u64>> = BTreeMap::new();
    for (arrival, report) in &*reports {
        of_state.entry(layout::state(&layout::id(&report.id))).or_default().push(*arrival);
    }
    let (keys, mut fault): (Vec<_>, _) = (of_state.keys().cloned().collect(), None);
    let mut visit = |key: &[u8], value: &[u8]| match State::decode(value) {
        Ok(state) => {
            for arrival in of_state.get(key).into_iter().flatten() {
                if let Some(report) = reports.get_mut(arrival) {
                    report.members = counted_at(&state, *arrival);
                }
            }
            ControlFlow::Continue(())
        }
        Err(e) => {
            fault = Some(e);
            ControlFlow::Break(())
        }
    };
    store.pick(Family::Index, &keys, &mut visit)?;
    fault.map_or(Ok(()), Err)
}
