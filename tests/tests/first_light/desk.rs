//! The analyst's desk: what may not be published is refused before anything leaves, and what was
//! published can be watched, exported and checked.

use certmesh_tests::{Bundle, Mesh, Watch, on_one_line};
use serde_json::json;

use crate::{all_show_exactly, finds_one_of};

const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
const AMBER_STRICT: &str = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003";
const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";

/// An object with one property more, before all others.
fn with(object: &str, property: &str) -> String {
    object.replacen('{', &format!("{{{property},"), 1)
}

#[test]
fn one_bad_object_keeps_the_whole_bundle_back() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    for (what, spoil, words) in [
        (
            "no pattern",
            &(|text: &str| text.replace("\"pattern\"", "\"x_pattern\"")) as &dyn Fn(&str) -> String,
            &["object 18", "pattern"][..],
        ),
        (
            "a time that is none",
            &|text| text.replace("2026-02-03T04:05:06.1Z", "yesterday"),
            &["object 18", "valid_from"],
        ),
        (
            "TLP:RED",
            &|text| with(text, &format!(r#""object_marking_refs":["{RED}"]"#)),
            &["object 18", "TLP:RED"],
        ),
        (
            "TLP:AMBER+STRICT",
            &|text| with(text, &format!(r#""object_marking_refs":["{AMBER_STRICT}"]"#)),
            &["object 18", "TLP:AMBER+STRICT"],
        ),
        ("no JSON", &|text| text.replacen(':', ";", 1), &["line"]),
    ] {
        let mut bundle = Bundle::varied(60, 40);
        bundle.objects[17] = spoil(&bundle.objects[17]);
        let file = bundle.write(&mesh.path(""));
        let stderr = sg.run(["publish".as_ref(), file.as_os_str()]).refused(1);
        assert!(words.iter().all(|word| stderr.contains(word)), "{what}: {words:?} are not all in: {stderr}");
    }
    // What is published after all that is the first thing anyone holds.
    let fine = Bundle::varied(61, 1);
    sg.publish(&fine.write(&mesh.path("")));
    mesh.wait_for_objects(1);
    all_show_exactly(&mesh, fine.on_lines());
    assert_eq!(sg.status().records, 2, "the log's opening and one record");
}

#[test]
fn objects_are_marked_when_asked_and_may_come_from_stdin() {
    let mesh = Mesh::raise(2);
    let (sg, my) = (mesh.node("SG"), mesh.node("MY"));
    let bundle = Bundle::varied(62, 2);
    let published = sg.run_fed(&["publish", "-", "--tlp", "green", "--json"], &bundle.text());
    let published: serde_json::Value = published.json();
    assert_eq!(published["objects"], 2);
    mesh.wait_for_objects(2);
    let found = finds_one_of(my, &Bundle::host(62, 1), sg);
    assert_eq!(found.tlp, "green");
    assert_eq!(published["records"], json!([found.record]));
    let object: serde_json::Value = serde_json::from_str(found.object.get()).unwrap();
    assert_eq!(object["object_marking_refs"], json!([GREEN]));
}

#[test]
fn publishing_says_what_was_there_already() {
    let mesh = Mesh::raise(1);
    let node = mesh.node("SG");
    let (bundle, more) = (Bundle::varied(1, 20), Bundle::varied(2, 5));
    let path = bundle.write(&mesh.path(""));
    assert!(!node.run(["publish".as_ref(), path.as_os_str()]).stderr.contains("already"));
    let again = node.run(["publish".as_ref(), path.as_os_str()]);
    assert!(again.stderr.contains("all of them were there already"), "{}", again.stderr);
    let both = [bundle.objects, more.objects].concat().join(",");
    let text = format!(
        r#"{{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[{both}]}}"#
    );
    let path = mesh.path("both.json");
    std::fs::write(&path, text).unwrap();
    let published: serde_json::Value =
        node.run(["publish".as_ref(), path.as_os_str(), "--json".as_ref()]).json();
    assert_eq!((&published["objects"], &published["known"]), (&25.into(), &20.into()));
}

/// What was asked for may name nothing that there is.
#[test]
fn a_query_for_nothing_says_so() {
    let mesh = Mesh::raise(1);
    let node = mesh.node("SG");
    let talk = |words: &[&str]| node.run(["query"].iter().chain(words)).stderr;
    assert!(talk(&["--type", "indicater"]).contains("did you mean indicator?"));
    assert!(talk(&["--from", "MY"]).contains("MY has no node in this mesh; who has: SG"));
    for format in ["json", "csv", "stix"] {
        assert!(
            talk(&["--type", "ipv4", "--format", format]).contains("did you mean ipv4-addr?"),
            "{format}"
        );
    }
    let nothing = talk(&["--from", "SG", "--type", "tool"]);
    assert_eq!(nothing.trim(), "EXERCISE: nothing in this mesh is real\nnothing found");
    // A value in place of a file, whatever else is said of it; and the case of a type does not count.
    let refused = node.run(["publish", "203.0.113.7", "--label", "c2"]).refused(1);
    assert!(refused.contains("publish --value '203.0.113.7'"), "{refused}");
    node.run(["publish", "--value", "203.0.113.7", "--label", "c2"]).done();
    assert!(node.run(["query", "--type", "Indicator"]).done().contains("203.0.113.7"));
}

#[test]
fn a_watch_shows_what_arrives_as_it_arrives() {
    let mesh = Mesh::raise(2);
    let (sg, my) = (mesh.node("SG"), mesh.node("MY"));
    let watch = Watch::proven(my.socket(), sg.socket(), 63);
    let rest = Bundle::varied(65, 300);
    sg.publish(&rest.write(&mesh.path("")));
    let expected: Vec<_> = rest.objects.iter().map(|object| on_one_line(object)).collect();
    // What proved the watch may still be on its way.
    let lines = watch.lines().skip_while(|line| line.object.get() != expected[0]);
    let shown: Vec<_> = lines.take(expected.len()).collect();
    let texts: Vec<_> = shown.iter().map(|line| line.object.get()).collect();
    assert!(texts == expected, "the watch shows other objects, or in another order: {texts:?}");
    assert!(shown.windows(2).all(|pair| pair[0].arrival < pair[1].arrival));
    assert!(shown.iter().all(|line| line.member == "SG"));
}

#[test]
fn an_export_is_good_until_a_bit_is_flipped() {
    let mesh = Mesh::raise(2);
    let (sg, my) = (mesh.node("SG"), mesh.node("MY"));
    let bundle = Bundle::varied(64, 300);
    sg.publish(&bundle.write(&mesh.path("")));
    mesh.wait_for_objects(300);
    let (export, roster) = (mesh.path("my.records"), my.home().join("roster.cbor"));
    let verify = || {
        let words = [
            "verify".as_ref(),
            export.as_os_str(),
            "--roster".as_ref(),
            roster.as_os_str(),
            "--json".as_ref(),
        ];
        certmesh_tests::certmesh(words)
    };
    my.run(["export".as_ref(), "--records".as_ref(), export.as_os_str()]).done();
    let verdict: serde_json::Value = verify().json();
    assert_eq!((&verdict["ok"], &verdict["objects"]), (&json!(true), &json!(300)));
    let good = std::fs::read(&export).unwrap();
    for place in [good.len() / 10, good.len() / 2, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[place] ^= 0x10;
        std::fs::write(&export, bytes).unwrap();
        let verdict = verify();
        assert_eq!(verdict.code, Some(1), "a bit flipped at byte {place} of {}: {verdict:?}", good.len());
        assert!(verdict.stderr.contains("is not good"), "{}", verdict.stderr);
    }
}
