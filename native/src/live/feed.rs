//! A market-data connection and what is on it.

use std::sync::Arc;

use super::plan::LivePlan;
use super::status::ConnectionStatus;
use crate::event::{ConnectionId, InstrumentId};
use crate::net::{Endpoint, Tls, WsClient, WsOptions};

pub struct Feed {
    pub id: ConnectionId,
    pub ws: WsClient,
    pub status: ConnectionStatus,
    /// Instruments whose depth is on it.
    pub books: Vec<InstrumentId>,
}

impl Feed {
    /// The market connections of a plan, by their numbers.
    ///
    /// # Errors
    /// An endpoint that is none.
    pub fn all(plan: &LivePlan, options: &WsOptions, tls: &Arc<Tls>, seed: u64) -> Result<Vec<Feed>, String> {
        let one = |(id, streams): (ConnectionId, &Vec<String>)| {
            let url = format!("{}/stream?streams={}", plan.endpoints.market.trim_end_matches('/'), streams.join("/"));
            let endpoint = Endpoint::parse(&url).map_err(|e| format!("endpoints.market: {e}"))?;
            Ok(Feed {
                id,
                ws: WsClient::new(endpoint, options.clone(), Arc::clone(tls), seed.wrapping_add(u64::from(id))),
                status: ConnectionStatus { name: format!("market {id}"), ..ConnectionStatus::default() },
                books: books(plan, streams),
            })
        };
        (0..).zip(&plan.streams).map(one).collect()
    }
}

fn books(plan: &LivePlan, streams: &[String]) -> Vec<InstrumentId> {
    let with_depth = |symbol: &str| {
        let name = format!("{}@depth", symbol.to_lowercase());
        streams.iter().any(|s| s.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with('@')))
    };
    (0..).zip(&plan.plan.instruments).filter(|(_, i)| with_depth(&i.symbol)).map(|(id, _)| id).collect()
}
