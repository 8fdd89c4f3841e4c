//! The same lists over HTTP, as tools fetch them.

use certmesh_tests::Mesh;
use serde_json::json;

use crate::{feed, of_name, publish};

#[test]
fn tools_get_the_same_lists_and_hear_when_nothing_has_changed() {
    let mesh = Mesh::raise(2);
    let sg = mesh.node("SG");
    publish(sg, &[of_name(1, "a.example", json!({ "confidence": 80 })), of_name(2, "b.example", json!({}))]);
    let tool = sg.tool_with(&["firewall", "--scope", "feeds", "--exercise"]);
    for feed_of in certmesh_intel::formats::Feed::all() {
        let path = format!("/feeds/{}", feed_of.name());
        let reply = tool.get(&path);
        assert_eq!((reply.status, reply.header("content-type")), (200, feed_of.media_type()), "{path}");
        assert_eq!(reply.text(), feed(sg, &[feed_of.name()]), "{path}");
        assert_eq!(reply.header("certmesh-exercise"), "true");
        // A data set of Suricata's holds nothing but Base64.
        assert_eq!(
            reply.text().contains("EXERCISE"),
            !path.ends_with("-domains.lst"),
            "{path}: {}",
            reply.text()
        );
        let head = tool.ask("HEAD", &path, &[], b"");
        assert_eq!((head.status, head.header("etag")), (200, reply.header("etag")), "{path}");
        let packed = tool.ask("GET", &path, &[("accept-encoding", "gzip")], b"");
        assert_eq!((packed.status, packed.header("etag")), (200, reply.header("etag")), "{path}");
        let again = tool.ask("GET", &path, &[("if-none-match", reply.header("etag"))], b"");
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
    let tag = tool.get("/feeds/domains.txt").header("etag").to_owned();
    // What is not in a list leaves it as it was.
    publish(sg, &[crate::indicator(3, "[file:name = 'x']", json!({}))]);
    assert_eq!(tool.ask("GET", "/feeds/domains.txt", &[("if-none-match", &tag)], b"").status, 304);
    publish(sg, &[of_name(4, "c.example", json!({}))]);
    let changed = tool.ask("GET", "/feeds/domains.txt", &[("if-none-match", &tag)], b"");
    assert!(changed.status == 200 && changed.text().contains("c.example"));
    let narrowed = tool.get("/feeds/domains.txt?confidence=50&limit=5");
    assert_eq!(
        narrowed.text().lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>(),
        ["a.example"]
    );
}

#[test]
fn what_is_not_understood_is_refused() {
    let mesh = Mesh::raise(2);
    let tool = mesh.node("SG").tool();
    for (path, status, words) in [
        ("/feeds/nothing.txt", 404, "no such list"),
        ("/feeds/misp/nothing.json", 404, "no such list"),
        ("/feeds/misp/00000000-0000-4000-8000-000000000000.json", 404, "no such event"),
        ("/feeds/domain.txt", 404, "did you mean domains.txt?"),
        ("/feeds/misp", 404, "it is a folder"),
        ("/feeds/misp/", 404, "it is a folder"),
        ("/feeds/domains.txt/", 404, "/feeds/ says which there are"),
        ("/feeds", 200, "domains.txt"),
        ("/feeds/domains.txt?typ=x", 400, "did you mean type?"),
        ("/feeds/indicators.csv?type=domain", 400, "did you mean domain-name?"),
        ("/feeds/addresses.txt?type=domain-name", 400, "names nothing that this list holds"),
        ("/feeds/suricata/certmesh.rules?type=url", 200, "EXERCISE"),
        ("/feeds/indicators.csv?member=SQ", 400, "is no member: there are MY, SG"),
        ("/feeds/indicators.csv?since=30", 400, "such as 30d"),
        ("/feeds/indicators.csv?since=2026-11-01", 200, "value"),
        ("/feeds/domains.txt?page=2", 400, "needs `limit`"),
        ("/feeds/domains.txt?ceiling=red", 400, "is no parameter"),
    ] {
        let reply = tool.get(path);
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
        assert!(reply.text().contains(words), "{path}: {}", reply.text());
        assert_eq!(reply.header("certmesh-exercise"), "true", "{path}");
    }
    assert_eq!(tool.with("").get("/feeds/domains.txt").status, 401);
}
