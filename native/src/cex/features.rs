//! cex/features
