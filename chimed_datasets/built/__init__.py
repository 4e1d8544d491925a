"""What a build leaves on disk. Those who write it and those who read it both stand on this room.

    dataset     a build that is opened: its manifest, its files, its ledger
    manifest    what it was built from: format, hashes, counts
    statistics  characters, words and lengths of each config and split
    parquet     how data files are written, and their rows hashed
    bias        what gives the preferred side of a pair away
    licences    what a licence allows
    card        README.md, rendered from the manifest and the statistics
    checks      what must be true of all this: ``chimed validate``

Nothing here builds: it works on a dataset of any age.
"""
