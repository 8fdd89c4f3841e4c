//! Lists that are too long to be kept: they come whole, and whoever leaves in the middle takes no room with them.

use std::io::{Read, Write};
use std::net::TcpStream;

use certmesh_tests::{Bundle, Mesh, Node, Tool, eventually};

use crate::feed;

/// A list that is longer than this, in bytes, goes through a file.
const KEPT_BYTES: usize = 32 * 1024 * 1024;
/// Such files that there may be at once, and those of one token.
const SPOOLS: usize = 4;
const OF_ONE: usize = 2;
/// What is published, in bytes of each object; all of it is a list of 40 MB.
const NOISE: usize = 100_000;
const OBJECTS: usize = 400;
const LIST: &str = "/feeds/stix.json";

/// A node with a long list, what it was made of, and a tool that may read it.
fn long() -> (Mesh, Vec<String>, Tool) {
    let mesh = Mesh::raise(1);
    let node = mesh.node("SG");
    let bundle = Bundle::bulky(1, OBJECTS, NOISE);
    node.publish(&bundle.write(&mesh.path("")));
    let tool = node.tool_with(&["archive", "--scope", "feeds", "--tlp", "amber", "--exercise"]);
    (mesh, bundle.objects, tool)
}

#[test]
fn a_long_list_comes_whole() {
    let (mesh, objects, tool) = long();
    let reply = tool.get(LIST).expect(200);
    assert!(reply.body.len() > KEPT_BYTES && reply.header("content-length").is_empty(), "it is a short one");
    let text = reply.text();
    // Compared by hand: nobody wants to read 40 MB of a difference.
    assert!(text == written(mesh.node("SG")), "the operators' command writes another list");
    let mut rest = text;
    for object in &objects {
        let found = rest.split_once(object.as_str());
        rest = found.unwrap_or_else(|| panic!("it lacks {}, or has it elsewhere", &object[..200])).1;
    }
    let read: serde_json::Value = serde_json::from_str(text).unwrap();
    let indicators = read["objects"].as_array().unwrap().iter().filter(|one| one["type"] == "indicator");
    assert_eq!(indicators.count(), OBJECTS);
}

/// While nothing has changed, whoever has a long list is told so; afterwards they get the new one.
#[test]
fn a_long_list_that_is_the_same_is_not_sent_again() {
    let (mesh, _, tool) = long();
    let first = tool.get(LIST).expect(200);
    let has_first = [("if-none-match", first.header("etag"))];
    let again = tool.ask("GET", LIST, &has_first, b"").expect(304);
    assert_eq!((again.header("etag"), again.body.len()), (first.header("etag"), 0));
    // Others who get it take nothing from whoever has it.
    for theirs in [&[][..], &[("if-none-match", "W/\"another\"")]] {
        let other = tool.ask("GET", LIST, theirs, b"").expect(200);
        assert_eq!(other.header("etag"), first.header("etag"));
    }
    tool.ask("GET", LIST, &has_first, b"").expect(304);
    let filtered = tool.ask("GET", &format!("{LIST}?since=9d"), &has_first, b"").expect(200);
    assert_ne!(filtered.header("etag"), first.header("etag"), "it is another list");
    // What they may not see changes nothing for them.
    let node = mesh.node("SG");
    let green = node.tool_with(&["green", "--scope", "feeds", "--tlp", "green", "--exercise"]);
    node.run([
        "publish".as_ref(),
        Bundle::bulky(3, OBJECTS, NOISE).write(&mesh.path("")).as_os_str(),
        "--tlp".as_ref(),
        "green".as_ref(),
    ])
    .done();
    let theirs = green.get(LIST).expect(200);
    let first = tool.get(LIST).expect(200);
    let has_first = [("if-none-match", first.header("etag"))];
    node.publish(&Bundle::varied(2, 5).write(&mesh.path("")));
    assert!(theirs.body.len() > KEPT_BYTES && first.body.len() > theirs.body.len());
    let has_theirs = [("if-none-match", theirs.header("etag"))];
    green.ask("GET", LIST, &has_theirs, b"").expect(304);
    let changed = tool.ask("GET", LIST, &has_first, b"").expect(200);
    assert!(changed.body.len() > first.body.len());
}

fn written(node: &Node) -> String {
    feed(node, &["stix.json", "--ceiling", "amber"])
}

/// A client that has got the beginning of a list, and reads no further.
fn halfway(tool: &Tool, filter: &str) -> TcpStream {
    let mut stream = tool.connect().unwrap();
    let head =
        format!("GET {LIST}?{filter} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", tool.token);
    stream.write_all(head.as_bytes()).unwrap();
    let mut begun = [0; 4_096];
    stream.read_exact(&mut begun).unwrap();
    assert!(begun.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&begun[..200]));
    stream
}

#[test]
fn who_leaves_a_long_list_in_the_middle_gives_its_room_back() {
    let (mesh, _, tool) = long();
    let other = mesh.node("SG").tool_with(&["other", "--scope", "feeds", "--tlp", "amber", "--exercise"]);
    for round in 0..3 {
        let mut readers: Vec<_> =
            (1..=OF_ONE).map(|days| halfway(&tool, &format!("since={days}d"))).collect();
        let refused = tool.get(&format!("{LIST}?since=9d")).expect(503);
        assert_eq!(refused.header("retry-after"), "60", "round {round}");
        let of_others = OF_ONE + 1..=SPOOLS;
        readers.extend(of_others.map(|days| halfway(&other, &format!("since={days}d"))));
        let third =
            mesh.node("SG").run(["feed", "stix.json", "--ceiling", "amber", "--exercise", "--since", "9d"]);
        assert!(third.refused(1).contains("long lists"), "round {round}");
        drop(readers);
        eventually("room for others", || {
            let reply = tool.get(&format!("{LIST}?since=9d"));
            if reply.status == 200 && reply.body.len() > KEPT_BYTES { Ok(()) } else { Err(reply.status) }
        });
    }
}
