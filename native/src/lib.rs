//! The engine room: everything per byte or per event. See the README for the nouns and the two journeys.
#![deny(unsafe_code)]

pub mod bench;
mod bytes;
pub mod capture;
pub mod cex;
pub mod clock;
pub mod event;
pub mod lane;
pub mod live;
pub mod net;
#[cfg(feature = "python")]
mod py;
pub mod ring;
pub mod risk;
pub mod searcher;
pub mod sim;
pub mod tape;
pub mod units;
