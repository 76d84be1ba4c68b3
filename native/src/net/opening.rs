//! From nothing to an open websocket: the connection, then the upgrade.

use std::os::fd::RawFd;

use super::after;
use super::backoff::Random;
use super::buffer::Buffer;
use super::handshake::{self, Refusal};
use super::link::Link;
use super::options::WsOptions;
use super::stream::{Fill, Stream};
use super::tls::Tls;
use super::url::Endpoint;

enum Stage {
    Linking(Link),
    Upgrading(Stream),
    Over,
}

/// A websocket under way.
pub(super) struct Opening {
    stage: Stage,
    key: String,
    request: Vec<u8>,
    deadline_ns: i64,
}

fn refuse(why: String) -> Refusal {
    Refusal { why, retry_after_ms: None }
}

impl Opening {
    /// Begins. `attempt` counts the connections of this client.
    pub fn begin(
        endpoint: &Endpoint,
        options: &WsOptions,
        tls: &Tls,
        attempt: usize,
        random: &mut Random,
        now_ns: i64,
    ) -> Result<Opening, String> {
        let deadline_ns = after(now_ns, options.connect_timeout_ms);
        let key = handshake::fresh_key(random);
        let request = handshake::request(endpoint, &options.headers, &key)?;
        let link = Link::begin(endpoint, tls, options.busy, attempt, deadline_ns)?;
        Ok(Opening { stage: Stage::Linking(link), key, request, deadline_ns })
    }

    /// Goes as far as it can. Gives the stream once the websocket is open; what came after the handshake is in `buffer`.
    pub fn drive(&mut self, now_ns: i64, buffer: &mut Buffer) -> Result<Option<Stream>, Refusal> {
        if let Stage::Linking(link) = &mut self.stage {
            let Some(mut stream) = link.drive(now_ns, buffer).map_err(refuse)? else { return Ok(None) };
            stream.send(&self.request).map_err(|e| refuse(format!("writing the handshake failed: {e}")))?;
            self.stage = Stage::Upgrading(stream);
        }
        let Stage::Upgrading(stream) = &mut self.stage else { return Ok(None) };
        let read = stream.flush().and_then(|()| stream.fill(buffer, 0));
        let read = read.map_err(|e| refuse(format!("the handshake failed: {e}")))?;
        let late = now_ns >= self.deadline_ns;
        let ended = matches!(read, Fill::End { .. }) || late;
        let Some(head_bytes) = handshake::judge(buffer.filled(), &self.key, ended).map_err(|refusal| match late {
            true => Refusal { why: format!("{} within the time for a connection", refusal.why), ..refusal },
            false => refusal,
        })?
        else {
            return Ok(None);
        };
        buffer.take(head_bytes);
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Upgrading(stream) => Ok(Some(stream)),
            Stage::Linking(_) | Stage::Over => Ok(None),
        }
    }

    pub fn fd(&self) -> Option<RawFd> {
        match &self.stage {
            Stage::Linking(link) => link.fd(),
            Stage::Upgrading(stream) => Some(stream.fd()),
            Stage::Over => None,
        }
    }

    pub fn wants_write(&self) -> bool {
        match &self.stage {
            Stage::Linking(link) => link.wants_write(),
            Stage::Upgrading(stream) => stream.unsent() > 0,
            Stage::Over => false,
        }
    }

    pub fn due_ns(&self) -> i64 {
        match &self.stage {
            Stage::Linking(link) => link.due_ns(),
            Stage::Upgrading(_) | Stage::Over => self.deadline_ns,
        }
    }
}
