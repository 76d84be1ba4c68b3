//! cex/venues/binance
