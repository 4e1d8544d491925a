"""Publishing: reads only what a build wrote, so that it works on any build of any age."""
