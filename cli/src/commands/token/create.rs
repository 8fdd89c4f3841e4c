//! `certmesh token create`: a token for one SOC tool, shown once.

use certmesh_api::TokenRequest;
use certmesh_intel::Tlp;
use certmesh_intel::display::safe;
use clap::{Args, ValueEnum};

use super::{networks, scopes};
use crate::error::CommandError;
use crate::session::{Session, talk};
use crate::time::{self, AgeOrTime};

/// Makes a token for a SOC tool, and shows it: the only time that anybody sees it
///
/// The node keeps a hash. Give each tool a token of its own: its name stands in the node's log beside what it read, and it
/// can be revoked by itself. A tool sends it as a bearer token, or as the password of any user name.
///
/// What a token may never changes. It reads what is marked up to its --tlp, and nothing stricter; it publishes only if its
/// --scope says so. In an exercise mesh it reads feeds, which firewalls act upon, only with --exercise.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh token create splunk
  certmesh token create firewall --scope feeds --network 192.0.2.0/28 --expires 1y
  certmesh token create opencti --tlp amber --scope taxii --json")]
pub(crate) struct Create {
    /// What to call it: letters, digits, `.`, `_` and `-`
    name: String,
    /// The strictest marking that it shows: clear, green, amber, amber+strict or red
    #[arg(long, value_name = "LEVEL", default_value = "green")]
    tlp: Tlp,
    /// When it expires: an age ahead or a time, within a year
    #[arg(long, value_name = "AGE|TIME", default_value = "90d")]
    expires: AgeOrTime,
    /// Where it may be used from, such as 192.0.2.7 or 192.0.2.0/24; anywhere if not given
    #[arg(long = "network", value_name = "NETWORK", value_delimiter = ',')]
    networks: Vec<String>,
    /// What it may be used for
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', default_values = ["taxii", "feeds", "check", "stream"])]
    scopes: Vec<Scope>,
    /// Let it read the feeds of an exercise, though nothing in them is real
    #[arg(long)]
    exercise: bool,
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    /// Read through TAXII 2.1
    Taxii,
    /// Read lists for firewalls, resolvers and sensors
    Feeds,
    /// Ask whether values are known
    Check,
    /// Follow what arrives
    Stream,
    /// Read the node's figures
    Metrics,
    /// Publish through TAXII 2.1, in the name of this node's member
    Publish,
}

impl Create {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let client = session.client();
        let created = client.create_token(&self.request()).await?;
        if session.json() {
            session.json_line(&created)?;
            return Ok(());
        }
        session.line(safe(&created.token, 200))?;
        let token = &created.entry;
        talk(format_args!(
            "this is the only time that the token of {} is shown\nreads up to TLP:{}, from {}, for {}, until {}",
            safe(&token.name, 64),
            safe(&token.tlp.to_uppercase(), 20),
            networks(token),
            scopes(token),
            time::shown(token.expires_ms),
        ));
        if !token.exercise
            && token.scopes.iter().any(|scope| scope == "feeds")
            && client.status().await?.exercise
        {
            talk("note: this mesh is an exercise, whose feeds open only for tokens made with --exercise");
        }
        Ok(())
    }

    fn request(&self) -> TokenRequest {
        let word = |scope: &Scope| scope.to_possible_value().map(|value| value.get_name().to_owned());
        TokenRequest {
            name: self.name.clone(),
            tlp: Some(self.tlp.word().to_owned()),
            scopes: self.scopes.iter().filter_map(word).collect(),
            networks: self.networks.clone(),
            expires_ms: Some(self.expires.ahead_ms()),
            exercise: self.exercise,
        }
    }
}
