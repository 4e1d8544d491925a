"""Sample sources, written for this project, and the recipe that builds them."""

from pathlib import Path

RECIPE = Path(__file__).with_name("recipe.yaml")
"""What `chimed build` builds where no recipe is given."""
