//! Texts of a body: which of them are objects, and how they are marked. Every node must agree, or two
//! nodes would show different views.

use certmesh_intel::{Object, Tlp};
use serde_json::{Value, json};

use crate::logs::{GREEN, UNMARKED};

const ID: &str = "indicator--00000000-0000-4000-8000-00000000000a";

/// An object with these further properties.
fn with(properties: &str) -> String {
    format!(r#"{{"type":"indicator","id":"{ID}",{properties}}}"#)
}

/// An object that refers to these marking definitions, for the whole and for parts.
fn marked(whole: &[&str], parts: &[&str]) -> String {
    let id = |uuid: &&str| format!(r#""marking-definition--{uuid}""#);
    let whole: Vec<_> = whole.iter().map(id).collect();
    let parts: Vec<_> =
        parts.iter().map(|uuid| format!(r#"{{"selectors":["name"],"marking_ref":{}}}"#, id(uuid))).collect();
    with(&format!(r#""object_marking_refs":[{}],"granular_markings":[{}]"#, whole.join(","), parts.join(",")))
}

fn nested(depth: usize) -> String {
    with(&format!(r#""x":{}{}"#, "[".repeat(depth - 1), "]".repeat(depth - 1)))
}

fn many(properties: usize) -> String {
    let more: Vec<_> = (2..properties).map(|n| format!(r#""x{n}":0"#)).collect();
    with(&more.join(","))
}

const CLEAR: &str = "94868c89-83c2-464b-929b-a1a8aa3c8487";
const GREEN_ID: &str = "bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
const AMBER: &str = "55d920b0-5e8b-4f79-9ee9-91f868d9b421";
const STRICT: &str = "939a9414-2ddd-4d32-a0cd-375ea402b003";
const RED: &str = "e828b379-4e03-4974-9ac4-e53a884c97c1";

/// Each text with its marking, or nothing if it is no object.
fn texts() -> Vec<(&'static str, String, Option<u8>)> {
    let object = |name, text: String, tlp| (name, text, Some(tlp));
    let none = |name, text: &str| (name, text.to_owned(), None);
    let identified = |object_type: &str, id: &str| format!(r#"{{"type":"{object_type}","id":"{id}"}}"#);
    vec![
        object("unmarked", UNMARKED.into(), 2),
        object("marked GREEN", GREEN.into(), 1),
        object("CLEAR", marked(&[CLEAR], &[]), 0),
        object("AMBER", marked(&[AMBER], &[]), 2),
        object("AMBER+STRICT", marked(&[STRICT], &[]), 3),
        object("RED", marked(&[RED], &[]), 4),
        object("the strictest of several", marked(&[CLEAR, RED, GREEN_ID], &[]), 4),
        object("a stricter part raises", marked(&[GREEN_ID], &[RED]), 4),
        object("a freer part does not lower", marked(&[AMBER], &[CLEAR]), 2),
        object("a part alone leaves the whole unmarked", marked(&[], &[GREEN_ID]), 2),
        object("another marking is no TLP", marked(&["00000000-0000-4000-8000-000000000000"], &[]), 2),
        object("almost a TLP", marked(&["939a9414-2ddd-4d32-a0cd-375ea402b004"], &[]), 2),
        object("TLP 1 white", marked(&["613f2e26-407d-48c7-9eca-b8e91df99dc9"], &[]), 0),
        object("TLP 1 green", marked(&["34098fce-860f-48ae-8e50-ebd3cc5e41da"], &[]), 1),
        object("TLP 1 amber", marked(&["f88d31f6-486f-44da-b317-01333bde0b82"], &[]), 2),
        object("TLP 1 red", marked(&["5e57c739-391a-4eb3-b6be-7d15ca92d5ed"], &[]), 4),
        object("OpenCTI's amber+strict", marked(&["826578e1-40ad-459f-bc73-ede076f81f37"], &[]), 3),
        object(
            "a string in place of the list",
            with(&format!(r#""object_marking_refs":"marking-definition--{RED}""#)),
            4,
        ),
        object(
            "items that are no strings",
            with(&format!(r#""object_marking_refs":[1,"marking-definition--{CLEAR}"]"#)),
            0,
        ),
        object("parts that are no list", with(r#""granular_markings":{"marking_ref":"x"}"#), 2),
        object("RED in upper case", marked(&[&RED.to_uppercase()], &[]), 4),
        object(
            "RED in upper case from its first letter",
            with(&format!(
                r#""object_marking_refs":["{}"]"#,
                format!("marking-definition--{RED}").to_uppercase()
            )),
            4,
        ),
        object(
            "RED with a Kelvin sign, which is no K but becomes one in lower case",
            with(&format!("\"object_marking_refs\":[\"mar\u{212a}ing-definition--{RED}\"]")),
            2,
        ),
        object(
            "a TLP marking definition itself, its id in upper case",
            identified("marking-definition", &format!("marking-definition--{}", RED.to_uppercase())),
            0,
        ),
        object("a TLP marking definition itself", Tlp::Red.marking_definition().into(), 0),
        object(
            "white space around",
            format!(" \t\r\n{} ", identified("a", &ID.replace("indicator", "a"))),
            2,
        ),
        object("an id in upper case", identified("a", "a--0000000A-0000-4000-8000-00000000000F"), 2),
        object("a type of its own", identified("X_my-1", "X_my-1--00000000-0000-4000-8000-000000000001"), 2),
        object(
            "names and values with escapes",
            r#"{"\u0074ype":"\u0061","id":"a--00000000-0000-4000-8000-000000000001"}"#.into(),
            2,
        ),
        object("a pair of surrogates", with(r#""x":"\ud83d\ude00""#), 2),
        object("a number that fits no machine", with(r#""x":-1.5e99999"#), 2),
        object("the same property twice, deeper down", with(r#""x":{"a":1,"a":2}"#), 2),
        object("nested 128 deep", nested(128), 2),
        object("1,024 properties", many(1024), 2),
        none("empty", ""),
        none("a list", "[]"),
        none("torn", r#"{"type":"a""#),
        none("something after it", &(identified("a", "a--00000000-0000-4000-8000-000000000001") + "{}")),
        none("a comma too many", &with(r#""x":1,"#)),
        none("a number with a leading zero", &with(r#""x":01"#)),
        none("a line break in a string", &with("\"x\":\"\n\"")),
        none("an escape that JSON lacks", &with(r#""x":"\x41""#)),
        none("a byte order mark", &format!("\u{feff}{GREEN}")),
        none("half of a surrogate pair", &with(r#""x":"\ud83d""#)),
        none("the other half", &with(r#""x":["\ude00\ud83d"]"#)),
        none("a property twice", &with(r#""x":1,"x":1"#)),
        none("a property twice, once by an escape", &with(r#""x":1,"\u0078":1"#)),
        none("nested 129 deep", &nested(129)),
        none("1,025 properties", &many(1025)),
        none("no type", &format!(r#"{{"id":"{ID}"}}"#)),
        none("no id", r#"{"type":"indicator"}"#),
        none("a type that is no string", r#"{"type":1,"id":"1--00000000-0000-4000-8000-000000000001"}"#),
        none("an id of another type", &identified("malware", ID)),
        none("an id without a UUID", &identified("indicator", "indicator--1")),
        none("an id with something in front", &identified("indicator", &format!(" {ID}"))),
        none("no type at all", &identified("", "--00000000-0000-4000-8000-000000000001")),
        none("a type of other letters", &identified("é", "é--00000000-0000-4000-8000-000000000001")),
        none("a type with a full stop", &identified("a.b", "a.b--00000000-0000-4000-8000-000000000001")),
        none(
            "an id of 257 bytes",
            &identified(
                &"a".repeat(219),
                &format!("{}--00000000-0000-4000-8000-000000000001", "a".repeat(219)),
            ),
        ),
    ]
}

pub(crate) fn file() -> Value {
    let texts =
        texts().into_iter().map(|(name, text, tlp)| json!({ "name": name, "text": text, "tlp": tlp }));
    json!({ "texts": texts.collect::<Vec<_>>() })
}

#[test]
fn texts_are_read_as_listed() {
    for (name, text, tlp) in texts() {
        let found = Object::read(&text).ok().map(|object| object.tlp() as u8);
        assert_eq!(found, tlp, "{name}: {text}");
    }
}
