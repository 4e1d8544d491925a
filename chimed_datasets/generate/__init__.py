"""LLM-generated data on any OpenAI-compatible endpoint.

    recipe   which records, which models, which tasks, how much it may cost
    inputs   the records come clean: through the same stages as a build's
    tasks/   one module per task: what it asks of a model, and what it does not accept
    asking   one question to one model: prompt, data, parsing, checks, repairs
    client   one endpoint: attempts, pauses, what the server has of structured output
    cache    every answer that came is kept (SQLite); budget counts what was spent
    run      the way from a recipe to a folder: estimate, ask, write, swap
    output   the files of that folder; ``sources/generated.py`` reads them back

Nothing here is imported by a build. What was generated enters a build as any other source does.
"""
