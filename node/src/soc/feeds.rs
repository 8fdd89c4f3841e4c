//! Feeds: the lists that firewalls, resolvers and sensors fetch.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use bytes::Bytes;
use certmesh_intel::formats::Feed;
use futures::stream::{self, Stream, StreamExt};
use serde_json::{Value, json};

use super::answer::{Answer, JSON, Problem, bytes, is_known, json as answer_json, unless_known};
use super::document::Doc;
use super::policy::{Feeds, Granted};
use super::route::{Call, Route};
use crate::feeds::{FeedFault, Name};

/// The routes below `/feeds/`.
pub(super) fn routes() -> Vec<Route> {
    let names = Doc::new("Which lists there are").gives(200, JSON, "Lists", "Their names.");
    let list = filtered(
        Doc::new("A list for firewalls, resolvers and sensors").path("name", "Such as `domains.txt`."),
    );
    let suricata =
        filtered(Doc::new("A file of Suricata's rules and lists").path("name", "Such as `certmesh.rules`."));
    let misp = filtered(
        Doc::new("A file of the MISP feed")
            .path("name", "`manifest.json`, `hashes.csv`, or an event's `UUID.json`."),
    );
    vec![
        Route::get("/feeds/", names, names_of_lists),
        Route::get("/feeds/{name}", list, |call| list_in("", call)),
        Route::get("/feeds/suricata/{name}", suricata, |call| list_in("suricata/", call)),
        Route::get("/feeds/misp/{name}", misp, |call| list_in("misp/", call)),
    ]
}

/// What all lists understand, and what they are.
fn filtered(doc: Doc) -> Doc {
    let doc = doc
        .query(
            "type",
            "Kinds of values, such as `ipv4-addr`, separated by commas.",
            json!({"type": "string"}),
        )
        .query("member", "Reported by one of these members, separated by commas.", json!({"type": "string"}))
        .query("label", "With one of these labels, separated by commas.", json!({"type": "string"}))
        .query("confidence", "At least this sure.", json!({"type": "integer", "minimum": 0, "maximum": 100}))
        .query("since", "Reported since: an age such as `30d`, or a time.", json!({"type": "string"}))
        .query("limit", "At most so many, the surest first.", json!({"type": "integer", "minimum": 1}))
        .query("page", "Which so many.", json!({"type": "integer", "minimum": 1}))
        .gives(404, JSON, "Error", "There is no such list.");
    let mut types: Vec<_> = Feed::all().map(Feed::media_type).collect();
    types.sort_unstable();
    types.dedup();
    types.into_iter().fold(doc, |doc, media_type| {
        let schema = if media_type.contains("json") { "Anything" } else { "Text" };
        doc.gives(200, media_type, schema, "The list.")
    })
}

async fn names_of_lists(call: Call<Granted<Feeds>>) -> Answer {
    may_be_acted_upon(&call)?;
    let of =
        |feed: Feed| json!({ "name": feed.name(), "about": feed.about(), "media_type": feed.media_type() });
    let feeds: Vec<Value> = Feed::all().map(of).collect();
    Ok(answer_json(&json!({ "exercise": call.soc.is_exercise(), "feeds": feeds }), JSON))
}

async fn list_in(folder: &'static str, call: Call<Granted<Feeds>>) -> Answer {
    may_be_acted_upon(&call)?;
    let name = format!("{folder}{}", call.path("name"));
    let name = Name::read(&name).ok_or_else(|| Problem::absent("there is no such list").hint(hint(&name)))?;
    let pairs = call.query();
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let media_type = name.media_type();
    let (feeds, token) = (&call.soc.node.feeds, call.grant.token());
    let wanted = feeds.wanted(&name, token.terms.ceiling, pairs).map_err(Problem::bad)?;
    // Who has a long list, and has the latest, needs no other one made.
    let named = feeds.named(&name, &wanted).filter(|made| is_known(&call.parts.headers, &weak(&made.tag)));
    let made = match named {
        Some(made) => made,
        None => feeds.list(name, wanted, Some(token.id)).await.map_err(problem)?,
    };
    let (tag, headers) = (weak(&made.tag), made.headers());
    let mut response = bytes(Body::from_stream(until(call.grant.end(), made.body())), media_type);
    response.headers_mut().extend(headers);
    Ok(unless_known(&call.parts.headers, &tag, response))
}

/// What to do about a name below `/feeds/` that is none.
pub(super) fn hint(name: &str) -> String {
    match (name, name.parse::<Feed>()) {
        ("misp", _) => "it is a folder: MISP adds /manifest.json by itself, which is there".into(),
        ("suricata", _) => "it is a folder: /feeds/ says what it holds".into(),
        (_, name) => match name.err().and_then(|fault| fault.near()) {
            Some(near) => format!("did you mean {near}? /feeds/ says which there are"),
            None => "/feeds/ says which there are".into(),
        },
    }
}

/// Weak: it is the same whether or not the answer is compressed.
fn weak(tag: &str) -> String {
    format!("W/\"{tag}\"")
}

fn problem(fault: FeedFault) -> Problem {
    match fault {
        FeedFault::NoSuchEvent | FeedFault::Ended | FeedFault::Slow | FeedFault::Outrun => {
            Problem::absent(fault)
        }
        FeedFault::Busy => Problem::new(StatusCode::SERVICE_UNAVAILABLE, fault)
            .hint("ask again in a minute, or for less of it")
            .with(RETRY_AFTER, "60"),
        FeedFault::Store(error) => error.into(),
    }
}

/// What comes until the token no longer holds. Then it breaks off: half a list must not look like a whole one.
fn until(
    end: impl Future<Output = ()> + Send + 'static,
    pieces: impl Stream<Item = Result<Bytes, FeedFault>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, FeedFault>> + Send {
    let start = Some((Box::pin(end), Box::pin(pieces)));
    stream::unfold(start, |going| async move {
        let (mut end, mut pieces) = going?;
        tokio::select! {
            biased;
            () = &mut end => Some((Err(FeedFault::Ended), None)),
            piece = pieces.next() => Some((piece?, Some((end, pieces)))),
        }
    })
    .fuse()
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

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_token_that_ends_breaks_off_a_list_under_way() {
        let (revoke, revoked) = oneshot::channel::<()>();
        let end = async move { drop(revoked.await) };
        let pieces = stream::iter([Ok(Bytes::from_static(b"a"))]).chain(stream::pending());
        let mut sent = Box::pin(until(end, pieces));
        assert!(matches!(sent.next().await, Some(Ok(piece)) if piece == "a"));
        drop(revoke);
        assert!(matches!(sent.next().await, Some(Err(FeedFault::Ended))));
        assert!(sent.next().await.is_none());
    }

    #[tokio::test]
    async fn a_list_ends_though_its_token_holds() {
        let pieces = stream::iter([Ok(Bytes::from_static(b"a"))]);
        assert_eq!(until(std::future::pending(), pieces).count().await, 1);
    }
}
