"""The firms that use the products."""

from .customers import Customer, domain_validator

__all__ = ["Customer", "domain_validator"]
