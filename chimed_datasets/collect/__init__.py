"""Collect: from a site, fetched politely and safely, to rows that the layouts read.

    frontier   every address that a crawl knows, and what became of it, safe against a kill
    addresses  which addresses may be connected to, checked where the connection is made
    manners    robots.txt that fails closed, waits, retries
    crawl      Scrapy put together from these
    export     the rows, the ledger and a recipe beside them

Needs the extra ``[collect]``. This room and `generate` are the ones that touch the network.
"""
