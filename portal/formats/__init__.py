"""How dates and times are written where Django's own way does not fit: each language has one form of them."""
