//! What clients are known to do, replayed: each of these lost or repeated objects at some server.

use certmesh_tests::Tool;
use serde_json::Value;

use crate::{ALL, alone, id_of, ids, page, publish};

/// The ids of all objects, each once and in order, as the node should give them.
#[track_caller]
fn are_all(found: &[String], texts: &[Vec<String>]) {
    let expected: Vec<_> = texts.iter().flatten().map(|text| id_of(text)).collect();
    assert_eq!(found, expected, "not each object once, in the order of arrival");
}

/// Elastic's custom TAXII input: the second page sends `next` and `limit` alone, and its cursor is the header.
#[test]
fn elastic() {
    struct Elastic {
        tool: Tool,
        cursor: String,
    }
    impl Elastic {
        fn poll(&mut self) -> Vec<String> {
            let mut found = Vec::new();
            let mut query = format!("limit=7&added_after={}&match[type]=indicator", self.cursor);
            loop {
                let (reply, page) = page(&self.tool, &query);
                found.extend(ids(&page));
                let last = reply.header("x-taxii-date-added-last").to_owned();
                assert!(!last.is_empty(), "an empty page too says where it ends");
                self.cursor = last;
                match page["next"].as_str() {
                    Some(next) if !next.is_empty() => query = format!("next={next}&limit=7"),
                    _ => return found,
                }
            }
        }
    }
    let mesh = alone();
    let node = mesh.node("SG");
    let indicators = |seed| -> Vec<String> {
        let texts = publish(&mesh, node, seed, 40);
        texts.into_iter().filter(|text| id_of(text).starts_with("indicator--")).collect()
    };
    let first = indicators(1);
    // Its first cursor has whole seconds.
    let mut elastic = Elastic { tool: node.tool(), cursor: "2020-01-01T00:00:00Z".into() };
    are_all(&elastic.poll(), &[first]);
    let cursor = elastic.cursor.clone();
    assert!(elastic.poll().is_empty());
    assert_eq!(elastic.cursor, cursor, "nothing new leaves the cursor where it is");
    let second = indicators(2);
    are_all(&elastic.poll(), &[second]);
}

/// OpenCTI: keeps `next` between polls, resends it with `added_after` cut to milliseconds, changes `limit` in
/// mid-walk, and sends `next` without any.
#[test]
fn opencti() {
    let mesh = alone();
    let node = mesh.node("SG");
    let tool = node.tool();
    let (mut next, mut added_after) = (None::<String>, None::<String>);
    let mut poll = |limit: &str| {
        let mut query = limit.to_owned();
        if let Some(next) = &next {
            query += &format!("&next={next}");
        }
        if let Some(added_after) = &added_after {
            query += &format!("&added_after={added_after}");
        }
        let path = format!("{ALL}/objects/?{}", query.trim_start_matches('&'));
        let accept = [("accept", "application/json, text/plain, */*")];
        let reply = tool.ask("GET", &path, &accept, b"").expect(200);
        let page: Value = reply.json();
        // `next` is never taken back, and the header's last three digits are lost.
        next = page["next"].as_str().map(str::to_owned).or(next.take());
        let last = reply.header("x-taxii-date-added-last");
        let millis = format!("{}Z", &last[..last.len() - 4]);
        added_after = Some(millis);
        ids(&page)
    };
    let first = publish(&mesh, node, 1, 30);
    let mut found = poll("limit=4");
    found.extend(poll("limit=9"));
    found.extend(poll(""));
    are_all(&found, std::slice::from_ref(&first));
    assert_eq!(poll("limit=5"), Vec::<String>::new());
    let second = publish(&mesh, node, 2, 10);
    let mut found = poll("limit=3");
    found.extend(poll("limit=3"));
    found.extend(poll("limit=100"));
    are_all(&found, &[second]);
    assert_eq!(poll(""), Vec::<String>::new());
}

