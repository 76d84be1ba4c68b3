//! A naive exchange that speaks Binance USD-M: it takes a lane's requests, answers them and its questions, and keeps a
//! log of its own. What it says may be lost, doubled or late: that is the test's business.

use super::*;
use _core::cex::venues::binance_orders::{RequestId, client_id_text};
use _core::event::{Ask, Call, ClientId};

#[derive(Clone, Debug)]
pub struct VenueSide {
    pub venue_id: u64,
    pub id: ClientId,
    pub side: Side,
    pub px: i64,
    pub qty: i64,
    pub filled: i64,
    pub status: &'static str,
    pub changed_ms: i64,
}

impl VenueSide {
    pub fn is_open(&self) -> bool {
        matches!(self.status, "NEW" | "PARTIALLY_FILLED")
    }
}

#[derive(Clone, Debug)]
pub struct VenueFill {
    pub trade_id: u64,
    pub order: usize,
    pub side: Side,
    pub px: i64,
    pub qty: i64,
    pub ms: i64,
}

/// One instrument's orders and trades.
#[derive(Default)]
pub struct Venue {
    pub orders: Vec<VenueSide>,
    pub fills: Vec<VenueFill>,
    pub position: i64,
    pub now_ms: i64,
    pub countdown: Option<u32>,
    /// Requests by what they were, in order.
    pub log: Vec<(Action, ClientId)>,
    pub next_trade: u64,
}

fn text(id: ClientId) -> String {
    String::from_utf8(client_id_text(id).to_vec()).unwrap()
}

impl Venue {
    fn spec() -> InstrumentSpec {
        specs(1).remove(0)
    }

    fn order_json(o: &VenueSide) -> String {
        let spec = Venue::spec();
        let client = if o.id == 0 { "web_x".to_string() } else { text(o.id) };
        format!(
            "{{\"orderId\":{},\"symbol\":\"C0USDT\",\"clientOrderId\":\"{client}\",\"price\":\"{}\",\"origQty\":\"{}\",\
             \"executedQty\":\"{}\",\"status\":\"{}\",\"timeInForce\":\"GTX\",\"type\":\"LIMIT\",\"side\":\"{}\",\
             \"reduceOnly\":false,\"updateTime\":{}}}",
            o.venue_id,
            spec.price(Ticks(o.px)),
            spec.quantity(Lots(o.qty)),
            spec.quantity(Lots(o.filled)),
            o.status,
            if o.side == Side::Buy { "BUY" } else { "SELL" },
            o.changed_ms,
        )
    }

    /// An event of the user data stream about an order.
    pub fn event(&self, at: usize, execution: &str, fill: Option<&VenueFill>) -> String {
        let (o, spec) = (&self.orders[at], Venue::spec());
        let client = if o.id == 0 { "web_x".to_string() } else { text(o.id) };
        let traded = fill.map_or(String::new(), |f| {
            format!(
                ",\"l\":\"{}\",\"L\":\"{}\",\"n\":\"0.01\",\"N\":\"USDT\",\"t\":{},\"m\":true",
                spec.quantity(Lots(f.qty)),
                spec.price(Ticks(f.px)),
                f.trade_id
            )
        });
        format!(
            "{{\"e\":\"ORDER_TRADE_UPDATE\",\"E\":{t},\"T\":{t},\"o\":{{\"s\":\"C0USDT\",\"c\":\"{client}\",\"S\":\"{}\",\
             \"x\":\"{execution}\",\"X\":\"{}\",\"i\":{},\"q\":\"{}\",\"p\":\"{}\",\"z\":\"{}\"{traded}}}}}",
            if o.side == Side::Buy { "BUY" } else { "SELL" },
            o.status,
            o.venue_id,
            spec.quantity(Lots(o.qty)),
            spec.price(Ticks(o.px)),
            spec.quantity(Lots(o.filled)),
            t = self.now_ms,
        )
    }

    fn granted(&self, i: &Intent, at: usize) -> String {
        let id = String::from_utf8(RequestId::of(i).text().to_vec()).unwrap();
        format!("{{\"id\":\"{id}\",\"status\":200,\"result\":{}}}", Venue::order_json(&self.orders[at]))
    }

    pub fn refused(i: &Intent, code: i32, msg: &str) -> String {
        let id = String::from_utf8(RequestId::of(i).text().to_vec()).unwrap();
        format!("{{\"id\":\"{id}\",\"status\":400,\"error\":{{\"code\":{code},\"msg\":\"{msg}\"}}}}")
    }

