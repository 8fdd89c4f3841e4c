//! A clean stop, and what a node says while it lives.

use std::os::unix::fs::PermissionsExt;

use certmesh_tests::Watch;

use crate::home::Home;

/// How long a stop may take, in milliseconds: systemd waits ninety seconds, operators do not.
const STOP_MS: u128 = 5_000;

#[test]
fn a_stop_is_clean_and_quick_while_somebody_watches() {
    let home = Home::new();
    let mut node = home.start();
    let socket = home.path("node.sock");
    let mut watch = Watch::proven(&socket, &socket, 70);
    let (code, took_ms) = node.terminate();
    assert_eq!(code, Some(0), "{}", home.log());
    assert!(took_ms < STOP_MS, "the stop took {took_ms} ms");
    assert!(!socket.exists(), "the socket is gone");
    watch.wait_for_end();
    let status = home.certmesh(&["status"]);
    assert_eq!(status.code, Some(3), "{status:?}");
}

#[test]
fn a_node_that_was_killed_takes_its_socket_and_data_back() {
    let home = Home::new();
    let mut node = home.start();
    node.0.kill().unwrap();
    node.waits();
    assert!(home.path("node.sock").exists(), "nobody was left to remove it");
    let mut node = home.start();
    assert_eq!(node.terminate().0, Some(0));
}

#[test]
fn log_lines_can_be_json() {
    let home = Home::new();
    home.set("format", "\"json\"");
    home.start().terminate();
    let log = home.log();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let up = lines.iter().find(|line| line["message"] == "the node is up").expect(&log);
    assert_eq!((&up["level"], &up["member"]), (&"INFO".into(), &"SG".into()));
    assert!(up["timestamp"].is_string() && up["node"].is_string(), "{up}");
    assert!(lines.iter().any(|line| line["message"] == "stopping" && line["signal"] == "SIGTERM"), "{log}");
}

#[test]
fn the_socket_and_the_data_are_the_owners_alone() {
    let home = Home::new();
    let mut node = home.start();
    for name in ["node.sock", "data"] {
        let mode = std::fs::metadata(home.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} has mode {:o}", mode & 0o777);
    }
    node.terminate();
}
