//! `certmesh query`: filters that combine, orders, and pages that together are the whole.

use certmesh_api::ObjectLine;
use certmesh_tests::{Mesh, Node};
use serde_json::{Value, json};

use crate::{id, indicator, marked, publish};

/// The numbers of the indicators that a query finds, in its order.
#[track_caller]
fn found(node: &Node, words: &[&str]) -> Vec<u32> {
    let number = |line: &ObjectLine| {
        let object: Value = serde_json::from_str(line.object.get()).unwrap();
        object["id"].as_str().unwrap().rsplit('-').next().unwrap().parse().unwrap()
    };
    node.query(words).iter().map(number).collect()
}

fn technique(id: &str) -> Value {
    json!([{ "source_name": "mitre-attack", "external_id": id }])
}

#[test]
fn filters_combine() {
    let mesh = Mesh::raise(2);
    let (sg, my) = (mesh.node("SG"), mesh.node("MY"));
    publish(
        sg,
        &[
            indicator(
                1,
                "[domain-name:value = 'a.example']",
                json!({ "labels": ["c2"], "confidence": 90, "name": "Loader" }),
            ),
            indicator(
                2,
                "[ipv4-addr:value = '203.0.113.7']",
                json!({ "labels": ["c2"], "confidence": 20,
            "object_marking_refs": marked("clear") }),
            ),
            indicator(
                3,
                "[url:value = 'http://a.example/x']",
                json!({ "description": "drops a LOADER",
            "external_references": technique("T1566.001") }),
            ),
        ],
    );
    mesh.wait_for_objects(3);
    publish(
        my,
        &[indicator(
            4,
            "[domain-name:value = 'b.example']",
            json!({
        "valid_from": "2020-01-01T00:00:00Z", "valid_until": "2021-01-01T00:00:00Z" }),
        )],
    );
    mesh.wait_for_objects(4);
    for (words, expected) in [
        (&[][..], &[3, 2, 1][..]),
        (&["--label", "c2"], &[2, 1]),
        (&["--label", "c2", "--confidence", "50"], &[1]),
        (&["--observable", "domain-name"], &[1]),
        (&["--technique", "t1566"], &[3]),
        (&["--technique", "T1567"], &[]),
        (&["--tlp", "clear"], &[2]),
        (&["--text", "loader"], &[3, 1]),
        (&["--text", "loader", "a.example"], &[1]),
        (&["--id", &id(2)], &[2]),
        (&["--from", "my"], &[]),
        (&["--from", "my", "--valid-at", "2020-06-01"], &[4]),
        (&["--valid-at", "2020-06-01"], &[4]),
        (&["--until", "2020-01-01"], &[]),
        (&["--since", "1h", "--type", "indicator"], &[3, 2, 1]),
    ] {
        assert_eq!(found(sg, words), expected, "{words:?}");
    }
}

#[test]
fn pages_in_every_order_are_together_the_whole() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    let made = |n: u32| {
        let seen = format!("2025-0{}-01T00:00:00Z", 1 + n % 3);
        indicator(
            n,
            "[domain-name:value = 'a.example']",
            json!({ "confidence": (n * 7) % 4, "valid_from": seen }),
        )
    };
    let objects: Vec<_> = (0..11).map(made).collect();
    publish(sg, &objects);
    for order in ["newest", "oldest", "confidence", "first-seen"] {
        let whole = found(sg, &["--sort", order]);
        let mut paged = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut words = vec!["--sort", order, "--limit", "3"];
            words.extend(cursor.iter().flat_map(|cursor| ["--after", cursor.as_str()]));
            let page = sg.query(&words);
            let Some(last) = page.last() else { break };
            cursor.clone_from(&last.cursor);
            paged.extend(page.iter().map(|line| line.arrival));
        }
        let all: Vec<_> = sg.query(&["--sort", order]).iter().map(|line| line.arrival).collect();
        assert_eq!((paged, whole.len()), (all, 11), "{order}");
    }
    assert!(found(sg, &["--sort", "oldest"]).is_sorted());
    let surest = sg.query(&["--sort", "confidence"]);
    let confidence = |line: &ObjectLine| {
        serde_json::from_str::<Value>(line.object.get()).unwrap()["confidence"].as_u64().unwrap()
    };
    assert!(surest.iter().map(confidence).is_sorted_by(|one, next| one >= next));
    let wrong =
        sg.run(["query", "--sort", "oldest", "--after", surest[0].cursor.as_ref().unwrap()]).refused(1);
    assert!(wrong.contains("the cursor is one of the order `confidence`"), "{wrong}");
    let said = sg.run(["query", "--limit", "3"]).stderr;
    assert!(said.contains("--after newest."), "a table tells where to go on: {said}");
}

#[test]
fn every_format_says_the_same_objects() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    publish(
        sg,
        &[
            indicator(
                1,
                "[domain-name:value = 'a.example']",
                json!({ "name": "=1+1, \"quoted\"", "object_marking_refs": marked("green") }),
            ),
            indicator(2, "[domain-name:value = 'b.example']", json!({})),
        ],
    );
    let bundle: Value = sg.run(["query", "--format", "stix"]).json();
    let types: Vec<_> = bundle["objects"].as_array().unwrap().iter().map(|object| &object["type"]).collect();
    assert_eq!(types, ["marking-definition", "indicator", "indicator", "marking-definition"]);
    assert_eq!(bundle["objects"][0]["definition"]["statement"], "EXERCISE: nothing in this bundle is real");
    let csv = sg.run(["query", "--format", "csv"]).done();
    let lines: Vec<_> = csv.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("id,type,name,"), "{csv}");
    assert!(lines[2].contains("\"'=1+1, \"\"quoted\"\"\""), "{csv}");
    assert!(
        lines[0].ends_with(",exercise") && lines[1..].iter().all(|line| line.ends_with(",EXERCISE")),
        "{csv}"
    );
    assert!(sg.query(&[]).iter().all(|line| line.exercise));
    let checked = sg.run(["check", "a.example", "--json"]);
    assert_eq!(checked.stderr.matches("EXERCISE: nothing in this mesh is real").count(), 1);
    assert_eq!(checked.lines::<Value>()[0]["exercise"], true);
    assert_eq!(sg.run(["query", "--format", "json"]).done(), sg.run(["query", "--json"]).done());
}
