//! Exit codes and errors: what scripts act on, and what a person reads when something is amiss.

use crate::desk::{Desk, Ran};

#[test]
fn no_node_is_exit_3() {
    let desk = Desk::new();
    desk.write("object.json", INDICATOR.as_bytes());
    for command in [
        "status",
        "peers",
        "check a.example",
        "query a.example",
        "show x",
        "why a.example",
        "feed domains.txt",
        "reindex",
        "watch",
        "publish object.json",
        "revoke x",
    ] {
        let ran = desk.run(&format!("--node none.sock {command}"));
        assert_eq!(ran.code, Some(3), "{command}\n{ran}");
    }
    insta::assert_snapshot!("no_node", desk.run("status --node none.sock"));
    let ran = desk.run("export --records out.records --node none.sock");
    assert!(ran.code == Some(3) && !desk.path("out.records").exists(), "{ran}");
}

#[test]
fn wrong_usage_is_exit_2() {
    let desk = Desk::new();
    for words in
        ["", "nonsense", "query --limit 0", "query --from Singapore", "query --since soon", "export", "key"]
    {
        let ran = desk.run(words);
        assert_eq!(ran.code, Some(2), "{words}\n{ran}");
    }
    insta::assert_snapshot!("wrong_since", desk.run("query --since soon"));
    insta::assert_snapshot!("wrong_tlp", desk.run("publish x.json --tlp pink"));
}

#[test]
fn lists_are_named_without_a_node() {
    let desk = Desk::new();
    insta::assert_snapshot!("lists", desk.run("feed"));
    for (words, said) in [
        ("feed nothing.txt", "there is no list"),
        ("feed misp", "name a folder"),
        ("feed domains.txt --page 2", "--limit"),
        ("feed domains.txt --since soon", "neither an age"),
        ("query --sort loudest", "first-seen"),
        ("query --technique 1566", "no ATT&CK technique"),
        ("check", "required"),
    ] {
        let ran = desk.run(words);
        assert!(ran.code == Some(2) && ran.stderr.contains(said), "{words}\n{ran}");
    }
}

#[test]
fn a_value_that_nobody_can_know_is_doubted() {
    for (value, said) in [
        ("values.csv", "note: there is no file values.csv: it is taken for a value"),
        ("1.2.3.256", "note: \"1.2.3.256\" is no address and no network"),
        ("d41d8cd98f00b204e9800998ecf8427", "has 31 hexadecimal digits"),
    ] {
        let ran = Desk::new().run(&format!("check {value} --node none.sock"));
        assert!(ran.code == Some(3) && ran.stderr.contains(said), "{value}\n{ran}");
    }
}

/// What is published, and not read at a node that is not there.
fn publish(name: &str, bytes: &[u8]) -> Ran {
    let desk = Desk::new();
    desk.write(name, bytes);
    desk.run(&format!("publish {name} --node none.sock"))
}

const INDICATOR: &str = r#"{"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
  "created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","valid_from":"2026-01-01T00:00:00Z",
  "pattern":"[domain-name:value = 'a.example']","pattern_type":"stix"}"#;

#[test]
fn a_wrong_file_is_refused_before_the_node_is_asked() {
    let red = "\"object_marking_refs\":[\"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1\"]";
    let bundle = |second: &str| format!("{{\"type\":\"bundle\",\"objects\":[{INDICATOR},{second}]}}");
    for (name, bytes) in [
        ("not_json", "hello".to_owned()),
        ("not_utf8", String::new()),
        ("no_object", "{}".to_owned()),
        ("empty_bundle", r#"{"type":"bundle","objects":[]}"#.to_owned()),
        ("no_pattern", bundle(&INDICATOR.replace("\"pattern\"", "\"x_pattern\""))),
        ("red", bundle(&INDICATOR.replace("\"pattern_type\"", &format!("{red},\"pattern_type\"")))),
        ("no_stix_pattern", bundle(&INDICATOR.replace("value =", "value-1 ="))),
        ("pattern_bomb", bundle(&INDICATOR.replace('[', &"(".repeat(100_000)))),
        (
            "deep_nest",
            bundle(&INDICATOR.replace(
                "\"valid_from\"",
                &format!("\"x_deep\":{}{},\"valid_from\"", "[".repeat(100_000), "]".repeat(100_000)),
            )),
        ),
        ("place", bundle(&INDICATOR.replace("\"valid_from\"", "\"labels\":[\"a\",{}],\"valid_from\""))),
        ("escapes", bundle(r#"{"type":"x\u001b[2J","id":"\u202e"}"#)),
    ] {
        let bytes = if name == "not_utf8" { b"{\"type\":\"\xff\"}".to_vec() } else { bytes.into_bytes() };
        let ran = publish("bundle.json", &bytes);
        assert_eq!(ran.code, Some(1), "{name}\n{ran}");
        insta::assert_snapshot!(format!("publish_{name}"), ran);
    }
}

#[test]
fn the_standard_input_is_a_file_too() {
    let ran = Desk::new().run_with("publish - --node none.sock", b"hello");
    assert!(ran.code == Some(1) && ran.stderr.starts_with("error: the standard input: "), "{ran}");
}

#[test]
fn a_file_that_is_not_there() {
    insta::assert_snapshot!(Desk::new().run("publish none.json"));
}
