//! The graph of tokens and pools, and the cycles in it.
