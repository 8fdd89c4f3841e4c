//! Whatever watches over a node: its figures exist under the names that the dashboard and the alert rules use.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use certmesh_tests::{Node, run_python};

use crate::alone;

const FILES: [&str; 2] = ["grafana-dashboard.json", "alerts.yml"];

fn config(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("config").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The words of a text that name figures.
fn figures(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_figure = |word: &&str| word.starts_with("certmesh_") || word.starts_with("process_");
    words.filter(is_figure).map(str::to_owned).collect()
}

/// What operators read on their socket.
fn operators_figures(node: &Node) -> String {
    let mut socket = UnixStream::connect(node.socket()).unwrap();
    socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn every_figure_that_is_shown_or_alarmed_on_exists() {
    let mesh = certmesh_tests::Mesh::raise(2);
    let node = mesh.node("SG");
    node.tool().get("/taxii2/").expect(200);
    let known = figures(node.tool().get("/metrics").expect(200).text());
    assert_eq!(known, figures(&operators_figures(node)), "operators see the same figures");
    for file in FILES {
        let used = figures(&config(file));
        assert!(used.len() > 5, "{file} looks at nothing");
        let unknown: Vec<_> = used.difference(&known).collect();
        assert!(unknown.is_empty(), "{file} looks at figures that a node does not have: {unknown:?}");
    }
}

#[test]
fn the_dashboard_and_the_rules_can_be_read() {
    let dashboard: serde_json::Value = serde_json::from_str(&config(FILES[0])).unwrap();
    assert!(dashboard["panels"].as_array().is_some_and(|panels| panels.len() > 5));
    run_python(
        "rules.py",
        &[Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .unwrap()
            .join("config")
            .join(FILES[1])
            .to_str()
            .unwrap()],
    );
}

#[test]
fn the_document_says_what_every_route_takes() {
    let mesh = alone();
    let document: serde_json::Value = mesh.node("SG").tool().with("").get("/openapi.json").expect(200).json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let takes_token = operation["security"].as_array().is_some_and(|ways| !ways.is_empty());
            let is_public = ["/healthz", "/readyz", "/openapi.json"].contains(&path.as_str());
            assert_eq!(takes_token, !is_public, "{method} {path}");
            let named = path.matches('{').count();
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path = parameters.iter().filter(|one| one["in"] == "path").count();
            assert_eq!(in_path, named, "{method} {path} says what each part of its path is");
        }
    }
}
