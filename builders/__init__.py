"""The three configs of the dataset, one declaration each."""
