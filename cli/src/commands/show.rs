//! `certmesh show`: all that is known of one object.

mod relations;
mod signature;
mod versions;

use std::io;

use certmesh_api::{Client, ClientError, ObjectLine, Receipts, Related};
use certmesh_intel::Object;
use certmesh_intel::display::safe;
use clap::Args;

use crate::error::CommandError;
use crate::layout::laid_out;
use crate::objects::publisher;
use crate::session::Session;
use crate::table::{count, list, short};
use crate::time;

/// The head of an object quotes its name or pattern up to here; the properties below are whole.
const NAME: usize = 200;

/// Shows an object in words: what it says, who published it and has it, its versions, and what refers to it
///
/// The record's signature is checked here and now, against the key of the node that signed it, and whether the record
/// holds exactly this text. --json prints a line for each version.
#[derive(Args)]
#[command(after_help = "Example:
  certmesh show indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f")]
pub(crate) struct Show {
    /// The object's STIX id
    #[arg(value_name = "STIX-ID")]
    id: String,
}

impl Show {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let client = session.client();
        let versions = self.versions(&client).await?;
        if session.json() {
            return Ok(versions.iter().try_for_each(|line| session.json_line(line))?);
        }
        let Some(newest) = versions.first() else { return Err(self.unknown()) };
        let signature = signature::check(&client, newest).await;
        let receipts = client.receipts(&self.id).await.ok();
        session.line(head(newest, &signature, receipts.as_ref()))?;
        versions::print(&versions, session)?;
        print_related(&client.related(&self.id).await?, session)?;
        Ok(session.line(format_args!("\n{}", laid_out(newest.object.get())))?)
    }

    /// All versions, the latest arrival first.
    async fn versions(&self, client: &Client) -> Result<Vec<ObjectLine>, CommandError> {
        let mut lines = match client.versions(&self.id).await {
            Err(ClientError::Refused { status: 404, .. }) => return Err(self.unknown()),
            lines => lines?,
        };
        let mut versions = Vec::new();
        while let Some(line) = lines.next().await? {
            versions.push(line);
        }
        if versions.is_empty() { Err(self.unknown()) } else { Ok(versions) }
    }

    fn unknown(&self) -> CommandError {
        CommandError::refused(format_args!("this node has no object {}", safe(&self.id, 120)))
            .hint("`certmesh query VALUE` finds objects by what they speak of, and prints their ids")
    }
}

fn head(line: &ObjectLine, signature: &str, receipts: Option<&Receipts>) -> String {
    let object = Object::read(line.object.get()).ok();
    let object = object.as_ref();
    let named = object.and_then(Object::name).map(|name| safe(&name, NAME));
    let mut head = vec![
        ("object", object.map_or_else(String::new, |object| safe(object.id(), 256))),
        ("name", named.unwrap_or_else(|| "none".to_owned())),
        ("tlp", safe(&line.tlp, 16)),
    ];
    if let Some(object) = object {
        head.extend(facts(object));
    }
    head.extend([
        ("published", format!("by {}, node {}", publisher(line), safe(&line.node_id, 64))),
        ("record", safe(&line.record, 64)),
        ("signature", signature.to_owned()),
        ("arrival", time::shown(line.arrival)),
    ]);
    head.extend(receipts.and_then(|receipts| held(receipts, &line.record)).map(|held| ("held", held)));
    list(&head)
}

/// What the object says of itself, beyond its name.
fn facts(object: &Object<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let at = |micros: i64| time::shown(u64::try_from(micros / 1_000).unwrap_or_default());
    if let Some(confidence) = object.confidence() {
        facts.push(("confidence", confidence.to_string()));
    }
    let labels: Vec<_> = object.labels().iter().map(|label| safe(label, 60)).collect();
    if !labels.is_empty() {
        facts.push(("labels", safe(&labels.join(", "), NAME)));
    }
    let techniques = object.techniques().join(", ");
    if !techniques.is_empty() {
        facts.push(("techniques", safe(&techniques, NAME)));
    }
    if let Some(since) = object.first_seen().or(object.valid_from()) {
        facts.push(("since", at(since)));
    }
    if let Some(until) = object.valid_until() {
        let over = until / 1_000 <= i64::try_from(time::now_ms()).unwrap_or(i64::MAX);
        facts.push(("until", format!("{}{}", at(until), if over { ": it has expired" } else { "" })));
    }
    if object.is_revoked() {
        facts.push(("revoked", "yes: its publisher has taken it back".to_owned()));
    }
    facts
}

/// Who has the record, in a sentence.
fn held(receipts: &Receipts, record: &str) -> Option<String> {
    let found = receipts.records.iter().find(|found| found.record == record)?;
    let missing: Vec<_> = found.nodes.iter().filter(|node| node.since_ms.is_none()).collect();
    let all = found.nodes.len();
    let head = format!("by {} of {}", all - missing.len(), count(all as u64, "other node"));
    if missing.is_empty() {
        return Some(head);
    }
    let names = missing.iter().map(|node| format!("{} {}", safe(&node.member, 8), short(&node.node_id)));
    Some(format!("{head}; not yet: {}", names.collect::<Vec<_>>().join(", ")))
}

fn print_related(related: &Related, session: &mut Session) -> io::Result<()> {
    for (title, lines) in relations::sections(related) {
        session.line(format_args!("\n{title}"))?;
        lines.iter().try_for_each(|line| session.line(format_args!("  {line}")))?;
    }
    if related.capped {
        session.line("  and more, which are not shown")?;
    }
    Ok(())
}
