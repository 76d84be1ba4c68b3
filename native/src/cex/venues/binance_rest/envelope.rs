//! Answers of REST in the form of the websocket API, so that one reader reads both and the Tape holds one kind.

use crate::cex::venues::binance_orders::RequestId;
use crate::event::{Intent, RateKind, RateUse};

/// Appends the answer to an order request that went over REST as the message that the websocket API would have sent,
/// with the id of `intent`'s request: for a Private frame. `status` is HTTP's, 0 where no answer came; `retry_after_s`
/// the header `Retry-After`; `used` what [`used`] found in the headers.
pub fn order_answer(
    intent: &Intent,
    status: u16,
    retry_after_s: Option<u32>,
    used: &[RateUse],
    body: &[u8],
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(&RequestId::of(intent).text());
    out.extend_from_slice(format!("\",\"status\":{status},").as_bytes());
    let json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    out.extend_from_slice(if status == 200 && json { b"\"result\":" } else { b"\"error\":" });
    // A firewall answers in HTML, and nobody with nothing.
    out.extend_from_slice(if json { body } else { b"{\"code\":0,\"msg\":\"\"}" });
    if let Some(s) = retry_after_s {
        out.extend_from_slice(format!(",\"retryAfterSeconds\":{s}").as_bytes());
    }
    out.extend_from_slice(b",\"rateLimits\":[");
    for (i, u) in used.iter().enumerate() {
        let kind = match u.kind {
            RateKind::Orders => "ORDERS",
            RateKind::Weight => "REQUEST_WEIGHT",
        };
        let comma = if i > 0 { "," } else { "" };
        let (seconds, count) = (u.interval_ms / 1000, u.count);
        out.extend_from_slice(
            format!(
                "{comma}{{\"rateLimitType\":\"{kind}\",\"interval\":\"SECOND\",\"intervalNum\":{seconds},\"count\":{count}}}"
            )
            .as_bytes(),
        );
    }
    out.extend_from_slice(b"]}");
}

/// What a header of an answer says of a rate limit: `X-MBX-USED-WEIGHT-1M`, `X-MBX-ORDER-COUNT-10S` and their like
/// (rest-api.md, "IP Limits", "Unfilled Order Count"). `None` for other headers.
#[must_use]
pub fn used(name: &str, value: &str) -> Option<RateUse> {
    let name = name.to_ascii_uppercase();
    let (kind, interval) = if let Some(interval) = name.strip_prefix("X-MBX-USED-WEIGHT-") {
        (RateKind::Weight, interval)
    } else {
        (RateKind::Orders, name.strip_prefix("X-MBX-ORDER-COUNT-")?)
    };
    let unit_ms: u32 = match interval.bytes().last()? {
        b'S' => 1_000,
        b'M' => 60_000,
        b'H' => 3_600_000,
        b'D' => 86_400_000,
        _ => return None,
    };
    let number: u32 = interval[..interval.len() - 1].parse().ok()?;
    Some(RateUse { kind, interval_ms: number.checked_mul(unit_ms)?, count: value.trim().parse().ok()? })
}
