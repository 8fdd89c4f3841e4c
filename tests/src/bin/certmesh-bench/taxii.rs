//! What SOC tools get from a node, as it holds more and more: a full TAXII poll beside a raw copy of the same bytes,
//! single objects, polls that find nothing new, feeds, checks; and the node's memory.

mod fill;
mod raw;
mod report;

use std::path::Path;
use std::time::{Duration, Instant};

use certmesh_tests::{Kept, Mesh, Node, Tool};
use serde::Serialize;

use crate::sample::{Samples, Spread};
use crate::usage::{Usage, pid};
use crate::{feed, talk};
use fill::{FEED, fill};
pub(crate) use report::words;

const OBJECTS: &str = "/taxii2/mesh/collections/all/objects/";
/// Single requests of each kind.
const REQUESTS: usize = 300;
/// Values of the bulk check: one in ten is known.
const VALUES: usize = 200_000;

/// A node that holds so many indicators.
#[derive(Debug, Serialize)]
pub(crate) struct Held {
    objects: u64,
    loading_s: f64,
    poll: Poll,
    object: Spread,
    nothing_new: Spread,
    health: Spread,
    check: Bulk,
    feeds: Vec<Feed>,
    memory: Memory,
}

/// Everything, page by page, on one connection.
#[derive(Debug, Serialize)]
struct Poll {
    pages: usize,
    bytes: u64,
    wall_s: f64,
    /// The same bytes from a file, by a server of static files.
    raw_s: f64,
    /// CPU time of the node meanwhile.
    node_cpu_s: f64,
}

/// Values, asked about in one request.
#[derive(Debug, Serialize)]
struct Bulk {
    values: usize,
    known: usize,
    wall_s: f64,
    node_cpu_s: f64,
}

/// A list, fetched twice: made, and then known to be the same.
#[derive(Debug, Serialize)]
struct Feed {
    path: String,
    bytes: usize,
    first_s: f64,
    again_s: f64,
}

/// Of the node's process, in bytes.
#[derive(Debug, Serialize)]
struct Memory {
    now: u64,
    most: u64,
}

/// Fills a node up to each of these numbers of indicators, and measures it there.
pub(crate) async fn measure(parent: &Path, sizes: &[u64]) -> Vec<Held> {
    let mesh = Mesh::raise_in(parent, 1);
    let node = mesh.nodes()[0].clone();
    let mut results = Vec::new();
    let mut held = 0;
    for size in sizes.iter().copied().filter(|size| *size > 0) {
        let began = Instant::now();
        fill(&node, held..size).await;
        held = held.max(size);
        let loading_s = began.elapsed().as_secs_f64();
        talk(format_args!("{held} indicators are loaded after {loading_s:.1} s"));
        let (node, folder) = (node.clone(), mesh.path(""));
        let measured = tokio::task::spawn_blocking(move || at_size(&node, &folder, held, loading_s)).await;
        results.push(measured.expect("measuring does not fail"));
    }
    results
}

fn at_size(node: &Node, folder: &Path, objects: u64, loading_s: f64) -> Held {
    let tool = node.tool();
    let poll = poll(node, &tool, folder);
    let mut kept = tool.keep().expect("the node listens");
    let last = kept.get(&format!("{OBJECTS}?limit=1")).expect("an answer");
    assert_eq!(last.status, 200);
    let far = "added_after=2999-01-01T00:00:00Z";
    Held {
        objects,
        loading_s,
        poll,
        object: requests(&mut kept, |at| {
            let which = at as u64 * 7_919 % objects;
            format!("{OBJECTS}{}/", feed::id(FEED, which))
        }),
        nothing_new: requests(&mut kept, |_| format!("{OBJECTS}?{far}")),
        health: requests(&mut kept, |_| "/healthz".into()),
        check: check(node, &tool, objects),
        feeds: feeds(&tool),
        memory: memory(pid(node)),
    }
}

