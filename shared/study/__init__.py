"""The study: one lesson over many seeds in both tracks, and what may be concluded."""
