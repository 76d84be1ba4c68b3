//! risk/watch