/// Microsoft Sentinel: an API root, a collection's id, and a user name and password.
#[test]
fn sentinel() {
    let mesh = alone();
    let node = mesh.node("SG");
    let texts = publish(&mesh, node, 1, 12);
    let token = node.tool().token;
    let basic = format!("Basic {}", base64(&format!("sentinel:{token}")));
    let tool = node.tool().with("");
    let ask = |path: &str| {
        let headers = [("authorization", &*basic), ("accept", "application/taxii+json;version=2.1")];
        tool.ask("GET", path, &headers, b"").expect(200).json::<Value>()
    };
    let discovery = ask("/taxii2/");
    let root = discovery["default"].as_str().unwrap();
    assert_eq!(discovery["api_roots"][0], root);
    let root =
        root.strip_prefix(node.soc_url()).expect("an absolute address, as the client reached the node");
    let collections = ask(&format!("{root}collections/"));
    let all = &collections["collections"][0];
    assert!(all["title"].as_str().unwrap().contains("EXERCISE"), "{all}");
    let id = all["id"].as_str().unwrap();
    assert_eq!(ask(&format!("{root}collections/{id}/"))["id"], id, "the id is the one in the address");
    let objects =
        ask(&format!("{root}collections/{id}/objects/?added_after=2020-01-01T00%3A00%3A00%2B00%3A00"));
    are_all(&ids(&objects), std::slice::from_ref(&texts));
    // A client that escapes nothing has its plus read as a space.
    let objects = ask(&format!("{root}collections/{id}/objects/?added_after=2020-01-01T00:00:00+00:00"));
    are_all(&ids(&objects), &[texts]);
}

/// A poller that knows `added_after` alone, and one object at a time: stamps are never shared.
#[test]
fn by_stamps_alone() {
    let mesh = alone();
    let node = mesh.node("SG");
    let tool = node.tool();
    let texts = publish(&mesh, node, 1, 25);
    let (mut found, mut after) = (Vec::new(), "1970-01-01T00:00:00Z".to_owned());
    loop {
        let (reply, page) = page(&tool, &format!("limit=1&added_after={after}"));
        let Some(id) = ids(&page).pop() else { break };
        let (first, last) =
            (reply.header("x-taxii-date-added-first"), reply.header("x-taxii-date-added-last"));
        assert_eq!(first, last);
        assert!(last.ends_with("000Z") && last.len() == "2026-01-01T00:00:00.123000Z".len(), "{last}");
        found.push(id);
        after = last.to_owned();
    }
    are_all(&found, &[texts]);
}

/// The manifest pages as the objects do, and the last page has no `next`.
#[test]
fn manifests_page() {
    let mesh = alone();
    let node = mesh.node("SG");
    let tool = node.tool();
    let texts = publish(&mesh, node, 1, 23);
    let (mut found, mut query) = (Vec::new(), "limit=5".to_owned());
    loop {
        let page: Value = tool.get(&format!("{ALL}/manifest/?{query}")).expect(200).json();
        for entry in page["objects"].as_array().unwrap() {
            let version = entry["version"].as_str().unwrap();
            let path = format!("{ALL}/objects/{}/?match[version]={version}", entry["id"].as_str().unwrap());
            assert_eq!(
                ids(&tool.get(&path).expect(200).json()).len(),
                1,
                "a manifest's version can be asked for"
            );
        }
        found.extend(ids(&page));
        assert_eq!(page["more"].as_bool(), Some(page.get("next").is_some()));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("limit=5&next={next}");
    }
    are_all(&found, &[texts]);
}

