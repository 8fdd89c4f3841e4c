//! Who is let in, by what, and how far; and what an error looks like.

use std::time::Duration;

use certmesh_tests::{eventually, eventually_within};
use serde_json::{Value, json};

use crate::{ALL, alone, id_of, publish};

const TAXII: &str = "application/taxii+json;version=2.1";

#[test]
fn tokens_open_what_they_are_for() {
    let mesh = alone();
    let node = mesh.node("SG");
    let paths = [
        ("taxii", "/taxii2/"),
        ("taxii", "/taxii2/mesh/collections/all/objects/"),
        ("check", "/api/v1/check?value=a.example"),
        ("metrics", "/metrics"),
    ];
    let nobody = node.tool().with("");
    for (scope, path) in paths {
        let refused = nobody.get(path).expect(401);
        let asked = refused.header("www-authenticate");
        assert!(asked.contains("Bearer realm=") && asked.contains("Basic realm="), "{asked}");
        nobody.with("certmesh_000000000000_00").get(path).expect(401);
        let tool = node.tool_with(&[&format!("for-{scope}-{}", path.len()), "--scope", scope]);
        tool.get(path).expect(200);
        for (other, path) in paths.iter().filter(|(other, _)| *other != scope) {
            assert_eq!(tool.get(path).status, 403, "{scope} opens {other}");
        }
        for authorization in [format!("Token {}", tool.token), format!("bearer {}", tool.token)] {
            nobody.ask("GET", path, &[("authorization", &authorization)], b"").expect(200);
        }
    }
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        let reply = nobody.get(path).expect(200);
        assert_eq!(reply.header("certmesh-exercise"), "true", "{path} says that nothing is real");
    }
    let elsewhere = node.tool_with(&["elsewhere", "--network", "192.0.2.0/24,2001:db8::/32"]);
    elsewhere.get("/taxii2/").expect(403);
    node.tool_with(&["here", "--network", "127.0.0.0/8"]).get("/taxii2/").expect(200);
    let log = node.log();
    assert!(log.contains("token=\"for-taxii-8\""), "reads are logged by the token's name");
    assert!(!log.contains(&node.tool().token[22..]), "secrets are not");
}

#[test]
fn tokens_end() {
    let mesh = alone();
    let node = mesh.node("SG");
    let short = node.tool_with(&["short", "--expires", "2s"]);
    short.get("/taxii2/").expect(200);
    let mut brief = short.follow("/api/v1/stream", &[]);
    let revoked = node.tool_with(&["revoked", "--tlp", "amber"]);
    let mut stream = revoked.follow("/api/v1/stream?after=0", &[]);
    let texts = publish(&mesh, node, 1, 3);
    assert_eq!(stream.next_object().unwrap().1["object"]["id"], id_of(&texts[0]));

    node.run(["token", "revoke", "revoked"]).done();
    let asked = std::time::Instant::now();
    while stream.next_object().is_some() {}
    // At once; but a slow machine is no defect.
    assert!(asked.elapsed() < Duration::from_secs(5), "a stream outlived its token");
    assert!(revoked.get("/taxii2/").expect(401).text().contains("no such token"));

    while brief.next_line().is_some() {}
    assert!(short.get("/taxii2/").expect(401).text().contains("expired"));

    node.stop();
    node.start_to_sign();
    eventually("SOC tools to be served again", || node.tool().try_ask("GET", "/taxii2/", &[], b""));
    node.tool().get("/taxii2/").expect(200);
    revoked.get("/taxii2/").expect(401);
}

