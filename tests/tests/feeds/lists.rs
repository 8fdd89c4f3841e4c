//! What is in a list, and what never is.

use certmesh_tests::{Mesh, eventually};
use serde_json::json;

use crate::{THEN, feed, lines, of_name, publish};

#[test]
fn a_list_holds_what_is_live_and_nothing_else() {
    let mesh = Mesh::raise(2);
    let (sg, my) = (mesh.node("SG"), mesh.node("MY"));
    let green = certmesh_intel::Tlp::Green.marking_id();
    let later = "2026-02-01T00:00:00.000Z";
    publish(
        sg,
        &[
            of_name(1, "listed.example", json!({})),
            of_name(
                2,
                "unmarked.example",
                json!({ "object_marking_refs": [certmesh_intel::Tlp::Amber.marking_id()] }),
            ),
            of_name(3, "expired.example", json!({ "valid_until": "2026-02-01T00:00:00Z" })),
            of_name(4, "revoked.example", json!({})),
            of_name(5, "old.example", json!({})),
            of_name(6, "printer.local", json!({})),
            crate::indicator(7, "[domain-name:value = 'partial.example' AND file:name = 'x']", json!({})),
            json!({ "type": "domain-name", "spec_version": "2.1", "id": "domain-name--00000000-0000-4000-8000-000000000001",
            "value": "mentioned.example", "object_marking_refs": [green] }),
            json!({ "type": "domain-name", "spec_version": "2.1", "id": "domain-name--00000000-0000-4000-8000-000000000002",
            "value": "expired.example", "object_marking_refs": [green] }),
        ],
    );
    publish(
        sg,
        &[
            of_name(4, "revoked.example", json!({ "modified": later, "revoked": true })),
            of_name(5, "new.example", json!({ "modified": later })),
        ],
    );
    let expected = ["listed.example", "new.example"];
    eventually("MY's list", || {
        let found = lines(my, &["domains.txt"]);
        if found == expected { Ok(()) } else { Err(format!("{found:?}")) }
    });
    assert_eq!(lines(sg, &["domains.txt"]), expected);
    assert_eq!(lines(sg, &["domains.txt", "--ceiling", "amber"]).len(), 3);
    for list in [
        "indicators.csv",
        "zeek.intel",
        "rpz.zone",
        "suricata.rules",
        "stix.json",
        "suricata/certmesh-domains.lst",
    ] {
        let text = feed(sg, &[list]);
        for never in ["unmarked", "expired", "revoked.", "old.", "printer", "partial", "mentioned"] {
            assert!(!text.contains(never), "{never} is in {list}:\n{text}");
        }
    }
    // What an exercise shows says so, and no live tool gets it by accident.
    let refused = sg.run(["feed", "domains.txt"]).refused(1);
    assert!(refused.contains("EXERCISE"), "{refused}");
    assert!(feed(sg, &["domains.txt"]).starts_with("# EXERCISE"));
}

#[test]
fn what_ends_leaves_the_lists_at_once() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    sg.run(["publish", "--value", "soon-gone.example", "--tlp", "green", "--valid-for", "3s"]).done();
    assert_eq!(lines(sg, &["domains.txt"]), ["soon-gone.example"]);
    eventually("the value to go", || {
        let found = lines(sg, &["domains.txt"]);
        if found.is_empty() { Ok(()) } else { Err(format!("{found:?}")) }
    });
    let said = sg.run(["why", "soon-gone.example"]).done();
    assert!(said.contains("expired at"), "{said}");
}

