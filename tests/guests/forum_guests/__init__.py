"""What somebody else adds to chimed-datasets: a layout, stages, a config, a task and an export."""
