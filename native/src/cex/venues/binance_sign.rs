//! Keys and signatures of Binance: HMAC-SHA256 in hexadecimal, Ed25519 in base64 (rest-api.md and web-socket-api.md,
//! "SIGNED request example"; the same for USD-M futures, developers.binance.com, "General Info").

use std::fmt;

use base64ct::{Base64, Encoding};
use ed25519_dalek::SigningKey;
use ed25519_dalek::ed25519::signature::Signer;
use ed25519_dalek::pkcs8::DecodePrivateKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// How requests are signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    Hmac,
    Ed25519,
}

/// The secret half. Both are wiped when they are dropped: a keyed HMAC consists of two hash states.
enum Secret {
    /// Keyed once: a signature starts from a copy of this state.
    Hmac(Box<Hmac<Sha256>>),
    Ed25519(Box<SigningKey>),
}

/// Does not compile where a feature that wipes is switched off.
const _: fn() = || {
    fn wiped<T: ZeroizeOnDrop>() {}
    wiped::<Sha256>();
    wiped::<SigningKey>();
};

/// An API key and what it signs with. It cannot be shown or written.
pub struct Credentials {
    api_key: Zeroizing<String>,
    secret: Secret,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(hidden)")
    }
}

impl Credentials {
    /// `secret`: the HMAC secret as the venue shows it, or an Ed25519 private key as PKCS#8: a PEM text or its base64
    /// alone. A line break in a PEM text may also be written `\n`, as environment files do.
    ///
    /// # Errors
    /// Not such a key; the text never contains it.
    pub fn new(kind: KeyKind, api_key: &str, secret: &str) -> Result<Credentials, String> {
        let api_key = api_key.trim();
        // It goes into JSON, a header and a signed payload as it is.
        if api_key.is_empty() || !api_key.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_')) {
            return Err("the API key must be letters and digits: copy it from the venue's API management page".into());
        }
        let secret = match kind {
            KeyKind::Hmac => Secret::Hmac(Box::new(hmac(secret.trim())?)),
            KeyKind::Ed25519 => Secret::Ed25519(Box::new(ed25519(secret)?)),
        };
        Ok(Credentials { api_key: Zeroizing::new(api_key.to_owned()), secret })
    }

    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self.secret {
            Secret::Hmac(_) => KeyKind::Hmac,
            Secret::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Appends the signature of `payload` to `out` (hexadecimal, or base64 that is not yet percent-encoded).
    pub fn sign(&self, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(self.signature(payload).bytes());
    }

    /// The same without a buffer.
    #[must_use]
    pub fn signature(&self, payload: &[u8]) -> Signature {
        let mut text = [0; Signature::ROOM];
        let len = match &self.secret {
            Secret::Hmac(keyed) => {
                let mut mac = Hmac::<Sha256>::clone(keyed);
                mac.update(payload);
                hexadecimal(&mac.finalize().into_bytes(), &mut text)
            }
            Secret::Ed25519(key) => {
                // 64 bytes make 88 characters of base64, which is the room.
                Base64::encode(&key.sign(payload).to_bytes(), &mut text).map_or(0, str::len)
            }
        };
        Signature { text, len }
    }
}

/// A signature as text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signature {
    text: [u8; Signature::ROOM],
    len: usize,
}

impl Signature {
    /// Characters of the longest one: Ed25519 in base64.
    const ROOM: usize = 88;

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

fn hexadecimal(bytes: &[u8], text: &mut [u8; Signature::ROOM]) -> usize {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
    2 * bytes.len()
}

fn hmac(secret: &str) -> Result<Hmac<Sha256>, String> {
    if secret.is_empty() || !secret.bytes().all(|c| c.is_ascii_graphic()) {
        return Err("the HMAC secret is empty or has characters that no secret has: copy it again".into());
    }
    Hmac::new_from_slice(secret.as_bytes()).map_err(|_| "the HMAC secret cannot be used".into())
}

fn ed25519(text: &str) -> Result<SigningKey, String> {
    const WANTED: &str = "an Ed25519 private key is wanted as PKCS#8, unencrypted: \
                          a PEM text that begins with -----BEGIN PRIVATE KEY-----, or its base64";
    let lines = Zeroizing::new(text.replace("\\n", "\n"));
    if lines.contains("ENCRYPTED") {
        return Err("the Ed25519 private key is encrypted: decrypt it first (openssl pkey -in key.pem)".into());
    }
    let mut base64 = Zeroizing::new(String::with_capacity(lines.len()));
    let key_lines = lines.lines().map(str::trim).filter(|l| !l.starts_with("-----"));
    base64.extend(key_lines.flat_map(str::chars).filter(|c| !c.is_whitespace()));
    let mut der = Zeroizing::new(vec![0; base64.len()]);
    let der = Base64::decode(base64.as_bytes(), &mut der).map_err(|_| WANTED)?;
    SigningKey::from_pkcs8_der(der).map_err(|_| WANTED.into())
}
