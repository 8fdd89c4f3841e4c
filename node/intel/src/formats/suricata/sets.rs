//! Data sets, digest lists and address reputation, with the few rules that look into them: for lists of any length.
//!
//! A name is found as it stands there, without its sub-domains; [`super::Rules`] finds those too.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::shape::{digest_len, is_digest};
use super::super::{Head, Row, Writer};
use crate::normal::{Network, is_name};

/// The rules; they look for their lists in the folder that they lie in. Their numbers lie below those of [`super::Rules`].
const SET_RULES: &str = concat!(
    r#"alert dns $HOME_NET any -> any any (msg:"certmesh, a listed name was asked for"; dns.query; to_lowercase; dataset:isset,certmesh-domains,type string,load certmesh-domains.lst; classtype:bad-unknown; sid:999999001; rev:1;)"#,
    "\n",
    r#"alert tls $HOME_NET any -> any any (msg:"certmesh, TLS to a listed name"; tls.sni; to_lowercase; dataset:isset,certmesh-domains,type string,load certmesh-domains.lst; classtype:bad-unknown; sid:999999002; rev:1;)"#,
    "\n",
    r#"alert http $HOME_NET any -> any any (msg:"certmesh, HTTP to a listed name"; http.host; dataset:isset,certmesh-domains,type string,load certmesh-domains.lst; classtype:bad-unknown; sid:999999003; rev:1;)"#,
    "\n",
    r#"alert ip $HOME_NET any -> any any (msg:"certmesh, traffic to a listed address"; iprep:dst,certmesh,>,0; threshold:type limit, track by_src, count 1, seconds 3600; classtype:bad-unknown; sid:999999004; rev:1;)"#,
    "\n",
    r#"alert ip any any -> $HOME_NET any (msg:"certmesh, traffic from a listed address"; iprep:src,certmesh,>,0; threshold:type limit, track by_src, count 1, seconds 3600; classtype:bad-unknown; sid:999999005; rev:1;)"#,
    "\n",
    r#"alert http any any -> any any (msg:"certmesh, a listed file by MD5"; filemd5:certmesh-md5.lst; classtype:bad-unknown; sid:999999006; rev:1;)"#,
    "\n",
    r#"alert http any any -> any any (msg:"certmesh, a listed file by SHA-1"; filesha1:certmesh-sha1.lst; classtype:bad-unknown; sid:999999007; rev:1;)"#,
    "\n",
    r#"alert http any any -> any any (msg:"certmesh, a listed file by SHA-256"; filesha256:certmesh-sha256.lst; classtype:bad-unknown; sid:999999008; rev:1;)"#,
    "\n",
    r#"alert smtp any any -> any any (msg:"certmesh, a listed file by SHA-256 in mail"; filesha256:certmesh-sha256.lst; classtype:bad-unknown; sid:999999009; rev:1;)"#,
    "\n",
);

/// [`SET_RULES`], whose alerts say who raises them.
pub(in crate::formats) fn set_rules(head: &Head<'_>) -> String {
    SET_RULES.replace("msg:\"certmesh", &format!("msg:\"{}", head.raises()))
}

/// The categories of the reputation list: number, short name, which the rules know it by, and description.
pub(in crate::formats) fn categories(head: &Head<'_>) -> String {
    format!("1,certmesh,{}Reported by members of the mesh\n", if head.exercise { "EXERCISE: " } else { "" })
}

/// A data set of names, in Base64 as its type `string` wants them.
pub(in crate::formats) struct Names;

impl Writer for Names {
    /// Data sets know no comments: Suricata ends over a line that is no Base64. The rules beside them say what they are.
    fn begin(&mut self, _: &Head<'_>, _: &mut String) {}

    fn row(&mut self, row: &Row<'_>, out: &mut String) -> bool {
        let takes = row.kind == "domain-name" && is_name(row.value);
        if takes {
            STANDARD.encode_string(row.value, out);
            out.push('\n');
        }
        takes
    }
}

/// A list of files' digests of one kind, in hexadecimal.
pub(in crate::formats) struct Digests {
    kind: &'static str,
    is_empty: bool,
}

impl Digests {
    pub(in crate::formats) fn of(kind: &'static str) -> Self {
        Self { kind, is_empty: true }
    }
}

impl Writer for Digests {
    /// Suricata passes over lines that begin with no hexadecimal digit.
    fn begin(&mut self, head: &Head<'_>, out: &mut String) {
        head.comment("#", out);
    }

    fn row(&mut self, row: &Row<'_>, out: &mut String) -> bool {
        let takes = row.kind == self.kind && is_digest(self.kind, row.value);
        if takes {
            self.is_empty = false;
            out.extend([row.value, "\n"]);
        }
        takes
    }

    /// Suricata refuses a rule over an empty list, and with it all rules: a digest that no file has stands for none.
    fn end(&mut self, out: &mut String) {
        if self.is_empty {
            let digits = digest_len(self.kind).unwrap_or_default();
            out.extend(std::iter::repeat_n('0', digits).chain(['\n']));
        }
    }
}

/// `ADDRESS,CATEGORY,SCORE`: the score is the confidence on a scale from 1 to 127, and the middle of it where none is given.
pub(in crate::formats) struct Reputation;

impl Writer for Reputation {
    fn begin(&mut self, head: &Head<'_>, out: &mut String) {
        head.comment("#", out);
    }

    fn row(&mut self, row: &Row<'_>, out: &mut String) -> bool {
        if Network::parse(row.value).is_none() {
            return false;
        }
        let confidence = u32::from(row.confidence.unwrap_or(50).min(100));
        let _ = writeln!(out, "{},1,{}", row.value, (confidence * 127 / 100).max(1));
        true
    }
}
