"""What is due: ``manage.py worker`` does it, on as many hosts as one likes, each thing once.

An app says in its module ``due.py`` what there is to do: ``due.register`` for what comes again and
again, ``due.register_queue`` for rows that each wait for their own time, ``due.watch`` for what
``manage.py check_operation`` and Django admin tell operators.
"""

from .registry import Finding, due

__all__ = ["Finding", "due"]
