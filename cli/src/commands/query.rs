//! `certmesh query`: which objects are there?

mod formats;

use std::collections::BTreeSet;

use certmesh_api::{Lines, ObjectLine, QueryParams};
use certmesh_intel::display::safe;
use certmesh_intel::near::nearest;
use certmesh_intel::{Tlp, validate};
use certmesh_wire::MemberCode;
use clap::{Args, ValueEnum};

use crate::error::CommandError;
use crate::objects;
use crate::session::{Session, talk};
use crate::table::{count, table};
use crate::time::AgeOrTime;
use formats::Printer;

/// How many objects a table shows unless told otherwise.
const TABLE_ROWS: u64 = 50;

/// Finds objects by what they say, the latest arrival first
///
/// VALUE is what an object speaks of: a domain, an address, a hash, a URL and so on, defanged or not. What is given
/// combines with AND. Objects that were taken back, replaced or have expired are left out; --valid-at asks about another
/// time. A table shows 50 objects unless --limit says otherwise; the other formats print all.
///
/// Pages: each answer that ends early tells a cursor, which stays good for ever; --after CURSOR goes on behind it.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh query hxxps://evil[.]example/login
  certmesh query --type indicator --from MY --since 7d
  certmesh query --technique T1566 --confidence 70 --sort confidence
  certmesh query --observable domain-name --label c2 --format csv > c2.csv
  certmesh query --text loader --format stix > loader.json")]
pub(crate) struct Query {
    /// A value to look for
    value: Option<String>,
    /// Objects of this STIX type only
    #[arg(long = "type", value_name = "TYPE")]
    object_type: Option<String>,
    /// That speak of this kind of thing: ipv4-addr, domain-name, file-sha256 and so on
    #[arg(long, value_name = "KIND")]
    observable: Option<String>,
    /// With this STIX id
    #[arg(long, value_name = "STIX-ID")]
    id: Option<String>,
    /// Published by this member only
    #[arg(long, value_name = "MEMBER", value_parser = member)]
    from: Option<MemberCode>,
    /// With this label
    #[arg(long)]
    label: Option<String>,
    /// Of this ATT&CK technique, sub-techniques included
    #[arg(long, value_name = "T1566", value_parser = technique)]
    technique: Option<String>,
    /// At least this sure, 0 to 100
    #[arg(long, value_name = "N", value_parser = super::publish::confidence)]
    confidence: Option<u8>,
    /// With this marking: clear, green, amber, amber+strict or red
    #[arg(long, value_name = "LEVEL")]
    tlp: Option<Tlp>,
    /// Valid then: an age back, or a time
    #[arg(long, value_name = "AGE|TIME")]
    valid_at: Option<AgeOrTime>,
    /// Arrived since then: an age back, or a time
    #[arg(long, value_name = "AGE|TIME")]
    since: Option<AgeOrTime>,
    /// Arrived before then: an age back, or a time
    #[arg(long, value_name = "AGE|TIME")]
    until: Option<AgeOrTime>,
    /// With this text in their name or description
    #[arg(long)]
    text: Option<String>,
    /// In this order
    #[arg(long, value_name = "ORDER", value_enum, default_value = "newest", hide_possible_values = false)]
    sort: Sort,
    /// Go on behind the object that this cursor was told for
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Show at most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Print them like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    format: Format,
}

/// The orders that the node knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    Newest,
    Oldest,
    Confidence,
    FirstSeen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
    Stix,
}

/// A member code as people type it, in any case.
fn member(text: &str) -> Result<MemberCode, certmesh_wire::CodeFault> {
    text.to_ascii_uppercase().parse()
}

/// An ATT&CK technique as people type it, in any case.
fn technique(text: &str) -> Result<String, &'static str> {
    let digits = |part: &str, number| part.len() == number && part.bytes().all(|byte| byte.is_ascii_digit());
    let technique = text.to_ascii_uppercase();
    let is_technique = technique.strip_prefix('T').is_some_and(|rest| match rest.split_once('.') {
        Some((main, part)) => digits(main, 4) && digits(part, 3),
        None => digits(rest, 4),
    });
    is_technique.then_some(technique).ok_or("no ATT&CK technique, such as T1566 or T1566.002")
}

