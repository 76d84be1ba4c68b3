//! One file a dialect: bytes to events, intents to bytes, the venue's numbered rules beside the branch that obeys them.
pub mod binance;
pub mod binance_orders;
pub mod binance_private;
pub mod binance_rest;
pub mod binance_session;
pub mod binance_sign;
pub mod scan;
