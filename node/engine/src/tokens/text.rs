//! A token as text: `certmesh_<id>_<secret>`, 12 and 64 lower-case hexadecimal digits. The beginning lets
//! whoever scans files for secrets find one that was left lying about.

use std::fmt;
use std::str::FromStr;

use certmesh_wire::sha256;
use zeroize::Zeroizing;

/// What every token begins with.
const PREFIX: &str = "certmesh_";
/// The hash of a token is of this, its id and its secret: it can't be mistaken for any other.
const TAG: &[u8] = b"certmesh/token/1";
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;
/// Random bytes that a token is made from.
pub const RANDOM_BYTES: usize = ID_BYTES + SECRET_BYTES;

/// The public half of a token: names it in lists and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenId(pub(super) [u8; ID_BYTES]);

/// Text that is no token's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token's id has 12 hexadecimal digits")]
pub struct ParseTokenIdError;

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for TokenId {
    type Err = ParseTokenIdError;

    fn from_str(text: &str) -> Result<Self, ParseTokenIdError> {
        let mut bytes = [0; ID_BYTES];
        read_hex(text, &mut bytes).ok_or(ParseTokenIdError)?;
        Ok(Self(bytes))
    }
}

/// A token with its secret, as somebody presents it.
pub(super) struct Presented {
    pub(super) id: TokenId,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl Presented {
    pub(super) fn new(random: &[u8; RANDOM_BYTES]) -> Self {
        let (mut id, mut secret) = ([0; ID_BYTES], Zeroizing::new([0; SECRET_BYTES]));
        id.copy_from_slice(&random[..ID_BYTES]);
        secret.copy_from_slice(&random[ID_BYTES..]);
        Self { id: TokenId(id), secret }
    }

    /// Reads the text; nothing, if it has another form.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (id, secret_hex) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        read_hex(secret_hex, secret.as_mut())?;
        Some(Self { id: id.parse().ok()?, secret })
    }

    pub(super) fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 2 * RANDOM_BYTES + 1));
        text.push_str(PREFIX);
        text.push_str(&self.id.to_string());
        text.push('_');
        for byte in self.secret.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(digit.into(), 16));
            }
        }
        text
    }

    /// What the store keeps instead of the secret. A fast hash does: nobody guesses 256 random bits.
    pub(super) fn digest(&self) -> [u8; 32] {
        sha256(&[TAG, &self.id.0, self.secret.as_ref()])
    }
}

fn read_hex(text: &str, bytes: &mut [u8]) -> Option<()> {
    let digits = text.as_bytes();
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
        *byte = (high? * 16 + low?) as u8;
    }
    Some(())
}