impl Query {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        match self.format {
            Format::Table if !session.json() => self.show(session).await,
            Format::Table | Format::Json => self.print(|_| Printer::Json, session).await,
            Format::Csv => self.print(Printer::csv, session).await,
            Format::Stix => self.print(Printer::stix, session).await,
        }
    }

    /// One object after the other, all of them unless there is a limit.
    async fn print(&self, printer: fn(bool) -> Printer, session: &mut Session) -> Result<(), CommandError> {
        // One more than is printed tells whether there are more.
        let limit = self.limit.map(|limit| limit.saturating_add(1));
        let mut lines = session.client().query(&self.params(limit)).await?;
        let mut printer = printer(lines.is_of_exercise());
        printer.begin(session)?;
        let (mut printed, mut cursor) = (0, None);
        while let Some(line) = lines.next().await? {
            if Some(printed) == self.limit {
                session.flush()?;
                say_more(cursor);
                break;
            }
            printer.object(&line, session)?;
            (printed, cursor) = (printed + 1, line.cursor);
        }
        printer.end(session)?;
        if printed == 0 {
            session.flush()?;
            return self.say_what_is_unknown(session).await;
        }
        Ok(())
    }

    async fn show(&self, session: &mut Session) -> Result<(), CommandError> {
        let limit = self.limit.unwrap_or(TABLE_ROWS);
        let lines = session.client().query(&self.params(Some(limit.saturating_add(1)))).await?;
        let (found, more) = first(lines, limit).await?;
        if found.is_empty() {
            talk("nothing found");
            return self.say_what_is_unknown(session).await;
        }
        session.line(table(&objects::HEAD, found.iter().map(objects::row)))?;
        session.flush()?;
        if more {
            talk(format_args!(
                "the first {} only; --limit N shows more",
                count(found.len() as u64, "object")
            ));
            say_more(found.last().and_then(|line| line.cursor.clone()));
        }
        Ok(())
    }

    /// Says why nothing can be found, where what was asked for names nothing that there is.
    async fn say_what_is_unknown(&self, session: &Session) -> Result<(), CommandError> {
        if let Some(kind) = &self.object_type
            && let Some(near) = unknown_type(kind)
        {
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            talk(format_args!("note: STIX 2.1 has no type {}{near}", safe(kind, 80)));
        }
        if let Some(code) = self.from {
            let status = session.client().status().await?;
            let members: BTreeSet<_> =
                status.peers.iter().map(|peer| &peer.member).chain([&status.member]).collect();
            if !members.contains(&code.to_string()) {
                let members: Vec<_> = members.into_iter().map(|member| safe(member, 8)).collect();
                talk(format_args!("note: {code} has no node in this mesh; who has: {}", members.join(", ")));
            }
        }
        Ok(())
    }

    fn params(&self, limit: Option<u64>) -> QueryParams {
        let sort = self.sort.to_possible_value().map(|sort| sort.get_name().to_owned());
        QueryParams {
            value: self.value.clone(),
            // The standard's types are in lower case, whatever people type.
            object_type: self.object_type.as_ref().map(|name| name.to_ascii_lowercase()),
            observable: self.observable.clone(),
            id: self.id.clone(),
            from: self.from.map(|code| code.to_string()),
            label: self.label.clone(),
            technique: self.technique.clone(),
            confidence: self.confidence,
            tlp: self.tlp.map(|tlp| tlp.to_string()),
            valid_at_ms: self.valid_at.map(AgeOrTime::ago_ms),
            since_ms: self.since.map(AgeOrTime::ago_ms),
            until_ms: self.until.map(AgeOrTime::ago_ms),
            text: self.text.clone(),
            sort: sort.filter(|_| self.sort != Sort::Newest),
            after: self.after.clone(),
            limit,
        }
    }
}

/// Whether the standard has no such type, and which of its types is nearly the same. Custom types begin with `x-`.
fn unknown_type(kind: &str) -> Option<Option<&'static str>> {
    let kind = kind.to_ascii_lowercase();
    let is_known = kind.starts_with("x-") || validate::types().any(|known| known == kind);
    (!is_known).then(|| nearest(&kind, validate::types()))
}

fn say_more(cursor: Option<String>) {
    if let Some(cursor) = cursor {
        talk(format_args!("the next page: the same query with --after {cursor}"));
    }
}

/// At most `limit` objects, and whether there was another.
async fn first(mut lines: Lines<ObjectLine>, limit: u64) -> Result<(Vec<ObjectLine>, bool), CommandError> {
    let mut found = Vec::new();
    while let Some(line) = lines.next().await? {
        if found.len() as u64 == limit {
            return Ok((found, true));
        }
        found.push(line);
    }
    Ok((found, false))
}

#[cfg(test)]
mod tests {
    use super::unknown_type;

    #[test]
    fn a_type_that_is_none_is_named_with_the_nearest_one() {
        for known in ["indicator", "Indicator", "ipv4-addr", "x-acme-thing"] {
            assert_eq!(unknown_type(known), None, "{known}");
        }
        assert_eq!(unknown_type("indicater"), Some(Some("indicator")));
        assert_eq!(unknown_type("sightings"), Some(Some("sighting")));
        assert_eq!(unknown_type("ipv4"), Some(Some("ipv4-addr")));
        assert_eq!(unknown_type("email"), Some(Some("email-addr")));
        for none in ["what-is-this", "host", "ip"] {
            assert_eq!(unknown_type(none), Some(None), "{none}");
        }
        assert_eq!(unknown_type(""), Some(None));
    }
}
