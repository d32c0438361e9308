"""The commands of the portal that take the place of Django's own: an app, for it must come before theirs."""
