"""What somebody else adds to chimed-datasets: a layout, two stages, a config and a task."""
