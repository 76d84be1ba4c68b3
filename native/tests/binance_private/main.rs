//! What Binance says in private, read as receipts and answers: the venue's documented examples with our ids in them,
//! and recorded messages.
#![allow(clippy::unwrap_used)] // helpers of tests

mod answers;
mod asked;
mod events;
mod session;

use _core::cex::venues::binance::Market;
use _core::cex::venues::binance_orders::{RequestId, client_id_text};
use _core::cex::venues::binance_private::Private;
use _core::event::{Action, ClientId, Decoded, Event, PrivateNotes, Receipt, ReceiptKind, Side};
use _core::units::{Decimal, InstrumentSpec, Lots, Ticks};
use serde_json::Value;

pub const ID: ClientId = 0x0001_0000_0000_00a7;

pub fn spec(symbol: &str, tick: &str, lot: &str) -> InstrumentSpec {
    let d = |s: &str| Decimal::parse(s.as_bytes()).unwrap();
    InstrumentSpec { symbol: symbol.into(), tick: d(tick), lot: d(lot), maker_fee_e8: 0, taker_fee_e8: 0 }
}

/// Instruments 0 to 3: BTCUSDT, ETHBTC, ETHUSDT, LTCBTC.
pub fn reader(market: Market) -> Private {
    let specs = [
        spec("BTCUSDT", "0.01", "0.00001"),
        spec("ETHBTC", "0.00000010", "0.0001"),
        spec("ethusdt", "0.01", "0.0001"),
        spec("LTCBTC", "0.000001", "0.001"),
    ];
    Private::new(market, &specs).unwrap()
}

pub fn our_id() -> String {
    String::from_utf8(client_id_text(ID).to_vec()).unwrap()
}

pub fn request_id(action: Action, side: Side, instrument: u16) -> String {
    String::from_utf8(RequestId { action, id: ID, side, instrument }.text().to_vec()).unwrap()
}

pub fn decode(market: Market, message: &str) -> (Event, PrivateNotes) {
    let mut out = Decoded::default();
    // What an earlier message left must not show.
    out.private.error = 5;
    out.private.throttled_ms = Some(1);
    reader(market).decode(message.as_bytes(), &mut out);
    (out.event, out.private)
}

pub fn receipt(market: Market, message: &Value) -> (Receipt, PrivateNotes) {
    match decode(market, &message.to_string()) {
        (Event::Receipt(r), notes) => (r, notes),
        (other, _) => panic!("{other:?} of {message}"),
    }
}

/// A receipt that says nothing but its kind.
pub fn bare(kind: ReceiptKind, side: Side, instrument: u16, leaves: i64) -> Receipt {
    Receipt {
        kind,
        id: ID,
        instrument,
        side,
        maker: false,
        exch_ns: 0,
        px: Ticks(0),
        qty: Lots(0),
        leaves: Lots(leaves),
        trade_id: 0,
        queue_joined: -1,
        queue_ahead: -1,
    }
}

/// A recorded message, or `None` and a word about it where the recordings are not there.
pub fn recorded(path: &str) -> Option<String> {
    let beside = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("SEARCHER_DATA").map_or(beside, Into::into);
    let file = folder.join("messages/binance").join(path);
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(_) => {
            eprintln!("skipped: {} is not there (SEARCHER_DATA names the folder)", file.display());
            None
        }
    }
}
