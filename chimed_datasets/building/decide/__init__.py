"""What is decided over all records: who is kept, where each goes, how it is labelled."""
