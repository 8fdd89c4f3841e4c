//! Feeds: the lists that firewalls, resolvers and sensors fetch.

use axum::http::StatusCode;
use serde_json::json;

use super::answer::{Answer, JSON, Problem, json as answer_json};
use super::document::Doc;
use super::policy::{Feeds, Granted};
use super::route::{Call, Route};

/// The routes below `/feeds/`.
pub(super) fn routes() -> Vec<Route> {
    let doc = Doc::new("The feeds that there are").gives(200, JSON, "Anything", "Their names.");
    vec![Route::get("/feeds/", doc, list)]
}

async fn list(call: Call<Granted<Feeds>>) -> Answer {
    may_be_acted_upon(&call)?;
    Ok(answer_json(&json!({"feeds": [], "exercise": call.soc.is_exercise()}), JSON))
}

/// Whether the client may act on what it reads. A feed's readers block and alert: what is not real goes to those
/// alone whose token was made for it, and nothing that a live tool is set up with opens it by accident.
fn may_be_acted_upon(call: &Call<Granted<Feeds>>) -> Result<(), Problem> {
    if call.soc.is_exercise() && !call.grant.may_read_exercises() {
        let error = "this mesh is an EXERCISE: nothing in its feeds is real";
        return Err(Problem::new(StatusCode::FORBIDDEN, error)
            .hint("a tool that takes part in the exercise needs a token made with --exercise"));
    }
    Ok(())
}
