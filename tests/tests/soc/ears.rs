//! Streams and bulk checks: what goes on while both sides talk.

use std::io::{BufRead, BufReader, Write};

use serde_json::Value;

use crate::{alone, id_of, publish};

#[test]
fn a_stream_brings_each_object_once_over_a_restart() {
    let mesh = alone();
    let node = mesh.node("SG");
    let tool = node.tool();
    let mut expected = publish(&mesh, node, 1, 10);
    let mut stream = tool.follow("/api/v1/stream?after=0", &[]);
    let mut found = Vec::new();
    let mut last = 0;
    let mut take = |stream: &mut certmesh_tests::Events, count: usize| {
        for _ in 0..count {
            let (id, data) = stream.next_object().expect("an event");
            assert_eq!(data["arrival"], id);
            assert!(id > last && data["exercise"] == true && data["member"] == "SG");
            last = id;
            found.push(data["object"]["id"].as_str().unwrap().to_owned());
        }
        last
    };
    take(&mut stream, 10);
    expected.extend(publish(&mesh, node, 2, 7));
    // The last two are lost on the way: their client has not had them.
    let had = take(&mut stream, 5);
    node.stop();
    while stream.next_line().is_some() {}
    node.start_to_sign();
    expected.extend(publish(&mesh, node, 3, 6));
    let mut stream = tool.follow("/api/v1/stream", &[("last-event-id", &had.to_string())]);
    take(&mut stream, 8);
    let expected: Vec<_> = expected.iter().map(|text| id_of(text)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_stream_begins_now_and_chooses() {
    let mesh = alone();
    let node = mesh.node("SG");
    let tool = node.tool();
    publish(&mesh, node, 1, 8);
    let mut all = tool.follow("/api/v1/stream", &[]);
    let mut some = tool.follow("/api/v1/stream?type=relationship", &[]);
    let texts = publish(&mesh, node, 2, 8);
    assert_eq!(
        all.next_object().unwrap().1["object"]["id"],
        id_of(&texts[0]),
        "what was there before is not news"
    );
    assert_eq!(some.next_object().unwrap().1["object"]["id"], id_of(&texts[3]));
    for wrong in ["after=x", "member=nobody"] {
        tool.get(&format!("/api/v1/stream?{wrong}")).expect(400);
    }
}

#[test]
fn checks_answer_while_they_are_asked() {
    let mesh = alone();
    let node = mesh.node("SG");
    publish(&mesh, node, 1, 4);
    let known = certmesh_tests::Bundle::host(1, 0);
    let tool = node.tool();
    let one: Value =
        tool.get(&format!("/api/v1/check?value={}", known.replace('.', "%5B.%5D"))).expect(200).json();
    assert_eq!((&one["known"], &one["hits"][0]["how"]), (&Value::Bool(true), &"exact".into()));

    // The first answer is here before the second question is asked.
    let stream = tool.connect().unwrap();
    let mut writer = stream.try_clone().unwrap();
    let head = format!(
        "POST /api/v1/check HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ntransfer-encoding: chunked\r\n\r\n",
        tool.token
    );
    writer.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut answer = |value: &str| -> Value {
        let line = format!("{value}\n");
        writer.write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes()).unwrap();
        let mut texts = lines.by_ref().map(Result::unwrap);
        serde_json::from_str(&texts.find(|line| line.starts_with('{')).unwrap()).unwrap()
    };
    assert_eq!(answer(&known)["known"], true);
    assert_eq!(answer("\"nobody.example\"")["known"], false);
    assert_eq!(answer(&format!("{{\"value\":\"sub.{known}\"}}"))["hits"][0]["how"], "parent");

    let asked: String = (0..5_000).map(|n| format!("host-{n}.seed-1.example\n")).collect();
    let lines = tool.ask("POST", "/api/v1/check", &[], asked.as_bytes()).expect(200);
    assert_eq!(lines.text().lines().count(), 5_000);
    let known = tool.ask("POST", "/api/v1/check?only=known", &[], asked.as_bytes()).expect(200);
    assert_eq!(known.text().lines().count(), 3);
    let list = tool
        .ask("POST", "/api/v1/check", &[("content-type", "application/json")], br#"["a","b"]"#)
        .expect(200);
    assert_eq!(list.text().lines().count(), 2);
    let long = tool.ask("POST", "/api/v1/check", &[], &[b'a'; 20_000]).expect(200).json::<Value>();
    assert_eq!(long["error"], "line 1: it is longer than 8192 bytes");

    // A line that is no value is named, wherever it comes, and hinders none.
    let bad = format!("{asked}{{\"valu\":\"x\"}}\n{asked}");
    let lines = tool.ask("POST", "/api/v1/check", &[], bad.as_bytes()).expect(200);
    let lines: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 10_001);
    let error = lines[5_000]["error"].as_str().unwrap();
    assert!(error.starts_with("line 5001: values come one a line"), "{error}");
    let refused = tool.ask("POST", "/api/v1/check", &[], br#"["open"#).expect(400);
    assert!(refused.text().contains("values come one a line"), "{}", refused.text());
}

/// Half an answer must not look like a whole one.
#[test]
fn a_token_that_ends_ends_a_check_in_words() {
    let mesh = alone();
    let node = mesh.node("SG");
    let tool = node.tool_with(&["asking"]);
    let stream = tool.connect().unwrap();
    let mut writer = stream.try_clone().unwrap();
    let head = format!(
        "POST /api/v1/check HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ntransfer-encoding: chunked\r\n\r\n",
        tool.token
    );
    writer.write_all(head.as_bytes()).unwrap();
    writer.write_all(b"c\r\none.example\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap).filter(|line| line.starts_with('{'));
    assert!(lines.next().unwrap().contains("one.example"));
    node.run(["token", "revoke", "asking"]).done();
    assert!(lines.next().unwrap().contains("the token no longer holds"));
}

/// Some clients that come back say where they are in a way of their own.
#[test]
fn a_stream_goes_on_however_the_last_event_is_named() {
    let mesh = alone();
    let node = mesh.node("SG");
    publish(&mesh, node, 1, 4);
    let tool = node.tool();
    let mut all = tool.follow("/api/v1/stream?after=0", &[]);
    let ids: Vec<_> = (0..3).map(|_| all.next_object().unwrap().0).collect();
    let mut back = tool.follow(&format!("/api/v1/stream?after=0&lastEventId={}", ids[1]), &[]);
    assert_eq!(back.next_object().unwrap().0, ids[2]);
}