#[test]
fn filters_and_pages_choose_the_surest() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    let made = |n: u32| {
        let label = if n.is_multiple_of(2) { "c2" } else { "phishing" };
        of_name(n, &format!("n{n}.example"), json!({ "confidence": n * 10, "labels": [label] }))
    };
    let objects: Vec<_> = (0..10).map(made).collect();
    publish(sg, &objects);
    assert_eq!(lines(sg, &["domains.txt", "--confidence", "70"]), ["n7.example", "n8.example", "n9.example"]);
    assert_eq!(lines(sg, &["domains.txt", "--label", "phishing", "--confidence", "70"]).len(), 2);
    assert_eq!(lines(sg, &["domains.txt", "--limit", "2"]), ["n8.example", "n9.example"]);
    assert_eq!(lines(sg, &["domains.txt", "--limit", "2", "--page", "2"]), ["n6.example", "n7.example"]);
    assert_eq!(lines(sg, &["domains.txt", "--limit", "4", "--page", "3"]), ["n0.example", "n1.example"]);
    // What a list can't say takes nobody's place in it.
    let pattern = "[ipv4-addr:value = '203.0.112.0/24' OR ipv4-addr:value = '203.0.113.7']";
    publish(sg, &[crate::indicator(90, pattern, json!({ "confidence": 90 }))]);
    let low = crate::indicator(91, "[ipv4-addr:value = '203.0.113.8']", json!({ "confidence": 10 }));
    publish(sg, &[low]);
    assert_eq!(lines(sg, &["addresses.txt", "--limit", "1"]), ["203.0.113.7"]);
    assert_eq!(lines(sg, &["addresses.txt", "--limit", "1", "--page", "2"]), ["203.0.113.8"]);
    assert_eq!(lines(sg, &["networks.txt", "--limit", "1"]), ["203.0.112.0/24"]);
    assert_eq!(lines(sg, &["domains.txt", "--member", "SG,MY"]).len(), 10);
    assert!(lines(sg, &["domains.txt", "--member", "MY"]).is_empty());
    assert_eq!(lines(sg, &["domains.txt", "--since", "1h"]).len(), 10);
    assert!(lines(sg, &["domains.txt", "--since", "2999-01-01"]).is_empty());
    for wrong in [
        &["domains.txt", "--member", "Singapore"][..],
        &["domains.txt", "--member", "XX"],
        &["domains.txt", "--label", ""],
        &["domains.txt", "--type", "url"],
        &["indicators.csv", "--type", "domain"],
    ] {
        sg.run(["feed", "--exercise"].iter().chain(wrong)).refused(1);
    }
    assert!(sg.run(["feed", "nothing.txt"]).refused(2).contains("there is no list"));
}

#[test]
fn a_misp_event_holds_of_a_report_what_is_listed_alone() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    let both = "[domain-name:value = 'listed.example'] OR [ipv4-addr:value = '198.51.100.7']";
    publish(sg, &[crate::indicator(1, both, json!({}))]);
    let folder = mesh.path("misp");
    let to = ["--output", folder.to_str().unwrap()];
    sg.run(["feed", "--exercise", "misp", "--type", "domain-name"].iter().chain(&to)).done();
    let text: String = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(text.contains("listed.example"), "{text}");
    assert!(!text.contains("198.51.100.7"), "an address was not asked for: {text}");
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    publish(sg, &[of_name(1, "a.example", json!({ "created": THEN }))]);
    let file = mesh.path("domains.txt");
    std::fs::write(&file, "old\n").unwrap();
    let file = file.to_str().unwrap();
    let done = sg.run(["feed", "--exercise", "domains.txt", "--output", file]);
    assert!(done.stderr.contains("wrote") && done.done().is_empty());
    assert!(std::fs::read_to_string(file).unwrap().ends_with("a.example\n"));
    sg.stop();
    assert_eq!(sg.run(["feed", "--exercise", "domains.txt", "--output", file]).code, Some(3));
    assert!(
        std::fs::read_to_string(file).unwrap().ends_with("a.example\n"),
        "an old list is better than none"
    );
    mesh.up();
    for (name, least) in [("misp", 3), ("suricata", 7)] {
        let folder = mesh.path(name);
        sg.run(["feed", "--exercise", name, "--output", folder.to_str().unwrap()]).done();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), least, "{name}");
    }
}

#[test]
fn a_list_is_the_last_good_one_when_the_node_is_cut_off() {
    let mesh = Mesh::raise(2);
    let (sg, my) = (mesh.node("SG"), mesh.node("MY"));
    publish(sg, &[of_name(1, "a.example", json!({}))]);
    assert!(!feed(sg, &["domains.txt"]).contains("cut off"));
    my.stop();
    eventually("the list to say so", || {
        let ran = sg.run(["feed", "--exercise", "domains.txt"]);
        let says = ran.stderr.contains("hears from no other one since");
        let text = ran.done();
        if says && text.contains("cut off from the mesh") && text.contains("a.example") {
            Ok(())
        } else {
            Err(text)
        }
    });
    mesh.up();
    eventually("the list to be new again", || {
        let text = feed(sg, &["domains.txt"]);
        if text.contains("cut off") { Err(text) } else { Ok(()) }
    });
}

#[test]
fn a_zone_s_serial_grows_when_its_rows_change_and_only_then() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    let serial = || -> u32 {
        let zone = feed(sg, &["rpz.zone"]);
        let soa = zone.lines().find(|line| line.contains(" SOA ")).unwrap().to_owned();
        soa.split(' ').nth(5).unwrap().parse().unwrap()
    };
    publish(sg, &[of_name(1, "a.example", json!({}))]);
    let first = serial();
    publish(sg, &[crate::indicator(2, "[file:name = 'no name']", json!({}))]);
    assert_eq!(serial(), first, "nothing in the zone has changed");
    publish(sg, &[of_name(3, "b.example", json!({}))]);
    let second = serial();
    assert!(second > first);
    // A start takes it from the clock, which it is never ahead of, however often it grows within a second.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(u64::from(second) <= now.as_secs());
    sg.stop();
    mesh.up();
    assert!(serial() >= second, "a restart takes nothing back");
}
