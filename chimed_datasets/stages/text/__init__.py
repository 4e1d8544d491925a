"""What stages know of text: characters, markup, broken encodings, sites, n-grams."""
