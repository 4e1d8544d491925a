"""Sample sources."""
