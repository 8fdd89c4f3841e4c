//! `certmesh why`: why is a value in this node's lists, or not?

use certmesh_api::{Reason, Why as Answer};
use certmesh_intel::Tlp;
use certmesh_intel::display::safe;
use clap::Args;

use crate::error::CommandError;
use crate::session::{Session, talk};
use crate::table::table;
use crate::time;

/// Room for a value in characters.
const VALUE: usize = 72;

/// Tells why a value is in the lists that SOC tools get, or why not
///
/// Each object that mentions the value is told with what became of it: listed, expired, taken back, replaced by another
/// version, marked above the ceiling, called a false positive by its publisher, or published under the name of somebody
/// else. The node's allow-list, and what no list holds whoever reports it, are named too.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh why evil[.]example
  certmesh why 203.0.113.7 --ceiling amber")]
pub(crate) struct Why {
    /// A value, defanged or not
    value: String,
    /// The strictest marking that the reader of the lists may have
    #[arg(long, value_name = "LEVEL", default_value = "green")]
    ceiling: Tlp,
}

impl Why {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let answer = session.client().why(&self.value, Some(self.ceiling.word())).await?;
        if session.json() {
            return Ok(session.json_line(&answer)?);
        }
        session.line(verdict(&answer))?;
        if !answer.reasons.is_empty() {
            session.line("")?;
            session.line(table(&HEAD, answer.reasons.iter().map(row)))?;
        }
        session.flush()?;
        if answer.capped {
            talk("more objects mention it than are shown");
        }
        Ok(())
    }
}

const HEAD: [&str; 7] = ["MENTIONED AS", "OUTCOME", "BY", "TLP", "CONFIDENCE", "ARRIVAL", "OBJECT"];

/// The answer in a sentence.
fn verdict(answer: &Answer) -> String {
    let value = safe(&answer.value, VALUE);
    let to = format!("lists up to TLP:{}", safe(&answer.ceiling, 16).to_ascii_uppercase());
    if let Some(why) = &answer.held_back {
        let known = if answer.reasons.is_empty() { ", and nobody mentions it" } else { "" };
        return format!("{value} is in no list of this node: {}{known}.", safe(why, 200));
    }
    let exact = answer.reasons.iter().filter(|reason| reason.how == "exact");
    match (answer.listed, answer.reasons.is_empty(), exact.count()) {
        (true, ..) => format!("{value} is in {to}."),
        (false, true, _) => format!("{value} is in no list: nobody mentions it."),
        (false, false, 0) => {
            format!("{value} is in no list: nobody mentions it itself, only what is near it.")
        }
        (false, false, _) => format!("{value} is not in {to}: nothing that mentions it may be there."),
    }
}

fn row(reason: &Reason) -> Vec<String> {
    let object = &reason.object;
    vec![
        mentioned(reason),
        outcome(reason),
        safe(&object.members.join(" "), 60),
        safe(&object.tlp, 16),
        object.confidence.map(|confidence| confidence.to_string()).unwrap_or_default(),
        time::shown(object.arrival),
        safe(&object.object_id, 96),
    ]
}

fn mentioned(reason: &Reason) -> String {
    let theirs = safe(&reason.value, VALUE);
    let how = match reason.how.as_str() {
        "exact" => theirs,
        "network" => format!("{theirs}, which holds it"),
        "inside" => format!("{theirs}, inside it"),
        "parent" => format!("{theirs}, above it"),
        "subdomain" => format!("{theirs}, below it"),
        _ => theirs,
    };
    if reason.partial && is_indicator(reason) { format!("{how}, with other conditions") } else { how }
}

fn is_indicator(reason: &Reason) -> bool {
    reason.object.object_id.starts_with("indicator--")
}

