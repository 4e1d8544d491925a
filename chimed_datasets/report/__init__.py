"""Telling people what is in a build. Reads only what a build wrote."""
