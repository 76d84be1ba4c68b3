//! cex/kernel
