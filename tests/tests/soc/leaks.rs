//! What a token may not see it can't infer: an answer to it is the same, byte for byte, whether or not there is
//! anything above its ceiling. For every ceiling, every marking that may travel, and every route that reads.

use std::collections::BTreeMap;

use certmesh_intel::formats::Feed;
use certmesh_tests::{Mesh, Node, Reply, Tool};
use serde_json::Value;

use crate::{ALL, alone, page};

/// From the freest to the strictest, with the marking's id; what is stricter than AMBER is in no log for all.
const MARKINGS: [(&str, &str); 3] = [
    ("clear", "94868c89-83c2-464b-929b-a1a8aa3c8487"),
    ("green", "bab4a63c-aed9-4cf5-a766-dfca5abac2bb"),
    ("amber", "55d920b0-5e8b-4f79-9ee9-91f868d9b421"),
];
/// Versions of one object, more than a page with room for one looks at.
const HISTORY: usize = 24;
/// What everyone sees the newest version of, and has older ones with stricter markings from the second round on.
const MIXED: &str = "indicator--00000000-0000-4000-8000-000000000005";
const CEILINGS: [&str; 5] = ["clear", "green", "amber", "amber+strict", "red"];

/// An indicator and what speaks of it, all with one marking; in the second round, newer versions too.
fn objects(level: usize, round: usize) -> Vec<String> {
    let (word, marking) = MARKINGS[level];
    let id = |kind: &str, n: usize| format!("{kind}--00000000-0000-4000-8000-0000000{level}{round}{n:03}");
    let object = |kind: &str, n: usize, modified: &str, more: &str| {
        format!(
            r#"{{"type":"{kind}","spec_version":"2.1","id":"{}","created":"2026-01-01T00:00:00.000Z","modified":"2026-0{modified}-01T00:00:00.000Z","object_marking_refs":["marking-definition--{marking}"],{more}}}"#,
            id(kind, n)
        )
    };
    let pattern = |value: &str| {
        format!(
            r#""pattern":"[{value}]","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","name":"needle-{word}""#
        )
    };
    let of = id("indicator", 1);
    let long = object("indicator", 4, "3", &pattern("domain-name:value = 'history.example'"));
    let version = |minute| long.replace("2026-03-01T00:00", &format!("2026-03-01T00:{minute:02}"));
    let history = (0..HISTORY).map(version);
    // Its versions have an order, whatever the order in which they come.
    let mixed = long.replace(&id("indicator", 4), MIXED);
    let mixed = mixed.replace("2026-03-01T00:00", &format!("2026-03-01T01:{:02}", 9 - level));
    let mixed = Some(mixed).filter(|_| round == usize::from(level > 0));
    let others = [
        object(
            "indicator",
            1,
            "1",
            &pattern(&format!("domain-name:value = 'needle-{word}-{round}.example'")),
        ),
        object(
            "indicator",
            1,
            "2",
            &pattern(&format!("domain-name:value = 'needle-{word}-{round}.example'")),
        ),
        // One value that every marking speaks of, and a network around it.
        object("indicator", 2, "1", &pattern("domain-name:value = 'shared.example'")),
        object("indicator", 3, "1", &pattern(&format!("ipv4-addr:value = '198.51.{level}.0/24'"))),
        object("malware", 1, "1", &format!(r#""is_family":false,"name":"needle-{word}""#)),
        object("sighting", 1, "1", &format!(r#""sighting_of_ref":"{of}","count":7"#)),
        object("opinion", 1, "1", &format!(r#""opinion":"strongly-disagree","object_refs":["{of}"]"#)),
        object(
            "relationship",
            1,
            "1",
            &format!(
                r#""relationship_type":"indicates","source_ref":"{of}","target_ref":"{}""#,
                id("malware", 1)
            ),
        ),
    ];
    history.chain(others).chain(mixed).collect()
}

fn publish_level(mesh: &Mesh, node: &Node, level: usize, round: usize) {
    let path = mesh.path("level.json");
    let objects = objects(level, round).join(",");
    let bundle = format!(
        r#"{{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[{objects}]}}"#
    );
    std::fs::write(&path, bundle).unwrap();
    node.publish(&path);
}

/// Every question that a tool can put, among them some about what is above its ceiling.
fn questions() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut all: Vec<(&str, String, Vec<u8>)> = Vec::new();
    let mut get = |path: String| {
        all.push(("GET", path.clone(), Vec::new()));
        all.push(("HEAD", path, Vec::new()));
    };
    get("/taxii2/".into());
    get("/taxii2/mesh/".into());
    get("/taxii2/mesh/collections/".into());
    for collection in ["all", "indicators", "threats", "sightings", "reports", "relationships", "member-sg"] {
        let at = format!("/taxii2/mesh/collections/{collection}");
        get(format!("{at}/"));
        for list in ["objects", "manifest"] {
            for query in [
                "",
                "?limit=1",
                "?limit=3",
                "?match[version]=all",
                "?match[version]=first",
                "?match[type]=malware",
            ] {
                get(format!("{at}/{list}/{query}"));
            }
            for versions in ["all", "first", "last", "2026-03-01T01:08:00.000Z"] {
                get(format!("{at}/{list}/?match[id]={MIXED}&match[version]={versions}&limit=1"));
            }
        }
        get(format!("{at}/objects/{MIXED}/?match[version]=first"));
        get(format!("{at}/objects/{MIXED}/versions/"));
        for level in 0..MARKINGS.len() {
            for id in ["indicator", "malware"]
                .map(|kind| format!("{kind}--00000000-0000-4000-8000-0000000{level}0001"))
            {
                get(format!("{at}/objects/{id}/"));
                get(format!("{at}/objects/{id}/?match[version]=all"));
                get(format!("{at}/objects/{id}/versions/"));
                get(format!("{at}/objects/?match[id]={id}"));
            }
            // One that comes in the second round: until then nobody knows it.
            let id = format!("indicator--00000000-0000-4000-8000-0000000{level}1004");
            for versions in ["all", "first", "last"] {
                get(format!("{at}/objects/?match[id]={id}&match[version]={versions}&limit=1"));
            }
        }
    }
    for feed in feeds() {
        get(feed);
    }
    let mut values =
        vec!["shared.example".to_owned(), "example".into(), "198.51.0.0/16".into(), "nothing.example".into()];
    for (level, (word, _)) in MARKINGS.iter().enumerate() {
        values.push(format!("needle-{word}-0.example"));
        values.push(format!("sub.needle-{word}-0.example"));
        values.push(format!("198.51.{level}.7"));
    }
    for value in &values {
        get(format!("/api/v1/check?value={value}"));
    }
    all.push(("POST", "/api/v1/check".into(), values.join("\n").into_bytes()));
    all
}

/// Every list, whole and narrowed.
fn feeds() -> Vec<String> {
    let names = Feed::all().map(Feed::name);
    let paths =
        names.flat_map(|name| [format!("/feeds/{name}"), format!("/feeds/{name}?limit=2&confidence=0")]);
    std::iter::once("/feeds/".to_owned()).chain(paths).collect()
}

/// An answer without what every answer has anew: the time.
fn answer(tool: &Tool, (method, path, body): &(&'static str, String, Vec<u8>)) -> Reply {
    let mut reply = tool.ask(method, path, &[], body);
    reply.headers.remove("date");
    reply
}

type Answers = BTreeMap<(String, &'static str), Vec<Reply>>;

fn ask_all(tools: &BTreeMap<&'static str, Tool>) -> Answers {
    let mut answers = Answers::new();
    for question in questions() {
        for (ceiling, tool) in tools {
            let (method, path, _) = &question;
            answers.entry((format!("{method} {path}"), ceiling)).or_default().push(answer(tool, &question));
        }
    }
    answers
}

/// What a stream from the beginning gives, as far as this object.
fn streamed(tool: &Tool, until: &str) -> Vec<Value> {
    let mut stream = tool.follow("/api/v1/stream?after=0", &[]);
    let mut found = Vec::new();
    while found.last().is_none_or(|data: &Value| data["object"]["id"] != until) {
        found.push(stream.next_object().expect("the stream goes on").1);
    }
    found
}

#[test]
fn nothing_above_a_ceiling_changes_any_answer() {
    let mesh = alone();
    let node = mesh.node("SG");
    let tools: BTreeMap<_, _> = CEILINGS
        .iter()
        .map(|ceiling| {
            let name = format!("to-{}", ceiling.replace('+', "-"));
            (*ceiling, node.tool_with(&[&name, "--tlp", ceiling, "--exercise"]))
        })
        .collect();
    for level in 0..MARKINGS.len() {
        publish_level(&mesh, node, level, 0);
    }
    let before = ask_all(&tools);
    for (number, (word, _)) in MARKINGS.iter().enumerate() {
        let needle = format!("needle-{word}");
        let seen_by: Vec<_> = CEILINGS.iter().skip(number).collect();
        for ((question, ceiling), replies) in &before {
            let holds = replies.iter().any(|reply| {
                let text = reply.text();
                // A check repeats the question; what it finds is in its hits.
                let text = if question.contains("/check") {
                    text.split_once("\"hits\":[").map_or("", |(_, hits)| hits)
                } else {
                    text
                };
                text.contains(&needle) && !question.contains("POST")
            });
            assert!(!holds || seen_by.contains(&ceiling), "{question} shows {needle} to {ceiling}");
        }
        let sees = |ceiling: &str| page(&tools[ceiling], "").0.text().contains(&needle);
        assert!(CEILINGS.iter().all(|ceiling| sees(ceiling) == seen_by.contains(&ceiling)), "{word}");
    }
    // Whatever comes above a ceiling leaves all answers below it as they are; from the strictest down.
    for level in (1..MARKINGS.len()).rev() {
        publish_level(&mesh, node, level, 1);
        let below: BTreeMap<_, _> =
            CEILINGS[..level].iter().map(|ceiling| (*ceiling, tools[ceiling].clone())).collect();
        for (key, replies) in ask_all(&below) {
            assert_eq!(
                replies, before[&key],
                "{} tells {} of something TLP:{}",
                key.0, key.1, MARKINGS[level].0
            );
        }
    }
    for (ceiling, (word, _)) in CEILINGS.iter().zip(MARKINGS) {
        let first =
            tools[ceiling].get(&format!("{ALL}/objects/{MIXED}/?match[version]=first")).json::<Value>();
        assert_eq!(
            first["objects"][0]["name"],
            format!("needle-{word}"),
            "the oldest that {ceiling} may see"
        );
    }
    // The last object that everyone sees ends each stream.
    publish_level(&mesh, node, 0, 2);
    let last = "relationship--00000000-0000-4000-8000-000000002001";
    for ceiling in CEILINGS {
        let found = streamed(&tools[ceiling], last);
        let allowed = |data: &Value| {
            CEILINGS.iter().position(|word| data["tlp"] == **word)
                <= CEILINGS.iter().position(|word| *word == ceiling)
        };
        assert!(found.iter().all(allowed), "a stream shows {ceiling} what is above it");
        let all = tools[ceiling].get(&format!("{ALL}/objects/?limit=1000")).json::<Value>();
        assert_eq!(found.len(), all["objects"].as_array().unwrap().len());
    }
}

/// What its author has replaced must not be acted upon, whoever may see what has come in its place.
#[test]
fn a_newer_version_above_a_ceiling_takes_the_older_one_away_and_tells_no_more() {
    let mesh = alone();
    let node = mesh.node("SG");
    let tool = |name: &str, ceiling: &str| node.tool_with(&[name, "--tlp", ceiling, "--exercise"]);
    let (green, amber) = (tool("green", "green"), tool("amber", "amber"));
    let object = |at: &str, level: usize, host: &str| {
        let marking = MARKINGS[level].1;
        format!(
            r#"{{"type":"indicator","spec_version":"2.1","id":"{MIXED}","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-{at}T00:00:00.000Z","object_marking_refs":["marking-definition--{marking}"],"pattern":"[domain-name:value = '{host}.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"}}"#
        )
    };
    let publish = |object: String| {
        let path = mesh.path("version.json");
        std::fs::write(&path, object).unwrap();
        node.publish(&path);
    };
    let shows = |tool: &Tool, host: &str| {
        let collection = page(tool, "").0.text().contains(host);
        let list = tool.get("/feeds/domains.txt").expect(200).text().contains(host);
        let checked = tool.get(&format!("/api/v1/check?value={host}.example")).expect(200);
        let known = checked.json::<Value>()["known"] == true;
        assert!(collection == list && list == known, "{host}: {collection} {list} {known}");
        known
    };
    publish(object("01", 1, "older"));
    assert!(shows(&green, "older") && shows(&amber, "older"));
    publish(object("02", 2, "newer"));
    assert!(!shows(&green, "older") && !shows(&green, "newer"));
    assert!(!shows(&amber, "older") && shows(&amber, "newer"));
    let versions = |tool: &Tool| {
        let all = tool.get(&format!("{ALL}/objects/{MIXED}/?match[version]=all")).expect(200);
        all.json::<Value>()["objects"].as_array().unwrap().len()
    };
    assert_eq!((versions(&green), versions(&amber)), (1, 2));
}
