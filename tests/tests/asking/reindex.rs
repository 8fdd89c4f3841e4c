//! `certmesh reindex`: the index made anew from the records answers as the old one did.

use std::ops::ControlFlow;

use certmesh_engine::store::{Batch, Family, Order, Readable, Store, Write};
use certmesh_store::RocksStore;
use certmesh_tests::{Mesh, wait_until};
use serde_json::json;

use crate::{id, indicator, publish};

#[test]
fn an_index_that_is_made_anew_answers_as_before() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    let of =
        |n: u32| indicator(n, &format!("[domain-name:value = 'n{n}.example']"), json!({ "labels": ["c2"] }));
    publish(sg, &(0..20).map(of).collect::<Vec<_>>());
    let revoked = json!({ "modified": "2026-02-01T00:00:00.000Z", "revoked": true });
    publish(sg, &[indicator(7, "[domain-name:value = 'n7.example']", revoked)]);
    let questions: [&[&str]; 5] = [
        &["query", "--json"],
        &["query", "--label", "c2", "--json"],
        &["check", "n3.example", "sub.n4.example", "n7.example", "--json"],
        &["show", &id(7), "--json"],
        &["why", "n7.example", "--json"],
    ];
    let answers = || questions.map(|words| sg.run(words).done());
    let before = answers();
    let said = sg.run(["reindex"]).done();
    assert!(said.contains("with its next start"), "{said}");
    assert_eq!(answers(), before, "the old index answers until then");
    sg.stop();
    mesh.up();
    assert!(sg.log().contains("the index is rebuilt"), "{}", sg.log());
    assert_eq!(answers(), before);
}

#[test]
fn an_object_that_is_gone_is_made_anew() {
    is_made_anew(|key| Write::delete(Family::Object, key), "the index names an object that is not there");
}

#[test]
fn an_object_that_has_no_shape_is_made_anew() {
    is_made_anew(|key| Write::put(Family::Object, key, "?"), "does not have its shape");
}

/// What happens to the row of an object, and what is said of it, before the next start mends it.
fn is_made_anew(damage: fn(&[u8]) -> Write, words: &str) {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    let object = indicator(1, "[domain-name:value = 'n1.example']", json!({}));
    publish(sg, std::slice::from_ref(&object));
    sg.stop();
    let store = RocksStore::open(sg.data_dir(), mesh.id()).unwrap();
    let mut rows = Vec::new();
    let mut visit = |key: &[u8], _: &[u8]| {
        rows.push(damage(key));
        ControlFlow::Continue(())
    };
    store.scan(Family::Object, &[0], &[u8::MAX; 9], Order::Ascending, &mut visit).unwrap();
    assert_eq!(rows.len(), 1, "the one object");
    store.commit(&Batch { writes: rows }).unwrap();
    drop(store);

    mesh.up();
    // The same text again: the index says where it stands, and there is nothing.
    let bundle = json!({ "type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": [object] });
    let said = sg.run_fed(&["publish", "-"], &bundle.to_string()).refused(1);
    assert!(said.contains(words), "{said}");
    wait_until("the node ends", || !sg.is_running());
    assert!(sg.log().contains("the next start rebuilds it"), "{}", sg.log());
    mesh.up();
    assert!(sg.log().contains("the index is rebuilt"), "{}", sg.log());
    sg.run(["check", "n1.example"]).done();
}
