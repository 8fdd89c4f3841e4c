//! Whether values are known: one in a GET, any number of them in a POST, which is answered while it is still being
//! sent.

mod lines;
mod report;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use axum::body::Body;
use bytes::Bytes;
use certmesh_intel::Question;
use futures::stream::{StreamExt, unfold};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Soc;
use super::answer::{Answer, JSON, Problem, bytes};
use super::body::{Pieces, Upload};
use super::document::Doc;
use super::limits::{CHECK_OUT_BYTES, CHECK_PORTION, CHECK_TEXT_BYTES, LIST_BYTES, LIST_VALUES, VALUE_BYTES};
use super::policy::{Check, Granted};
use super::route::{Call, Route};
use lines::{Line, Values};

/// A JSON text a line.
const LINES: &str = "application/x-ndjson";

pub(super) fn routes() -> Vec<Route> {
    let one = Doc::new("Whether one value is known")
        .query(
            "value",
            "An address, network, domain, URL, hash and so on, defanged or not.",
            json!({"type": "string"}),
        )
        .gives(200, JSON, "Checked", "What is known of it.");
    let many = Doc::new("Whether values are known, however many; the answer begins before the question ends")
        .query(
            "only",
            "`known` leaves out the values of which nothing is known, but not what is no value.",
            json!({"enum": ["known"]}),
        )
        .takes("text/plain", "Text")
        .takes(LINES, "Text")
        .takes(JSON, "Values")
        .gives(
            200,
            LINES,
            "Checked",
            "A line for each value, in their order; of what is none, with an `error`.",
        )
        .gives(408, JSON, "Error", "The request's body came too slowly.")
        .gives(413, JSON, "Error", "A value, or a list of values, is too long.");
    vec![
        Route::get("/api/v1/check", one, check_one),
        Route::new(axum::http::Method::POST, "/api/v1/check", many, check_many),
    ]
}

async fn check_one(call: Call<Granted<Check>>) -> Answer {
    let mut asked = call.query().into_iter().filter(|(name, _)| name == "value").map(|(_, value)| value);
    let (Some(value), None) = (asked.next(), asked.next()) else {
        return Err(Problem::bad("a GET asks about one `value`")
            .hint("POST the values, one a line, to ask about many"));
    };
    if value.len() > VALUE_BYTES {
        return Err(too_long());
    }
    if value.trim().is_empty() {
        return Err(Problem::bad("`value` is empty"));
    }
    let (mut text, _) = answers(&call.soc, &call.grant, vec![Line::Value(value)], false).await?;
    text.pop();
    Ok(bytes(text, JSON))
}

/// A list of values in one JSON text has to be whole, and every value of it in memory, before one is looked up.
fn too_many() -> Problem {
    let error = format!("a JSON list has at most {LIST_VALUES} values in {LIST_BYTES} bytes");
    Problem::new(axum::http::StatusCode::PAYLOAD_TOO_LARGE, error)
        .hint("send them one a line: of those there may be any number")
}

fn too_long() -> Problem {
    Problem::new(
        axum::http::StatusCode::PAYLOAD_TOO_LARGE,
        format!("a value of more than {VALUE_BYTES} bytes"),
    )
}

/// Answers about the first of some values, and those that are left when the answers have grown long.
async fn answers(
    soc: &Arc<Soc>,
    grant: &Granted<Check>,
    lines: Vec<Line>,
    known_only: bool,
) -> Result<(Vec<u8>, Vec<Line>), Problem> {
    let known = Arc::clone(&soc.node.known);
    let counting = Arc::clone(soc);
    let is_exercise = soc.is_exercise();
    grant
        .read(move |store, reader| {
            let mut text = Vec::with_capacity(lines.len() * 64);
            let mut lines = lines.into_iter();
            while text.len() < CHECK_TEXT_BYTES
                && let Some(line) = lines.next()
            {
                let value = match line {
                    Line::Value(value) => value,
                    Line::Wrong(beginning, why) => {
                        report::wrong(&mut text, &beginning, &why, is_exercise);
                        continue;
                    }
                };
                let answer = certmesh_engine::check(store, &known, reader, &Question::read(&value))?;
                if answer.is_known() || !known_only {
                    report::write(&mut text, &value, &answer, is_exercise);
                }
                counting.figures.checked.fetch_add(1, Relaxed);
            }
            Ok((text, lines.collect()))
        })
        .await
}

