//! A provider of chain state over HTTP or HTTPS, for the EVM in process: blocking, for threads that may wait.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::stopwatch_ns;
use crate::net::{Endpoint, HttpClient, HttpFailure, HttpOptions, HttpRequest, HttpResponse, Poller, Tls};
use crate::searcher::evm::Transport;

/// Posts to one endpoint. As many connections as threads ask at once; each is kept for the next question.
pub struct HttpProvider {
    endpoint: Endpoint,
    tls: Arc<Tls>,
    options: HttpOptions,
    timeout_ms: u64,
    idle: Mutex<Vec<HttpClient>>,
}

impl HttpProvider {
    /// `timeout_ms`: for one question, connecting with it. A provider's key is a part of the endpoint's path; neither
    /// errors nor logs show it.
    #[must_use]
    pub fn new(endpoint: Endpoint, tls: Arc<Tls>, timeout_ms: u64) -> HttpProvider {
        HttpProvider { endpoint, tls, options: HttpOptions::default(), timeout_ms, idle: Mutex::default() }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<HttpClient>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner) // whole after every statement
    }

    fn ask(&self, client: &mut HttpClient, body: &[u8]) -> Result<HttpResponse, HttpFailure> {
        let unsent = |text: String| HttpFailure { text, maybe_sent: false };
        let request = HttpRequest {
            method: "POST".to_owned(),
            target: self.endpoint.path.clone(),
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: body.to_vec(),
        };
        let timeout_ns = i64::try_from(self.timeout_ms).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let deadline_ns = stopwatch_ns().saturating_add(timeout_ns);
        client
            .submit(0, request, deadline_ns)
            .map_err(|_| unsent(format!("{}: a request is under way", self.endpoint)))?;
        let mut poller = Poller::new().map_err(|e| unsent(format!("no descriptor to wait with: {e}")))?;
        loop {
            let now_ns = stopwatch_ns();
            client.drive(now_ns);
            if let Some(done) = client.next() {
                return done.result;
            }
            let due_ns = client.due_ns().map_or(deadline_ns, |due_ns| due_ns.min(deadline_ns));
            let wait = Duration::from_nanos(u64::try_from(due_ns.saturating_sub(now_ns)).unwrap_or(0));
            let fds: Vec<_> = client.fd().map(|fd| (fd, client.wants_write())).into_iter().collect();
            poller.wait(&fds, Some(wait)).map_err(|e| unsent(format!("waiting failed: {e}")))?;
        }
    }
}

impl Transport for HttpProvider {
    fn post(&self, body: &[u8]) -> Result<Vec<u8>, String> {
        // What is asked changes nothing, so it may be asked twice: a kept connection may have been closed meanwhile.
        let kept = self.idle().pop();
        let may_be_stale = kept.is_some();
        let fresh = || HttpClient::new(self.endpoint.clone(), Arc::clone(&self.tls), self.options.clone());
        let mut client = kept.unwrap_or_else(fresh);
        let mut result = self.ask(&mut client, body);
        if result.is_err() && may_be_stale {
            client = fresh();
            result = self.ask(&mut client, body);
        }
        let answer = result.map_err(|failure| failure.text)?;
        self.idle().push(client);
        match answer.status {
            200 => Ok(answer.body),
            status => Err(format!("{}: HTTP {status}", self.endpoint)),
        }
    }
}
