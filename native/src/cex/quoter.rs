//! cex/quoter
