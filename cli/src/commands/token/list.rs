//! `certmesh token list`: which tokens there are.

use certmesh_api::TokenEntry;
use certmesh_intel::display::safe;
use clap::Args;

use super::{networks, scopes};
use crate::error::CommandError;
use crate::session::{Session, talk};
use crate::table::table;
use crate::time;

/// Lists the tokens of a node; their secrets it does not know
#[derive(Args)]
#[command(after_help = "Example:\n  certmesh token list")]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let answer = session.client().tokens().await?;
        if session.json() {
            session.json_line(&answer)?;
        } else if answer.tokens.is_empty() {
            talk("there are no tokens; `certmesh token create NAME` makes one");
        } else {
            session.line(shown(&answer.tokens, time::now_ms()))?;
        }
        Ok(())
    }
}

fn shown(tokens: &[TokenEntry], now_ms: u64) -> String {
    let row = |token: &TokenEntry| {
        let expired = if token.expires_ms <= now_ms { " (expired)" } else { "" };
        vec![
            safe(&token.name, 64),
            safe(&token.id, 12),
            safe(&token.tlp, 20),
            scopes(token),
            networks(token),
            time::shown(token.created_ms),
            format!("{}{expired}", time::shown(token.expires_ms)),
        ]
    };
    table(&["NAME", "ID", "TLP", "FOR", "FROM", "MADE", "EXPIRES"], tokens.iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_a_token() {
        let json = r#"[{"id":"0123456789ab","name":"firewall","tlp":"green","scopes":["feeds"],"networks":["192.0.2.0/28"],
            "created_ms":86400000,"expires_ms":172800000,"exercise":true},
            {"id":"ba9876543210","name":"splunk","tlp":"amber","scopes":["taxii","check"],"networks":[],
            "created_ms":86400000,"expires_ms":86500000,"exercise":false}]"#;
        let tokens: Vec<TokenEntry> = serde_json::from_str(json).unwrap();
        insta::assert_snapshot!(shown(&tokens, 86_500_000), @r"
        NAME      ID            TLP    FOR                    FROM          MADE                  EXPIRES
        firewall  0123456789ab  green  feeds, exercise feeds  192.0.2.0/28  1970-01-02 00:00:00Z  1970-01-03 00:00:00Z
        splunk    ba9876543210  amber  taxii, check           anywhere      1970-01-02 00:00:00Z  1970-01-02 00:01:40Z (expired)
        ");
    }
}
