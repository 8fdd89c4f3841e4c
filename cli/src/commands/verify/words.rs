//! The account of an export in words for people, and as JSON for programs.

use certmesh_intel::display::safe;
use certmesh_wire::{MemberCode, SignedRoster};
use serde_json::{Value, json};

use super::audit::{Audit, Fault, Tally};
use crate::table::{count, table};

/// A row a member, and the sums.
pub(super) fn words(audit: &Audit, trusted: &SignedRoster) -> String {
    let rows = audit.tallies().map(|(code, tally)| {
        let (member, pin) = (trusted.roster().member(code), trusted.roster().pin(code));
        let left = || pin.map_or(String::new(), |pin| format!("{} (has left)", safe(&pin.cert, 40)));
        row(code, member.map_or_else(left, |member| safe(&member.cert, 40)), tally)
    });
    let members = table(&["MEMBER", "CERT", "RECORDS", "OBJECTS", "VERDICT"], rows);
    let exercise = if trusted.roster().exercise { "EXERCISE\n" } else { "" };
    format!("{exercise}{members}\n\n{}", sums(audit, trusted))
}

fn row(code: MemberCode, cert: String, tally: &Tally) -> Vec<String> {
    let verdict = match (tally.faults, tally.records) {
        (0, 0) => "no records".to_owned(),
        (0, _) => "good".to_owned(),
        (faults, _) => count(faults, "FAULT"),
    };
    let (records, objects) = (tally.records.to_string(), tally.objects.to_string());
    vec![code.to_string(), cert, records, objects, verdict]
}

fn sums(audit: &Audit, trusted: &SignedRoster) -> String {
    let (objects, records) = (count(audit.objects(), "object"), count(audit.records(), "record"));
    let mut sums = vec![format!("{objects} in {records} of mesh {}", trusted.mesh())];
    if audit.bodies_missing() > 0 {
        let bodies = count(audit.bodies_missing(), "record");
        sums.push(format!("{bodies} came without the body, which is not checked then"));
    }
    if audit.bodies_void() > 0 {
        let bodies = count(audit.bodies_void(), "record");
        sums.push(format!("{bodies} with a body that breaks a rule: it counts as empty on every node"));
    }
    sums.join("\n")
}

/// The same for programs.
pub(super) fn json(audit: &Audit, trusted: &SignedRoster) -> Value {
    let member = |(code, tally): (MemberCode, &Tally)| {
        let value = json!({
            "records": tally.records,
            "objects": tally.objects,
            "ok": tally.faults == 0,
        });
        (code.to_string(), value)
    };
    let fault = |fault: &Fault| json!({ "record": fault.position, "what": fault.what });
    json!({
        "ok": audit.faults().is_empty(),
        "mesh_id": trusted.mesh().to_string(),
        "records": audit.records(),
        "objects": audit.objects(),
        "bodies_missing": audit.bodies_missing(),
        "bodies_void": audit.bodies_void(),
        "members": audit.tallies().map(member).collect::<serde_json::Map<_, _>>(),
        "faults": audit.faults().iter().map(fault).collect::<Vec<_>>(),
    })
}
