//! cex/sync
