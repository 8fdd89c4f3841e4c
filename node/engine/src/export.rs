//! An export of everything here, for whoever checks it without a node. It reads what is committed
//! and nothing else.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use certmesh_wire::limits::MANIFEST_BYTES;
use certmesh_wire::{ExportWriter, Parcel, RecordId, SignedManifest};

use crate::layout::{self, LogState};
use crate::membership::Membership;
use crate::store::{Family, Order, Readable, Store, StoreError};

/// What a manifest in an export has before its bytes, at most.
const MANIFEST_HEAD: usize = 8;

/// Every record here with its manifests, piece by piece, in the format of [`certmesh_wire::Export`].
pub fn export(
    store: &dyn Store,
    membership: &Membership,
    take: &mut dyn FnMut(Vec<u8>) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    if take(ExportWriter::manifests(manifests(membership))).is_break() {
        return Ok(());
    }
    for (_, state) in layout::read_logs(store)? {
        let mut broken_off = false;
        read_parcels(store, &state, &mut |parcel| {
            let flow = take(ExportWriter::parcel(&parcel));
            broken_off = flow.is_break();
            flow
        })?;
        if broken_off {
            break;
        }
    }
    Ok(())
}

/// Of each member the manifest that stands, after those that it follows from the first that names a node which it does not:
/// the records of such a node count, and it takes these to tell whose they are. One member's have room for one of the
/// largest, so that nobody's fill the file.
fn manifests(membership: &Membership) -> impl Iterator<Item = &SignedManifest> {
    membership.manifests().iter().flat_map(|last| {
        let named: BTreeSet<_> = last.unverified().nodes.iter().map(|entry| entry.node).collect();
        let chain = membership.standing_manifests(last.unverified().member);
        let needed = |signed: &&SignedManifest| {
            signed.id() == last.id()
                || signed.unverified().nodes.iter().any(|entry| !named.contains(&entry.node))
        };
        let from = chain.iter().position(needed).unwrap_or_default();
        let mut room = MANIFEST_BYTES;
        let fits = |signed: &&SignedManifest| {
            let left = room.checked_sub(signed.encode().len() + MANIFEST_HEAD);
            room = left.unwrap_or_default();
            signed.id() == last.id() || left.is_some()
        };
        let mut kept: Vec<_> = chain[from..].iter().rev().copied().take_while(fits).collect();
        kept.reverse();
        kept
    })
}

/// The record with this id and its body, if it is here and not disputed.
pub fn parcel(store: &dyn Readable, record: RecordId) -> Result<Option<Parcel>, StoreError> {
    let Some(place) = store.get(Family::Control, &layout::record(&record))? else { return Ok(None) };
    let (number, seq) = layout::decode_place(&place)?;
    let logs = layout::read_logs(store)?;
    if !logs.values().any(|state| state.number == number && seq < state.next) {
        return Ok(None);
    }
    let Some(signed) = store.get(Family::Log, &place)? else { return Ok(None) };
    Ok(Some(Parcel::new(signed, store.get(Family::Body, &place)?)))
}

/// The valid records of a log, each with its body: what is disputed stays here.
fn read_parcels(
    store: &dyn Store,
    state: &LogState,
    take: &mut dyn FnMut(Parcel) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut fault = None;
    let mut visit = |key: &[u8], signed: &[u8]| match store.get(Family::Body, key) {
        Ok(body) => take(Parcel::new(signed.to_vec(), body)),
        Err(e) => {
            fault = Some(e);
            ControlFlow::Break(())
        }
    };
    let (start, end) = (layout::place(state.number, 0), layout::place(state.number, state.next));
    store.scan(Family::Log, &start, &end, Order::Ascending, &mut visit)?;
    fault.map_or(Ok(()), Err)
}