async fn check_many(call: Call<Granted<Check>>) -> Answer {
    let only = call.query().into_iter().find(|(name, _)| name == "only").map(|(_, value)| value);
    let known_only = match only.as_deref() {
        None => false,
        Some("known") => true,
        Some(_) => return Err(Problem::bad("`only` is `known`, or absent")),
    };
    let Call { soc, grant, body, .. } = call;
    let place = soc.shares.check(grant.token().id)?;
    let (lines, received) = mpsc::unbounded_channel();
    let checking =
        Checking { soc, grant, known_only, lines, room: Arc::new(Semaphore::new(CHECK_OUT_BYTES)) };
    // What is wrong with the first portion is an answer of its own; from then on, the answer has begun.
    let mut values = Values::new(body);
    let first = values.next(CHECK_PORTION).await?;
    tokio::spawn(checking.run(first, values));
    // The place is taken until the last line is: what waits for the client is what it costs.
    let lines = unfold(Some((received, place)), |going| async move {
        let (mut received, place): (mpsc::UnboundedReceiver<_>, _) = going?;
        match received.recv().await {
            Some(Some(Piece { text, _room })) => Some((Ok(text), Some((received, place)))),
            Some(None) => None,
            // Half an answer must not look like a whole one.
            None => Some((Err(Problem::stopping().words().error), None)),
        }
    });
    Ok(bytes(Body::from_stream(lines.fuse()), LINES))
}

/// Lines for the client, with the room that they take until they are sent.
struct Piece {
    text: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// One bulk check under way.
///
/// Some clients send all of their question before they read any of the answer. So much of it waits for them; then
/// the question waits too.
struct Checking {
    soc: Arc<Soc>,
    grant: Granted<Check>,
    known_only: bool,
    /// Nothing is the end.
    lines: mpsc::UnboundedSender<Option<Piece>>,
    room: Arc<Semaphore>,
}

impl Checking {
    async fn run(self, first: (Vec<Line>, bool), values: Values) {
        let end = self.grant.end();
        let outcome = tokio::select! {
            biased;
            () = end => Err(Problem::bad("the token no longer holds")),
            () = self.lines.closed() => return,
            outcome = self.answer_all(first, values) => outcome,
        };
        if let Err(problem) = outcome {
            // The status is sent already: the last line says what happened. It takes no room from others.
            let text = report::failure(&problem).into();
            let _ = self.lines.send(Some(Piece { text, _room: None }));
        }
        let _ = self.lines.send(None);
    }

    async fn answer_all(&self, first: (Vec<Line>, bool), mut values: Values) -> Result<(), Problem> {
        let (mut lines, mut more) = first;
        loop {
            self.answer(lines).await?;
            if !more {
                return Ok(());
            }
            (lines, more) = values.next(CHECK_PORTION).await?;
        }
    }

    async fn answer(&self, mut left: Vec<Line>) -> Result<(), Problem> {
        while !left.is_empty() {
            let (text, rest) = answers(&self.soc, &self.grant, left, self.known_only).await?;
            if !text.is_empty() {
                self.say(text).await?;
            }
            left = rest;
        }
        Ok(())
    }

    async fn say(&self, text: Vec<u8>) -> Result<(), Problem> {
        let needed = text.len().min(CHECK_OUT_BYTES) as u32;
        let room =
            Arc::clone(&self.room).acquire_many_owned(needed).await.map_err(|_| Problem::stopping())?;
        let piece = Piece { text: text.into(), _room: Some(room) };
        self.lines.send(Some(piece)).map_err(|_| Problem::stopping())
    }
}
