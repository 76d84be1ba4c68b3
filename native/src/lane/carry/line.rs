//! The lines of `fills.jsonl`: readable JSON, each with a checksum of itself.

use serde::{Deserialize, Serialize};

use super::{CarriedDay, CarriedSymbol, KeptFill, from_e8, half_tick};
use crate::cex::venues::binance_orders::client_id_text;
use crate::event::Side;
use crate::units::{Decimal, InstrumentSpec};

/// A fill as it is written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct FillText {
    pub trade_id: u64,
    /// The client order id; empty where the venue has forgotten the order.
    pub order: String,
    pub side: String,
    pub px: Decimal,
    pub qty: Decimal,
    pub maker: bool,
    /// `null` where the venue did not say.
    pub fee: Option<Decimal>,
    pub fee_asset: String,
    pub exch_ns: i64,
}

/// How things stood after it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct StateText {
    pub symbol: String,
    pub recv_ns: i64,
    pub position: Decimal,
    pub cash: Decimal,
    pub spread: Decimal,
    pub drift: Decimal,
    pub fees: Decimal,
    pub rebates: Decimal,
    pub mid: Decimal,
    pub baseline: Option<Decimal>,
    pub base_fees: Decimal,
    pub base_rest: Decimal,
    pub floor: u64,
    pub checked: u64,
    #[serde(flatten)]
    pub day: Option<CarriedDay>,
}

/// One line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "lowercase")]
pub(super) enum Line {
    /// A run begins; the ids from here to the next start's are its own.
    Start { first_id: u64 },
    Fill {
        #[serde(flatten)]
        fill: Box<FillText>,
        #[serde(flatten)]
        state: Box<StateText>,
    },
    State {
        #[serde(flatten)]
        state: Box<StateText>,
    },
}

impl StateText {
    pub fn new(k: &KeptFill, spec: &InstrumentSpec) -> StateText {
        let half = half_tick(spec);
        StateText {
            symbol: k.symbol.clone(),
            recv_ns: k.recv_ns,
            position: spec.quantity(k.position),
            cash: spec.value(k.cash),
            spread: spec.value(k.pnl.spread),
            drift: spec.value(k.pnl.drift),
            fees: spec.value(k.pnl.fees),
            rebates: spec.value(k.pnl.rebates),
            mid: half.times(i128::from(k.mark)).normalized(),
            baseline: k.baseline_e8.map(from_e8),
            base_fees: from_e8(k.base_fees_e8),
            base_rest: from_e8(k.rest_e8),
            floor: k.floor,
            checked: k.checked,
            day: k.day.map(|d| CarriedDay {
                equity: d.equity,
                peak: d.peak,
                day_open: d.day_open,
                day_end_ns: d.day_end_ns,
            }),
        }
    }

    pub fn carried(&self) -> CarriedSymbol {
        CarriedSymbol {
            symbol: self.symbol.clone(),
            position: self.position,
            cash: self.cash,
            spread: self.spread,
            drift: self.drift,
            fees: self.fees,
            rebates: self.rebates,
            mid: self.mid,
            baseline: self.baseline,
            base_fees: self.base_fees,
            base_rest: self.base_rest,
            floor: self.floor,
            checked: self.checked,
            recent: Vec::new(),
            fills: 0,
        }
    }
}

impl Line {
    pub fn new(k: &KeptFill, spec: &InstrumentSpec) -> Line {
        let state = Box::new(StateText::new(k, spec));
        let Some(trade) = &k.trade else { return Line::State { state } };
        let r = &trade.receipt;
        let order = match r.id {
            0 => String::new(),
            id => String::from_utf8_lossy(&client_id_text(id)).into_owned(),
        };
        let asset = |f: &crate::event::Fee| String::from_utf8_lossy(&f.asset).trim_end_matches('\0').to_owned();
        let fill = FillText {
            trade_id: r.trade_id,
            order,
            side: if r.side == Side::Buy { "buy" } else { "sell" }.to_owned(),
            px: spec.price(r.px),
            qty: spec.quantity(r.qty),
            maker: r.maker,
            fee: trade.fee.map(|f| from_e8(i128::from(f.amount_e8))),
            fee_asset: trade.fee.as_ref().map_or(String::new(), asset),
            exch_ns: r.exch_ns,
        };
        Line::Fill { fill: Box::new(fill), state }
    }

    /// With its checksum and line end.
    pub fn text(&self) -> Result<String, String> {
        let mut text = serde_json::to_string(self).map_err(|e| e.to_string())?;
        let check = crc32c::crc32c(text.as_bytes());
        text.pop(); // the closing brace
        text.push_str(&format!(",\"crc\":\"{check:08x}\"}}\n"));
        Ok(text)
    }

    /// # Errors
    /// What is wrong with the line.
    pub fn read(text: &str) -> Result<Line, String> {
        let (body, check) = text.rsplit_once(",\"crc\":\"").ok_or("it has no checksum")?;
        let check = check.strip_suffix("\"}").ok_or("it ends too early")?;
        let body = format!("{body}}}");
        if format!("{:08x}", crc32c::crc32c(body.as_bytes())) != check {
            return Err("its checksum is another line's".to_owned());
        }
        serde_json::from_str(&body).map_err(|e| e.to_string())
    }
}
