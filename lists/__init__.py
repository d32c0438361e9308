"""What every list is made of: compiled queries, list queries, pages by keyset, expressions, set statements.

The lowest layer: it knows no model.
"""
