//! cex/orders
