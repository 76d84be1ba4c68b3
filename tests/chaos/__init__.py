"""The daemon is ended, cut off and lied to in every way, and nothing is lost: proofs on real processes and sockets."""
