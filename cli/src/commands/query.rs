//! `certmesh query`: does anybody know this?

use certmesh_api::{Lines, QueryParams};
use certmesh_wire::MemberCode;
use clap::Args;

use crate::error::CommandError;
use crate::objects;
use crate::session::{Session, talk};
use crate::table::{count, table};
use crate::time::AgeOrTime;

/// How many objects a table shows unless told otherwise.
const TABLE_ROWS: u64 = 50;

/// Finds objects, the latest arrival first
///
/// VALUE is what an object speaks of: a domain, an address, a hash, a URL and so on, defanged or not. What is given
/// combines with AND. A table shows 50 objects unless --limit says otherwise; --json prints all, one a line.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh query hxxps://evil[.]example/login
  certmesh query --type indicator --from MY --since 7d")]
pub(crate) struct Query {
    /// A value to look for
    value: Option<String>,
    /// Objects of this STIX type only
    #[arg(long = "type", value_name = "TYPE")]
    object_type: Option<String>,
    /// Published by this member only
    #[arg(long, value_name = "MEMBER", value_parser = member)]
    from: Option<MemberCode>,
    /// Arrived since then: an age back, or a time
    #[arg(long, value_name = "AGE|TIME")]
    since: Option<AgeOrTime>,
    /// Show at most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

/// A member code as people type it, in any case.
fn member(text: &str) -> Result<MemberCode, certmesh_wire::CodeFault> {
    text.to_ascii_uppercase().parse()
}

impl Query {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        if session.json() {
            let mut lines = session.client().query(&self.params(self.limit)).await?;
            while let Some(line) = lines.next().await? {
                session.json_line(&line)?;
            }
            return Ok(());
        }
        let limit = self.limit.unwrap_or(TABLE_ROWS);
        // One more than is shown tells whether there are more.
        let lines = session.client().query(&self.params(Some(limit.saturating_add(1)))).await?;
        let (rows, more) = rows(lines, limit).await?;
        if rows.is_empty() {
            talk("nothing found");
            return Ok(());
        }
        let shown = rows.len() as u64;
        session.line(table(&objects::HEAD, rows))?;
        session.flush()?;
        if more {
            talk(format_args!("the latest {} only; --limit N shows more", count(shown, "object")));
        }
        Ok(())
    }

    fn params(&self, limit: Option<u64>) -> QueryParams {
        QueryParams {
            value: self.value.clone(),
            object_type: self.object_type.clone(),
            from: self.from.map(|code| code.to_string()),
            since_ms: self.since.map(AgeOrTime::ago_ms),
            limit,
        }
    }
}

/// At most `limit` rows, and whether there was another.
async fn rows(mut lines: Lines, limit: u64) -> Result<(Vec<Vec<String>>, bool), CommandError> {
    let mut rows = Vec::new();
    while let Some(line) = lines.next().await? {
        if rows.len() as u64 == limit {
            return Ok((rows, true));
        }
        rows.push(objects::row(&line));
    }
    Ok((rows, false))
}
