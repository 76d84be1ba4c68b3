"""Speed, beside our peers' on the same machine in the same run."""
