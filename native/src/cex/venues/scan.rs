//! cex/venues/scan
