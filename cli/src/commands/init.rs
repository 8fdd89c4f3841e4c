//! `certmesh init`: walks a CERT from nothing to a node that is ready to run.

mod files;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use certmesh_wire::{Member, MemberCode, MeshId, RootKey};
use clap::Args;
use serde_json::json;
use uuid::Uuid;

use self::files::{Files, Made};
use crate::error::CommandError;
use crate::request::{MemberRequest, NodeRequest, is_identity};
use crate::session::{Session, talk};

/// Prepares a CERT's node: its key, the requests to be let in, its configuration and a unit file
///
/// Asks for what no option says. Nothing that is there already is overwritten: run it again when the mesh id is known, or
/// after a break, and it goes on where it was.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh init --dir /etc/certmesh
  certmesh init --dir /etc/certmesh --member VN --cert VNCERT/CC --root-key PUBLICKEY \\
      --mesh MESHID --host mesh.cert.example")]
pub(crate) struct Init {
    /// Where to make the files; made if it is not there
    #[arg(long, default_value = "certmesh")]
    dir: PathBuf,
    /// The ISO 3166 code of the member
    #[arg(long, value_name = "CODE")]
    member: Option<MemberCode>,
    /// The CERT's name
    #[arg(long, value_name = "NAME")]
    cert: Option<String>,
    /// The STIX identity id that the CERT publishes under; a fresh one by default
    #[arg(long, value_name = "IDENTITY")]
    identity: Option<String>,
    /// The public half of the member's root key, in hex
    #[arg(long, value_name = "PUBLICKEY")]
    root_key: Option<RootKey>,
    /// The name or IP address at which other nodes reach this one
    #[arg(long, value_name = "NAME|IP")]
    host: Option<String>,
    /// The port for UDP and TCP
    #[arg(long, default_value_t = 7400)]
    port: u16,
    /// The mesh id, in hex, from any member; without it what needs it is left for the next run
    #[arg(long, value_name = "HEX")]
    mesh: Option<MeshId>,
}

impl Init {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let files = Files::of(&self.dir)?;
        let member = self.who(session, &files)?;
        let key = files.node_key()?;
        files.member_request(&member)?;
        let mesh = self.mesh(session)?;
        if let Some(mesh) = mesh {
            let host = self.host(session, &files, mesh)?;
            files.node(mesh, member.code, &key, &host, self.port)?;
        }
        say_next(&files.made(), files.dir(), member.code, mesh.is_some());
        if session.json() {
            let made = files.made();
            let paths = |kept| {
                made.iter()
                    .filter(|one| one.kept == kept)
                    .map(|one| one.path.display().to_string())
                    .collect::<Vec<_>>()
            };
            session.json_line(&json!({
                "member": member.code.as_str(),
                "node_id": key.node_id().to_string(),
                "made": paths(false),
                "kept": paths(true),
            }))?;
        } else {
            session.line(key.node_id())?;
        }
        Ok(())
    }

    /// The member, from its request if that is there already.
    fn who(&self, session: &Session, files: &Files) -> Result<Member, CommandError> {
        if let Some(path) = files.old_member_request() {
            let old = MemberRequest::read(&path)?;
            let is_other = self.member.is_some_and(|code| code != old.code)
                || self.cert.as_ref().is_some_and(|cert| *cert != old.cert)
                || self.identity.as_ref().is_some_and(|identity| *identity != old.identity)
                || self.root_key.is_some_and(|key| key != old.root_key);
            return if is_other { Err(kept(&path, "says otherwise")) } else { Ok(old) };
        }
        let code = asked(session, self.member, "--member", "Your state's ISO 3166 code, such as VN")?;
        let cert = asked(session, self.cert.clone(), "--cert", "Your CERT's name")?;
        let root_key = asked(
            session,
            self.root_key,
            "--root-key",
            "The public half of your root key, which `certmesh key new root.key --encrypt` prints on a machine without a network",
        )?;
        let identity = self.identity.clone().unwrap_or_else(|| format!("identity--{}", Uuid::new_v4()));
        match is_identity(&identity) {
            true => Ok(Member { code, cert, identity, root_key }),
            false => Err(CommandError::usage("--identity has to be `identity--` and a UUID (RFC 4122)")),
        }
    }

    /// Where the node can be reached; of no matter, if an earlier run has used it already.
    fn host(&self, session: &Session, files: &Files, mesh: MeshId) -> Result<String, CommandError> {
        if let Some(path) = files.old_node_request() {
            let old = NodeRequest::read(&path)?;
            if old.mesh != mesh {
                return Err(kept(&path, &format!("is for mesh {}", old.mesh)));
            }
            let is_other = |host: &String| files::addresses(host, self.port) != old.addresses;
            return match self.host.as_ref().is_some_and(is_other) {
                true => Err(kept(&path, &format!("has the addresses {}", old.addresses.join(" and ")))),
                false => Ok(String::new()),
            };
        }
        let question = "The name or IP address at which other nodes reach this one";
        asked(session, self.host.clone(), "--host", question)
    }

    /// The mesh id, if it is known: a mesh that is still to be founded has none.
    fn mesh(&self, session: &Session) -> Result<Option<MeshId>, CommandError> {
        if self.mesh.is_some() {
            return Ok(self.mesh);
        }
        let answer =
            session.ask("The mesh id, 64 hexadecimal digits from any member (empty if you have none yet)");
        let answer = answer.filter(|answer| !answer.is_empty());
        answer.map(|text| text.parse().map_err(CommandError::refused)).transpose()
    }
}

