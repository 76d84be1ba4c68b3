//! What the lanes of these tests are told.

use std::path::Path;

use serde_json::{Value, json};

/// A plan of one spot instrument at a venue on this host, in the mode named.
pub fn plan(mode: &str, port: u16, dir: &Path) -> Value {
    let trades = mode != "record";
    let limit = json!({
        "max_order_qty": "1", "max_order_notional": "100000", "max_position_qty": "5", "max_open_orders": 10,
        "price_collar_bps": 1000, "max_book_age_ms": 2000, "max_orders_per_second": 1000, "outlier_bps": 1000,
    });
    let lane = json!({
        "max_feed_latency_ms": 5000, "feed_latency_ticks": 3, "max_drawdown_bps": 1000, "max_reject_rate_bps": 9999,
        "reject_window": 1000,
    });
    let instrument = json!({"symbol": "BTCUSDT", "tick": "0.1", "lot": "0.001", "maker_fee_e8": 0, "taker_fee_e8": 0});
    let local = format!("127.0.0.1:{}", port);
    json!({
        "plan": {
            "venue": "binance_spot", "clock_offset_ns": 0, "equity": "100000", "instruments": [instrument],
            "limits": if trades { json!({"instrument": [limit], "lane": lane}) } else { Value::Null },
            "features": {"ew_halflife_ms": 1000, "window": 16, "vwap_trades": 16, "levels": 3},
            "simulation": {
                "exchange": {"queue_model": {"kind": "risk_averse"}, "partial_fills": true, "self_trade_prevention": "none"},
                "latency": {"kind": "constant", "entry_ns": 1000, "response_ns": 1000},
            },
            "kernels": if trades { json!([{"instruments": ["BTCUSDT"], "budget_ns": 0}]) } else { json!([]) },
            "tape": null,
        },
        "mode": mode, "lane": 7, "name": "test", "state": dir.join("lane"), "switch": dir.join("switch"),
        "endpoints": {
            "market": format!("ws://{local}"), "orders": format!("ws://{local}/ws-api/v3"), "user": null,
            "rest": format!("http://{local}"),
        },
        "streams": [["btcusdt@depth@100ms"]],
        "key_kind": if mode == "live" { json!("hmac") } else { Value::Null }, "order_entry": "websocket",
        "rules": if mode == "live" {
            json!({
                "ack_timeout_ms": 60_000, "reconcile_every_ms": 60_000, "countdown_ms": null, "rates": [],
                "cancel_reserve_bps": 1000,
            })
        } else { Value::Null },
        "recv_window_ms": 5000, "poll": "sleep", "cpu": null, "clock": {"origin_ns": 0, "speed": 1}, "ca_file": null,
        "strategies": if trades {
            json!([{"strategy": "quote", "params": {}, "source_sha256": ""}])
        } else { json!([]) },
    })
}
