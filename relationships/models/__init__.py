"""Who works with whom: partnerships between partners, partners acting for customers, and the requests
that lead there."""

from .customer_lists import CustomersOfPartner, ResellersOfProvider
from .partnerships import Partnership
from .regions import RegionCountry, SalesRegion
from .relationships import Relationship
from .request_kinds import RequestKind, RequestStatus
from .request_lists import RequestsOfPartner
from .requests import RelationshipRequest

__all__ = [
    "CustomersOfPartner",
    "Partnership",
    "RegionCountry",
    "Relationship",
    "RelationshipRequest",
    "RequestKind",
    "RequestStatus",
    "RequestsOfPartner",
    "ResellersOfProvider",
    "SalesRegion",
]
