"""Executors: where the shards run. An executor maps a function over tasks; nothing else.

``run(function, shared, tasks)`` yields ``function(shared, task)`` in the order of the tasks.
``shared`` reaches each worker once, not once a task.
"""
