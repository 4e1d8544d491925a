"""Publishing: what a build wrote goes out, whichever version of the library built it. Only
:mod:`.rehydrate` reads sources again."""
