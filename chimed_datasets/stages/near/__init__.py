"""Near-duplicates: MinHash keys find pairs, Jaccard decides, components make clusters."""