fn poll(node: &Node, tool: &Tool, folder: &Path) -> Poll {
    let mut kept = tool.keep().expect("the node listens");
    let (mut path, mut pages) = (OBJECTS.to_owned(), Vec::new());
    let (begun, before) = (Instant::now(), Usage::of(pid(node)));
    loop {
        let page = kept.get(&path).expect("an answer");
        assert_eq!(page.status, 200);
        let next = next_of(&page.body);
        pages.push(page.body);
        match next {
            Some(next) => path = format!("{OBJECTS}?next={next}"),
            None => break,
        }
    }
    let wall_s = begun.elapsed().as_secs_f64();
    let node_cpu_s = Usage::of(pid(node)).since(&before).cpu_s;
    let bytes = pages.iter().map(|page| page.len() as u64).sum();
    let count = pages.len();
    let raw_s = raw::copy(pages, &folder.join("raw.copy")).as_secs_f64();
    Poll { pages: count, bytes, wall_s, raw_s, node_cpu_s }
}

/// The cursor at the beginning of a page, as a poller that looks no further would find it.
fn next_of(page: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(&page[..page.len().min(200)]).ok()?;
    let (_, rest) = head.split_once(r#""next":""#)?;
    Some(rest.split_once('"')?.0.to_owned())
}

/// Single requests on one connection.
fn requests(kept: &mut Kept, path: impl Fn(usize) -> String) -> Spread {
    let mut samples = Samples::default();
    for at in 0..REQUESTS + REQUESTS / 10 {
        let path = path(at);
        let begun = Instant::now();
        let reply = kept.get(&path).expect("an answer");
        let took = begun.elapsed();
        assert_eq!(reply.status, 200, "{path}");
        // The first ones warm up.
        if at >= REQUESTS / 10 {
            samples.push(took);
        }
    }
    samples.spread()
}

fn check(node: &Node, tool: &Tool, objects: u64) -> Bulk {
    let value = |at: usize| match at % 10 {
        0 => feed::value(FEED, at as u64 * 7_919 % objects),
        _ => format!("unknown-{at}.example"),
    };
    let values: String = (0..VALUES).map(|at| value(at) + "\n").collect();
    let mut kept = tool.keep().expect("the node listens");
    let (begun, before) = (Instant::now(), Usage::of(pid(node)));
    let reply = kept.ask("POST", "/api/v1/check?only=known", values.as_bytes()).expect("an answer");
    let wall_s = begun.elapsed().as_secs_f64();
    assert_eq!(reply.status, 200);
    let known = reply.text().lines().count();
    Bulk { values: VALUES, known, wall_s, node_cpu_s: Usage::of(pid(node)).since(&before).cpu_s }
}

fn feeds(tool: &Tool) -> Vec<Feed> {
    let list: serde_json::Value = tool.get("/feeds/").json();
    let names = list["feeds"].as_array().into_iter().flatten().filter_map(|feed| feed["name"].as_str());
    let fetch = |path: &str, headers: &[(&str, &str)]| {
        let begun = Instant::now();
        let reply = tool.ask("GET", path, headers, b"");
        (reply, begun.elapsed().as_secs_f64())
    };
    let mut feeds = Vec::new();
    for path in names.map(|name| format!("/feeds/{name}")) {
        let (first, first_s) = fetch(&path, &[]);
        let (again, again_s) = fetch(&path, &[("if-none-match", first.header("etag"))]);
        assert!(first.status == 200 && [200, 304].contains(&again.status), "{path}");
        feeds.push(Feed { path, bytes: first.body.len(), first_s, again_s });
    }
    feeds
}

/// `VmRSS` and `VmHWM` of `/proc/PID/status` (proc_pid_status(5)).
fn memory(pid: u32) -> Memory {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or_default()
    };
    Memory { now: kib("VmRSS:") * 1_024, most: kib("VmHWM:") * 1_024 }
}

impl Poll {
    fn objects_per_s(&self, objects: u64) -> f64 {
        objects as f64 / self.wall_s
    }

    fn megabytes_per_s(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.wall_s
    }
}

impl Bulk {
    fn values_per_s(&self) -> f64 {
        self.values as f64 / self.wall_s
    }

    /// In so much of the node's CPU time.
    fn values_per_core_s(&self) -> f64 {
        self.values as f64 / self.node_cpu_s.max(Duration::from_millis(10).as_secs_f64())
    }
}
