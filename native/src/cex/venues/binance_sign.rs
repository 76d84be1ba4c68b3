//! Keys and signatures of Binance: HMAC-SHA256 in hexadecimal, Ed25519 in base64.

/// How requests are signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    Hmac,
    Ed25519,
}

/// An API key and what it signs with. It cannot be shown or written.
pub struct Credentials {}

impl Credentials {
    /// `secret`: the HMAC secret as the venue shows it, or an Ed25519 private key as PKCS#8 PEM.
    ///
    /// # Errors
    /// Not such a key; the text never contains it.
    pub fn new(_kind: KeyKind, _api_key: &str, _secret: &str) -> Result<Credentials, String> {
        unimplemented!()
    }
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        unimplemented!()
    }
    #[must_use]
    pub fn api_key(&self) -> &str {
        unimplemented!()
    }
    /// Appends the signature of `payload` to `out` (hexadecimal, or base64 that is not yet percent-encoded).
    pub fn sign(&self, _payload: &[u8], _out: &mut Vec<u8>) {
        unimplemented!()
    }
}
