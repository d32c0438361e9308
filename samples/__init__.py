"""Invented firms: the demo data, and installations of any size to try the portal out or to measure it."""
