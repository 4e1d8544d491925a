"""The configs of the dataset, one declaration each."""
