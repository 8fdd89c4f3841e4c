//! `certmesh roster sign`: adds a member's signature to a roster.

use std::path::PathBuf;

use certmesh_wire::{MemberCode, SecretKey, SignedRoster};
use clap::Args;
use serde_json::json;

use super::words;
use crate::commands::key;
use crate::error::CommandError;
use crate::file;
use crate::passphrase::PassphraseSource;
use crate::session::{Session, talk};
use crate::votes::{Vote, Votes};

/// Signs a roster with a member's root key, in place
///
/// Shows what is signed and, at a terminal, asks first. The signatures of the other members stay on it. The vote is
/// remembered beside the key, in ROOTKEY.votes: no second document of one version and round is signed, so keep that file
/// with the key, and copy it with the key.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh roster sign roster.cbor --key sg-root.key                       the first version
  certmesh roster sign next.cbor --after roster.cbor --key sg-root.key     a later one")]
pub(crate) struct Sign {
    /// The roster
    file: PathBuf,
    /// The member's root key
    #[arg(long, value_name = "ROOTKEY")]
    key: PathBuf,
    /// The version before, which every version but the first needs
    #[arg(long, value_name = "ROSTER")]
    after: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl Sign {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let mut signed = super::read(&self.file)?;
        let prev = super::before(&signed, self.after.as_deref())?;
        if let Some(prev) = &prev {
            // Whoever decides by what is shown has to be shown what is true.
            signed.check_follows(prev).and_then(|()| signed.voters(prev)).map_err(super::refused)?;
        }
        let key = key::read(&self.key, &self.passphrase)?;
        let votes = Votes::of_key(&self.key)?;
        let vote = Vote::on_roster(&signed);
        votes.check(vote)?;
        talk(match &prev {
            Some(prev) => words::step(prev, &signed),
            None => words::words(&signed, None),
        });
        if votes.is_beyond(vote) {
            talk("\nwarning: this key has signed later versions, all of which this one would undo");
        }
        // On a copy: nothing is signed on paper before the vote is on the disk.
        let code = sign(&mut signed.clone(), &key, prev.as_ref())?;
        if !session.confirm(&format!("\nSign this roster for {code}?")) {
            return Err(CommandError::refused("not signed: the answer was no"));
        }
        votes.remember(vote)?;
        sign(&mut signed, &key, prev.as_ref())?;
        file::replace(&self.file, &signed.encode())?;
        report(session, &signed, code, prev.as_ref())
    }
}

fn sign(
    signed: &mut SignedRoster,
    key: &SecretKey,
    prev: Option<&SignedRoster>,
) -> Result<MemberCode, CommandError> {
    let done = match prev {
        Some(prev) => signed.sign_as_voter(key, prev),
        None => signed.sign(key),
    };
    done.map_err(super::refused)
}

fn report(
    session: &mut Session,
    signed: &SignedRoster,
    code: MemberCode,
    prev: Option<&SignedRoster>,
) -> Result<(), CommandError> {
    if session.json() {
        let (mesh, id) = (signed.mesh().to_string(), signed.id().to_string());
        session.json_line(&json!({ "mesh_id": mesh, "document": id, "member": code.as_str() }))?;
    } else {
        session.line(format_args!("signed for {code}; signed {}", words::signatures(signed, prev)))?;
    }
    Ok(())
}
