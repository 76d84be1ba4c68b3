//! Private messages taken apart: values by their keys, in whatever order they come and whatever else is there.

use crate::cex::venues::scan::{Cursor, Grid, Reason};
use crate::event::{Fee, Side};
use crate::units::{Decimal, Lots, Ticks};

/// A JSON value as it stands in the message; empty where the key is absent.
pub type Token<'a> = &'a [u8];

/// Calls `each` with the keys and values of an object.
pub fn object<'a>(bytes: Token<'a>, mut each: impl FnMut(&'a [u8], Token<'a>)) -> Result<(), Reason> {
    let mut c = Cursor::new(bytes);
    c.expect(b'{', "an object was expected")?;
    while let Some(key) = c.key()? {
        each(key, value(&mut c)?);
    }
    Ok(())
}

/// Calls `each` with the elements of a list.
pub fn list<'a>(bytes: Token<'a>, mut each: impl FnMut(Token<'a>) -> Result<(), Reason>) -> Result<(), Reason> {
    let mut c = Cursor::new(bytes);
    c.expect(b'[', "a list was expected")?;
    if c.eat(b']') {
        return Ok(());
    }
    loop {
        each(value(&mut c)?)?;
        if c.eat(b']') {
            return Ok(());
        }
        c.expect(b',', "a list does not end")?;
    }
}

fn value<'a>(c: &mut Cursor<'a>) -> Result<Token<'a>, Reason> {
    let start = c.at;
    c.skip()?;
    Ok(c.bytes.get(start..c.at).ok_or("the message ends inside a value")?.trim_ascii_start())
}

/// A string without its quotes, escapes left as they are; what is no string is empty.
#[must_use]
pub fn text(token: Token<'_>) -> &[u8] {
    token.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(b"")
}

/// An integer, quoted or not; `None` for anything else.
#[must_use]
pub fn integer(token: Token<'_>) -> Option<i64> {
    let digits = if token.starts_with(b"\"") { text(token) } else { token };
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// An id of the venue's, which counts from 0; −1 and what is absent are 0, which stands for none.
#[must_use]
pub fn id(token: Token<'_>) -> u64 {
    integer(token).and_then(|i| u64::try_from(i).ok()).unwrap_or(0)
}

/// Milliseconds since 1970 as nanoseconds; 0 where there are none.
#[must_use]
pub fn nanoseconds(token: Token<'_>) -> i64 {
    integer(token).and_then(|ms| ms.checked_mul(1_000_000)).filter(|ns| *ns > 0).unwrap_or(0)
}

pub fn side(token: Token<'_>) -> Result<Side, Reason> {
    match text(token) {
        b"BUY" => Ok(Side::Buy),
        b"SELL" => Ok(Side::Sell),
        _ => Err("a side is neither BUY nor SELL"),
    }
}

pub fn lots(token: Token<'_>, grid: &Grid) -> Result<Lots, Reason> {
    Cursor::new(token).number(grid).map(Lots)
}

pub fn ticks(token: Token<'_>, grid: &Grid) -> Result<Ticks, Reason> {
    Cursor::new(token).number(grid).map(Ticks)
}

/// The price of a trade. A liquidation may have traded between two ticks: such a price is rounded against us, because
/// a trade that is not booked at all would be worse.
pub fn traded(token: Token<'_>, grid: &Grid, side: Side) -> Result<Ticks, Reason> {
    ticks(token, grid).or_else(|reason| {
        let price = Decimal::parse(text(token)).map_err(|_| reason)?;
        let below = price.floor_steps(grid.step());
        Ok(Ticks(if side == Side::Buy { below.saturating_add(1) } else { below }))
    })
}

/// A commission: positive is paid. More than eight decimals are rounded up, against us. `None` where no asset is named.
pub fn fee(amount: Token<'_>, asset: Token<'_>) -> Result<Option<Fee>, Reason> {
    let name = text(asset);
    if name.is_empty() {
        return Ok(None);
    }
    let digits = if amount.starts_with(b"\"") { text(amount) } else { amount };
    let amount = Decimal::parse(digits).map_err(|_| "a commission is not a number")?;
    let e8 = -Decimal::new(-amount.mantissa, amount.scale).floor_scaled(8);
    let mut asset = [0; 8];
    for (to, from) in asset.iter_mut().zip(name) {
        *to = from.to_ascii_uppercase();
    }
    Ok(Some(Fee { amount_e8: i64::try_from(e8).map_err(|_| "a commission has more digits than fit")?, asset }))
}

/// What frames a message.
#[derive(Default)]
pub struct Head<'a> {
    pub id: Token<'a>,
    pub status: Token<'a>,
    pub result: Token<'a>,
    pub error: Token<'a>,
    pub limits: Token<'a>,
    pub retry_after_s: Token<'a>,
    /// The event within the websocket API's or a combined stream's frame, or the message itself.
    pub event: Token<'a>,
    /// What kind of event the message itself is; empty for one in a frame.
    pub kind: Token<'a>,
}

impl<'a> Head<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Head<'a>, Reason> {
        let mut h = Head::default();
        object(bytes, |key, value| match key {
            b"id" => h.id = value,
            b"status" => h.status = value,
            b"result" => h.result = value,
            b"error" => h.error = value,
            b"rateLimits" => h.limits = value,
            b"retryAfterSeconds" => h.retry_after_s = value,
            b"event" | b"data" => h.event = value,
            b"e" => h.kind = value,
            _ => {}
        })?;
        if h.event.is_empty() && !h.kind.is_empty() {
            h.event = bytes;
        }
        Ok(h)
    }
}

/// An order in an answer of the websocket API or of REST; both markets name these alike.
#[derive(Default)]
pub struct OrderFields<'a> {
    pub symbol: Token<'a>,
    pub venue_id: Token<'a>,
    pub client_id: Token<'a>,
    pub price: Token<'a>,
    pub total: Token<'a>,
    pub filled: Token<'a>,
    pub status: Token<'a>,
    pub tif: Token<'a>,
    pub kind: Token<'a>,
    pub side: Token<'a>,
    pub reduce_only: Token<'a>,
    /// Of the last change: spot answers to a request with `transactTime`, everything else has `updateTime`.
    pub time: Token<'a>,
}

impl<'a> OrderFields<'a> {
    pub fn read(bytes: Token<'a>) -> Result<OrderFields<'a>, Reason> {
        let mut o = OrderFields::default();
        object(bytes, |key, value| match key {
            b"symbol" => o.symbol = value,
            b"orderId" => o.venue_id = value,
            b"clientOrderId" => o.client_id = value,
            b"price" => o.price = value,
            b"origQty" => o.total = value,
            b"executedQty" => o.filled = value,
            b"status" => o.status = value,
            b"timeInForce" => o.tif = value,
            b"type" => o.kind = value,
            b"side" => o.side = value,
            b"reduceOnly" => o.reduce_only = value,
            b"updateTime" | b"transactTime" => o.time = value,
            _ => {}
        })?;
        Ok(o)
    }
}
