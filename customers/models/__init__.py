"""The firms that use the products."""

from .customers import Customer, ProvedHow
from .shared_domains import SharedDomain, is_shared

__all__ = ["Customer", "ProvedHow", "SharedDomain", "is_shared"]