#[test]
fn errors_are_in_the_words_of_their_surface() {
    let mesh = alone();
    let tool = mesh.node("SG").tool();
    let nobody = "identity--00000000-0000-4000-8000-000000000009";
    for (method, path, headers, status) in [
        ("GET", "/taxii2/nothing/", &[][..], 404),
        ("GET", "/taxii2/mesh/collections/nothing/", &[], 404),
        ("GET", &format!("{ALL}/objects/{nobody}/"), &[], 404),
        ("GET", &format!("{ALL}/objects/{nobody}/versions/"), &[], 404),
        ("GET", "/taxii2/mesh/status/7f8c0000-0000-4000-8000-000000000000/", &[], 404),
        ("GET", &format!("{ALL}/objects/?limit=0"), &[], 400),
        ("GET", &format!("{ALL}/objects/?added_afer=2026-01-01T00:00:00Z"), &[], 400),
        ("GET", &format!("{ALL}/objects/?type=indicator"), &[], 400),
        ("GET", &format!("{ALL}/objects/?match[typ]=indicator"), &[], 400),
        ("GET", "/taxii2/asean/", &[], 404),
        ("GET", &format!("{ALL}/objects/?next=nonsense"), &[], 400),
        ("GET", &format!("{ALL}/objects/?added_after=yesterday"), &[], 400),
        ("GET", "/taxii2/", &[("accept", "text/html")], 406),
        ("GET", "/taxii2/", &[("accept", "application/taxii+json;version=2.0")], 406),
        ("PUT", "/taxii2/", &[], 405),
        ("POST", &format!("{ALL}/objects/"), &[("content-type", TAXII)], 403),
        ("DELETE", &format!("{ALL}/objects/{nobody}/"), &[], 403),
    ] {
        let reply = tool.ask(method, path, headers, b"").expect(status);
        assert_eq!(reply.header("content-type"), TAXII, "{path}");
        let error: Value = reply.json();
        assert!(
            error["title"].is_string() && error["http_status"].as_str() == Some(&*status.to_string()),
            "{error}"
        );
    }
    for (method, path, status) in
        [("GET", "/nothing", 404), ("GET", "/api/v1/check", 400), ("DELETE", "/healthz", 405)]
    {
        let reply = tool.ask(method, path, &[], b"").expect(status);
        assert!(reply.json::<Value>()["error"].is_string());
    }
    for (method, path, words) in [
        ("GET", "/api/v1/check?value=", "empty"),
        ("GET", "/api/v1/check?value=a.example&confidence=90", "no parameter of this path"),
        ("POST", "/api/v1/check?onyl=known", "did you mean only?"),
        ("POST", "/api/v1/check?only=unknown", "`only` is `known`"),
        ("GET", "/api/v1/stream?typ=indicator", "did you mean type?"),
        ("GET", "/api/v1/stream?member=XX", "XX is no member"),
        ("GET", "/api/v1/stream?after=x", "are numbers"),
        ("GET", "/api/v1/stream?type=indicators", "did you mean indicator?"),
        ("GET", "/api/v1/stream?type=", "no type of STIX"),
    ] {
        let reply = tool.ask(method, path, &[], b"").expect(400);
        assert!(reply.text().contains(words), "{path}: {}", reply.text());
    }
    // What others add to a query means nothing.
    tool.get(&format!("{ALL}/objects/?cache=no")).expect(200);
}

