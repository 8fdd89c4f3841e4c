//! Receipts: who holds a record, as the nodes themselves tell; and how far behind each is.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use certmesh_engine::{Lag, carriers, lags, receipts};
use certmesh_wire::Record;
use mesh::{MY, Peer, SG, VN, indicator};

const ID: &str = "indicator--00000000-0000-4000-8000-000000000001";

#[test]
fn a_record_is_receipted_once_its_holder_has_told() {
    let (mut sg, mut my, mut vn) = (Peer::new(SG), Peer::new(MY), Peer::new(VN));
    let parcels = sg.publish(&[&indicator(1, "a.example", 2021)]);
    let record = Record::decode(parcels[1].record()).unwrap();
    my.enter(&parcels);
    sg.now_ms = 2_000_000;
    sg.sync_from(&my);
    sg.now_ms = 3_000_000;
    sg.sync_from(&vn);
    let at = |peer: &Peer| {
        receipts(peer.store(), peer.engine.membership(), peer.node_id(), record.id()).unwrap().unwrap()
    };
    let told = at(&sg);
    assert_eq!((told.seq, told.author), (1, sg.node_id()));
    assert_eq!(
        told.holders.into_iter().collect::<Vec<_>>(),
        sorted([(my.node_id(), Some(2_000_000)), (vn.node_id(), None)])
    );
    vn.enter(&parcels);
    sg.now_ms = 4_000_000;
    sg.sync_from(&vn);
    sg.sync_from(&my);
    assert_eq!(
        at(&sg).holders.into_iter().collect::<Vec<_>>(),
        sorted([(my.node_id(), Some(2_000_000)), (vn.node_id(), Some(4_000_000))])
    );
    assert_eq!(carriers(sg.store(), ID).unwrap(), [record.id()]);
    assert_eq!(at(&my).holders.keys().copied().collect::<Vec<_>>(), [vn.node_id()], "not the author, not us");
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.into_iter().collect();
    items.sort();
    items
}

#[test]
fn a_header_without_its_body_is_no_receipt() {
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    let parcels = sg.publish(&[&indicator(1, "a.example", 2021)]);
    let bare: Vec<_> =
        parcels.iter().map(|parcel| certmesh_wire::Parcel::new(parcel.record().to_vec(), None)).collect();
    my.enter(&bare);
    sg.sync_from(&my);
    let record = Record::decode(parcels[1].record()).unwrap().id();
    let told = receipts(sg.store(), sg.engine.membership(), sg.node_id(), record).unwrap().unwrap();
    assert_eq!(told.holders[&my.node_id()], None);
}

#[test]
fn lag_counts_records_and_names_the_oldest() {
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    let all = |peer: &Peer| lags(peer.store(), peer.engine.membership(), peer.node_id(), |_| false).unwrap();
    sg.now_ms = 5_000;
    let first = sg.publish(&[&indicator(1, "a.example", 2021)]);
    assert!(all(&sg).is_empty(), "nobody has told");
    my.enter(&first);
    sg.now_ms = 6_000;
    sg.publish(&[&indicator(2, "b.example", 2021)]);
    sg.now_ms = 7_000;
    sg.publish(&[&indicator(3, "c.example", 2021)]);
    sg.sync_from(&my);
    assert_eq!(all(&sg)[&my.node_id()], Lag { records: 2, oldest_ms: Some(6_000) });
    my.sync_from(&sg);
    sg.sync_from(&my);
    assert_eq!(all(&sg)[&my.node_id()], Lag::default());
}
