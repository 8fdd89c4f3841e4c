//! What arrives, as it arrives: server-sent events (WHATWG HTML, section 9.2), for tools that would rather be told
//! than ask.
//!
//! An event's id is the arrival of its object. A stream is a cursor and a nudge: it reads the store from where its
//! client has come to, so a client that is slow, or was away, gets everything once.

use std::fmt::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use certmesh_engine::store::Readable;
use certmesh_engine::{Collected, Collection, Reader, Selection, StoredObject, collected, last_arrival};
use certmesh_intel::near::nearest;
use certmesh_intel::validate;
use futures::stream::unfold;
use serde_json::json;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::Soc;
use super::answer::{Answer, Problem, pieces};
use super::document::Doc;
use super::limits::STREAM_OBJECTS;
use super::policy::{Granted, Stream};
use super::route::{Call, Route};
use super::shares::PageRoom;
use crate::driver::Input;

/// How often a stream says that it lives, when it has nothing else to say.
const BEAT: Duration = Duration::from_secs(15);
/// Where an event stream's client says what it had last.
const LAST_EVENT_ID: &str = "last-event-id";

pub(super) fn routes() -> Vec<Route> {
    let text = || json!({"type": "string"});
    let doc = Doc::new("Follow what arrives")
        .header(
            "Last-Event-ID",
            "The id of the last event that the client has had: it goes on after that one.",
        )
        .query(
            "after",
            "The same, for clients that can't set a header; 0 for all that the node holds.",
            text(),
        )
        .query("lastEventId", "The same, as some clients call it.", text())
        .query("type", "STIX types, with commas between them; all if absent.", text())
        .query("member", "Published by this member, such as `SG`.", text())
        .gives(200, "text/event-stream", "Text", "Events, each with one object, without end.");
    vec![Route::get("/api/v1/stream", doc, stream)]
}

async fn stream(call: Call<Granted<Stream>>) -> Answer {
    let (collection, selection) = chosen(&call)?;
    let (reply, answer) = oneshot::channel();
    call.soc.node.driver.send(Input::Arrivals { reply }).await.map_err(|_| Problem::stopping())?;
    let arrivals = answer.await.map_err(|_| Problem::stopping())?;
    let cursor = match begin(&call)? {
        Some(cursor) => cursor,
        None => call.grant.read(|store, _| last_arrival(store)).await?,
    };
    let end = Box::pin(call.grant.end());
    call.soc.figures.streams.fetch_add(1, Relaxed);
    let following = Following {
        open: Open(Arc::clone(&call.soc)),
        stops: call.soc.stops.clone(),
        grant: call.grant,
        collection,
        selection,
        cursor,
        arrivals,
        beat: beat(),
        end,
        room: None,
        is_greeted: false,
    };
    let events = unfold(following, |mut following| async move {
        let piece = following.next().await?;
        Some((piece, following))
    });
    Ok(pieces(events, "text/event-stream"))
}

fn beat() -> Interval {
    let mut beat = interval_at(Instant::now() + BEAT, BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}

fn chosen(call: &Call<Granted<Stream>>) -> Result<(Collection, Selection), Problem> {
    let (mut collection, mut selection) = (Collection::All, Selection::default());
    for (name, value) in call.query() {
        match name.as_str() {
            "type" => {
                for name in value.split(',').map(str::trim) {
                    let is_known = validate::types().any(|known| known == name);
                    // Others are made up by whoever needs them: what is nearly a known one is a slip.
                    let near = nearest(name, validate::types()).filter(|_| !is_known);
                    if name.is_empty() || near.is_some() {
                        let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                        return Err(Problem::bad(format!(
                            "`type` has {name:?}, which is no type of STIX 2.1{near}"
                        )));
                    }
                    selection.types.push(name.to_owned());
                }
            }
            "member" => {
                let code = value.to_ascii_uppercase().parse();
                let code = code.map_err(|fault| Problem::bad(format!("member: {fault}")))?;
                let members = call.soc.node.membership.members();
                if !members.contains(&code) {
                    let known: Vec<_> = members.iter().map(ToString::to_string).collect();
                    return Err(Problem::bad(format!("{code} is no member"))
                        .hint(format!("there are {}", known.join(", "))));
                }
                collection = Collection::Member(code);
            }
            _ => {}
        }
    }
    Ok((collection, selection))
}

/// What the client has had; nothing, if it begins now.
fn begin(call: &Call<Granted<Stream>>) -> Result<Option<u64>, Problem> {
    let header = call.parts.headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or("?").to_owned());
    let is_cursor = |(name, value): &(String, String)| match name.as_str() {
        "after" => true,
        // As an empty header, it says nothing.
        "lastEventId" => !value.is_empty(),
        _ => false,
    };
    // A client that comes back says where it is beside where it once began.
    let query = || call.query().into_iter().filter(is_cursor).max_by_key(|(name, _)| name == "lastEventId");
    let query = || query().map(|(_, value)| value);
    let Some(text) = header.filter(|text| !text.is_empty()).or_else(query) else { return Ok(None) };
    let wrong = || {
        Problem::new(StatusCode::BAD_REQUEST, "the last event's id is none of this node's, which are numbers")
            .hint(
                "0 is for everything that the node holds; without one, a stream begins with what comes next",
            )
    };
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().map(Some).ok_or_else(wrong)
}

