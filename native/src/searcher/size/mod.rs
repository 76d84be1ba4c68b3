//! How much to put into a cycle: the exact integer optimum.