fn outcome(reason: &Reason) -> String {
    let by = safe(&reason.by.join(" "), 60);
    match reason.because.as_str() {
        "listed" if reason.partial && !is_indicator(reason) => "in no list: no indicator".to_owned(),
        "listed" if reason.partial => "in no list: one condition among several".to_owned(),
        "listed" => "listed".to_owned(),
        "no-indicator" => "in no list: it says nothing against the value".to_owned(),
        "expired" => match reason.expired_ms {
            Some(at) => format!("expired at {}", time::shown(at)),
            None => "expired".to_owned(),
        },
        "revoked" => "taken back by its publisher".to_owned(),
        "superseded" => match reason.superseded_by {
            Some(by) => format!("replaced by the version of {}", time::shown(by)),
            None => "replaced by a version that was taken back".to_owned(),
        },
        "above-ceiling" => "marked above the ceiling".to_owned(),
        "not-owner" => format!("it belongs to {by}, who did not publish it"),
        "false-positive" => format!("called a false positive by {by}"),
        other => safe(other, 40),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use certmesh_api::Summary;

    fn reason(because: &str, how: &str) -> Reason {
        Reason {
            how: how.into(),
            kind: "domain-name".into(),
            value: "evil.example".into(),
            partial: how == "parent",
            because: because.into(),
            expired_ms: (because == "expired").then_some(86_400_000),
            superseded_by: (because == "superseded").then_some(86_400_000),
            by: if matches!(because, "not-owner" | "false-positive") {
                vec!["MY".into()]
            } else {
                Vec::new()
            },
            object: Summary {
                object_id: "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".into(),
                members: vec!["SG".into()],
                tlp: "amber".into(),
                confidence: None,
                arrival: 86_400_000,
                received_ms: 86_400_000,
                first_seen_ms: None,
                valid_until_ms: None,
                name: None,
            },
        }
    }

    fn answer(reasons: Vec<Reason>) -> Answer {
        let listed = reasons.iter().any(|reason| reason.because == "listed" && !reason.partial);
        Answer {
            value: "evil.example".into(),
            ceiling: "green".into(),
            listed,
            exercise: false,
            held_back: None,
            reasons,
            capped: false,
        }
    }

    #[test]
    fn every_outcome_has_words() {
        let outcomes = [
            "listed",
            "no-indicator",
            "expired",
            "revoked",
            "superseded",
            "above-ceiling",
            "not-owner",
            "false-positive",
        ];
        let mut rows: Vec<_> = outcomes.iter().map(|because| row(&reason(because, "exact"))).collect();
        rows.push(row(&reason("listed", "parent")));
        insta::assert_snapshot!(table(&HEAD, rows), @r"
        MENTIONED AS                                   OUTCOME                                          BY  TLP    CONFIDENCE  ARRIVAL               OBJECT
        evil.example                                   listed                                           SG  amber              1970-01-02 00:00:00Z  indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
        evil.example                                   in no list: it says nothing against the value    SG  amber              1970-01-02 00:00:00Z  indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
        evil.example                                   expired at 1970-01-02 00:00:00Z                  SG  amber              1970-01-02 00:00:00Z  indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
        evil.example                                   taken back by its publisher                      SG  amber              1970-01-02 00:00:00Z  indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
        evil.example                                   replaced by the version of 1970-01-02 00:00:00Z  SG  amber              1970-01-02 00:00:00Z  indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
        evil.example                                   marked above the ceiling                         SG  amber              1970-01-02 00:00:00Z  indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
        evil.example                                   it belongs to MY, who did not publish it         SG  amber              1970-01-02 00:00:00Z  indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
        evil.example                                   called a false positive by MY                    SG  amber              1970-01-02 00:00:00Z  indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
        evil.example, above it, with other conditions  in no list: one condition among several          SG  amber              1970-01-02 00:00:00Z  indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
        ");
    }

    #[test]
    fn the_verdict_fits_the_reasons() {
        let held_back = Answer {
            held_back: Some("the allow-list of this node has evil.example".into()),
            ..answer(vec![reason("listed", "exact")])
        };
        let verdicts = [
            answer(vec![reason("listed", "exact")]),
            answer(vec![reason("expired", "exact")]),
            answer(vec![reason("listed", "parent")]),
            answer(Vec::new()),
            held_back,
        ];
        let verdicts: Vec<_> = verdicts.iter().map(verdict).collect();
        insta::assert_snapshot!(verdicts.join("\n"), @r"
        evil.example is in lists up to TLP:GREEN.
        evil.example is not in lists up to TLP:GREEN: nothing that mentions it may be there.
        evil.example is in no list: nobody mentions it itself, only what is near it.
        evil.example is in no list: nobody mentions it.
        evil.example is in no list of this node: the allow-list of this node has evil.example.
        ");
    }
}