/// Counts the stream for as long as it is open.
struct Open(Arc<Soc>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.figures.streams.fetch_sub(1, Relaxed);
    }
}

/// One client, and how far it has come.
struct Following {
    open: Open,
    grant: Granted<Stream>,
    collection: Collection,
    selection: Selection,
    cursor: u64,
    arrivals: watch::Receiver<u64>,
    /// Goes on whatever comes: it tells nothing of what the client may not see.
    beat: Interval,
    stops: watch::Receiver<bool>,
    end: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// For what the client is being sent.
    room: Option<PageRoom>,
    is_greeted: bool,
}

impl Following {
    /// The next words; nothing, if the token no longer holds, the node stops, or its store fails.
    async fn next(&mut self) -> Option<Bytes> {
        // The client has taken what it was sent before.
        self.room = None;
        if !std::mem::replace(&mut self.is_greeted, true) {
            return Some(self.greeting());
        }
        loop {
            self.arrivals.borrow_and_update();
            tokio::select! {
                biased;
                () = &mut self.end => return None,
                page = read(&self.open.0, &self.grant, self.collection, &self.selection, self.cursor) => {
                    let (page, room) = page.ok()?;
                    self.cursor = page.next;
                    if !page.objects.is_empty() {
                        self.room = Some(room);
                        self.open.0.figures.objects.fetch_add(page.objects.len() as u64, Relaxed);
                        return Some(events(&page.objects, self.open.0.is_exercise()));
                    }
                    if page.more {
                        continue;
                    }
                }
            }
            tokio::select! {
                changed = self.arrivals.changed() => changed.ok()?,
                _ = self.beat.tick() => return Some(Bytes::from_static(b": beat\n\n")),
                () = &mut self.end => return None,
                _ = self.stops.wait_for(|stopping| *stopping) => return None,
            }
        }
    }

    /// Says at once that the stream is open, and how soon to come back if it breaks.
    fn greeting(&self) -> Bytes {
        let unreal = if self.open.0.is_exercise() { ": EXERCISE: nothing here is real\n" } else { "" };
        format!("retry: 2000\n{unreal}: certmesh\n\n").into()
    }
}

async fn read(
    soc: &Soc,
    grant: &Granted<Stream>,
    collection: Collection,
    selection: &Selection,
    cursor: u64,
) -> Result<(Collected, PageRoom), Problem> {
    let room = soc.shares.page(grant.token().id).await?;
    let selection = selection.clone();
    let read = move |store: &dyn Readable, reader: &Reader| {
        let page = collected(store, reader, &collection, &selection, cursor, STREAM_OBJECTS)?;
        Ok((page, room))
    };
    grant.read(read).await
}

/// Each object with where it comes from. Its text is as published, but for line breaks between its tokens, which
/// are spaces here: an event's data is one line.
fn events(objects: &[StoredObject], is_exercise: bool) -> Bytes {
    let mut text = String::with_capacity(objects.iter().map(|object| object.json.len() + 400).sum());
    for object in objects {
        let json = object.json.replace(['\n', '\r'], " ");
        // Codes, digits and our own words need no escapes. Writing to a string can't fail.
        let _ = write!(
            text,
            "id: {}\nevent: object\ndata: {{\"arrival\":{0},\"member\":\"{}\",\"node_id\":\"{}\",\"record\":\"{}\",\
             \"tlp\":\"{}\",\"received_ms\":{},\"revoked\":{},\"exercise\":{is_exercise},\"object\":{json}}}\n\n",
            object.arrival,
            object.member,
            object.node,
            object.record,
            object.tlp,
            object.received_ms,
            object.revoked,
        );
    }
    text.into()
}