/// Objects come back byte for byte; filters choose among them; versions are found.
#[test]
fn objects_come_as_they_were_published() {
    let mesh = alone();
    let node = mesh.node("SG");
    let tool = node.tool();
    let texts = publish(&mesh, node, 1, 16);
    let whole = tool.get(&format!("{ALL}/objects/")).expect(200);
    assert_eq!(whole.text(), format!(r#"{{"more":false,"objects":[{}]}}"#, texts.join(",")));
    let some = [id_of(&texts[2]), id_of(&texts[5])];
    let chosen = page(&tool, &format!("match[id]={},{},indicator--nobody", some[0], some[1])).1;
    assert_eq!(ids(&chosen), some);
    let chosen = page(&tool, "match[type]=relationship").1;
    assert!(!ids(&chosen).is_empty() && ids(&chosen).iter().all(|id| id.starts_with("relationship--")));
    assert_eq!(ids(&page(&tool, "match[type]=malware").1), Vec::<String>::new());
    assert_eq!(ids(&page(&tool, "match[spec_version]=2.0").1), Vec::<String>::new());
    let family = tool.get("/taxii2/mesh/collections/indicators/objects/").expect(200).json();
    assert_eq!(ids(&family).len(), 12);
    let member = tool.get("/taxii2/mesh/collections/member-sg/objects/?limit=3").expect(200).json::<Value>();
    assert_eq!((ids(&member).len(), &member["more"]), (3, &Value::Bool(true)));

    let newer = texts[0].replace("2026-02-03T04:05:06.000000Z", "2026-03-03T04:05:06.5Z");
    node.publish(&write(&mesh, &newer));
    let one = format!("{ALL}/objects/{}/", id_of(&texts[0]));
    assert_eq!(tool.get(&one).expect(200).text(), format!(r#"{{"more":false,"objects":[{newer}]}}"#));
    let versions: Value = tool.get(&format!("{one}versions/")).expect(200).json();
    assert_eq!(
        versions["versions"],
        serde_json::json!(["2026-02-03T04:05:06.000Z", "2026-03-03T04:05:06.500Z"])
    );
    for (wanted, count) in
        [("first", 1), ("last", 1), ("all", 2), ("first,last", 2), ("2026-03-03T04:05:06.5Z", 1)]
    {
        let found = tool.get(&format!("{one}?match[version]={wanted}")).expect(200).json();
        assert_eq!(ids(&found).len(), count, "{wanted}");
    }
}

/// An object that its publisher touches all the time: whoever wants its history gets each version once, page by page.
#[test]
fn twenty_thousand_versions() {
    const VERSIONS: usize = 20_000;
    let mesh = alone();
    let node = mesh.node("SG");
    let id = "indicator--00000000-0000-4000-8000-000000000001";
    let version = |at: usize| {
        let (minute, second, ms) = (at / 60_000, at / 1_000 % 60, at % 1_000);
        format!("2026-02-03T04:{minute:02}:{second:02}.{ms:03}Z")
    };
    let object = |at: usize| {
        format!(
            r#"{{"type":"indicator","spec_version":"2.1","id":"{id}","created":"{}","modified":"{}","valid_from":"{}","pattern_type":"stix","pattern":"[domain-name:value = 'often.example']"}}"#,
            version(0),
            version(at),
            version(0)
        )
    };
    let objects: Vec<_> = (0..VERSIONS).map(object).collect();
    let bundle = format!(
        r#"{{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[{}]}}"#,
        objects.join(",")
    );
    node.publish(&write(&mesh, &bundle));
    let tool = node.tool();
    let expected: Vec<_> = (0..VERSIONS).map(version).collect();
    for path in [
        format!("{ALL}/objects/{id}/?match[version]=all"),
        format!("{ALL}/objects/?match[version]=all&match[id]={id}"),
    ] {
        assert_eq!(
            walk(&tool, &path, |object| object["modified"].as_str().unwrap().to_owned()),
            expected,
            "{path}"
        );
    }
    let newest = tool.get(&format!("{ALL}/objects/{id}/")).expect(200).json::<Value>();
    assert_eq!(newest["objects"][0]["modified"], version(VERSIONS - 1).as_str());
}

/// What a client gets that follows `next` to the end.
fn walk(tool: &Tool, path: &str, of: impl Fn(&Value) -> String) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let page: Value = tool.get(&format!("{path}{next}")).expect(200).json();
        found.extend(page["objects"].as_array().unwrap().iter().map(&of));
        match page["next"].as_str() {
            Some(more) => next = format!("&next={more}"),
            None => return found,
        }
    }
}

/// What has not changed is not sent again.
#[test]
fn an_unchanged_page_is_not_sent_twice() {
    let mesh = alone();
    let node = mesh.node("SG");
    let tool = node.tool();
    publish(&mesh, node, 1, 5);
    let path = format!("{ALL}/objects/");
    let tag = tool.get(&path).expect(200).header("etag").to_owned();
    let again = || tool.ask("GET", &path, &[("if-none-match", &tag)], b"");
    assert_eq!(again().expect(304).body, b"");
    publish(&mesh, node, 2, 1);
    assert_ne!(again().expect(200).header("etag"), tag);
}

fn write(mesh: &certmesh_tests::Mesh, text: &str) -> std::path::PathBuf {
    let path = mesh.path("one.json");
    std::fs::write(&path, text).unwrap();
    path
}

/// RFC 4648, section 4.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for triple in text.as_bytes().chunks(3) {
        let bits =
            triple.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - triple.len()));
        for at in 0..4 {
            let letter = char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]);
            encoded.push(if at <= triple.len() { letter } else { '=' });
        }
    }
    encoded
}
