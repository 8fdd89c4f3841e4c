//! `certmesh roster edit`: the next version as a text to change.

use std::path::PathBuf;

use certmesh_wire::{MemberCode, RootKey, Roster};
use clap::Args;

use super::draft;
use super::new::pair;
use crate::error::CommandError;
use crate::request::MemberRequest;
use crate::session::Session;

/// Prints the next version of the roster as a text to change, for `roster propose`
///
/// What options say is changed in it already; everything else in an editor.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh roster edit roster.cbor > next.toml
  certmesh roster edit roster.cbor --add vn-member.toml --remove TH > next.toml
  certmesh roster edit roster.cbor --rekey SG=PUBLICKEY > next.toml")]
pub(crate) struct Edit {
    /// The roster as it is
    current: PathBuf,
    /// The request of a CERT that joins
    #[arg(long, value_name = "FILE")]
    add: Vec<PathBuf>,
    /// A member that leaves, or is expelled
    #[arg(long, value_name = "CODE")]
    remove: Vec<MemberCode>,
    /// A member with the public half of its next root key
    #[arg(long, value_name = "CODE=PUBLICKEY", value_parser = rekey)]
    rekey: Vec<(MemberCode, RootKey)>,
}

fn rekey(text: &str) -> Result<(MemberCode, RootKey), String> {
    let (code, key) = pair(text, "CODE=PUBLICKEY")?;
    let key = key.parse::<RootKey>().map_err(|fault| fault.to_string())?;
    Ok((code.parse::<MemberCode>().map_err(|fault| fault.to_string())?, key))
}

impl Edit {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let current = super::read(&self.current)?;
        let mut next = current.roster().clone();
        self.remove.iter().try_for_each(|code| remove(&mut next, *code))?;
        self.rekey.iter().try_for_each(|(code, key)| change_key(&mut next, *code, *key))?;
        self.add.iter().try_for_each(|path| {
            next.members.push(MemberRequest::read(path)?);
            Ok::<_, CommandError>(())
        })?;
        next.members.sort_by_key(|member| member.code);
        session.line(draft::text(&current, &next).trim_end())?;
        Ok(())
    }
}

/// Takes a member out, of its groups too: a group that it leaves empty goes.
fn remove(roster: &mut Roster, code: MemberCode) -> Result<(), CommandError> {
    if roster.member(code).is_none() {
        return Err(stranger(code));
    }
    roster.members.retain(|member| member.code != code);
    roster.groups.iter_mut().for_each(|group| group.members.retain(|member| *member != code));
    roster.groups.retain(|group| !group.members.is_empty());
    Ok(())
}

fn change_key(roster: &mut Roster, code: MemberCode, key: RootKey) -> Result<(), CommandError> {
    let member = roster.members.iter_mut().find(|member| member.code == code);
    member.ok_or_else(|| stranger(code))?.root_key = key;
    Ok(())
}

fn stranger(code: MemberCode) -> CommandError {
    CommandError::refused(format_args!("{code} is not a member of this roster"))
}
