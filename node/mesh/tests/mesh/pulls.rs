//! One request, one answer, within limits.

use crate::support::{Node, QUIC, TCP, awaited, id, node};
use certmesh_mesh::{Peers, PullError};
use certmesh_wire::limits::{SYNC_ANSWER_BYTES, SYNC_REQUEST_BYTES};

async fn pair(listen: &str) -> (Node, Node) {
    let mut a = node(1, &[listen], awaited(&[id(2)])).await;
    let mut b = node(2, &[listen], Peers::from([a.peer()])).await;
    a.sees_connected(b.id).await;
    b.sees_connected(a.id).await;
    (a, b)
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_up_to_the_limit_arrive() {
    for listen in [QUIC, TCP] {
        let (a, b) = pair(listen).await;
        assert_eq!(a.mesh.pull(b.id, b"!largest".to_vec()).await.unwrap().len(), SYNC_ANSWER_BYTES);
        let request = vec![b'x'; SYNC_REQUEST_BYTES];
        assert_eq!(a.mesh.pull(b.id, request).await.unwrap().len(), 32 + SYNC_REQUEST_BYTES);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_refused() {
    let (a, b) = pair(QUIC).await;
    let long = a.mesh.pull(b.id, vec![b'x'; SYNC_REQUEST_BYTES + 1]).await;
    assert!(matches!(long, Err(PullError::TooLarge { limit: SYNC_REQUEST_BYTES, .. })), "{long:?}");
    let longer = a.mesh.pull(b.id, b"!larger".to_vec()).await;
    assert!(matches!(longer, Err(PullError::Busy { .. })), "{longer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_whether_to_try_again() {
    for listen in [QUIC, TCP] {
        let (a, b) = pair(listen).await;
        let malformed = a.mesh.pull(b.id, b"!malformed".to_vec()).await;
        assert!(matches!(malformed, Err(PullError::Refused)), "{malformed:?}");
        let unavailable = a.mesh.pull(b.id, b"!unavailable".to_vec()).await;
        assert!(matches!(unavailable, Err(PullError::Busy { .. })), "{unavailable:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_not_connected_is_not_asked() {
    let (a, _b) = pair(QUIC).await;
    let asked = a.mesh.pull(id(7), Vec::new()).await;
    assert!(matches!(asked, Err(PullError::NotConnected)), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_asks_too_much_at_once_is_told_so() {
    for listen in [QUIC, TCP] {
        let (a, b) = pair(listen).await;
        let asking: Vec<_> = (0..10)
            .map(|_| {
                let (mesh, peer) = (a.mesh.clone(), b.id);
                tokio::spawn(async move { mesh.pull(peer, b"!slow".to_vec()).await })
            })
            .collect();
        let (mut answered, mut busy) = (0, 0);
        for one in asking {
            match one.await.unwrap() {
                Ok(_) => answered += 1,
                Err(PullError::Busy { .. }) => busy += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(answered >= 2 && busy >= 1, "{answered} answered, {busy} busy");
        a.mesh.pull(b.id, b"later".to_vec()).await.unwrap();
    }
}