    /// A request arrives: the answer, and the events.
    pub fn on_request(&mut self, i: &Intent) -> (String, Vec<String>) {
        self.log.push((i.action, i.id));
        let open = self.orders.iter().position(|o| o.id == i.id && o.is_open());
        match (i.action, open) {
            (Action::Place, None) => {
                let at = self.add(i.id, i.side, i.px.0, i.qty.0);
                (self.granted(i, at), vec![self.event(at, "NEW", None)])
            }
            (Action::Place, Some(_)) => (Venue::refused(i, -4116, "ClientOrderId is duplicated."), vec![]),
            (Action::Cancel, Some(at)) => {
                self.change(at, "CANCELED");
                (self.granted(i, at), vec![self.event(at, "CANCELED", None)])
            }
            (Action::Replace, Some(at)) if i.qty.0 > self.orders[at].filled => {
                (self.orders[at].px, self.orders[at].qty) = (i.px.0, i.qty.0);
                let status = self.orders[at].status;
                self.change(at, status);
                (self.granted(i, at), vec![self.event(at, "AMENDMENT", None)])
            }
            (Action::Replace, Some(at)) => {
                self.change(at, "CANCELED");
                (self.granted(i, at), vec![self.event(at, "CANCELED", None)])
            }
            (_, None) => (Venue::refused(i, -2011, "Unknown order sent."), vec![]),
        }
    }

    pub fn add(&mut self, id: ClientId, side: Side, px: i64, qty: i64) -> usize {
        let venue_id = 1_000 + self.orders.len() as u64;
        let (filled, status, changed_ms) = (0, "NEW", self.now_ms);
        self.orders.push(VenueSide { venue_id, id, side, px, qty, filled, status, changed_ms });
        self.orders.len() - 1
    }

    fn change(&mut self, at: usize, status: &'static str) {
        self.orders[at].status = status;
        self.orders[at].changed_ms = self.now_ms;
    }

    /// `qty` of an open order trade.
    pub fn fill(&mut self, at: usize, qty: i64) -> String {
        let o = &mut self.orders[at];
        o.filled += qty;
        let status = if o.filled == o.qty { "FILLED" } else { "PARTIALLY_FILLED" };
        let (side, px) = (o.side, o.px);
        self.change(at, status);
        self.next_trade += 3; // ids are the instrument's, not ours
        self.position += side.sign() * qty;
        let fill = VenueFill { trade_id: self.next_trade, order: at, side, px, qty, ms: self.now_ms };
        self.fills.push(fill.clone());
        self.event(at, "TRADE", Some(&fill))
    }

    /// The body of the answer to a question; 0 and no body never.
    pub fn on_call(&mut self, call: &Call) -> (u16, String) {
        let spec = Venue::spec();
        let found = |o: Option<&VenueSide>| match o {
            Some(o) => (200, Venue::order_json(o)),
            None => (400, "{\"code\":-2013,\"msg\":\"Order does not exist.\"}".to_string()),
        };
        match call.ask {
            Ask::OpenOrders => {
                let open: Vec<_> = self.orders.iter().filter(|o| o.is_open()).map(Venue::order_json).collect();
                (200, format!("[{}]", open.join(",")))
            }
            Ask::Order(id) => found(self.orders.iter().rev().find(|o| o.id == id)),
            Ask::VenueOrder(id) => found(self.orders.iter().find(|o| o.venue_id == id)),
            Ask::Trades { from_id } => {
                let trades = self.fills.iter().filter(|f| f.trade_id >= from_id).take(20).map(|f| {
                    format!(
                        "{{\"symbol\":\"C0USDT\",\"id\":{},\"orderId\":{},\"price\":\"{}\",\"qty\":\"{}\",\
                         \"commission\":\"0.01\",\"commissionAsset\":\"USDT\",\"time\":{},\"buyer\":{},\"maker\":true}}",
                        f.trade_id,
                        self.orders[f.order].venue_id,
                        spec.price(Ticks(f.px)),
                        spec.quantity(Lots(f.qty)),
                        f.ms,
                        f.side == Side::Buy,
                    )
                });
                (200, format!("[{}]", trades.collect::<Vec<_>>().join(",")))
            }
            Ask::Position => {
                let amount = spec.quantity(Lots(self.position));
                (200, format!("[{{\"symbol\":\"C0USDT\",\"positionAmt\":\"{amount}\",\"positionSide\":\"BOTH\"}}]"))
            }
            Ask::Countdown { ms } => {
                self.countdown = (ms > 0).then_some(ms);
                (200, format!("{{\"symbol\":\"C0USDT\",\"countdownTime\":\"{ms}\"}}"))
            }
        }
    }

    pub fn open(&self) -> Vec<(ClientId, i64, i64)> {
        let mut open: Vec<_> =
            self.orders.iter().filter(|o| o.is_open()).map(|o| (o.id, o.px, o.qty - o.filled)).collect();
        open.sort_unstable();
        open
    }
}