#[test]
fn publishing_goes_through_the_same_door() {
    let mesh = alone();
    let node = mesh.node("SG");
    let tool = node.tool_with(&["publisher", "--scope", "taxii,publish"]);
    let path = format!("{ALL}/objects/");
    let post = |body: &[u8]| tool.ask("POST", &path, &[("content-type", TAXII)], body);
    let identity = |n: u32| {
        format!(
            r#"{{"type":"identity","spec_version":"2.1","id":"identity--00000000-0000-4000-8000-{n:012}","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"x","object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}}"#
        )
    };
    let red =
        identity(3).replace("bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "e828b379-4e03-4974-9ac4-e53a884c97c1");
    let junk = r#"{"type":"indicator","id":"indicator--1"}"#;
    let body = format!(r#"{{"objects":[{},{junk},"text",{red},{}]}}"#, identity(1), identity(2));
    let again = &body;
    let status: Value = post(body.as_bytes()).expect(202).json();
    assert_eq!(status["total_count"], 5);
    for (list, count) in [("success", 2), ("failure", 3), ("pending", 0)] {
        let items =
            status[if list == "success" { "successes".to_owned() } else { format!("{list}s") }].clone();
        assert_eq!(status[format!("{list}_count")], count);
        assert_eq!(items.as_array().unwrap().len(), count);
    }
    let id = status["id"].as_str().unwrap();
    assert_eq!(tool.get(&format!("/taxii2/mesh/status/{id}/")).expect(200).json::<Value>(), status);
    node.tool().get(&format!("/taxii2/mesh/status/{id}/")).expect(404);
    let objects = tool.get(&path).expect(200);
    assert_eq!(objects.text(), format!(r#"{{"more":false,"objects":[{},{}]}}"#, identity(1), identity(2)));

    for (body, status) in [("{}", 422), (r#"{"objects":[]}"#, 422), ("[", 400), ("{\"objects\":{}}", 400)] {
        post(body.as_bytes()).expect(status);
    }
    tool.ask("POST", &path, &[("content-type", "text/plain")], b"{}").expect(415);
    tool.ask("POST", "/taxii2/mesh/collections/indicators/objects/", &[("content-type", TAXII)], b"{}")
        .expect(403);
    let root: Value = tool.get("/taxii2/mesh/").expect(200).json();
    let most = root["max_content_length"].as_u64().unwrap();
    let long = [("content-type", TAXII), ("content-length", &(most + 1).to_string())];
    tool.ask("POST", &path, &long, b"").expect(413);
    let refused = tool.ask("DELETE", &format!("{path}{}/", id_of(&identity(1))), &[], b"").expect(405);
    assert!(refused.header("allow").contains("GET"));
    assert_eq!(
        tool.get("/taxii2/mesh/collections/").expect(200).json::<Value>()["collections"][0]["can_write"],
        json!(true)
    );

    // A restart forgets the status, and none of what it told.
    node.stop();
    node.start_to_sign();
    eventually("SOC tools to be served again", || tool.try_ask("GET", "/taxii2/", &[], b""));
    tool.get(&format!("/taxii2/mesh/status/{id}/")).expect(404);
    assert_eq!(tool.get(&path).expect(200).text(), objects.text());
    // To publish it again is safe.
    assert_eq!(post(again.as_bytes()).expect(202).json::<Value>()["success_count"], 2);
    assert_eq!(tool.get(&path).expect(200).text(), objects.text());
}

#[test]
fn feeds_of_an_exercise_take_a_token_for_it() {
    let mesh = alone();
    let node = mesh.node("SG");
    let refused = node.tool_with(&["careless"]).get("/feeds/").expect(403);
    assert!(refused.text().contains("EXERCISE"), "{}", refused.text());
    node.tool_with(&["player", "--exercise"]).get("/feeds/").expect(200);
    let outcome = node.run(["token", "create", "firewall", "--scope", "feeds"]);
    assert!(outcome.refused(1).contains("--exercise"));
}

#[test]
fn what_an_exercise_does_not_know_is_of_an_exercise_too() {
    let mesh = alone();
    let tool = mesh.node("SG").tool();
    let checked: Value = tool.get("/api/v1/check?value=unheard-of.example").expect(200).json();
    assert_eq!((&checked["known"], &checked["exercise"]), (&json!(false), &json!(true)), "{checked}");
    assert!(checked.get("recognised").is_none(), "{checked}");
    for none in ["not+a+value", "203.0.113.777", "203.0.113.7,203.0.113.8"] {
        let checked: Value = tool.get(&format!("/api/v1/check?value={none}")).expect(200).json();
        assert_eq!((&checked["known"], &checked["recognised"]), (&json!(false), &json!(false)), "{checked}");
    }
}

#[test]
fn clear_text_stays_on_this_machine() {
    let mesh = alone();
    let node = mesh.node("SG");
    node.stop();
    let path = node.home().join("node.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    let line = good.lines().find(|line| line.starts_with("addresses")).unwrap();
    std::fs::write(&path, good.replace(line, "addresses = [\"0.0.0.0:0\"]")).unwrap();
    node.start();
    eventually_within(Duration::from_secs(20), "the node to refuse to start", || {
        let log = node.log();
        if log.contains("without TLS") && !node.is_running() { Ok(()) } else { Err(log) }
    });
    std::fs::write(&path, good.replace(line, "addresses = [\"0.0.0.0:0\"]\ninsecure_clear_text = true"))
        .unwrap();
    node.start_to_sign();
    std::fs::write(&path, &good).unwrap();
}

#[test]
fn an_address_that_is_taken_is_an_alarm_and_no_end() {
    let mesh = alone();
    let node = mesh.node("SG");
    node.stop();
    let taken = std::net::TcpListener::bind(&node.tool().address).unwrap();
    node.start_to_sign();
    let alarms = node.status().alarms;
    assert!(alarms.iter().any(|alarm| alarm.contains(&node.tool().address)), "{alarms:?}");
    drop(taken);
    eventually("SOC tools to be served", || node.tool().try_ask("GET", "/healthz", &[], b""));
    assert!(node.status().alarms.is_empty());
}
