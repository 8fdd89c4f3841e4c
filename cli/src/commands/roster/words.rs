//! A roster in words for people, and as JSON for programs.

use certmesh_intel::display::safe;
use certmesh_wire::{Member, MemberCode, SignedRoster};
use serde_json::{Value, json};

use crate::table::{list, table, yes_no};
use crate::time;

/// Names in documents have at most 256 bytes; escaped, they may be longer.
const NAME: usize = 256;

/// Everything that a member should read before it signs.
pub(super) fn words(signed: &SignedRoster) -> String {
    let roster = signed.roster();
    let exercise = match roster.exercise {
        true => "yes: everything in this mesh is shown as EXERCISE",
        false => "no",
    };
    let head = list(&[
        ("mesh", signed.mesh().to_string()),
        ("name", safe(&roster.name, NAME)),
        ("exercise", exercise.to_owned()),
        ("version", format!("{}, round {}", roster.version, roster.round)),
        ("expires", time::shown(roster.expires_ms)),
        ("signed", signatures(signed)),
        ("limits", limits(signed)),
    ]);
    let members = table(
        &["MEMBER", "CERT", "SIGNED", "ROOT KEY", "IDENTITY"],
        roster.members.iter().map(|member| row(signed, member)),
    );
    let groups = roster.groups.iter().map(|group| {
        format!("\ngroup {}: {}", safe(&group.name, NAME), codes(group.members.iter().copied()))
    });
    let gap = if roster.groups.is_empty() { "" } else { "\n" };
    format!("{head}\n\n{members}{gap}{}", groups.collect::<String>())
}

fn row(signed: &SignedRoster, member: &Member) -> Vec<String> {
    let has_signed = signed.signers().any(|code| code == member.code);
    vec![
        member.code.to_string(),
        safe(&member.cert, NAME),
        yes_no(has_signed).to_owned(),
        member.root_key.to_string(),
        safe(&member.identity, NAME),
    ]
}

fn limits(signed: &SignedRoster) -> String {
    let limits = signed.roster().limits;
    format!(
        "{} live nodes a member; {} records and {} bytes a log",
        limits.live_nodes, limits.log_records, limits.log_bytes
    )
}

/// `2 of 3 (MY SG); not yet: VN`
pub(super) fn signatures(signed: &SignedRoster) -> String {
    let members = &signed.roster().members;
    let missing = missing(signed);
    match missing.len() {
        0 => format!("by all {} members", members.len()),
        n if n == members.len() => format!("by none of {n} members"),
        n => {
            let have = codes(signed.signers());
            let (all, missing) = (members.len(), codes(missing.into_iter()));
            format!("by {} of {all} members ({have}); not yet by {missing}", all - n)
        }
    }
}

fn missing(signed: &SignedRoster) -> Vec<MemberCode> {
    let members = signed.roster().members.iter().map(|member| member.code);
    members.filter(|code| signed.signers().all(|signer| signer != *code)).collect()
}

fn codes(codes: impl Iterator<Item = MemberCode>) -> String {
    codes.map(|code| code.to_string()).collect::<Vec<_>>().join(" ")
}

/// The same for programs.
pub(super) fn json(signed: &SignedRoster) -> Value {
    let roster = signed.roster();
    let member = |member: &Member| {
        json!({
            "code": member.code.as_str(),
            "cert": member.cert,
            "identity": member.identity,
            "root_key": member.root_key.to_string(),
            "signed": signed.signers().any(|code| code == member.code),
        })
    };
    let codes = |codes: &[MemberCode]| codes.iter().map(ToString::to_string).collect::<Vec<_>>();
    let groups = roster.groups.iter();
    json!({
        "mesh_id": signed.mesh().to_string(),
        "name": roster.name,
        "exercise": roster.exercise,
        "version": roster.version,
        "round": roster.round,
        "document": signed.id().to_string(),
        "expires_ms": roster.expires_ms,
        "expires": time::rfc3339(roster.expires_ms),
        "members": roster.members.iter().map(member).collect::<Vec<_>>(),
        "signed": signed.signers().map(|code| code.to_string()).collect::<Vec<_>>(),
        "missing": codes(&missing(signed)),
        "groups": groups.map(|g| json!({ "name": g.name, "members": codes(&g.members) })).collect::<Vec<_>>(),
        "limits": {
            "live_nodes": roster.limits.live_nodes,
            "log_records": roster.limits.log_records,
            "log_bytes": roster.limits.log_bytes,
        },
    })
}
