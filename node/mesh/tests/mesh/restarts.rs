//! A node that dies without a word and is back at once is heard again, and hears, within seconds.

use std::time::Duration;

use certmesh_mesh::{Event, Peers};
use certmesh_wire::NodeId;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Node, QUIC, TCP, awaited, id, node, node_again, node_of_another_mesh};

/// Who has the other's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dials {
    Both,
    Survivor,
    Restarted,
}

const EVERY_WAY: [Dials; 3] = [Dials::Both, Dials::Survivor, Dials::Restarted];

/// Kills node 1 this long after it could gossip, again and again, and returns the longest time from
/// its return until gossip went both ways.
async fn restarts(listen: &str, dials: Dials, life: Duration, times: usize) -> Duration {
    let mut survivor = node(2, &[listen], awaited(&[id(1)])).await;
    let known = match dials {
        Dials::Survivor => awaited(&[survivor.id]),
        Dials::Both | Dials::Restarted => Peers::from([survivor.peer()]),
    };
    let (mut own, mut longest) = (listen.to_owned(), Duration::ZERO);
    for time in 0..=times {
        let (runtime, mut victim) = life_of(1, &own, known.clone()).await;
        let back = Instant::now();
        own = victim.mesh.listen_addresses().remove(0);
        if dials != Dials::Restarted {
            survivor.mesh.set_peers(Peers::from([victim.peer()])).await;
        }
        both_ways(&mut survivor, &mut victim, time).await;
        if time > 0 {
            longest = longest.max(back.elapsed());
        }
        sleep(life).await;
        // A runtime that is shut down takes all tasks with it, as a killed process does.
        runtime.shutdown_background();
    }
    longest
}

async fn life_of(n: u8, listen: &str, peers: Peers) -> (Runtime, Node) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let listen = listen.to_owned();
    let node = runtime.spawn(async move { node_again(n, &[&listen], peers).await }).await.unwrap();
    (runtime, node)
}

async fn both_ways(a: &mut Node, b: &mut Node, time: usize) {
    let (to_b, to_a) = (format!("to the restarted {time}:"), format!("from the restarted {time}:"));
    hears(a, b, &to_b).await;
    hears(b, a, &to_a).await;
}

/// What earlier lives said may come again; only these words count.
async fn hears(from: &Node, to: &mut Node, words: &str) {
    while !from.gossips_to(to, words).await.1.starts_with(words.as_bytes()) {}
}

/// Every way at once: they mostly wait. Only with QUIC, to which the system tells nothing of a dead
/// peer, and with the survivor alone dialling, is there nothing to notice but silence: it has its own test.
async fn every_way(life: Duration, soon: Duration) {
    let ways = [QUIC, TCP].into_iter().flat_map(|listen| EVERY_WAY.map(|dials| (listen, dials)));
    let ways = ways.filter(|way| *way != (QUIC, Dials::Survivor));
    let all = ways.map(|(listen, dials)| async move {
        let took = restarts(listen, dials, life, 3).await;
        assert!(took < soon, "{listen} {dials:?}: {took:?}");
    });
    futures::future::join_all(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_is_back_after_a_restart() {
    every_way(Duration::from_millis(1_500), Duration::from_secs(8)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_is_back_after_restarts_in_quick_succession() {
    every_way(Duration::from_millis(100), Duration::from_secs(12)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_is_back_once_silence_is_noticed() {
    let took = restarts(QUIC, Dials::Survivor, Duration::from_millis(1_500), 1).await;
    assert!(took < Duration::from_secs(25), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn healthy_nodes_stay_connected() {
    let quiet = [QUIC, TCP].map(|listen| async move {
        let mut a = node(1, &[listen], Peers::new()).await;
        let mut b = node(2, &[listen], Peers::new()).await;
        let (to_a, to_b) = (Peers::from([a.peer()]), Peers::from([b.peer()]));
        tokio::join!(a.mesh.set_peers(to_b), b.mesh.set_peers(to_a));
        a.sees_connected(b.id).await;
        b.sees_connected(a.id).await;
        sleep(Duration::from_secs(10)).await;
        assert!(a.events.try_recv().is_err() && b.events.try_recv().is_err(), "{listen} flaps");
        both_ways(&mut a, &mut b, 0).await;
    });
    futures::future::join_all(quiet).await;
}

/// How often the node has connected within this time.
async fn connects(node: &mut Node, peer: NodeId, within: Duration) -> usize {
    let mut times = 0;
    let counting = async {
        while let Some(event) = node.events.recv().await {
            times += usize::from(matches!(event, Event::Connected(from) if from == peer));
        }
    };
    assert!(timeout(within, counting).await.is_err(), "the mesh has stopped");
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_never_takes_gossip_is_not_hammered() {
    let mut a = node(1, &[QUIC], awaited(&[id(2)])).await;
    let silent = node_of_another_mesh(2, &[QUIC], Peers::from([a.peer()])).await;
    let times = connects(&mut a, silent.id, Duration::from_secs(16)).await;
    assert!((1..=4).contains(&times), "{times} connections");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_hung_up_on_comes_back_after_a_rest() {
    for listen in [QUIC, TCP] {
        let mut a = node(1, &[listen], Peers::new()).await;
        let mut b = node(2, &[listen], Peers::from([a.peer()])).await;
        a.mesh.set_peers(Peers::from([b.peer()])).await;
        a.sees_connected(b.id).await;
        b.sees_connected(a.id).await;
        a.mesh.hang_up(b.id).await;
        a.mesh.hang_up(b.id).await;
        a.sees_disconnected(b.id).await;
        b.sees_disconnected(a.id).await;
        assert_eq!(connects(&mut a, b.id, Duration::from_secs(4)).await, 0);
        a.sees_connected(b.id).await;
        both_ways(&mut a, &mut b, 0).await;
    }
}
