//! Who can connect to whom, over which transport, and who comes back.

use std::time::Duration;

use crate::support::{QUIC, TCP, awaited, id, node, node_again, try_node};
use certmesh_mesh::{Event, MeshError, Peers, PullError};

async fn two_nodes_connect(listen: &str) {
    let mut a = node(1, &[listen], awaited(&[id(2)])).await;
    let mut b = node(2, &[listen], Peers::from([a.peer()])).await;
    a.sees_connected(b.id).await;
    b.sees_connected(a.id).await;
    let answer = b.mesh.pull(a.id, b"hello".to_vec()).await.unwrap();
    assert_eq!(answer, [&b.id.0[..], b"hello"].concat());
    b.mesh.shutdown().await;
    a.sees_disconnected(b.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_quic() {
    two_nodes_connect(QUIC).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tcp() {
    two_nodes_connect(TCP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_address_does_not_hide_a_live_one() {
    let mut a = node(1, &[TCP], awaited(&[id(2)])).await;
    let addresses = ["/ip4/127.0.0.1/tcp/1".to_owned(), "nonsense".to_owned()];
    let all = addresses.into_iter().chain(a.mesh.listen_addresses()).collect();
    let mut b = node(2, &[TCP], Peers::from([(a.id, all)])).await;
    b.sees_connected(a.id).await;
    a.sees_connected(b.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_resolved() {
    let mut a = node(1, &[TCP], awaited(&[id(2)])).await;
    let named = a.mesh.listen_addresses()[0].replace("/ip4/127.0.0.1/", "/dns4/localhost/");
    let mut b = node(2, &[TCP], Peers::from([(a.id, vec![named])])).await;
    b.sees_connected(a.id).await;
    a.sees_connected(b.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_dials_converge() {
    for listen in [QUIC, TCP] {
        let mut a = node(1, &[listen], Peers::new()).await;
        let mut b = node(2, &[listen], Peers::new()).await;
        let (to_a, to_b) = (Peers::from([a.peer()]), Peers::from([b.peer()]));
        tokio::join!(a.mesh.set_peers(to_b), b.mesh.set_peers(to_a));
        a.sees_connected(b.id).await;
        b.sees_connected(a.id).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(a.events.try_recv().is_err() && b.events.try_recv().is_err(), "the connection flaps");
        a.mesh.pull(b.id, b"one way".to_vec()).await.unwrap();
        b.mesh.pull(a.id, b"and back".to_vec()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_connection_stays() {
    let mut a = node(1, &[QUIC], awaited(&[id(2)])).await;
    let mut b = node(2, &[QUIC], Peers::from([a.peer()])).await;
    a.sees_connected(b.id).await;
    b.sees_connected(a.id).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(a.events.try_recv().is_err() && b.events.try_recv().is_err());
    assert!(a.mesh.connected().contains(&b.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_nothing() {
    let mut a = node(1, &[QUIC], awaited(&[id(2)])).await;
    let mut b = node(2, &[QUIC], Peers::from([a.peer()])).await;
    let mut stranger = node(3, &[QUIC], Peers::from([a.peer(), b.peer()])).await;
    a.sees_connected(b.id).await;
    for n in 0..20 {
        a.mesh.gossip(vec![n]).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    b.receives().await;
    while let Ok(event) = stranger.events.try_recv() {
        assert!(!matches!(event, Event::Gossip { .. }), "a stranger received gossip");
    }
    assert!(!a.mesh.connected().contains(&stranger.id));
    let asked = stranger.mesh.pull(a.id, b"please".to_vec()).await;
    assert!(
        matches!(asked, Err(PullError::NotConnected | PullError::Lost(_) | PullError::Busy { .. })),
        "{asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_no_longer_named_is_let_go() {
    let mut a = node(1, &[QUIC], awaited(&[id(2)])).await;
    let mut b = node(2, &[QUIC], Peers::from([a.peer()])).await;
    a.sees_connected(b.id).await;
    b.sees_connected(a.id).await;
    a.mesh.set_peers(Peers::new()).await;
    a.sees_disconnected(b.id).await;
    b.sees_disconnected(a.id).await;
    a.mesh.set_peers(awaited(&[b.id])).await;
    a.sees_connected(b.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_comes_back_is_connected_again() {
    for listen in [QUIC, TCP] {
        let mut a = node(1, &[listen], awaited(&[id(2)])).await;
        let here = a.mesh.listen_addresses();
        let mut b = node(2, &[listen], Peers::from([a.peer()])).await;
        a.sees_connected(b.id).await;
        b.sees_connected(a.id).await;
        a.mesh.shutdown().await;
        b.sees_disconnected(a.id).await;
        let here: Vec<_> = here.iter().map(String::as_str).collect();
        let mut a = node_again(1, &here, awaited(&[b.id])).await;
        b.sees_connected(a.id).await;
        a.sees_connected(b.id).await;
        a.mesh.pull(b.id, Vec::new()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_without_a_word_comes_back() {
    for listen in [QUIC, TCP] {
        let mut b = node(2, &[listen], awaited(&[id(1)])).await;
        // A runtime that is shut down takes all tasks with it, as a killed process does.
        let first = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (at_b, own) = (Peers::from([b.peer()]), listen.to_owned());
        let life = first.spawn(async move { node(1, &[&own], at_b).await });
        b.sees_connected(id(1)).await;
        first.shutdown_background();
        drop(life);
        let mut a = node(1, &[listen], Peers::from([b.peer()])).await;
        a.sees_connected(b.id).await;
        a.mesh.pull(b.id, b"I am back".to_vec()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_named() {
    for listen in [QUIC, TCP] {
        let a = node(1, &[listen], Peers::new()).await;
        let taken = a.mesh.listen_addresses().remove(0);
        let second = try_node(2, &[&taken], Peers::new()).await;
        let Err(MeshError::Listen { address, reason }) = second.map(|_| ()) else {
            panic!("two nodes listen on {taken}");
        };
        assert!(address == taken && reason.contains("in use"), "{address}: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_listen_addresses_are_named() {
    assert!(matches!(try_node(1, &[], Peers::new()).await, Err(MeshError::NoListenAddress)));
    for wrong in ["127.0.0.1:7400", "/ip4/127.0.0.1"] {
        let refused = try_node(1, &[wrong], Peers::new()).await.map(|_| ()).unwrap_err();
        assert!(refused.to_string().contains(wrong), "{refused}");
    }
}
