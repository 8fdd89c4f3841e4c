//! How the node is, for whatever watches over it: alive, ready, and its figures.

use std::time::Duration;

use axum::http::StatusCode;
use certmesh_engine::counts;
use serde::Serialize;

use super::answer::{Answer, JSON, Problem, bytes, json};
use super::document::Doc;
use super::policy::{Granted, Metrics, Public};
use super::route::{Call, Route};
use crate::metrics;

/// How long the store may take to answer before the node does not count as ready.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/healthz",
            Doc::new("The process lives").gives(200, "text/plain", "Text", "It does."),
            alive,
        ),
        Route::get(
            "/readyz",
            Doc::new("The node answers from its store").gives(200, JSON, "Ready", "It does.").gives(
                503,
                JSON,
                "Error",
                "It does not, or is stopping.",
            ),
            ready,
        ),
        Route::get(
            "/metrics",
            Doc::new("The node's figures, for Prometheus").gives(200, metrics::TEXT, "Text", "Figures."),
            figures,
        ),
    ]
}

/// Looks at nothing: it is asked most when all else is busy.
async fn alive(_: Call<Public>) -> Answer {
    Ok(bytes("ok\n", "text/plain"))
}

/// `GET /readyz`.
#[derive(Serialize)]
struct Ready {
    ready: bool,
    /// Whether all of it is an exercise.
    exercise: bool,
    /// Whether any other node is connected; if none is, lists are as of when one last was.
    connected: bool,
}

async fn ready(call: Call<Public>) -> Answer {
    let store = call.soc.node.store.clone();
    let reading = tokio::task::spawn_blocking(move || counts(&*store));
    let read = tokio::time::timeout(PATIENCE, reading).await;
    if *call.soc.stops.borrow() || !matches!(read, Ok(Ok(Ok(_)))) {
        let error = "the node is stopping, or its store does not answer";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, error)
            .hint("the node's operator finds the reason in its log"));
    }
    let connected = call.soc.node.peers.cut_off_since().is_none();
    Ok(json(&Ready { ready: true, exercise: call.soc.is_exercise(), connected }, JSON))
}

async fn figures(call: Call<Granted<Metrics>>) -> Answer {
    let node = call.soc.node.clone();
    let page = tokio::task::spawn_blocking(move || metrics::page(&node));
    let page = page.await.map_err(|_| Problem::stopping())??;
    Ok(bytes(page, metrics::TEXT))
}
