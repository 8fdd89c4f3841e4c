//! Whether values are known: one in a GET, any number of them in a POST, which is answered while it is still being
//! sent.

mod lines;
mod report;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use certmesh_intel::Question;
use futures::stream::unfold;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Soc;
use super::answer::{Answer, JSON, Problem, bytes, pieces};
use super::body::{Pieces, Upload};
use super::document::Doc;
use super::limits::{CHECK_OUT_BYTES, CHECK_PORTION, CHECK_TEXT_BYTES, VALUE_BYTES};
use super::policy::{Check, Granted};
use super::route::{Call, Route};
use lines::Values;

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
        .query("only", "`known` leaves out the values of which nothing is known.", json!({"enum": ["known"]}))
        .takes("text/plain", "Text")
        .takes(LINES, "Text")
        .takes(JSON, "Values")
        .gives(200, LINES, "Checked", "A line for each value, in their order.")
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
    let (mut text, _) = answers(&call.soc, &call.grant, vec![value], false).await?;
    text.pop();
    Ok(bytes(text, JSON))
}

fn too_long() -> Problem {
    Problem::new(
        axum::http::StatusCode::PAYLOAD_TOO_LARGE,
        format!("a value of more than {VALUE_BYTES} bytes"),
    )
}

/// A line for each value.
/// Answers about the first of some values, and those that are left when the answers have grown long.
async fn answers(
    soc: &Arc<Soc>,
    grant: &Granted<Check>,
    values: Vec<String>,
    known_only: bool,
) -> Result<(Vec<u8>, Vec<String>), Problem> {
    let known = Arc::clone(&soc.node.known);
    let counting = Arc::clone(soc);
    let is_exercise = soc.is_exercise();
    grant
        .read(move |store, reader| {
            let mut text = Vec::with_capacity(values.len() * 64);
            let mut values = values.into_iter();
            while text.len() < CHECK_TEXT_BYTES
                && let Some(value) = values.next()
            {
                let answer = certmesh_engine::check(store, &known, reader, &Question::read(&value))?;
                if answer.is_known() || !known_only {
                    report::write(&mut text, &value, &answer, is_exercise);
                }
                counting.figures.checked.fetch_add(1, Relaxed);
            }
            Ok((text, values.collect()))
        })
        .await
}

async fn check_many(call: Call<Granted<Check>>) -> Answer {
    let known_only = call.query().iter().any(|(name, value)| name == "only" && value == "known");
    let Call { soc, grant, body, .. } = call;
    let (lines, received) = mpsc::unbounded_channel();
    let checking =
        Checking { soc, grant, known_only, lines, room: Arc::new(Semaphore::new(CHECK_OUT_BYTES)) };
    // What is wrong with the first portion is an answer of its own; later the answer has begun.
    let mut values = Values::new(body);
    let more = checking.portion(&mut values).await?;
    if more {
        tokio::spawn(checking.run(values));
    }
    let lines = unfold(received, |mut received: mpsc::UnboundedReceiver<Piece>| async move {
        let piece = received.recv().await?;
        Some((piece.text, received))
    });
    Ok(pieces(lines, LINES))
}

/// Lines for the client, with the room that they take until they are sent.
struct Piece {
    text: Bytes,
    _room: OwnedSemaphorePermit,
}

/// One bulk check under way.
///
/// Some clients send all of their question before they read any of the answer. So much of it waits for them; then
/// the question waits too.
struct Checking {
    soc: Arc<Soc>,
    grant: Granted<Check>,
    known_only: bool,
    lines: mpsc::UnboundedSender<Piece>,
    room: Arc<Semaphore>,
}

impl Checking {
    async fn run(self, mut values: Values) {
        let end = self.grant.end();
        let mut end = std::pin::pin!(end);
        loop {
            let going = tokio::select! {
                biased;
                () = &mut end => return,
                () = self.lines.closed() => return,
                going = self.portion(&mut values) => going,
            };
            match going {
                Ok(true) => {}
                Ok(false) => return,
                Err(problem) => {
                    // The status is sent already: the last line says what happened.
                    let line = report::failure(&problem);
                    let _ = self.say(line).await;
                    return;
                }
            }
        }
    }

    /// Checks the next values; whether there may be more.
    async fn portion(&self, values: &mut Values) -> Result<bool, Problem> {
        let (mut left, more) = values.next(CHECK_PORTION).await?;
        while !left.is_empty() {
            let (text, rest) = answers(&self.soc, &self.grant, left, self.known_only).await?;
            if !text.is_empty() {
                self.say(text).await?;
            }
            left = rest;
        }
        Ok(more)
    }

    async fn say(&self, text: Vec<u8>) -> Result<(), Problem> {
        let needed = text.len().min(CHECK_OUT_BYTES) as u32;
        let room =
            Arc::clone(&self.room).acquire_many_owned(needed).await.map_err(|_| Problem::stopping())?;
        self.lines.send(Piece { text: text.into(), _room: room }).map_err(|_| Problem::stopping())
    }
}
