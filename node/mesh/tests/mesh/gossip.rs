//! What one node says reaches the others, if those between them accept it.

use std::time::Duration;

use crate::support::{Node, QUIC, TCP, awaited, id, node, node_of_another_mesh};
use certmesh_mesh::{Peers, Verdict};
use certmesh_wire::limits::GOSSIP_PAYLOAD;
use tokio::time::timeout;

/// A and C know only B.
async fn line() -> (Node, Node, Node) {
    let mut b = node(2, &[QUIC], awaited(&[id(1), id(3)])).await;
    let a = node(1, &[QUIC], Peers::from([b.peer()])).await;
    let c = node(3, &[QUIC], Peers::from([b.peer()])).await;
    b.sees_connected(id(1)).await;
    if !b.mesh.connected().contains(&id(3)) {
        b.sees_connected(id(3)).await;
    }
    (a, b, c)
}

/// Has B take what A says, with this verdict, until C hears some of it or the time is over.
async fn passed_on(verdict: Verdict, patience: Duration) -> bool {
    let (a, mut b, mut c) = line().await;
    // C is reachable for gossip once it hears B itself.
    b.gossips_to(&mut c, "B to C").await;
    let talk = async {
        loop {
            let (from, payload, receipt) = a.gossips_to(&mut b, "A to B").await;
            assert_eq!(from, a.id);
            assert!(payload.starts_with(b"A to B"));
            b.mesh.judge(receipt, verdict).await;
        }
    };
    let hear = async {
        loop {
            let (from, payload, _) = c.receives().await;
            assert_eq!(from, id(2));
            if payload.starts_with(b"A to B") {
                return;
            }
        }
    };
    tokio::select! {
        () = talk => false,
        heard = timeout(patience, hear) => heard.is_ok(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_travels_on() {
    assert!(passed_on(Verdict::Accept, Duration::from_secs(60)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rejected_stays() {
    assert!(!passed_on(Verdict::Reject, Duration::from_secs(2)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ignored_stays() {
    assert!(!passed_on(Verdict::Ignore, Duration::from_secs(2)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_hears_everyone_in_a_mesh_that_starts_at_once() {
    let mut nodes = Vec::new();
    for n in 1..=6 {
        nodes.push(node(n, &[if n % 2 == 0 { QUIC } else { TCP }, QUIC], Peers::new()).await);
    }
    let all: Peers = nodes.iter().map(Node::peer).collect();
    for node in &nodes {
        node.mesh.set_peers(all.clone()).await;
    }
    for speaker in 0..nodes.len() {
        let speaker = nodes.remove(speaker);
        for listener in &mut nodes {
            let from = loop {
                let (from, payload, _) = speaker.gossips_to(listener, &format!("I am {}", speaker.id)).await;
                if payload.starts_with(format!("I am {}", speaker.id).as_bytes()) {
                    break from;
                }
            };
            assert_eq!(from, speaker.id, "nobody has judged, so nobody passed it on");
        }
        nodes.push(speaker);
        nodes.rotate_right(1);
    }
    for node in &nodes {
        assert_eq!(node.mesh.connected().len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_payload_arrives_and_a_larger_one_is_not_sent() {
    let (a, mut b, _c) = line().await;
    a.gossips_to(&mut b, "ready").await;
    a.mesh.gossip(vec![1; GOSSIP_PAYLOAD + 1]).await;
    a.mesh.gossip(vec![2; GOSSIP_PAYLOAD]).await;
    loop {
        let (_, payload, _) = b.receives().await;
        assert_ne!(payload.first(), Some(&1));
        if payload.len() == GOSSIP_PAYLOAD {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_read_its_events_keeps_its_connections() {
    let (a, mut b, _c) = line().await;
    a.gossips_to(&mut b, "ready").await;
    for n in 0..2_000_u32 {
        a.mesh.gossip(n.to_be_bytes().to_vec()).await;
        if n % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let full = async {
        while b.mesh.counts().gossip_dropped == 0 {
            a.mesh.gossip(b"more".to_vec()).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), full).await.unwrap();
    b.mesh.pull(a.id, b"still there".to_vec()).await.unwrap();
    a.mesh.shutdown().await;
    b.sees_disconnected(a.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn meshes_do_not_hear_each_other() {
    let mut a = node(1, &[QUIC], awaited(&[id(2)])).await;
    let mut b = node_of_another_mesh(2, &[QUIC], Peers::from([a.peer()])).await;
    for n in 0..20 {
        b.mesh.gossip(vec![n]).await;
        a.mesh.gossip(vec![n]).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        a.events.try_recv().is_err() && b.events.try_recv().is_err(),
        "not even a connection that counts"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_takes_no_gossip_can_still_be_asked() {
    let mut a = node(1, &[QUIC], awaited(&[id(2)])).await;
    let b = node_of_another_mesh(2, &[QUIC], Peers::from([a.peer()])).await;
    a.sees_connected(b.id).await;
    a.mesh.pull(b.id, b"without gossip".to_vec()).await.unwrap();
}
