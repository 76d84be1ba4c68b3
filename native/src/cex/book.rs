//! cex/book