/// What an earlier run has made is never changed: it may be in others' hands.
fn kept(path: &Path, what: &str) -> CommandError {
    CommandError::refused(format_args!("{} is there already, and {what}", path.display()))
        .hint("leave the option out to go on with it; or move it and node.toml away, and run this again")
}

/// What an option says, or what is answered at the terminal.
fn asked<T: FromStr>(
    session: &Session,
    given: Option<T>,
    option: &str,
    question: &str,
) -> Result<T, CommandError>
where
    T::Err: Display,
{
    if let Some(given) = given {
        return Ok(given);
    }
    match session.ask(question) {
        None => {
            Err(CommandError::usage(format_args!("{option} is missing, and there is no terminal to ask at")))
        }
        Some(answer) if answer.is_empty() => {
            Err(CommandError::refused(format_args!("there was no answer; {option} says it too")))
        }
        Some(answer) => {
            answer.parse().map_err(|fault| CommandError::refused(format_args!("{option}: {fault}")))
        }
    }
}

fn say_next(made: &[Made], dir: &Path, code: MemberCode, complete: bool) {
    for one in made {
        let verb = if one.kept { "kept" } else { "made" };
        talk(format_args!("{verb} {}: {}", one.path.display(), one.what));
    }
    let dir = dir.display();
    talk("\nWhat to do next:");
    talk(format_args!(
        "1. Send {dir}/{} to the members. They vote you in (`certmesh roster edit --add`), and send you",
        files::MEMBER_REQUEST
    ));
    talk("   the mesh id and the roster. Compare the mesh id with two of them over another channel.");
    if !complete {
        talk(format_args!(
            "2. Run `certmesh init --dir {dir} --mesh MESHID` when you have it: it goes on from here."
        ));
        return;
    }
    talk(format_args!(
        "2. Bring {dir}/{} to your root key, on the machine without a network:",
        files::NODE_REQUEST
    ));
    talk(format_args!(
        "   certmesh manifest new {code}.cbor --roster NEWEST-ROSTER.cbor --member {code} --key root.key --node {}",
        files::NODE_REQUEST
    ));
    talk("   and let any member submit it (`certmesh manifest submit`).");
    talk(format_args!(
        "3. Put what a member gives you (`certmesh roster fetch`) into {dir}: version 0 of the roster at roster.cbor, all\n   else, and your manifest, into manifests/."
    ));
    talk("4. Let the node's user own the folder, and start it:");
    talk(format_args!("   useradd --system certmesh; chown -R certmesh {dir}"));
    talk(format_args!("   systemctl enable --now {dir}/{}", files::UNIT));
    talk(format_args!("   sudo -u certmesh certmesh --node {dir}/node.sock status"));
}
