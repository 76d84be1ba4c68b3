//! TLS by rustls, in its unbuffered form: the encrypted bytes are read into our own buffer, many records by one read(2).

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, InsufficientSizeError, WriteTraffic};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

use super::buffer::Buffer;

/// The encrypted bytes one read can bring.
const CIPHER_BYTES: usize = 64 * 1024;

/// Whom to trust; shared by all connections, so that they resume each other's sessions.
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Trusts Mozilla's root certificates, and those of a PEM file where one is given. Errors name the file and the fault.
    pub fn new(ca_file: Option<&Path>) -> Result<Tls, String> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = ca_file {
            let fault = |e: &dyn std::fmt::Display| format!("ca_file {}: {e}", path.display());
            let mut count = 0;
            for certificate in CertificateDer::pem_file_iter(path).map_err(|e| fault(&e))? {
                roots.add(certificate.map_err(|e| fault(&e))?).map_err(|e| fault(&e))?;
                count += 1;
            }
            if count == 0 {
                return Err(fault(&"holds no certificate (a block that begins with -----BEGIN CERTIFICATE-----)"));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| format!("TLS cannot be set up: {e}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Tls(Arc::new(config)))
    }

    pub(super) fn session(&self, host: &str) -> Result<Session, String> {
        let name = ServerName::try_from(host.to_owned()).map_err(|e| format!("{host} is no name for TLS: {e}"))?;
        let connection = UnbufferedClientConnection::new(self.0.clone(), name).map_err(|e| format!("TLS: {e}"))?;
        Ok(Session { connection, cipher: Buffer::new(CIPHER_BYTES), ready: false, ended: false })
    }
}

/// TLS of one connection.
pub(super) struct Session {
    connection: UnbufferedClientConnection,
    /// Received and not yet decrypted. Between two calls this is never a whole record.
    pub cipher: Buffer,
    ready: bool,
    ended: bool,
}

fn fault(e: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("TLS: {e}"))
}

impl Session {
    /// True once application data may be sent.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// True once the peer said that it will send no more.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Decrypts all whole records into `plain` and puts what the handshake has to say into `out`.
    pub fn advance(&mut self, plain: &mut Buffer, out: &mut Buffer) -> io::Result<()> {
        loop {
            let status = self.connection.process_tls_records(self.cipher.filled_mut());
            let (mut discard, mut more) = (status.discard, true);
            let done = match status.state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(fault)?;
                        discard += record.discard;
                        plain.append(record.payload);
                    }
                    Ok(())
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => encode(out, |room| data.encode(room)),
                // What is in `out` is sent in order, so it counts as transmitted.
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    Ok(())
                }
                Ok(ConnectionState::PeerClosed) => {
                    self.ended = true;
                    Ok(())
                }
                Ok(ConnectionState::WriteTraffic(_)) => {
                    (self.ready, more) = (true, false);
                    Ok(())
                }
                Ok(_) => {
                    more = false;
                    Ok(())
                }
                Err(e) => Err(fault(e)),
            };
            self.cipher.take(discard);
            if done.is_err() {
                self.alert(out);
            }
            done?;
            if !more {
                return Ok(());
            }
        }
    }

    /// After a fault the next state holds the alert that tells the peer.
    fn alert(&mut self, out: &mut Buffer) {
        let status = self.connection.process_tls_records(self.cipher.filled_mut());
        if let Ok(ConnectionState::EncodeTlsData(mut data)) = status.state {
            let _untold = encode(out, |room| data.encode(room));
        }
    }

    fn traffic<T>(
        &mut self,
        act: impl FnOnce(WriteTraffic<'_, ClientConnectionData>) -> io::Result<T>,
    ) -> io::Result<T> {
        match self.connection.process_tls_records(self.cipher.filled_mut()).state.map_err(fault)? {
            ConnectionState::WriteTraffic(traffic) => act(traffic),
            state => Err(fault(format!("cannot send in state {state:?}"))),
        }
    }

    /// Appends bytes to `out`, encrypted.
    pub fn encrypt(&mut self, bytes: &[u8], out: &mut Buffer) -> io::Result<()> {
        self.traffic(|mut traffic| {
            // Each record of at most 2^14 bytes adds a header, a tag and, in TLS 1.2, a nonce.
            let least = bytes.len() + (bytes.len() / 16384 + 1) * 64;
            match traffic.encrypt(bytes, out.room(least)) {
                Ok(n) => {
                    out.added(n);
                    Ok(())
                }
                Err(EncryptError::InsufficientSize(InsufficientSizeError { required_size })) => {
                    let n = traffic.encrypt(bytes, out.room(required_size)).map_err(fault)?;
                    out.added(n);
                    Ok(())
                }
                Err(e) => Err(fault(e)),
            }
        })
    }

    /// Appends the alert that ends our direction.
    pub fn farewell(&mut self, out: &mut Buffer) {
        let _untold = self.traffic(|mut traffic| {
            let n = traffic.queue_close_notify(out.room(256)).map_err(fault)?;
            out.added(n);
            Ok(())
        });
    }
}

fn encode(out: &mut Buffer, mut write: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>) -> io::Result<()> {
    let n = match write(out.room(4096)) {
        Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) => write(out.room(required_size)),
        other => other,
    };
    out.added(n.map_err(fault)?);
    Ok(())
}
